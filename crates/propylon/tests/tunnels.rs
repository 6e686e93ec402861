//! WebSockets: after the origin's 101 the two connections are one, in both directions, until each has ended.

mod gate;

use propylon_testkit::{Client, Origin, OriginConn, Reply, Server};

fn upgrade(client: &mut Client) -> Reply {
    let fields = [
        ("Connection", "keep-alive, Upgrade"),
        ("Upgrade", "WebSocket"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ("Sec-WebSocket-Version", "13"),
    ];
    client.request("GET", "/ws", &fields, b"")
}

fn open(server: &Server) -> Client {
    let mut client = Client::connect(&server.addr("web"));
    assert_eq!(upgrade(&mut client).status, 101);
    client
}

/// An origin that grants the upgrade and then plays `script`.
fn granting(script: impl Fn(&mut OriginConn) -> std::io::Result<()> + Send + Sync + 'static) -> Origin {
    Origin::raw(move |conn| {
        conn.read_request()?;
        conn.send(
            "HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: websocket\r\nX-Mine: y\r\n\r\nfirst",
        )?;
        script(conn)
    })
}

#[test]
fn bytes_pass_both_ways() {
    let origin = Origin::upgrade_echo();
    let server = gate::before(&origin);
    let mut client = Client::connect(&server.addr("web"));
    let reply = upgrade(&mut client);
    assert_eq!((reply.status, reply.field("upgrade")), (101, Some("websocket")));
    let got = &origin.requests()[0];
    assert_eq!((got.field("sec-websocket-version"), got.field("connection")), (Some("13"), Some("Upgrade")));
    for message in ["\u{81}\x02hi", "GET /not HTTP/1.1\r\nHost: a\r\n\r\n", "\0\r\n"] {
        client.send(message);
        assert_eq!(client.read_bytes(message.len()), message.as_bytes());
    }
    let large = vec![b'x'; 100_000];
    client.send(&large);
    assert_eq!(client.read_bytes(large.len()), large);
    assert_eq!(origin.lines(), ["GET /ws"]);
}

#[test]
fn what_comes_with_the_handshake_is_not_lost() {
    let origin = granting(|conn| {
        conn.expect("early")?;
        conn.stall()
    });
    let server = gate::before(&origin);
    let mut client = Client::connect(&server.addr("web"));
    client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\nearly");
    let reply = client.read_reply();
    assert_eq!((reply.status, reply.field("x-mine")), (101, Some("y")));
    assert_eq!(client.read_bytes(5), b"first");
}

#[test]
fn a_client_that_has_said_all_still_hears() {
    let origin = granting(|conn| {
        conn.expect("question")?;
        assert_eq!(conn.read_some(1)?, b"", "the client ended its half");
        conn.send("answer")
    });
    let server = gate::before(&origin);
    let mut client = open(&server);
    client.send("question");
    client.half_close();
    assert_eq!(client.read_to_end(), b"firstanswer");
    origin.wait_for_open(0);
}

#[test]
fn an_origin_that_has_said_all_still_hears() {
    let origin = granting(|conn| {
        conn.half_close()?;
        assert_eq!(conn.read_to_end()?, b"last words");
        Ok(())
    });
    let server = gate::before(&origin);
    let mut client = open(&server);
    assert_eq!(client.read_to_end(), b"first");
    client.send("last words");
    client.half_close();
    origin.wait_for_open(0);
    assert!(origin.problems().is_empty(), "{:?}", origin.problems());
}

#[test]
fn a_client_that_is_gone_ends_the_tunnel() {
    let origin = granting(OriginConn::stall);
    let server = gate::before(&origin);
    open(&server).reset();
    origin.wait_for_open(0);
}

#[test]
fn an_idle_tunnel_is_closed() {
    let origin = granting(OriginConn::stall);
    let config = format!("listen {{ADDR:web}}\n{}", gate::behind("", ""))
        .replace("proxy api", "proxy api {\n        tunnel-idle 200ms\n    }");
    let server = Server::setup(&config).set("ORIGIN", origin.url()).start();
    let mut client = open(&server);
    assert_eq!(client.read_to_end(), b"first");
    origin.wait_for_open(0);
}

/// Other traffic goes on beside a tunnel, and tunnels do not come from or go to the pools.
#[test]
fn a_tunnel_has_its_connection_for_itself() {
    let origin = Origin::upgrade_echo();
    let server = gate::before(&origin);
    let mut tunnels: Vec<Client> = (0..20).map(|_| open(&server)).collect();
    assert_eq!(Client::connect(&server.addr("web")).get("/").status, 426);
    for (number, tunnel) in tunnels.iter_mut().enumerate() {
        tunnel.send([number as u8; 3]);
    }
    for (number, tunnel) in tunnels.iter_mut().enumerate() {
        assert_eq!(tunnel.read_bytes(3), [number as u8; 3]);
    }
}
