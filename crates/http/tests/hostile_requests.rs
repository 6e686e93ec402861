//! Heads that smuggle, desynchronise or confuse, and the status that each is refused with. One line each.

use propylon_http::h1::head::{HeadLimits, HeadScanner, RequestHead};
use propylon_http::{Known, Malformed};

/// What a server does with these bytes: 200 if the head is taken, 0 if it waits for more, else the refusal.
fn outcome(head: &[u8]) -> u16 {
    let limits = HeadLimits::default();
    let end = match HeadScanner::request(&limits).scan(head) {
        Ok(Some(end)) => end,
        Ok(None) => return 0,
        Err(fault) => return fault.status(),
    };
    RequestHead::new().parse(&head[..end], &limits).map_or_else(Malformed::status, |()| 200)
}

#[track_caller]
fn check(head: &[u8], expected: u16) {
    assert_eq!(outcome(head), expected, "{:?}", String::from_utf8_lossy(head));
}

/// A request of this first line, with a Host.
#[track_caller]
fn line(first: &str, expected: u16) {
    check(format!("{first}\r\nHost: a.example\r\n\r\n").as_bytes(), expected);
}

/// A POST with a Host and these field lines.
#[track_caller]
fn fields(lines: &str, expected: u16) {
    check(format!("POST /p HTTP/1.1\r\nHost: a.example\r\n{lines}\r\n\r\n").as_bytes(), expected);
}

#[test]
fn start_lines() {
    line("GET / HTTP/1.1", 200);
    line("PURGE / HTTP/1.1", 200);
    line("GET  / HTTP/1.1", 400);
    line("GET /  HTTP/1.1", 400);
    line("GET / HTTP/1.1 ", 400);
    line(" GET / HTTP/1.1", 400);
    line("GET\t/ HTTP/1.1", 400);
    line("GET /", 400);
    line("GET", 400);
    line("G\"T / HTTP/1.1", 400);
    line("GET / HTTP/1.2", 505);
    line("GET / HTTP/2.0", 505);
    line("GET / HTTP/0.9", 505);
    line("GET / http/1.1", 400);
    line("GET / HTTP/1.10", 400);
    line("GET / HTTP/01.1", 400);
    line("GET / HTTP/1,1", 400);
    line("GET / HTTPS/1.1", 400);
    line("CONNECT a.example:443 HTTP/1.1", 405);
    line("CONNECT / HTTP/1.1", 405);
    line("TRACE / HTTP/1.1", 405);
    check(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505);
    check(b"\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 200);
    check(b"\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400);
    check(b"\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400);
    check(b"\x16\x03\x01\x02\x00", 400);
}

#[test]
fn line_ends() {
    check(b"GET / HTTP/1.1\nHost: a\r\n\r\n", 400);
    check(b"GET / HTTP/1.1\r\nHost: a\n\r\n", 400);
    check(b"GET / HTTP/1.1\r\nHost: a\r\n\n", 400);
    check(b"GET / HTTP/1.1\r\nHost: a\n\n", 400);
    check(b"GET / HTTP/1.1\rHost: a\r\n\r\n", 400);
    check(b"GET / HTTP/1.1\r\nHost: a\rX: y\r\n\r\n", 400);
    check(b"GET / HTTP/1.1\r\nHost: a\r\r\n\r\n", 400);
    check(b"GET / HTTP/1.1\r\nHost: a\r\nX:\n\r\n\r\n", 400);
    check(b"GET / HTTP/1.1\r\nHost: a\r\nX: y\nContent-Length: 5\r\n\r\n", 400);
    check(b"GET / HTTP/1.1\r\n\r\nHost: a\r\n\r\n", 400);
}

#[test]
fn field_lines() {
    fields("A: b", 200);
    fields("A:b", 200);
    fields("A:", 200);
    fields("A: \u{e9}", 200);
    fields("A : b", 400);
    fields("A\t: b", 400);
    fields(" A: b", 400);
    fields("A: b\r\n c", 400);
    fields("A: b\r\n\tc", 400);
    fields("A: b\r\n ", 400);
    fields("A", 400);
    fields(": b", 400);
    fields("A B: c", 400);
    fields("A\u{e9}: b", 400);
    fields("A(: b", 400);
    fields("A\0: b", 400);
    fields("A: b\0c", 400);
    fields("A: b\u{1}c", 400);
    fields("A: b\u{7f}c", 400);
    fields("A: b\u{b}c", 400);
    check(b"GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400);
    check(b"GET / HTTP/1.1\r\n\tX: y\r\nHost: a\r\n\r\n", 400);
}

#[test]
fn content_lengths() {
    fields("Content-Length: 0", 200);
    fields("Content-Length: 18446744073709551615", 200);
    fields("Content-Length: 18446744073709551616", 400);
    fields("Content-Length: 5\r\nContent-Length: 5", 400);
    fields("Content-Length: 5\r\ncontent-length: 6", 400);
    fields("Content-Length: 5, 5", 400);
    fields("Content-Length: 5,", 400);
    fields("Content-Length: +5", 400);
    fields("Content-Length: -5", 400);
    fields("Content-Length: 0x5", 400);
    fields("Content-Length: 5 5", 400);
    fields("Content-Length: 5.0", 400);
    fields("Content-Length: \"5\"", 400);
    fields("Content-Length: ", 400);
    fields("Content-Length : 5", 400);
    fields("Content-Length\u{b}: 5", 400);
    fields("Content-Length: 1_0", 400);
}

#[test]
fn transfer_encodings() {
    fields("Transfer-Encoding: chunked", 200);
    fields("Transfer-Encoding: CHUNKED", 200);
    fields("Transfer-Encoding: \t chunked \t", 200);
    fields("Transfer-Encoding: chunked\r\nContent-Length: 5", 400);
    fields("Content-Length: 5\r\nTransfer-Encoding: chunked", 400);
    fields("Transfer-Encoding: chunked, chunked", 400);
    fields("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", 400);
    fields("Transfer-Encoding: identity", 400);
    fields("Transfer-Encoding: chunked, identity", 400);
    fields("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity", 400);
    fields("Transfer-Encoding: gzip, chunked", 501);
    fields("Transfer-Encoding: identity\r\nTransfer-Encoding: chunked", 501);
    fields("Transfer-Encoding: ", 400);
    fields("Transfer-Encoding: ,chunked", 400);
    fields("Transfer-Encoding: chunked,", 400);
    fields("Transfer-Encoding: xchunked", 400);
    fields("Transfer-Encoding: chunked;q=1", 400);
    fields("Transfer-Encoding: \"chunked\"", 400);
    fields("Transfer-Encoding: chu\tnked", 400);
    fields("Transfer-Encoding: \u{b}chunked", 400);
    fields("Transfer-Encoding\t: chunked", 400);
    fields("Transfer-Encoding:\r\n chunked", 400);
    fields("X: y\r\n Transfer-Encoding: chunked", 400);
    check(b"POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", 400);
    check(b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n", 400);
}

#[test]
fn hosts() {
    check(b"GET / HTTP/1.1\r\n\r\n", 400);
    check(b"GET / HTTP/1.0\r\n\r\n", 200);
    check(b"GET / HTTP/1.1\r\nHost:\r\n\r\n", 400);
    check(b"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400);
    check(b"GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", 400);
    for host in [
        "a b",
        "a/b",
        "a@b",
        "a,b",
        "a\\b",
        "http://a",
        "a:b",
        "a:99999",
        "[::1",
        "[fe80::1%25lo]",
        "a..b",
        "\u{e9}",
    ] {
        check(format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n").as_bytes(), 400);
    }
    for host in ["a", "A.Example.", "a:80", "[::1]:80", "127.0.0.1"] {
        check(format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n").as_bytes(), 200);
    }
}

#[test]
fn targets() {
    line("GET http://a.example/ HTTP/1.1", 200);
    line("GET HTTP://A.EXAMPLE:80 HTTP/1.1", 200);
    line("GET http://a.example:81/ HTTP/1.1", 400);
    line("GET http://b.example/ HTTP/1.1", 400);
    line("GET http://u@a.example/ HTTP/1.1", 400);
    line("GET http:/// HTTP/1.1", 400);
    line("GET ftp://a.example/ HTTP/1.1", 400);
    line("GET a.example HTTP/1.1", 400);
    line("GET ?q HTTP/1.1", 400);
    line("GET * HTTP/1.1", 400);
    line("OPTIONS * HTTP/1.1", 200);
    line("OPTIONS *x HTTP/1.1", 400);
    line("GET /# HTTP/1.1", 400);
    line("GET /?# HTTP/1.1", 400);
    line("GET /\u{e9} HTTP/1.1", 400);
    line("GET /?\u{e9} HTTP/1.1", 400);
    line("GET /\u{1} HTTP/1.1", 400);
    line("GET /\0 HTTP/1.1", 400);
    line("GET /../ HTTP/1.1", 400);
    line("GET /%2e%2e/ HTTP/1.1", 400);
    line("GET /a/..%2fb HTTP/1.1", 400);
    line("GET /a/%2E/b HTTP/1.1", 400);
    line("GET /%00 HTTP/1.1", 400);
    line("GET /a%5cb HTTP/1.1", 400);
    line("GET /a\\b HTTP/1.1", 400);
    line("GET /%zz HTTP/1.1", 400);
    line("GET /a/../b//c%2Fd?x=%zz|\\ HTTP/1.1", 200);
    line(&format!("GET /{} HTTP/1.1", "a".repeat(8191)), 200);
    line(&format!("GET /{} HTTP/1.1", "a".repeat(8192)), 414);
    line(&format!("GET /{} HTTP/1.1", "a".repeat(40_000)), 414);
}

#[test]
fn expectations_and_connections() {
    fields("Expect: 100-continue", 200);
    fields("Expect: 200-ok", 417);
    fields("Expect: 100-continue, x", 417);
    fields("Expect:", 417);
    fields("Expect: 100-continue\r\nExpect: 100-continue", 417);
    fields("Connection: close, x y", 400);
    fields(&format!("Connection: {}", "a,".repeat(40)), 400);
}

#[test]
fn sizes() {
    fields(&"A: b\r\n".repeat(98), 200);
    fields(&"A: b\r\n".repeat(200), 431);
    fields(&format!("A: {}", "b".repeat(40_000)), 431);
    check(&b"A".repeat(40_000), 414);
}

/// Connection must not make a proxy drop what the next hop needs to judge the request.
#[test]
fn essential_fields_cannot_be_nominated() {
    let head =
        b"GET / HTTP/1.1\r\nHost: a\r\nConnection: host, cookie, x-forwarded-for, x-mine\r\nCookie: b\r\n\
        X-Forwarded-For: c\r\nX-Mine: d\r\n\r\n";
    let mut parsed = RequestHead::new();
    parsed.parse(head, &HeadLimits::default()).unwrap();
    let dropped: Vec<&[u8]> =
        parsed.fields.iter().filter(|field| field.hop_by_hop).map(|field| field.name).collect();
    assert_eq!(dropped, [&b"Connection"[..], b"X-Mine"]);
    assert!(parsed.fields.has(Known::Cookie));
}
