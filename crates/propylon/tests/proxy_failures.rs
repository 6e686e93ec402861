//! Origins that fail, and what the client gets then: 502, 503 or 504, or a reply that is visibly cut; never a word on
//! what stands behind the gate.

#![allow(clippy::disallowed_methods, reason = "bounded waiting needs the clock")]

mod gate;

use std::net::TcpStream;
use std::time::{Duration, Instant};

use propylon_testkit::{Client, Origin, Server, free_port};
use rustix::net::{AddressFamily, SocketType};

const LOG: &str = "access-log custom \"{status} {fault} at {endpoint}\" to stdout";

fn client(server: &Server) -> Client {
    Client::connect(&server.addr("web"))
}

/// One request to this origin gets this status and not a word on why.
#[track_caller]
fn check_reply(origin: &Origin, upstream: &str, status: u16) -> Server {
    let server = gate::with(origin, LOG, upstream).start();
    let reply = client(&server).get("/");
    let (_, port) = origin.addr().rsplit_once(':').expect("a TCP origin has a port");
    assert_eq!(reply.status, status, "{reply:?}");
    assert_eq!(reply.text(), format!("{status} {}\n", reply.reason), "the client is told the cause");
    let told = reply.fields.iter().any(|(_, value)| value.contains(port));
    assert!(!told, "the client is told the endpoint: {reply:?}");
    server
}

/// The same, and the log names the cause.
#[track_caller]
fn check(origin: &Origin, upstream: &str, status: u16, cause: &str) {
    let server = check_reply(origin, upstream, status);
    server.wait_for_log(&format!("{status} {cause} at {}", origin.url()));
}

/// The client must see that the body is not whole.
#[track_caller]
fn check_cut(origin: &Origin, upstream: &str) {
    let server = gate::with(origin, "", upstream).start();
    let mut client = client(&server);
    client.send_request("GET", "/", &[], b"");
    let reply = client.try_read_reply("GET");
    assert!(reply.is_err(), "{reply:?}");
    origin.wait_for_open(0);
}

#[test]
fn an_origin_that_breaks_off_is_502() {
    check(&Origin::reset(), "", 502, "broken");
    check(&Origin::close_early(), "", 502, "closed-early");
    check(&Origin::garbage(), "", 502, "malformed-reply");
}

#[test]
fn an_ambiguous_reply_is_502() {
    for head in [
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
        "HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA: b\r\n folded\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA : b\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA: \0\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n",
        "HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n",
    ] {
        check_reply(&Origin::start(move |_, conn| conn.send(head)), "", 502);
    }
    let large = format!("HTTP/1.1 200 OK\r\nA: {}\r\n\r\n", "b".repeat(70_000));
    check_reply(&Origin::start(move |_, conn| conn.send(&large)), "", 502);
    let endless = "HTTP/1.1 102 Wait\r\n\r\n".repeat(100);
    check(&Origin::start(move |_, conn| conn.send(&endless)), "", 502, "too-many-interim");
}

#[test]
fn an_origin_that_says_nothing_is_504() {
    let origin = Origin::stall();
    check(&origin, "first-byte 200ms", 504, "first-byte-timeout");
    origin.wait_for_open(0);
    check(&Origin::stall(), "total 200ms", 504, "total-timeout");
}

#[test]
fn a_refused_connection_is_502() {
    let config = format!("listen {{ADDR:web}}\n{}", gate::behind("", ""));
    let server = Server::setup(&config).set("ORIGIN", format!("http://127.0.0.1:{}", free_port())).start();
    let reply = client(&server).post("/", b"body");
    assert_eq!((reply.status, reply.announces_close()), (502, false));
}

/// A listener whose queue is full answers no handshake, as a host that is down does.
#[test]
fn a_connection_that_does_not_open_is_504() {
    let listener = rustix::net::socket(AddressFamily::INET, SocketType::STREAM, None).expect("a socket");
    let addr: std::net::SocketAddr = ([127, 0, 0, 1], free_port()).into();
    rustix::net::bind(&listener, &addr).expect("the port is free");
    rustix::net::listen(&listener, 0).expect("a bound socket can listen");
    let fill = || TcpStream::connect_timeout(&addr, Duration::from_millis(100));
    let _filling: Vec<_> = std::iter::from_fn(|| fill().ok()).take(64).collect();
    let config = format!("listen {{ADDR:web}}\n{}", gate::behind("connect 300ms", ""));
    let server = Server::setup(&config).set("ORIGIN", format!("http://{addr}")).start();
    let begun = Instant::now();
    assert_eq!(client(&server).get("/").status, 504);
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
}

#[test]
fn a_reply_that_breaks_off_is_cut_for_the_client_too() {
    check_cut(&Origin::short_body(), "");
    let chunked = Origin::start(|_, conn| {
        conn.begin_chunked(200, &[])?;
        conn.chunk("part")?;
        conn.close()
    });
    check_cut(&chunked, "");
    let bad_chunk = Origin::start(|_, conn| {
        conn.begin_chunked(200, &[])?;
        conn.send("4\r\npart\r\nnonsense\r\n")?;
        conn.stall()
    });
    check_cut(&bad_chunk, "");
}

#[test]
fn a_reply_that_stalls_is_cut_after_the_idle_time() {
    let copied = Origin::start(|_, conn| {
        conn.begin_chunked(200, &[])?;
        conn.chunk("part")?;
        conn.stall()
    });
    check_cut(&copied, "idle 200ms");
    let spliced = Origin::start(|_, conn| {
        conn.send(format!("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n{}", "x".repeat(200_000)))?;
        conn.stall()
    });
    check_cut(&spliced, "idle 200ms");
}

/// An origin that drips is never idle, so only the limit of the whole exchange helps.
#[test]
fn a_reply_that_drips_is_cut_after_the_total_time() {
    let origin = Origin::start(|_, conn| {
        conn.begin_chunked(200, &[])?;
        loop {
            conn.chunk("drip")?;
            std::thread::sleep(Duration::from_millis(20));
        }
    });
    check_cut(&origin, "total 300ms");
}

/// What an origin sends beyond its reply belongs to nobody, least of all to the next client.
#[test]
fn a_surplus_is_never_the_next_reply() {
    let origin = Origin::long_body();
    let server = gate::before(&origin);
    let mut client = client(&server);
    for connections in 1..=3 {
        assert_eq!(client.get("/").text(), "honest");
        assert_eq!(origin.connections(), connections);
    }
}

#[test]
fn a_full_upstream_is_503() {
    let origin = Origin::stall();
    let server = gate::with(&origin, "", "connections 1").start();
    let mut waiting = client(&server);
    waiting.send_request("GET", "/waiting", &[], b"");
    origin.wait_for_requests(1);
    assert_eq!(client(&server).get("/").status, 503);
}

#[test]
fn a_client_that_gives_up_cancels_the_work() {
    let origin = Origin::stall();
    let server = gate::before(&origin);
    let mut waiting = client(&server);
    waiting.send_request("GET", "/", &[], b"");
    origin.wait_for_requests(1);
    waiting.reset();
    origin.wait_for_open(0);
    let mut leaving = client(&server);
    leaving.send_request("POST", "/", &[], b"body");
    origin.wait_for_requests(2);
    drop(leaving);
    origin.wait_for_open(0);
}

#[test]
fn a_client_that_gives_up_within_a_body_cancels_the_work() {
    let origin = Origin::start(|_, conn| {
        conn.begin_chunked(200, &[])?;
        loop {
            conn.chunk([b'x'; 10_000])?;
        }
    });
    let server = gate::before(&origin);
    let mut reading = client(&server);
    reading.send_request("GET", "/", &[], b"");
    reading.read_head();
    reading.reset();
    origin.wait_for_open(0);
    let mut sending = client(&server);
    sending.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nhalf");
    origin.wait_for_connections(2);
    sending.reset();
    origin.wait_for_open(0);
    assert_eq!(origin.lines(), ["GET /"]);
}

#[test]
fn a_client_that_stalls_within_its_body_is_408() {
    let origin = Origin::fixed(200, &[], b"");
    let server = gate::with(&origin, "limits stalled 300ms", "idle 10s").start();
    for part in ["half", ""] {
        let mut client = client(&server);
        client.send(format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n{part}"));
        let reply = client.read_reply();
        assert_eq!((reply.status, reply.announces_close()), (408, true));
        origin.wait_for_open(0);
    }
    assert!(origin.requests().is_empty());
}
