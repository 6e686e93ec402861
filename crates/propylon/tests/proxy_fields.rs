//! What an origin is told: the target, the host, who the client is, and the client's own fields as they were.

mod gate;

use propylon_testkit::{Client, Origin, Request, Server};

/// What the origin gets of a request with these fields.
fn told(route: &str, raw: &str) -> Request {
    let origin = Origin::fixed(200, &[], b"");
    let config = format!("listen {{ADDR:web}}\n{}", gate::behind("", ""));
    let config = config.replace("proxy api", &format!("proxy api {{\n{route}\n}}"));
    let server = Server::setup(&config).set("ORIGIN", origin.url()).start();
    let mut client = Client::connect(&server.addr("web"));
    client.send(raw);
    assert_eq!(client.read_reply().status, 200, "{raw:?}");
    origin.requests().remove(0)
}

#[track_caller]
fn check(request: &Request, expected: &[(&str, Option<&str>)]) {
    for (name, value) in expected {
        assert_eq!(request.field(name), *value, "{name}");
    }
}

const PLAIN: &str = "GET / HTTP/1.1\r\nHost: Example.Test:8080\r\n\r\n";
const LYING: &str = "GET / HTTP/1.1\r\nHost: example.test\r\nX-Forwarded-For: 10.0.0.1\r\nX-Forwarded-For: 10.0.0.2\r\n\
    X-Forwarded-Proto: https\r\nX-Forwarded-Host: evil.test\r\nX-Forwarded-Port: 1\r\nForwarded: for=10.0.0.3\r\n\
    X-Request-Id: mine\r\n\r\n";

#[test]
fn the_client_is_made_known() {
    let request = told("", PLAIN);
    check(
        &request,
        &[
            ("Host", Some("example.test:8080")),
            ("X-Forwarded-For", Some("127.0.0.1")),
            ("X-Forwarded-Proto", Some("http")),
            ("X-Forwarded-Host", Some("example.test:8080")),
            ("Forwarded", None),
            ("Via", Some("1.1 propylon")),
            ("Connection", None),
        ],
    );
    let id = request.field("X-Request-Id").expect("every request has an id");
    assert!(id.len() >= 16 && id.bytes().all(|byte| byte.is_ascii_graphic()), "{id}");
}

#[test]
fn what_a_stranger_says_of_itself_is_replaced() {
    let request = told("", LYING);
    check(
        &request,
        &[
            ("X-Forwarded-For", Some("127.0.0.1")),
            ("X-Forwarded-Proto", Some("http")),
            ("X-Forwarded-Host", Some("example.test")),
            ("X-Forwarded-Port", None),
            ("Forwarded", None),
        ],
    );
    assert_ne!(request.field("X-Request-Id"), Some("mine"));
}

#[test]
fn forwarded_is_spoken_when_asked_for() {
    for (style, names) in [("forwarded", false), ("both", true)] {
        let request = told(&format!("forwarded {style}"), LYING);
        let forwarded = request.field("Forwarded").expect("it was asked for").to_ascii_lowercase();
        let parts: Vec<&str> = forwarded.split(';').collect();
        let address = parts.iter().find(|part| part.starts_with("for=")).expect("it names the client");
        assert!(address.contains("127.0.0.1"), "{forwarded}");
        assert!(parts.contains(&"proto=http") && forwarded.contains("host=example.test"), "{forwarded}");
        assert_eq!(request.field("X-Forwarded-For").is_some(), names);
    }
    check(&told("forwarded off", LYING), &[("Forwarded", None), ("X-Forwarded-For", None)]);
}

#[test]
fn via_grows_along_the_way() {
    let request = told("", "GET / HTTP/1.1\r\nHost: a\r\nVia: 1.0 first\r\nVia: 1.1 second\r\n\r\n");
    check(&request, &[("Via", Some("1.0 first, 1.1 second, 1.1 propylon"))]);
}

#[test]
fn the_host_follows_the_policy() {
    check(&told("host client", PLAIN), &[("Host", Some("example.test:8080"))]);
    check(&told("host inner.test", PLAIN), &[("Host", Some("inner.test"))]);
    let request = told("host origin", PLAIN);
    assert!(request.field("Host").is_some_and(|host| host.starts_with("127.0.0.1:")), "{request:?}");
}

#[test]
fn the_target_follows_the_policy() {
    let raw = "GET /a/./b/../%41%2f%7e//?q=%41&/../ HTTP/1.1\r\nHost: a\r\n\r\n";
    assert_eq!(told("", raw).target, "/a/A%2F~//?q=%41&/../");
    assert_eq!(told("target as-received", raw).target, "/a/./b/../%41%2f%7e//?q=%41&/../");
    let absolute = "GET http://a/x?y HTTP/1.1\r\nHost: a\r\n\r\n";
    assert_eq!(told("", absolute).target, "/x?y");
}

#[test]
fn the_clients_own_fields_pass_as_they_are() {
    let request = told(
        "",
        "GET / HTTP/1.1\r\nHost: a\r\nX-CamelCase: \t spaced out \t\r\nx-twice: 1\r\nX-Twice: 2\r\nEmpty:\r\n\
        Cookie: a=b; c=d\r\nAuthorization: Basic eDp5\r\nLatin: \u{e9}\r\nAccept-Encoding: gzip\r\n\r\n",
    );
    let own: Vec<(&str, &str)> = request
        .fields
        .iter()
        .filter(|(name, _)| !name.starts_with("X-Forw") && *name != "X-Request-Id")
        .collect();
    let expected = [
        ("Host", "a"),
        ("X-CamelCase", "spaced out"),
        ("x-twice", "1"),
        ("X-Twice", "2"),
        ("Empty", ""),
        ("Cookie", "a=b; c=d"),
        ("Authorization", "Basic eDp5"),
        ("Latin", "\u{e9}"),
        ("Accept-Encoding", "gzip"),
        ("Via", "1.1 propylon"),
    ];
    assert_eq!(own, expected);
}

#[test]
fn the_origins_own_fields_pass_as_they_are() {
    let fields = [("Server", "scripted"), ("X-Odd", "a,b"), ("Set-Cookie", "a=b"), ("Set-Cookie", "c=d")];
    let hop_by_hop =
        [("Keep-Alive", "timeout=5"), ("Connection", "x-gone"), ("X-Gone", "y"), ("Proxy-Connection", "z")];
    let origin = Origin::fixed(200, &[&fields[..], &hop_by_hop].concat(), b"x");
    let server = gate::before(&origin);
    let reply = Client::connect(&server.addr("web")).get("/");
    let own: Vec<(&str, &str)> =
        reply.fields.iter().filter(|(name, _)| !["Date", "Content-Length"].contains(name)).collect();
    assert_eq!(own, fields);
    assert_eq!(reply.fields.all("date").len(), 1);
}

#[test]
fn every_request_has_another_id() {
    let origin = Origin::fixed(200, &[], b"");
    let server = gate::before(&origin);
    let mut client = Client::connect(&server.addr("web"));
    (0..100).for_each(|_| assert_eq!(client.get("/").status, 200));
    let requests = origin.requests();
    let mut ids: Vec<_> = requests.iter().map(|request| request.field("x-request-id")).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 100);
}
