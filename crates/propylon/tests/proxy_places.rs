//! Where origins are and which one gets the request: sockets, names, weights, and the PROXY protocol in both roles.

#![allow(clippy::disallowed_methods, reason = "bounded waiting needs the clock")]

mod gate;

use std::net::{SocketAddr, UdpSocket};
use std::sync::mpsc;
use std::time::Instant;

use propylon_testkit::{Client, Origin, OriginConn, PATIENCE, Server, Tree};

fn client(server: &Server) -> Client {
    Client::connect(&server.addr("web"))
}

#[test]
fn unix_sockets_on_both_sides() {
    let dir = Tree::empty();
    let origin = Origin::start_unix(&dir.path("origin.sock"), |_, conn| conn.reply(200, &[], b"unix"));
    let config = format!("listen unix:{{DIR}}/web.sock\n{}", gate::behind("", ""));
    let server = Server::setup(&config).set("ORIGIN", origin.url()).start();
    let mut client = Client::connect(&format!("unix:{}", server.dir().path("web.sock").display()));
    for _ in 0..2 {
        assert_eq!(client.get("/").text(), "unix");
    }
    assert_eq!((origin.connections(), origin.requests()[1].field("host")), (1, Some("example.test")));
}

#[test]
fn proxy_headers_are_believed_where_they_are_expected() {
    let origin = Origin::fixed(200, &[], b"");
    let config = format!("listen {{ADDR:web}} proxy-protocol\n{}", gate::behind("", ""));
    let server = Server::setup(&config).set("ORIGIN", origin.url()).start();
    let magic = b"\r\n\r\n\0\r\nQUIT\n";
    let v2 = [&magic[..], &[0x21, 0x11, 0, 12, 192, 0, 2, 2, 192, 0, 2, 9, 4, 0, 0, 80]].concat();
    let local = [&magic[..], &[0x20, 0, 0, 0]].concat();
    let headers: [(&[u8], &str); 5] = [
        (b"PROXY TCP4 192.0.2.1 192.0.2.9 1024 80\r\n", "192.0.2.1"),
        (b"PROXY TCP6 2001:db8::1 2001:db8::9 1024 80\r\n", "2001:db8::1"),
        (b"PROXY UNKNOWN\r\n", "127.0.0.1"),
        (&v2, "192.0.2.2"),
        (&local, "127.0.0.1"),
    ];
    for (header, address) in headers {
        let mut client = client(&server);
        client.send([header, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"].concat());
        assert_eq!(client.read_reply().status, 200);
        let last = origin.requests().pop().expect("a request passed");
        assert_eq!(last.field("x-forwarded-for"), Some(address));
        // The header stands at the start of the connection and counts for all of it.
        assert_eq!(client.get("/").status, 200);
        let last = origin.requests().pop().expect("a request passed");
        assert_eq!(last.field("x-forwarded-for"), Some(address));
    }
    for header in ["", "PROXY TCP4 192.0.2.1\r\n", "PROXY NONSENSE\r\n", "\r\n\r\n\0\r\nQUIT\nxxxx"] {
        let mut client = client(&server);
        client.send(format!("{header}GET /without HTTP/1.1\r\nHost: a\r\n\r\n"));
        client.expect_closed();
    }
    assert!(origin.requests().iter().all(|request| request.target == "/"));
}

/// Reads what stands before the request, answers, and tells the test.
fn announced(length: impl Fn(&[u8]) -> bool + Send + Sync + 'static) -> (Origin, mpsc::Receiver<Vec<u8>>) {
    let (tell, told) = mpsc::channel();
    let origin = Origin::raw(move |conn: &mut OriginConn| {
        let mut header = Vec::new();
        while !length(&header) {
            header.extend(conn.read_some(1)?);
        }
        let _ = tell.send(header);
        conn.read_request()?;
        conn.reply(200, &[], b"")
    });
    (origin, told)
}

#[test]
fn proxy_headers_are_sent_on_every_connection() {
    let (origin, told) = announced(|header| header.ends_with(b"\r\n"));
    let server = gate::with(&origin, "", "proxy-protocol v1").start();
    let mut client = client(&server);
    let (_, client_port) =
        client.local_addr().rsplit_once(':').map(|(a, b)| (a.to_owned(), b.to_owned())).expect("TCP");
    let (_, server_port) =
        server.addr("web").rsplit_once(':').map(|(a, b)| (a.to_owned(), b.to_owned())).expect("TCP");
    for connections in 1..=2 {
        assert_eq!(client.get("/").status, 200);
        let header = told.recv_timeout(PATIENCE).expect("the origin tells");
        let expected = format!("PROXY TCP4 127.0.0.1 127.0.0.1 {client_port} {server_port}\r\n");
        assert_eq!(String::from_utf8_lossy(&header), expected);
        assert_eq!(origin.connections(), connections);
    }
}

#[test]
fn proxy_headers_are_sent_in_binary() {
    let (origin, told) = announced(|header| header.len() == 28);
    let server = gate::with(&origin, "", "proxy-protocol v2").start();
    let mut client = client(&server);
    let port: u16 =
        client.local_addr().rsplit_once(':').and_then(|(_, port)| port.parse().ok()).expect("TCP");
    assert_eq!(client.get("/").status, 200);
    let header = told.recv_timeout(PATIENCE).expect("the origin tells");
    assert_eq!(header[..20], *b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\x7f\0\0\x01");
    assert_eq!(header[24..26], port.to_be_bytes());
}

/// Several endpoints, each with its words, behind one upstream.
fn balanced(endpoints: &[(&Origin, &str)], balance: &str) -> Server {
    let lines: String =
        endpoints.iter().map(|(origin, more)| format!("    endpoint {} {more}\n", origin.url())).collect();
    let upstream = format!("upstream api {{\n{lines}    balance {balance}\n}}\n");
    Server::start(&format!(
        "workers 1\nadmin off\nlisten {{ADDR:web}}\n{upstream}site * {{\n    proxy api\n}}\n"
    ))
}

#[test]
fn round_robin_keeps_to_the_weights() {
    let [first, second, none] = [(); 3].map(|()| Origin::fixed(200, &[], b""));
    let endpoints = [(&first, "weight 3"), (&second, ""), (&none, "weight 0")];
    let server = balanced(&endpoints, "round-robin");
    let mut client = client(&server);
    (0..40).for_each(|_| assert_eq!(client.get("/").status, 200));
    let counts = endpoints.map(|(origin, _)| origin.requests().len());
    assert_eq!(counts, [30, 10, 0]);
}

#[test]
fn random_keeps_roughly_to_the_weights() {
    let [first, second] = [(); 2].map(|()| Origin::fixed(200, &[], b""));
    let server = balanced(&[(&first, "weight 3"), (&second, "")], "random");
    let mut client = client(&server);
    (0..400).for_each(|_| assert_eq!(client.get("/").status, 200));
    // Six standard deviations either way: one run in some hundred million fails by chance.
    let count = second.requests().len();
    assert!((48..=152).contains(&count), "{count} of 400");
}

#[test]
fn least_requests_avoids_the_busy_one() {
    let holding = || {
        Origin::start(|request, conn| match &*request.target {
            "/hold" => conn.stall(),
            _ => conn.reply(200, &[], b""),
        })
    };
    let (first, second) = (holding(), holding());
    let server = balanced(&[(&first, ""), (&second, "")], "least-requests");
    let mut held = client(&server);
    held.send_request("GET", "/hold", &[], b"");
    let mut client = client(&server);
    let begun = Instant::now();
    let busy = loop {
        match (first.requests().len(), second.requests().len()) {
            (1, _) => break &first,
            (_, 1) => break &second,
            _ => assert!(begun.elapsed() < PATIENCE, "nobody got the request"),
        }
        std::thread::yield_now();
    };
    (0..20).for_each(|_| assert_eq!(client.get("/").status, 200));
    assert_eq!(busy.lines(), ["GET /hold"]);
}

/// `localhost` has an address in each family, and many servers listen on one of them only.
#[test]
fn all_addresses_of_localhost_are_tried() {
    let origin = Origin::fixed(200, &[], b"");
    let (_, port) = origin.addr().rsplit_once(':').expect("TCP");
    let config = format!("listen {{ADDR:web}}\n{}", gate::behind("keepalive 0", ""))
        .replace("proxy api", "proxy api retries 0");
    let server = Server::setup(&config).set("ORIGIN", format!("http://localhost:{port}")).start();
    let mut client = client(&server);
    for _ in 0..10 {
        assert_eq!(client.post("/", b"once").status, 200);
    }
    assert_eq!(origin.connections(), 10);
}

/// A name server that knows one name, `two.test`, with two addresses.
fn name_server() -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("loopback has a free port");
    let addr = socket.local_addr().expect("a bound socket has an address");
    std::thread::spawn(move || {
        let mut query = [0; 512];
        while let Ok((length, from)) = socket.recv_from(&mut query) {
            let _ = socket.send_to(&answer(&query[..length]), from);
        }
    });
    addr
}

/// RFC 1035 section 4.1, for one question.
fn answer(query: &[u8]) -> Vec<u8> {
    const NAME: &[u8] = b"\x03two\x04test\0";
    let name_end = 12 + query[12..].iter().position(|byte| *byte == 0).expect("a name ends") + 1;
    let known = query[12..name_end].eq_ignore_ascii_case(NAME);
    let addresses: &[[u8; 4]] = match (known, query[name_end + 1]) {
        (true, 1) => &[[127, 0, 0, 1], [127, 0, 0, 2]],
        _ => &[],
    };
    let code = if known { 0 } else { 3 };
    let mut reply =
        [&query[..2], &[0x84 | query[2] & 1, 0x80 | code, 0, 1, 0, addresses.len() as u8, 0, 0, 0, 0]]
            .concat();
    reply.extend(&query[12..name_end + 4]);
    for address in addresses {
        reply.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4]);
        reply.extend(address);
    }
    reply
}

#[test]
fn names_are_resolved_while_the_server_runs() {
    // Port 127.0.0.2 refuses: the origin listens on the other address alone.
    let origin = Origin::fixed(200, &[], b"found");
    let (_, port) = origin.addr().rsplit_once(':').expect("TCP");
    let top = format!("listen {{ADDR:web}}\nresolver {}\n", name_server());
    let lost =
        "upstream lost {\n    endpoint http://nowhere.test:80\n}\nsite lost.test {\n    proxy lost\n}\n";
    let config = format!("{top}{lost}{}", gate::behind("keepalive 0", ""));
    let server = Server::setup(&config).set("ORIGIN", format!("http://two.test:{port}")).start();
    let mut client = client(&server);
    let begun = Instant::now();
    while client.get("/").status == 503 {
        assert!(begun.elapsed() < PATIENCE, "the name was never resolved: {}", server.stderr());
    }
    for _ in 0..10 {
        assert_eq!(client.get("/").text(), "found");
    }
    // A name that nobody knows leaves the other sites alone, and is reported.
    server.wait_for_log("nowhere.test");
    let mut lost = Client::connect(&server.addr("web")).host("lost.test");
    assert_eq!(lost.get("/").text(), "503 Service Unavailable\n");
    assert_eq!(client.get("/").text(), "found");
}
