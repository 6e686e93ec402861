//! Requests that no honest client sends: each gets its status and a closed connection, and nothing of it, nor what
//! was sent behind it, reaches the origin.

mod gate;

use propylon_testkit::{Origin, check_refused};

/// Each line is what is sent, as it is, and the status it must get.
fn check(hostile: &[(&str, u16)]) {
    let origin = Origin::fixed(200, &[], b"");
    let server = gate::before(&origin);
    for (raw, status) in hostile {
        check_refused(&server.addr("web"), &origin, raw, *status);
    }
}

/// Each line is a request line.
fn check_lines(lines: &[(&str, u16)]) {
    let whole: Vec<String> =
        lines.iter().map(|(line, _)| format!("{line}\r\nHost: example.test\r\n\r\n")).collect();
    let pairs = whole.iter().zip(lines).map(|(raw, (_, status))| (&**raw, *status));
    check(&pairs.collect::<Vec<_>>());
}

/// Each line is the fields after Host, without the last line end.
fn check_fields(fields: &[(&str, u16)]) {
    let whole: Vec<String> = fields
        .iter()
        .map(|(lines, _)| format!("POST / HTTP/1.1\r\nHost: example.test\r\n{lines}\r\n\r\n"))
        .collect();
    let pairs = whole.iter().zip(fields).map(|(raw, (_, status))| (&**raw, *status));
    check(&pairs.collect::<Vec<_>>());
}

#[test]
fn content_lengths() {
    check_fields(&[
        ("Content-Length: 5\r\nContent-Length: 5", 400),
        ("Content-Length: 5\r\nContent-Length: 6", 400),
        ("Content-Length: 0\r\ncontent-length: 46", 400),
        ("Content-Length: 5, 5", 400),
        ("Content-Length: 5, 6", 400),
        ("Content-Length: 5,", 400),
        ("Content-Length: +5", 400),
        ("Content-Length: -1", 400),
        ("Content-Length: 0x5", 400),
        ("Content-Length: 5 5", 400),
        ("Content-Length: ", 400),
        ("Content-Length: 18446744073709551616", 400),
    ]);
}

#[test]
fn transfer_encodings() {
    check_fields(&[
        ("Content-Length: 5\r\nTransfer-Encoding: chunked", 400),
        ("Transfer-Encoding: chunked\r\nContent-Length: 5", 400),
        ("Transfer-Encoding: gzip", 400),
        ("Transfer-Encoding: gzip, chunked", 501),
        ("Transfer-Encoding: chunked, gzip", 400),
        ("Transfer-Encoding: chunked, chunked", 400),
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", 400),
        ("Transfer-Encoding: identity", 400),
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity", 400),
        ("Transfer-Encoding: \x0bchunked", 400),
        ("Transfer-Encoding: chunked\x0b", 400),
        ("Transfer-Encoding: xchunked", 400),
        ("Transfer-Encoding: \"chunked\"", 400),
        ("Transfer-Encoding: chunked;q=1", 400),
        ("Transfer-Encoding: ", 400),
        ("Transfer-Encoding : chunked", 400),
        ("Transfer-Encoding\t: chunked", 400),
        ("Transfer-Encoding:\r\n chunked", 400),
        ("X: y\r\n Transfer-Encoding: chunked", 400),
    ]);
    check(&[
        ("POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        ("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\nabc", 400),
    ]);
}

#[test]
fn line_ends() {
    check(&[
        ("GET / HTTP/1.1\nHost: a\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\n\n", 400),
        ("GET / HTTP/1.1\nHost: a\n\n", 400),
        ("\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nX: y\nContent-Length: 5\r\n\r\n", 400),
        ("GET / HTTP/1.1\rHost: a\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\rX: y\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\n\r \n\r\n", 400),
    ]);
}

#[test]
fn field_lines() {
    check_fields(&[
        ("A : b", 400),
        ("A\t: b", 400),
        ("Content-Length : 5", 400),
        ("A: b\r\n folded", 400),
        ("A: b\r\n\tfolded", 400),
        (" A: b", 400),
        ("A", 400),
        (": b", 400),
        ("A B: c", 400),
        ("A(: b", 400),
        ("A\u{e9}: b", 400),
        ("A\0: b", 400),
        ("A: b\0c", 400),
        ("A: b\u{1}c", 400),
        ("A: b\u{7f}c", 400),
        ("A: b\u{b}c", 400),
        ("Connection: close, x y", 400),
    ]);
    check(&[("GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400)]);
}

#[test]
fn hosts() {
    check(&[
        ("GET / HTTP/1.1\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost:\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nhost: b\r\n\r\n", 400),
        ("GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a@b\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a,b\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a:b\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a:99999\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: [fe80::1%25lo]\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: http://a\r\n\r\n", 400),
        ("GET http://a/ HTTP/1.1\r\n\r\n", 400),
    ]);
}

#[test]
fn targets() {
    check_lines(&[
        ("GET http://other.test/ HTTP/1.1", 400),
        ("GET http://example.test:81/ HTTP/1.1", 400),
        ("GET http://user@example.test/ HTTP/1.1", 400),
        ("GET http:/// HTTP/1.1", 400),
        ("GET ftp://example.test/ HTTP/1.1", 400),
        ("GET example.test HTTP/1.1", 400),
        ("GET * HTTP/1.1", 400),
        ("GET /%00 HTTP/1.1", 400),
        ("GET /a\\b HTTP/1.1", 400),
        ("GET /a%5Cb HTTP/1.1", 400),
        ("GET /a%5cb HTTP/1.1", 400),
        ("GET /a/..%2fb HTTP/1.1", 400),
        ("GET /a/..%2Fb HTTP/1.1", 400),
        ("GET /a/%2e%2e/b HTTP/1.1", 400),
        ("GET /a/.%2e/b HTTP/1.1", 400),
        ("GET /%2E/ HTTP/1.1", 400),
        ("GET /../.. HTTP/1.1", 400),
        ("GET /a/../../b HTTP/1.1", 400),
        ("GET /%zz HTTP/1.1", 400),
        ("GET /%2 HTTP/1.1", 400),
        ("GET /% HTTP/1.1", 400),
        ("GET /# HTTP/1.1", 400),
        ("GET /\0 HTTP/1.1", 400),
        ("GET /\u{e9} HTTP/1.1", 400),
    ]);
}

#[test]
fn sizes() {
    let long = |length| format!("GET /{} HTTP/1.1", "a".repeat(length));
    check_lines(&[(&long(8192), 414), (&long(40_000), 414)]);
    let large = format!("A: {}", "b".repeat(40_000));
    check_fields(&[(&large, 431), (&"A: b\r\n".repeat(120), 431)]);
}

#[test]
fn methods_and_expectations() {
    check_lines(&[
        ("CONNECT example.test:443 HTTP/1.1", 405),
        ("CONNECT / HTTP/1.1", 405),
        ("TRACE / HTTP/1.1", 405),
        ("G(T / HTTP/1.1", 400),
    ]);
    check_fields(&[("Expect: 200-ok", 417), ("Expect: 100-continue, other", 417), ("Expect: ", 417)]);
}

#[test]
fn versions() {
    check_lines(&[
        ("GET / HTTP/1.2", 505),
        ("GET / HTTP/2.0", 505),
        ("GET / HTTP/3.0", 505),
        ("GET / http/1.1", 400),
        ("GET / HTTP/1.10", 400),
        ("GET / HTTP/01.1", 400),
        ("GET / HTTPS/1.1", 400),
        ("GET / ", 400),
        ("GET /", 400),
    ]);
    check(&[("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505), ("GET /\r\n", 400)]);
}

#[test]
fn other_protocols_and_noise() {
    check(&[
        // The start of a TLS client hello.
        ("\x16\x03\x01\x02\0\x01\0\x01\x7c\x03\x03", 400),
        ("\x01\x02\x03\x04\r\n\r\n", 400),
        ("EHLO example.test\r\n", 400),
        ("\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("{\"json\":1}\r\n\r\n", 400),
        ("GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET / HTTP/1.1 \r\nHost: a\r\n\r\n", 400),
        (" GET / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ]);
}

/// What the check must not take for a refusal: strictness is no use if honest requests suffer.
#[test]
fn honest_requests_that_look_odd_pass() {
    let origin = Origin::fixed(200, &[], b"");
    let server = gate::before(&origin);
    let odd = [
        "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /a/../b//c%2Fd?x=%zz|\\ HTTP/1.1\r\nHost: A.Example.:80\r\n\r\n",
        "GET http://a.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n",
        "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
        "PROPFIND / HTTP/1.1\r\nHost: [::1]:80\r\nA:b\r\nB:\r\nC: \u{e9}\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \t CHUNKED \t\r\n\r\n0\r\n\r\n",
    ];
    let mut client = propylon_testkit::Client::connect(&server.addr("web"));
    for raw in odd {
        client.send(raw);
        assert_eq!(client.read_reply().status, 200, "{raw:?}");
    }
    let expected = ["GET /", "GET /b//c%2Fd?x=%zz|\\", "GET /", "GET /", "PROPFIND /", "POST /"];
    assert_eq!(origin.lines(), expected);
}
