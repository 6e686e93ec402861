//! The rooms at work in the real server: who the client is, how large a body may be, paths, fields and error pages.

mod gate;

use propylon_testkit::{Client, Origin, Request, Server};

/// A server with these lines in its site, before this origin.
fn server(origin: &Origin, lines: &str) -> Server {
    let config = format!("listen {{ADDR:web}}\n{}", gate::behind("", lines));
    Server::setup(&config).set("ORIGIN", origin.url()).start()
}

/// What the origin gets of a request with these field lines.
fn told(lines: &str, target: &str, fields: &str) -> Request {
    let origin = Origin::fixed(200, &[], b"");
    let server = server(&origin, lines);
    let mut client = Client::connect(&server.addr("web"));
    client.send(format!("GET {target} HTTP/1.1\r\nHost: example.test\r\n{fields}\r\n"));
    assert_eq!(client.read_reply().status, 200, "{lines}: {target} {fields:?}");
    origin.requests().remove(0)
}

const CLAIMS: &str = "X-Forwarded-For: 6.6.6.6, 203.0.113.7\r\nX_Forwarded_For: 6.6.6.6\r\n\
    X-Forwarded-Proto: https\r\nX-Forwarded-Host: shop.test\r\nForwarded: for=6.6.6.6\r\nX-Request-Id: abc-1\r\n";

#[test]
fn a_trusted_proxy_is_believed() {
    let request =
        told("real-ip 127.0.0.0/8\nheaders { request set X-Client \"{client} {scheme} {id}\" }", "/", CLAIMS);
    for (name, value) in [
        ("X-Client", Some("203.0.113.7 https abc-1")),
        ("X-Forwarded-For", Some("6.6.6.6, 203.0.113.7, 127.0.0.1")),
        ("X-Forwarded-Proto", Some("https")),
        ("X-Forwarded-Host", Some("shop.test")),
        ("X-Request-Id", Some("abc-1")),
        ("X_Forwarded_For", None),
        ("Forwarded", None),
    ] {
        assert_eq!(request.field(name), value, "{name}");
    }
}

#[test]
fn a_stranger_is_not() {
    let request =
        told("real-ip 10.0.0.0/8\nheaders { request set X-Client \"{client} {scheme}\" }", "/", CLAIMS);
    for (name, value) in [
        ("X-Client", Some("127.0.0.1 http")),
        ("X-Forwarded-For", Some("127.0.0.1")),
        ("X-Forwarded-Proto", Some("http")),
        ("X-Forwarded-Host", Some("example.test")),
        ("X_Forwarded_For", None),
        ("Forwarded", None),
    ] {
        assert_eq!(request.field(name), value, "{name}");
    }
    assert_ne!(request.field("X-Request-Id"), Some("abc-1"));
}

#[test]
fn a_chain_that_cannot_be_read_reaches_no_origin() {
    let origin = Origin::fixed(200, &[], b"");
    let server = server(&origin, "real-ip 127.0.0.1");
    let fields = [("X-Forwarded-For", "rubbish")];
    let reply = Client::connect(&server.addr("web")).request("GET", "/", &fields, b"");
    assert_eq!((reply.status, origin.requests().len()), (400, 0));
}

#[test]
fn paths_are_changed_for_the_origin_alone() {
    for (line, target, expected) in [
        ("strip-prefix /api", "/api/x?y", "/x?y"),
        ("strip-prefix /api", "/%61pi/x%2Fy", "/x%2Fy"),
        ("strip-prefix /api", "/apix", "/apix"),
        ("replace-prefix /old /new/place", "/old/x?y", "/new/place/x?y"),
        ("rewrite ^/item/([0-9]+)$ /article?id={1}&{query}", "/item/17?page=2", "/article?id=17&page=2"),
    ] {
        assert_eq!(told(line, target, "").target, expected, "{line}: {target}");
    }
}

#[test]
fn no_rewrite_makes_a_path_that_a_client_could_not_ask_for() {
    let origin = Origin::fixed(200, &[], b"");
    let server = server(&origin, "rewrite . /{header.x}");
    for value in ["a b", "a?b", "../../etc", "%2e%2e/", "a\\b", "a#b"] {
        let reply = Client::connect(&server.addr("web")).request("GET", "/", &[("X", value)], b"");
        assert_eq!(reply.status, 400, "{value}");
    }
    assert_eq!(origin.requests().len(), 0);
}

#[test]
fn fields_are_changed_both_ways() {
    let origin = Origin::fixed(200, &[("Server", "old"), ("X-Powered-By", "php"), ("X-Kept", "1")], b"");
    let lines = "headers {\nset X-Path {path}\nremove Server X-Powered-By\ndefault X-Kept 2\n\
                 request set X-User {cookie.user}\nrequest remove Cookie\n}\nstrip-prefix /a";
    let server = server(&origin, lines);
    let fields = [("X-User", "admin"), ("X_User", "admin"), ("Cookie", "user=eve")];
    let reply = Client::connect(&server.addr("web")).request("GET", "/a/b", &fields, b"");
    assert_eq!(
        (reply.field("X-Kept"), reply.field("Server"), reply.field("X-Powered-By")),
        (Some("1"), None, None)
    );
    let request = origin.requests().remove(0);
    assert_eq!((request.field("X-User"), request.field("X_User")), (Some("eve"), None));
    assert_eq!((request.field("Cookie"), request.target.as_str()), (None, "/b"));
}

#[test]
fn a_route_adds_to_its_sites_fields_and_has_the_last_word() {
    let config = "listen {ADDR:web}\nadmin off\nheaders { set X-A top }\nsite * {\nheaders {\nset X-A site\nset X-B site\n}\n\
                  route /r {\nheaders { set X-A route }\nrespond 200 x\n}\n\
                  route /off {\nheaders off\nrespond 200 x\n}\nrespond 404 x\n}\n";
    let server = Server::start(config);
    let fields = |target: &str| {
        let reply = Client::connect(&server.addr("web")).get(target);
        (reply.field("X-A").map(str::to_owned), reply.field("X-B").map(str::to_owned))
    };
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(fields("/r"), (some("route"), some("site")));
    assert_eq!(fields("/else"), (some("site"), some("site")));
    assert_eq!(fields("/off"), (None, None));
}

#[test]
fn bodies_are_limited_up_front_and_half_way() {
    let origin = Origin::fixed(200, &[], b"");
    let config = "limits { body 10B }\nlisten {ADDR:web}\nadmin off\nsite * {\nproxy {ORIGIN}\n\
                  route /large {\nbody-limit 20B\nproxy {ORIGIN}\n}\n\
                  route /small {\nbody-limit 5B\nproxy {ORIGIN}\n}\n}\n";
    let server = Server::setup(config).set("ORIGIN", origin.url()).start();
    for (target, length, status) in [
        ("/", 10, 200),
        ("/", 11, 413),
        ("/small", 5, 200),
        ("/small", 6, 413),
        ("/large", 20, 200),
        ("/large", 21, 413),
    ] {
        let mut client = Client::connect(&server.addr("web"));
        client.send(format!("POST {target} HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n"));
        let _ = client.try_send(vec![b'x'; length]);
        assert_eq!(client.read_reply().status, status, "{target} {length}");
        let mut client = Client::connect(&server.addr("web"));
        client.send(format!("POST {target} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"));
        let _ = client.try_send(format!("{length:x}\r\n{}\r\n0\r\n\r\n", "x".repeat(length)));
        assert_eq!(client.read_reply().status, status, "{target} {length} chunked");
    }
}

#[test]
fn error_pages_take_the_place_of_plain_texts() {
    let config = "listen {ADDR:web}\nadmin off\nerror-pages { page 404 text nowhere }\nsite example.test {\n\
                  error-pages {\npage 502-504 text \"<b>{status} {uri}</b>\" type text/html\npage 404 redirect /start\n}\n\
                  route /dead {\nproxy http://127.0.0.1:1\n}\nroute /start {\nrespond 200 hello\n}\n}\n";
    let server = Server::start(config);
    let mut client = Client::connect(&server.addr("web"));
    let reply = client.get("/dead?<script>");
    assert_eq!(
        (reply.status, reply.field("Content-Type"), reply.text()),
        (502, Some("text/html"), "<b>502 /dead?&lt;script&gt;</b>")
    );
    let reply = client.request("HEAD", "/dead", &[], b"");
    assert_eq!((reply.status, reply.text()), (502, ""));
    let reply = client.get("/nothing");
    assert_eq!((reply.status, reply.field("Location"), reply.text()), (302, Some("/start"), ""));
    let reply = Client::connect(&server.addr("web")).host("other.test").get("/");
    assert_eq!((reply.status, reply.text()), (404, "nowhere"));
}

#[test]
fn an_origins_own_error_is_replaced_only_if_asked() {
    let origin =
        Origin::fixed(500, &[("Retry-After", "7"), ("ETag", "\"a\""), ("Content-Language", "en")], b"theirs");
    for (all, text) in [("", "theirs"), ("all", "ours")] {
        let server = server(&origin, &format!("error-pages {{\npage 500 text ours\n{all}\n}}"));
        let reply = Client::connect(&server.addr("web")).get("/");
        assert_eq!((reply.status, reply.text(), reply.field("Retry-After")), (500, text, Some("7")));
        assert_eq!(reply.field("ETag").is_none(), all == "all");
    }
}
