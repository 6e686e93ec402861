//! Bodies whose end two readers might see in different places, and the side doors: fields, upgrades and trailers with
//! which a client would speak to the origin past the gate.

mod gate;

use propylon_testkit::{Client, Origin, Request, Server, check_refused};

const CHUNKED: &str = "POST / HTTP/1.1\r\nHost: example.test\r\nTransfer-Encoding: chunked\r\n\r\n";
const SMUGGLED: &str = "GET /smuggled HTTP/1.1\r\nHost: example.test\r\n\r\n";

/// A gate, and what passed it so far.
struct Gate {
    origin: Origin,
    server: Server,
}

fn gate(origin: Origin) -> Gate {
    Gate { server: gate::before(&origin), origin }
}

impl Gate {
    /// Sends a request whose head passes; returns it as the origin got it.
    #[track_caller]
    fn passed(&self, raw: &str) -> Request {
        let mut client = Client::connect(&self.server.addr("web"));
        client.send(raw);
        assert_eq!(client.read_reply().status, 200, "{raw:?}");
        self.origin.requests().pop().expect("the origin answered a request that it keeps")
    }

    /// What is wrong comes after good parts of the body, which may be on their way to the origin by then: no whole
    /// request may arrive there, neither this one nor what stands behind it.
    #[track_caller]
    fn cut(&self, body: &str) {
        let before = self.origin.requests().len();
        let mut client = Client::connect(&self.server.addr("web"));
        client.send([CHUNKED, body, SMUGGLED].concat());
        let reply = client.read_reply();
        assert_eq!((reply.status, reply.announces_close()), (400, true), "{body:?}");
        client.expect_closed();
        Client::connect(&self.server.addr("web")).get("/fence");
        assert_eq!(self.origin.lines().split_off(before), ["GET /fence"], "{body:?}");
    }
}

#[test]
fn chunk_sizes() {
    let gate = gate(Origin::fixed(200, &[], b""));
    for size in [
        "",
        "g",
        "0x5",
        "+5",
        "-5",
        " 5",
        "5 ",
        "5\t",
        "5 5",
        "5_",
        "\n5",
        "5\n",
        "5\r",
        ";",
        "\u{663}",
        "11111111111111111",
        "fffffffffffffffff",
        "00000000000000005",
    ] {
        let raw = format!("{CHUNKED}{size}\r\nhello\r\n0\r\n\r\n");
        check_refused(&gate.server.addr("web"), &gate.origin, raw, 400);
    }
}

#[test]
fn chunk_extensions() {
    let gate = gate(Origin::fixed(200, &[], b""));
    for extension in [
        ";",
        ";;",
        ";=",
        ";a=",
        ";a=\"",
        ";a=\"b",
        ";a=b c",
        ";a b",
        ";\0",
        ";a\n",
        ";a=\"\r\"",
        ",a",
        " a",
        ";a=(",
        ";a=\"b\"c",
    ] {
        let raw = format!("{CHUNKED}5{extension}\r\nhello\r\n0\r\n\r\n");
        check_refused(&gate.server.addr("web"), &gate.origin, raw, 400);
    }
    let long = format!("{CHUNKED}5;{}\r\nhello\r\n0\r\n\r\n", "a".repeat(300));
    check_refused(&gate.server.addr("web"), &gate.origin, long, 400);
}

#[test]
fn chunk_ends_and_trailers() {
    let gate = gate(Origin::fixed(200, &[], b""));
    for body in [
        "5\r\nhelloXX0\r\n\r\n",
        "5\r\nhello\n0\r\n\r\n",
        "5\r\nhello\r0\r\n\r\n",
        "5\r\nhello0\r\n\r\n",
        "4\r\nhello\r\n0\r\n\r\n",
        "5\r\nhello\r\n\r\n0\r\n\r\n",
        "5\r\nhello\r\n0\n\r\n",
        "5\r\nhello\r\n0\r\n\n",
        "5\r\nhello\r\n0\r\nX\r\n\r\n",
        "5\r\nhello\r\n0\r\nX : y\r\n\r\n",
        "5\r\nhello\r\n0\r\nX: y\r\n folded\r\n\r\n",
        "5\r\nhello\r\n0\r\nX: \0\r\n\r\n",
    ] {
        gate.cut(body);
    }
}

#[test]
fn trailers_never_carry_framing_routing_or_auth() {
    let gate = gate(Origin::fixed(200, &[], b""));
    let trailers = "Content-Length: 5\r\nTransfer-Encoding: chunked\r\nHost: other.test\r\nAuthorization: Basic x\r\n\
        Cookie: a=b\r\nX-Forwarded-For: 10.0.0.1\r\nConnection: close\r\nChecksum: good\r\n";
    let request = gate.passed(&format!("{CHUNKED}5\r\nhello\r\n0\r\n{trailers}\r\n"));
    assert_eq!(request.body, b"hello");
    assert_eq!(request.trailers.iter().collect::<Vec<_>>(), [("Checksum", "good")]);
}

#[test]
fn fields_that_speak_in_our_name_are_dropped() {
    let gate = gate(Origin::fixed(200, &[], b""));
    let request = gate.passed(
        "GET / HTTP/1.1\r\nHost: example.test\r\nX_Forwarded_For: 10.0.0.1\r\nX-Forwarded_Proto: https\r\n\
        Transfer_Encoding: chunked\r\nContent_Length: 46\r\nX-Forwarded-For: 10.0.0.2\r\nForwarded: for=10.0.0.3\r\n\
        X-Real-IP: 10.0.0.4\r\nX_Request_Id: mine\r\nX-Forwarded-Host: evil.test\r\nX_Mine: stays\r\n\r\n",
    );
    let disguised: Vec<_> = request.fields.iter().filter(|(name, _)| name.contains('_')).collect();
    assert_eq!(disguised, [("X_Mine", "stays")]);
    assert!(!String::from_utf8_lossy(&request.head).contains("10.0.0."));
    assert_eq!(request.field("x-forwarded-for"), Some("127.0.0.1"));
    assert_eq!(request.field("x-forwarded-host"), Some("example.test"));
    assert_eq!((request.field("forwarded"), request.field("x-real-ip")), (None, None));
}

#[test]
fn connection_cannot_nominate_what_the_origin_needs() {
    let gate = gate(Origin::fixed(200, &[], b""));
    let request = gate.passed(&format!(
        "POST / HTTP/1.1\r\nHost: example.test\r\nCookie: a=b\r\nX-Mine: c\r\nKeep-Alive: 5\r\nTE: trailers\r\n\
        Content-Length: {}\r\nConnection: content-length, host, cookie, x-forwarded-for, x-mine\r\n\r\n{SMUGGLED}",
        SMUGGLED.len()
    ));
    assert_eq!(request.body, SMUGGLED.as_bytes());
    assert_eq!(request.field("cookie"), Some("a=b"));
    assert_eq!(request.field("host"), Some("example.test"));
    assert_eq!(request.field("x-forwarded-for"), Some("127.0.0.1"));
    for hop_by_hop in ["x-mine", "keep-alive", "te", "connection"] {
        assert_eq!(request.field(hop_by_hop), None);
    }
    let chunked = "POST / HTTP/1.1\r\nHost: example.test\r\nTransfer-Encoding: chunked\r\n\
        Connection: transfer-encoding\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
    assert_eq!(gate.passed(chunked).body, b"hello");
}

#[test]
fn only_websocket_upgrades_pass() {
    let gate = gate(Origin::fixed(200, &[], b""));
    let h2c = gate.passed(
        "GET / HTTP/1.1\r\nHost: example.test\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\
        HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n\r\n",
    );
    for name in ["upgrade", "connection", "http2-settings"] {
        assert_eq!(h2c.field(name), None);
    }
    // With a second protocol, a body, or another method it is not the WebSocket handshake.
    let both = "Connection: Upgrade\r\nUpgrade: websocket, h2c\r\n";
    let posted = "Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 1\r\n";
    for (method, fields, body) in [("GET", both, ""), ("POST", posted, "x"), ("GET", posted, "x")] {
        let request =
            gate.passed(&format!("{method} / HTTP/1.1\r\nHost: example.test\r\n{fields}\r\n{body}"));
        assert_eq!(request.field("upgrade"), None, "{method} {fields}");
    }
}

/// A tunnel begins with the origin's 101 and not with the client's wish (the "h2c smuggling" of 2020 and its kin).
#[test]
fn a_refused_upgrade_opens_no_tunnel() {
    let gate = gate(Origin::fixed(200, &[], b"no"));
    let mut client = Client::connect(&gate.server.addr("web"));
    client.send(format!(
        "GET /ws HTTP/1.1\r\nHost: example.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n{SMUGGLED}"
    ));
    assert_eq!(client.read_reply().text(), "no");
    assert_eq!(client.read_reply().text(), "no");
    let requests = gate.origin.requests();
    assert_eq!(requests[0].field("upgrade"), Some("websocket"));
    assert_eq!((requests[1].target.as_str(), requests[1].field("via")), ("/smuggled", Some("1.1 propylon")));
}

#[test]
fn a_switch_of_protocols_that_nobody_asked_for_is_502() {
    for (fields, granted) in [("", "websocket"), ("Connection: Upgrade\r\nUpgrade: websocket\r\n", "h2c")] {
        let gate = gate(Origin::start(move |_, conn| {
            conn.send(format!(
                "HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: {granted}\r\n\r\n"
            ))?;
            conn.stall()
        }));
        let mut client = Client::connect(&gate.server.addr("web"));
        client.send(format!("GET / HTTP/1.1\r\nHost: example.test\r\n{fields}\r\n"));
        assert_eq!(client.read_reply().status, 502, "{granted} for {fields:?}");
    }
}

/// The rest of a body that failed on its way must not be read as the next request.
#[test]
fn the_rest_of_a_failed_upload_is_not_a_request() {
    let gate = gate(Origin::raw(|conn| {
        if let Some(request) = conn.read_request_head()? {
            if request.method == "GET" {
                conn.finish_request(request)?;
                return conn.reply(200, &[], b"");
            }
            conn.read_some(1)?;
            return conn.reset();
        }
        Ok(())
    }));
    let mut client = Client::connect(&gate.server.addr("web"));
    client.send(format!(
        "POST / HTTP/1.1\r\nHost: example.test\r\nContent-Length: {}\r\n\r\nfirst",
        5 + SMUGGLED.len()
    ));
    gate.origin.wait_for_connections(1);
    let reply = client.read_reply();
    assert_eq!((reply.status, reply.announces_close()), (502, true));
    let _ = client.try_send(SMUGGLED);
    client.expect_closed();
    assert!(gate.origin.requests().is_empty(), "{:?}", gate.origin.lines());
}

#[test]
fn http_1_0_needs_no_host() {
    let gate = gate(Origin::fixed(200, &[], b""));
    let request = gate.passed("GET /old HTTP/1.0\r\n\r\n");
    assert_eq!((request.line().as_str(), request.minor_version), ("GET /old", 1));
    assert_eq!(request.field("host"), Some(""));
    assert_eq!(request.field("via"), Some("1.0 propylon"));
}
