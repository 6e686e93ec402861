//! What a client may take, in time and in size, and what happens beyond.

mod gate;

use std::fs;
use std::os::unix::fs::PermissionsExt;

use propylon_testkit::{Client, Origin, PATIENCE, Server, Tree, propylon};

fn client(server: &Server) -> Client {
    Client::connect(&server.addr("web"))
}

fn limited(limits: &str) -> (Origin, Server) {
    let origin = Origin::fixed(200, &[], b"served");
    let server = gate::with(&origin, &format!("limits {limits}"), "").start();
    (origin, server)
}

#[test]
fn a_head_that_takes_too_long_is_408() {
    let (origin, server) = limited("head-time 200ms");
    for part in ["G", "GET / HTTP/1.1\r\nHost: a\r\nX-Slow: "] {
        let mut client = client(&server);
        client.send(part);
        let reply = client.read_reply();
        assert_eq!((reply.status, reply.announces_close()), (408, true));
        client.expect_closed();
    }
    // The time for the next head begins with its first byte.
    let mut kept = client(&server);
    assert_eq!(kept.get("/").text(), "served");
    kept.send("GET");
    assert_eq!(kept.read_reply().status, 408);
    assert_eq!(origin.requests().len(), 1);
}

/// There is no request to answer, so a reply could only be taken for that to the next one.
#[test]
fn a_connection_that_asks_nothing_is_closed_silently() {
    let (_origin, server) = limited("head-time 200ms idle 200ms");
    client(&server).expect_closed();
    let mut kept = client(&server);
    assert_eq!(kept.get("/").text(), "served");
    kept.expect_closed();
}

#[test]
fn a_client_that_takes_nothing_is_cut_off() {
    let origin = Origin::start(|_, conn| {
        conn.begin_chunked(200, &[])?;
        loop {
            conn.chunk([b'x'; 64 * 1024])?;
        }
    });
    let server = gate::with(&origin, "limits stalled 300ms", "").start();
    let mut client = Client::connect_narrow(&server.addr("web"), 16 * 1024);
    client.send_request("GET", "/", &[], b"");
    client.read_head();
    origin.wait_for_open(0);
}

#[test]
fn a_body_beyond_the_limit_is_413() {
    let (origin, server) = limited("body 1KiB");
    assert_eq!(client(&server).post("/", &[b'x'; 1024]).text(), "served");
    let mut announced = client(&server);
    announced.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1025\r\n\r\n");
    let reply = announced.read_reply();
    assert_eq!((reply.status, reply.announces_close()), (413, true));
    let mut chunked = client(&server);
    chunked.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    for _ in 0..5 {
        // It may be refused before all of it is sent.
        let _ = chunked.try_send(format!("100\r\n{}\r\n", "x".repeat(256)));
    }
    let reply = chunked.read_reply();
    assert_eq!((reply.status, reply.announces_close()), (413, true));
    assert_eq!(origin.requests().len(), 1);
}

#[test]
fn heads_have_limits_of_their_own() {
    let (_origin, server) = limited("head 2KiB fields 5 target 100B");
    let fields = |count| "A: b\r\n".repeat(count);
    for (raw, status) in [
        (format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", fields(4)), 200),
        (format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", fields(5)), 431),
        (format!("GET / HTTP/1.1\r\nHost: a\r\nA: {}\r\n\r\n", "b".repeat(2048)), 431),
        (format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "a".repeat(99)), 200),
        (format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "a".repeat(100)), 414),
    ] {
        let mut client = client(&server);
        client.send(&raw);
        assert_eq!(client.read_reply().status, status, "{raw:?}");
    }
}

#[test]
fn a_connection_carries_only_so_many_requests() {
    let (_origin, server) = limited("requests 3");
    let mut client = client(&server);
    for last in [false, false, true] {
        assert_eq!(client.get("/").announces_close(), last);
    }
    client.expect_closed();
}

#[test]
fn a_listener_may_have_limits_of_its_own() {
    let origin = Origin::fixed(200, &[], b"served");
    let config = format!(
        "listen {{ADDR:web}}\nlisten {{ADDR:narrow}} {{\n    limits body 10B\n}}\n{}",
        gate::behind("", "")
    );
    let server = Server::setup(&config).set("ORIGIN", origin.url()).start();
    assert_eq!(client(&server).post("/", &[b'x'; 11]).status, 200);
    assert_eq!(Client::connect(&server.addr("narrow")).post("/", &[b'x'; 11]).status, 413);
}

/// A server that may open few files says so, stops accepting before it runs out, and goes on when there is room.
#[test]
fn file_descriptors_run_out_and_come_back() {
    let wrapper = Tree::empty();
    let script = format!("#!/bin/sh\nulimit -n 120\nexec '{}' \"$@\"\n", propylon().display());
    let script = wrapper.write("few-files", script);
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).expect("the script is ours");
    let origin = Origin::fixed(200, &[], b"served");
    let server = gate::with(&origin, "", "keepalive 0").binary(&script).start();
    let mut early = client(&server);
    assert_eq!(early.get("/").text(), "served");
    let mut idle: Vec<Client> = Vec::new();
    while idle.len() < 150 && !server.stderr().contains("accepting is paused") {
        idle.push(client(&server));
    }
    server.wait_for_log("nine tenths");
    // What is left is for connections to origins: those who came in time do not suffer.
    assert_eq!(early.get("/").text(), "served");
    // The kernel still takes connections, and they are served as soon as there is room.
    let mut waiting = client(&server).patience(2 * PATIENCE);
    waiting.send_request("GET", "/", &[], b"");
    idle.clear();
    server.wait_for_log("accepting goes on");
    assert_eq!(waiting.read_reply().text(), "served");
    assert_eq!(client(&server).get("/").text(), "served");
}
