//! The kit tested against itself: its client speaks to its origins with no server between them.

use std::io::ErrorKind;
use std::time::Duration;

use propylon_testkit::{Client, Origin, Tree};

fn ask(origin: &Origin) -> Client {
    Client::connect(origin.addr())
}

#[test]
fn a_fixed_origin_keeps_the_connection_and_remembers() {
    let origin = Origin::fixed(200, &[("Content-Type", "text/plain")], b"hello");
    let mut client = ask(&origin);
    for target in ["/one", "/two"] {
        let reply = client.get(target);
        assert_eq!(
            (reply.status, reply.text(), reply.field("content-type")),
            (200, "hello", Some("text/plain"))
        );
    }
    assert!(client.request("HEAD", "/three", &[], b"").body.is_empty());
    assert_eq!(origin.lines(), ["GET /one", "GET /two", "HEAD /three"]);
    assert_eq!((origin.connections(), origin.open_connections()), (1, 1));
    drop(client);
    origin.wait_for_open(0);
    assert!(origin.problems().is_empty());
}

#[test]
fn echo_returns_head_and_body_over_a_unix_socket() {
    let tree = Tree::empty();
    let origin =
        Origin::start_unix(&tree.path("o.sock"), |request, conn| conn.reply(200, &[], &request.body));
    let mut client = ask(&origin);
    assert_eq!(client.post("/", b"body").body, b"body");
    assert_eq!(client.request("POST", "/", &[("Expect", "100-continue")], b"late").interim[0].status, 100);
    assert!(origin.url().starts_with("unix:/"));
    assert!(
        ask(&Origin::echo())
            .post("/x", b"body")
            .text()
            .starts_with("POST /x HTTP/1.1\r\nHost: example.test\r\n")
    );
}

#[test]
fn chunks_trailers_and_hints_are_read() {
    let reply = ask(&Origin::chunked(&["one", "two"], &[("X-Sum", "6")])).get("/");
    assert_eq!((reply.text(), reply.trailers.get("x-sum")), ("onetwo", Some("6")));
    let reply = ask(&Origin::early_hints()).get("/");
    assert_eq!((reply.status, reply.interim[0].status), (200, 103));
}

#[test]
fn chunked_requests_are_read_with_their_trailers() {
    let origin = Origin::echo();
    let mut client = ask(&origin);
    client.send(
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-T: 1\r\n\r\n",
    );
    assert_eq!(client.read_reply().status, 200);
    let request = &origin.wait_for_requests(1)[0];
    assert_eq!((&request.body[..], request.trailers.get("x-t")), (&b"abc"[..], Some("1")));
}

#[test]
fn bad_origins_are_seen_as_bad() {
    let kind = |origin: Origin| {
        let mut client = ask(&origin);
        client.send_request("GET", "/", &[], b"");
        client.try_read_reply("GET").map(|_| ()).map_err(|error| error.kind())
    };
    assert_eq!(kind(Origin::reset()), Err(ErrorKind::ConnectionReset));
    assert_eq!(kind(Origin::close_early()), Err(ErrorKind::UnexpectedEof));
    assert_eq!(kind(Origin::short_body()), Err(ErrorKind::UnexpectedEof));
    assert_eq!(kind(Origin::garbage()), Err(ErrorKind::InvalidData));
}

#[test]
fn a_surplus_is_left_for_the_next_read() {
    let origin = Origin::long_body();
    let mut client = ask(&origin);
    assert_eq!((client.get("/").text(), client.read_reply().text()), ("honest", "smuggled"));
}

#[test]
fn an_upgrade_becomes_a_tunnel() {
    let origin = Origin::upgrade_echo();
    assert_eq!(ask(&origin).get("/").status, 426);
    let mut client = ask(&origin);
    let fields = [("Connection", "upgrade"), ("Upgrade", "websocket")];
    assert_eq!(client.request("GET", "/", &fields, b"").status, 101);
    client.send("ping");
    assert_eq!(client.read_bytes(4), b"ping");
    client.half_close();
    client.expect_closed();
}

#[test]
fn a_stalling_origin_says_nothing_and_sees_the_abort() {
    let origin = Origin::stall();
    let mut client = ask(&origin).patience(Duration::from_millis(20));
    client.send_request("GET", "/", &[], b"");
    assert_eq!(client.try_read_reply("GET").unwrap_err().kind(), ErrorKind::TimedOut);
    client.expect_silence(Duration::from_millis(5));
    client.reset();
    origin.wait_for_open(0);
}

#[test]
fn a_raw_script_plays_exact_bytes() {
    let origin = Origin::raw(|conn| {
        conn.expect("GET / HTTP/1.1\r\nHost: example.test\r\n\r\n")?;
        conn.send("HTTP/1.0 200 \r\n\r\nuntil the end")
    });
    let reply = ask(&origin).get("/");
    assert_eq!((reply.minor_version, reply.text()), (0, "until the end"));
}

#[test]
#[should_panic(expected = "an origin's script panicked")]
fn a_contradicted_script_fails_its_test() {
    let origin = Origin::raw(|conn| conn.expect("PUT"));
    let mut client = ask(&origin);
    client.send("GET");
    client.expect_closed();
}

#[test]
fn a_broken_request_is_a_problem_and_no_request() {
    let origin = Origin::echo();
    let mut client = ask(&origin);
    client.send("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n");
    client.expect_closed();
    origin.wait_for_open(0);
    assert!(origin.requests().is_empty());
    assert!(origin.problems()[0].contains("ambiguous framing"), "{:?}", origin.problems());
}

#[test]
fn replies_are_read_strictly() {
    for bad in [
        "HTTP/1.1 200\r\n\r\n",
        "HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: +0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0x1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n",
        "HTTP/1.1 99 Low\r\n\r\n",
        "HTTP/2 200 OK\r\n\r\n",
    ] {
        let origin = Origin::raw(move |conn| conn.send(bad));
        let reply = ask(&origin).try_read_reply("GET");
        assert_eq!(reply.unwrap_err().kind(), ErrorKind::InvalidData, "{bad:?}");
    }
}

#[test]
fn a_slow_narrow_reader_gets_every_byte() {
    let body = vec![b'x'; 300_000];
    let origin = Origin::fixed(200, &[], &body);
    let mut client = Client::connect_narrow(origin.addr(), 4096);
    client.send_request("GET", "/", &[], b"");
    assert!(client.read_head().contains("Content-Length: 300000"));
    assert_eq!(client.read_slowly(300_000, 32 * 1024, Duration::from_micros(100)), body);
}
