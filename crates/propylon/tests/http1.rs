//! HTTP/1 as it should be spoken, in both roles: connections, framing, interim replies and what has no body.

mod gate;

use std::time::Duration;

use propylon_testkit::{Client, Interim, Origin, Server};

fn client(server: &Server) -> Client {
    Client::connect(&server.addr("web"))
}

/// Answers with the method and the target.
fn naming() -> Origin {
    Origin::start(|request, conn| conn.reply(200, &[], format!("{}!", request.line()).as_bytes()))
}

#[test]
fn connections_are_kept_on_both_sides() {
    let origin = naming();
    let server = gate::before(&origin);
    let mut client = client(&server);
    for _ in 0..5 {
        assert_eq!(client.get("/").text(), "GET /!");
        assert_eq!(client.post("/form", b"a=b").text(), "POST /form!");
    }
    assert_eq!(origin.connections(), 1);
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let origin = naming();
    let server = gate::before(&origin);
    let mut client = client(&server);
    client.send(
        "GET /1 HTTP/1.1\r\nHost: a\r\n\r\nPOST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello\
        POST /3 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n\
        GET /4 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\nGET /never HTTP/1.1\r\nHost: a\r\n\r\n",
    );
    for line in ["GET /1!", "POST /2!", "POST /3!", "GET /4!"] {
        assert_eq!(client.read_reply().text(), line);
    }
    client.expect_closed();
    assert_eq!(origin.lines(), ["GET /1", "POST /2", "POST /3", "GET /4"]);
}

#[test]
fn a_request_may_come_byte_by_byte() {
    let origin = Origin::echo();
    let server = gate::before(&origin);
    let mut client = client(&server);
    let raw =
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n0\r\nT: v\r\n\r\n";
    for byte in raw.bytes() {
        client.send([byte]);
    }
    assert!(client.read_reply().text().ends_with("\r\n\r\nhello"));
    assert_eq!(origin.requests()[0].trailers.get("t"), Some("v"));
}

#[test]
fn chunks_pass_up_with_their_trailers() {
    let origin = Origin::echo();
    let server = gate::before(&origin);
    let mut client = client(&server);
    client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: Sum\r\n\r\n");
    client.send("5;name=\"quoted; \\\" value\" ; b\r\nhello\r\n");
    client.send("0006\r\n world\r\nA\r\n0123456789\r\n000;last\r\nSum: good\r\nOther: too\r\n\r\n");
    assert_eq!(client.read_reply().status, 200);
    let request = &origin.requests()[0];
    assert_eq!(request.body, b"hello world0123456789");
    assert_eq!(request.trailers.iter().collect::<Vec<_>>(), [("Sum", "good"), ("Other", "too")]);
    assert_eq!(request.field("transfer-encoding"), Some("chunked"));
}

#[test]
fn chunks_pass_down_with_their_trailers() {
    let origin = Origin::start(|_, conn| {
        conn.begin_chunked(200, &[("Trailer", "Sum")])?;
        conn.send("5;ext=1\r\nhello\r\n")?;
        conn.chunk(" world")?;
        conn.end_chunked(&[("Sum", "good"), ("Content-Length", "5"), ("Set-Cookie", "a=b")])
    });
    let server = gate::before(&origin);
    let mut client = client(&server);
    let reply = client.get("/");
    assert_eq!((reply.text(), reply.field("transfer-encoding")), ("hello world", Some("chunked")));
    assert_eq!(reply.trailers.iter().collect::<Vec<_>>(), [("Sum", "good")]);
    assert_eq!(client.get("/").text(), "hello world");
    assert_eq!(origin.connections(), 1);
}

#[test]
fn chunks_reach_a_1_0_client_without_framing() {
    let origin = Origin::chunked(&["hello", " world"], &[("Sum", "good")]);
    let server = gate::before(&origin);
    let mut client = client(&server);
    client.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    let reply = client.read_reply();
    assert_eq!((reply.text(), reply.field("transfer-encoding")), ("hello world", None));
    assert!(reply.announces_close());
}

/// A body that ends with the origin's connection is framed anew, so that ours goes on.
#[test]
fn replies_until_close_are_chunked() {
    let origin = Origin::start(|_, conn| {
        conn.send("HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nold ")?;
        conn.send("style")?;
        conn.close()
    });
    let server = gate::before(&origin);
    let mut client = client(&server);
    for connections in 1..=2 {
        let reply = client.get("/");
        assert_eq!((reply.text(), reply.field("transfer-encoding")), ("old style", Some("chunked")));
        assert_eq!(origin.connections(), connections);
    }
}

#[test]
fn http_1_0_clients_keep_connections_only_on_request() {
    let origin = naming();
    let server = gate::before(&origin);
    let mut kept = client(&server);
    for _ in 0..2 {
        kept.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
        assert_eq!(kept.read_reply().field("connection"), Some("keep-alive"));
    }
    let mut closed = client(&server);
    closed.send("GET / HTTP/1.0\r\n\r\n");
    assert!(closed.read_reply().announces_close());
    closed.expect_closed();
}

#[test]
fn connection_close_is_honoured_on_both_sides() {
    let origin =
        Origin::start(|_, conn| conn.reply(200, &[("Connection", "close"), ("Keep-Alive", "5")], b"x"));
    let server = gate::before(&origin);
    let mut client = client(&server);
    let reply = client.get("/");
    assert_eq!((reply.field("connection"), reply.field("keep-alive")), (None, None));
    let reply = client.request("GET", "/", &[("Connection", "CLOSE, x-mine"), ("X-Mine", "y")], b"");
    assert!(reply.announces_close());
    client.expect_closed();
    assert_eq!(origin.connections(), 2);
    assert_eq!(origin.requests()[1].field("x-mine"), None);
}

#[test]
fn head_has_the_fields_of_get_and_no_body() {
    let origin = Origin::fixed(200, &[("Content-Type", "text/plain")], b"hello");
    let server = gate::before(&origin);
    let mut client = client(&server);
    for _ in 0..2 {
        let reply = client.request("HEAD", "/", &[], b"");
        assert_eq!((reply.field("content-length"), reply.body.len()), (Some("5"), 0));
        assert_eq!(client.get("/").text(), "hello");
    }
    assert_eq!(origin.connections(), 1);
}

#[test]
fn some_statuses_have_no_body() {
    let origin = Origin::start(|request, conn| match &*request.target {
        "/204" => conn.reply(204, &[], b""),
        "/304" => conn.send("HTTP/1.1 304 Same\r\nETag: \"a\"\r\nContent-Length: 77\r\n\r\n"),
        _ => conn.reply(205, &[], b""),
    });
    let server = gate::before(&origin);
    let mut client = client(&server);
    let reply = client.get("/204");
    assert_eq!((reply.status, reply.field("content-length")), (204, None));
    let reply = client.get("/304");
    assert_eq!(
        (reply.status, reply.field("content-length"), reply.field("etag")),
        (304, Some("77"), Some("\"a\""))
    );
    let reply = client.get("/205");
    assert_eq!((reply.status, reply.field("content-length")), (205, Some("0")));
    assert_eq!(origin.connections(), 1);
}

#[test]
fn a_100_of_the_origins_passes_once() {
    let origin = Origin::fixed(200, &[], b"thanks");
    let server = gate::before(&origin);
    let mut client = client(&server);
    let expect = "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n";
    for _ in 0..2 {
        client.send(expect);
        assert!(client.read_head().starts_with("HTTP/1.1 100 "));
        client.send("hello");
        let reply = client.read_reply();
        assert_eq!((reply.text(), reply.interim.len()), ("thanks", 0));
    }
    assert_eq!(origin.requests()[1].body, b"hello");
    // Who does not wait is not made to: the body may come with the head.
    client.send(format!("{expect}hello"));
    assert_eq!(client.read_reply().text(), "thanks");
}

/// RFC 9110 section 10.1.1 lets an origin say nothing until it has the body.
#[test]
fn a_client_that_waits_for_100_is_not_kept_waiting_for_ever() {
    let origin = Origin::raw(|conn| {
        if let Some(request) = conn.read_request_head()? {
            conn.finish_request(request)?;
            conn.reply(200, &[], b"thanks")?;
        }
        Ok(())
    });
    let server = gate::before(&origin);
    let mut client = client(&server);
    client.send("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
    assert!(client.read_head().starts_with("HTTP/1.1 100 "));
    client.send("hello");
    assert_eq!(client.read_reply().text(), "thanks");
    assert_eq!(origin.requests()[0].field("expect"), Some("100-continue"));
}

#[test]
fn an_early_refusal_saves_the_body() {
    let origin = Origin::raw(|conn| {
        conn.read_request_head()?;
        conn.reply(417, &[], b"no")?;
        assert_eq!(conn.read_some(1)?, b"", "the body was sent all the same");
        Ok(())
    });
    let server = gate::before(&origin);
    let mut client = client(&server);
    client.send("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
    let reply = client.read_reply();
    assert_eq!((reply.status, reply.interim.len(), reply.announces_close()), (417, 0, true));
    client.expect_closed();
    origin.wait_for_open(0);
}

#[test]
fn early_hints_pass_to_those_who_know_them() {
    let origin = Origin::early_hints();
    let server = gate::before(&origin);
    let mut client = client(&server);
    let reply = client.get("/");
    let [Interim { status: 103, fields }] = &reply.interim[..] else { panic!("{reply:?}") };
    assert_eq!(fields.get("link"), Some("</style.css>; rel=preload"));
    assert_eq!(reply.text(), "after the hints");
    client.send("GET / HTTP/1.0\r\n\r\n");
    let reply = client.read_reply();
    assert_eq!((reply.text(), reply.interim.len()), ("after the hints", 0));
}

#[test]
fn options_of_the_server_are_answered_here() {
    let origin = naming();
    let server = gate::before(&origin);
    let mut client = client(&server);
    client.send("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n");
    let reply = client.read_reply();
    assert!((200..205).contains(&reply.status) && reply.field("allow").is_some(), "{reply:?}");
    assert_eq!(client.request("OPTIONS", "/", &[], b"").text(), "OPTIONS /!");
    assert_eq!(origin.lines(), ["OPTIONS /"]);
}

/// What the kernel holds of a reply must arrive even though the client is still sending.
#[test]
fn an_error_reply_survives_a_client_that_goes_on_sending() {
    let origin = naming();
    let server = gate::with(&origin, "limits body 1KiB", "").start();
    let mut client = client(&server).patience(Duration::from_secs(5));
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\n\r\n");
    let _ = client.try_send([b'x'; 150_000]);
    assert_eq!(client.read_reply().status, 413);
    assert!(origin.requests().is_empty());
}
