//! Heads in any split, and those that must be refused.

use proptest::prelude::*;

use super::*;
use crate::fields::Known;
use crate::malformed::Malformed;
use crate::method::Method;
use crate::version::Version;

fn request(head: &str) -> Result<RequestHead, Malformed> {
    let limits = HeadLimits::default();
    let end = HeadScanner::request(&limits).scan(head.as_bytes())?.ok_or(Malformed::Incomplete)?;
    let mut parsed = RequestHead::new();
    parsed.parse(&head.as_bytes()[..end], &limits)?;
    Ok(parsed)
}

fn reply(head: &str, method: Method) -> Result<ReplyHead, Malformed> {
    let limits = HeadLimits::default();
    let end = HeadScanner::reply(&limits).scan(head.as_bytes())?.ok_or(Malformed::Incomplete)?;
    let mut parsed = ReplyHead::new();
    parsed.parse(&head.as_bytes()[..end], method, &limits)?;
    Ok(parsed)
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn a_plain_request_is_read() {
    let head = request("GET /a%2fb?c=d HTTP/1.1\r\nHost: Example.com:8080\r\nX:y \r\n\r\nbody").unwrap();
    assert_eq!((head.method, text(head.method_text())), (Method::Get, "GET"));
    assert_eq!(text(head.raw_target()), "/a%2fb?c=d");
    assert_eq!(text(head.path()), "/a%2Fb");
    assert_eq!(head.query().map(text), Some("c=d"));
    assert_eq!((text(head.host()), head.port()), ("example.com", Some(8080)));
    assert_eq!((head.version, head.body), (Version::Http11, BodyLength::None));
    assert!(head.keep_alive() && !head.expects_continue && !head.asterisk && !head.upgrade_websocket);
    let mut out = Vec::new();
    head.fields.write_to(&mut out);
    assert_eq!(text(&out), "Host: Example.com:8080\r\nX: y\r\n");
}

#[test]
fn one_empty_line_may_precede_a_request() {
    assert!(request("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n").is_ok());
    assert_eq!(request("\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n").err(), Some(Malformed::StartLine));
    let mut head = RequestHead::new();
    let fault = head.parse(b"\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", &HeadLimits::default());
    assert_eq!(fault, Err(Malformed::StartLine));
}

#[test]
fn absolute_targets_are_reduced() {
    let head = request("GET HTTP://A.example?b HTTP/1.1\r\nHost: a.example:80\r\n\r\n").unwrap();
    assert_eq!((text(head.path()), head.query().map(text)), ("/", Some("b")));
    let head = request("GET https://a:443/x HTTP/1.0\r\n\r\n").unwrap();
    assert_eq!((text(head.host()), head.port(), text(head.path())), ("a", Some(443), "/x"));
    let head = request("OPTIONS http://a HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    assert!(head.asterisk);
    assert_eq!(text(head.path()), "*");
}

#[test]
fn what_is_left_of_a_refused_request_can_be_logged() {
    let mut head = RequestHead::new();
    let refused = b"GET /a HTTP/1.1\r\nHost: a\r\nUser-Agent: b\r\nbad name: c\r\n\r\n";
    assert!(head.parse(refused, &HeadLimits::default()).is_err());
    assert_eq!((text(head.method_text()), text(head.raw_target())), ("GET", "/a"));
    assert_eq!(head.fields.value(Known::UserAgent), None);
    assert_eq!((head.path(), head.query(), head.host()), (&b""[..], None, &b""[..]));
}

/// Whatever became of the message before, the next one is read as by a new head.
#[test]
fn heads_are_used_again() {
    let limits = HeadLimits::default();
    let good = b"GET /b HTTP/1.1\r\nHost: b\r\nX-B: b\r\n\r\n";
    let mut head = RequestHead::new();
    for before in
        ["GET /aaa HTTP/1.1\r\nHost: aaa\r\nX-A: a\r\n\r\n", "GET /a HTTP/1.1\r\nHost: a\r\nX-A : a\r\n\r\n"]
    {
        let _ = head.read(before.as_bytes(), &limits);
        assert_eq!(head.read(good, &limits), Ok(Some(good.len())));
        assert_eq!((text(head.path()), text(head.host()), head.fields.len()), ("/b", "b", 2));
        assert_eq!((head.fields.named(b"x-b"), head.fields.named(b"x-a")), (Some(&b"b"[..]), None));
    }
    assert_eq!(head.read(b"GET /a HTTP", &limits), Ok(None));
    head.clear();
    assert_eq!(head.read(good, &limits), Ok(Some(good.len())));
    let mut reply = ReplyHead::new();
    assert!(reply.read(b"HTTP/1.1 200 OK\r\nServer: a\r\nX : y\r\n\r\n", Method::Get, &limits).is_err());
    assert_eq!(reply.fields.value(Known::Server), None);
}

#[test]
fn a_request_can_be_rewritten() {
    let mut head = request("GET /a?b HTTP/1.1\r\nHost: c\r\n\r\n").unwrap();
    head.set_path(b"/x/../y%7e").unwrap();
    head.set_query(Some(b"z")).unwrap();
    assert_eq!(head.set_path(b"/.."), Err(Malformed::PathEscapesRoot));
    assert_eq!(head.set_query(Some(b"a b")), Err(Malformed::TargetByte));
    let mut out = Vec::new();
    head.write_target(&mut out);
    assert_eq!(text(&out), "/y~?z");
    head.set_query(None).unwrap();
    assert_eq!((head.query(), text(head.raw_target())), (None, "/a?b"));
}

#[test]
fn a_request_can_be_composed() {
    let mut head = RequestHead::new();
    head.compose(b"PURGE", b"/a/./b?c", b"Example.com").unwrap();
    assert_eq!((head.method, text(head.method_text())), (Method::Other, "PURGE"));
    assert_eq!((text(head.path()), text(head.host())), ("/a/b", "example.com"));
    assert_eq!(head.compose(b"GET", b"/", b"a b"), Err(Malformed::Host));
    assert_eq!(head.compose(b"G T", b"/", b"a"), Err(Malformed::StartLine));
}

#[test]
fn framing_and_connection_are_read() {
    let head =
        request("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-Continue\r\n\r\n").unwrap();
    assert_eq!(head.body, BodyLength::Length(5));
    assert!(head.expects_continue);
    let head =
        request("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\nConnection: close\r\n\r\n")
            .unwrap();
    assert_eq!(head.body, BodyLength::Chunked);
    assert!(!head.keep_alive());
    assert!(!request("GET / HTTP/1.0\r\n\r\n").unwrap().keep_alive());
    assert!(request("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").unwrap().keep_alive());
    let upgrade = "Host: a\r\nUpgrade: WebSocket\r\nConnection: keep-alive, Upgrade\r\n\r\n";
    assert!(request(&format!("GET / HTTP/1.1\r\n{upgrade}")).unwrap().upgrade_websocket);
    assert!(!request(&format!("POST / HTTP/1.1\r\n{upgrade}")).unwrap().upgrade_websocket);
    assert!(!request(&format!("GET / HTTP/1.0\r\n{upgrade}")).unwrap().upgrade_websocket);
}

#[test]
fn replies_are_read() {
    let head = reply("HTTP/1.1 200 Fine\r\nContent-Length: 3\r\n\r\n", Method::Get).unwrap();
    assert_eq!((head.status, text(head.reason()), head.body), (200, "Fine", BodyLength::Length(3)));
    assert!(head.keep_alive() && !head.is_interim());
    let head = reply("HTTP/1.1 200\r\n\r\n", Method::Get).unwrap();
    assert_eq!((head.body, head.keep_alive()), (BodyLength::UntilClose, false));
    let head =
        reply("HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 0\r\n\r\n", Method::Get).unwrap();
    assert!(head.keep_alive());
    for (status, method) in [(200, Method::Head), (304, Method::Get), (204, Method::Get), (103, Method::Get)]
    {
        let head = reply(&format!("HTTP/1.1 {status} x\r\nContent-Length: 3\r\n\r\n"), method).unwrap();
        assert_eq!(head.body, BodyLength::None);
        assert_eq!(head.fields.has(Known::ContentLength), status == 200 || status == 304);
        assert_eq!(head.is_interim(), status == 103);
    }
    let switch = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n";
    assert!(reply(switch, Method::Get).unwrap().upgrades_to_websocket());
}

#[test]
fn ambiguous_replies_are_refused() {
    for (head, fault) in [
        ("HTTP/2.0 200 OK\r\n\r\n", Malformed::Version),
        ("HTTX/1.1 200 OK\r\n\r\n", Malformed::VersionText),
        ("ICY 200 OK\r\n\r\n", Malformed::StartLine),
        ("HTTP/1.1 200 OK\r\nA: b\r\nC\r\n\r\n", Malformed::MissingColon),
        ("\r\nHTTP/1.1 200 OK\r\n\r\n", Malformed::BareCarriageReturn),
        ("HTTP/1.1 099 OK\r\n\r\n", Malformed::Status),
        ("HTTP/1.1 600 OK\r\n\r\n", Malformed::Status),
        ("HTTP/1.1 20 OK\r\n\r\n", Malformed::Status),
        ("HTTP/1.1  200 OK\r\n\r\n", Malformed::Status),
        ("HTTP/1.1\r\n\r\n", Malformed::StartLine),
        ("HTTP/1.1 200 OK\nA: b\r\n\r\n", Malformed::BareLineFeed),
        ("HTTP/1.1 200 O\0K\r\n\r\n", Malformed::Nul),
        ("HTTP/1.1 200 OK\r\nA : b\r\n\r\n", Malformed::SpaceBeforeColon),
        ("HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n", Malformed::LineFolding),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
            Malformed::ContentLengthRepeated,
        ),
        ("HTTP/1.1 200 OK\r\nContent-Length: 1, 1\r\n\r\n", Malformed::ContentLength),
        ("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", Malformed::TransferEncodingVersion),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", Malformed::TransferEncoding),
    ] {
        assert_eq!(reply(head, Method::Get).err(), Some(fault), "{head:?}");
    }
}

#[test]
fn limits_hold_at_the_byte() {
    let limits = HeadLimits { bytes_max: 64, target_bytes_max: 20, fields_max: 3 };
    let scan = |head: &str| HeadScanner::request(&limits).scan(head.as_bytes());
    assert_eq!(scan(&"a".repeat(63)), Ok(None));
    assert_eq!(scan(&"a".repeat(64)), Err(Malformed::TargetTooLong));
    assert_eq!(scan(&format!("GET / HTTP/1.1\r\n{}", "a".repeat(64))), Err(Malformed::HeadTooLarge));
    let fit = format!("GET / HTTP/1.1\r\nHost: a\r\nB: {}\r\n\r\n", "c".repeat(64 - 16 - 9 - 3 - 4));
    assert_eq!((fit.len(), scan(&fit)), (64, Ok(Some(64))));
    let large = fit.replace('c', "cc");
    assert_eq!(scan(&large), Err(Malformed::HeadTooLarge));
    let parse = |head: &str| RequestHead::new().parse(head.as_bytes(), &limits);
    assert_eq!(parse(&fit), Ok(()));
    assert_eq!(parse(&large), Err(Malformed::HeadTooLarge));
    assert_eq!(parse("GET /aaaaaaaaaaaaaaaaaaa HTTP/1.1\r\nHost: a\r\n\r\n"), Ok(()));
    assert_eq!(parse("GET /aaaaaaaaaaaaaaaaaaaa HTTP/1.1\r\nHost: a\r\n\r\n"), Err(Malformed::TargetTooLong));
    assert_eq!(parse("GET / HTTP/1.1\r\nHost: a\r\nA:\r\nB:\r\n\r\n"), Ok(()));
    assert_eq!(parse("GET / HTTP/1.1\r\nHost: a\r\nA:\r\nB:\r\nC:\r\n\r\n"), Err(Malformed::TooManyFields));
}

#[test]
fn the_scanner_refuses_at_once() {
    let scan = |head: &str| HeadScanner::request(&HeadLimits::default()).scan(head.as_bytes());
    for waiting in ["", "\r", "\r\n", "G", "GET / HTTP/1.1\r", "GET / HTTP/1.1\r\nA: b\r\n", "GET /\r\n\r"] {
        assert_eq!(scan(waiting), Ok(None), "{waiting:?}");
    }
    assert_eq!(scan("GET / HTTP/1.1\n"), Err(Malformed::BareLineFeed));
    assert_eq!(scan("\n"), Err(Malformed::BareLineFeed));
    assert_eq!(scan("\rG"), Err(Malformed::BareCarriageReturn));
    for start in ["\x16\x03\x01", " GET", "\0", "\u{e9}", "\r\n\r"] {
        assert_eq!(scan(start), Err(Malformed::StartLine), "{start:?}");
    }
}

/// Heads that are nearly right.
fn hostile_head() -> impl Strategy<Value = String> {
    let line = prop_oneof![
        4 => "[A-Za-z-]{1,9}:[ \t]{0,2}[!-~]([ -~\t]{0,12}[!-~])?[ \t]{0,2}\r\n",
        1 => "(Content-Length: [0-9]|Transfer-Encoding: chunked|Connection: [a-z,]{0,9}|[a-z]{1,3}:)\r\n",
        1 => "[a-z: \t\r\n\x00\x7f]{0,5}\r?\n",
    ];
    let start = "(\r\n)?[A-Z]{1,4} {1,2}(/[a-z]{0,3}|\\*|http://a)(\\?[a-z]{0,2})? HTTP/1.[01]\r?\n";
    let lines = proptest::collection::vec(line, 0..5);
    (start, lines, "(\r\n){0,2}", "[a-z\r\n]{0,3}")
        .prop_map(|(start, lines, end, rest)| format!("{start}Host: a\r\n{}{end}{rest}", lines.concat()))
}

proptest! {
    /// However a head is split, the scanner finds the same end or the same fault.
    #[test]
    fn any_split_finds_the_same_end(
        head in "(\r\n)?(GET / HTTP/1.1|[a-z]{1,4}: [a-z]{0,9}|\r\n|\n|\r){0,9}(\r\n\r\n)?[a-z]{0,4}",
        cuts in proptest::collection::vec(any::<usize>(), 0..12),
    ) {
        let head = head.as_bytes();
        let limits = HeadLimits::default();
        let whole = HeadScanner::request(&limits).scan(head);
        let mut ends: Vec<usize> = cuts.iter().map(|cut| cut % (head.len() + 1)).collect();
        ends.push(head.len());
        ends.sort_unstable();
        let mut scanner = HeadScanner::request(&limits);
        let mut parts = Ok(None);
        for end in ends {
            parts = scanner.scan(&head[..end]);
            if parts != Ok(None) {
                break;
            }
        }
        prop_assert_eq!(whole, parts);
    }

    /// However a head arrives, it is read to the same end or refused.
    #[test]
    fn any_split_reads_the_same(head in hostile_head(), cuts in proptest::collection::vec(any::<usize>(), 0..12)) {
        let head = head.as_bytes();
        let limits = HeadLimits { bytes_max: 150, ..HeadLimits::default() };
        let (mut whole, mut parts) = (RequestHead::new(), RequestHead::new());
        let at_once = whole.read(head, &limits);
        let mut ends: Vec<usize> = cuts.iter().map(|cut| cut % (head.len() + 1)).collect();
        ends.push(head.len());
        ends.sort_unstable();
        let mut split = Ok(None);
        for end in ends {
            split = parts.read(&head[..end], &limits);
            if split != Ok(None) {
                break;
            }
        }
        // A fault may be seen later when the head comes in parts, but never is a head taken that is refused at once.
        let same = at_once == split || (at_once.is_err() && !matches!(split, Ok(Some(_))));
        prop_assert!(same, "{:?} {:?}", at_once, split);
        if let Ok(Some(end)) = at_once {
            prop_assert_eq!(whole.path(), parts.path());
            prop_assert!(whole.fields.iter().eq(parts.fields.iter()));
            prop_assert_eq!(RequestHead::new().parse(&head[..end], &limits), Ok(()));
        }
    }

    /// What this lexer takes, `httparse` takes too, and finds the same in it.
    #[test]
    fn agrees_with_httparse(head in hostile_head()) {
        let mut ours = RequestHead::new();
        let Ok(Some(end)) = ours.read(head.as_bytes(), &HeadLimits::default()) else { return Ok(()) };
        let mut slots = [httparse::EMPTY_HEADER; 128];
        let mut theirs = httparse::Request::new(&mut slots);
        prop_assert_eq!(theirs.parse(head.as_bytes()), Ok(httparse::Status::Complete(end)));
        prop_assert_eq!(theirs.method.map(str::as_bytes), Some(ours.method_text()));
        prop_assert_eq!(theirs.path.map(str::as_bytes), Some(ours.raw_target()));
        prop_assert_eq!(theirs.version, Some(if ours.version == Version::Http10 { 0 } else { 1 }));
        let ours = ours.fields.iter().map(|field| (field.name, field.value));
        prop_assert!(ours.eq(theirs.headers.iter().map(|header| (header.name.as_bytes(), header.value))));
    }

    /// What is read and written again is read to the same request.
    #[test]
    fn reading_and_writing_agree(
        method in "[A-Z]{1,8}",
        target in "/[a-z/.%2Ff]{0,20}(\\?[a-z=&]{0,9})?",
        fields in proptest::collection::vec(("[A-Za-z][A-Za-z-]{0,11}", "[!-~]([ -~]{0,20}[!-~])?"), 0..10),
    ) {
        let mut head = format!("{method} {target} HTTP/1.1\r\nHost: a\r\n");
        for (name, value) in &fields {
            head.push_str(&format!("{name}:{value}\r\n"));
        }
        head.push_str("\r\n");
        let Ok(first) = request(&head) else { return Ok(()) };
        let mut out = Vec::new();
        crate::h1::encode::write_request_line(&mut out, first.method_text(), first.path(), first.query());
        first.fields.write_to(&mut out);
        out.extend_from_slice(b"\r\n");
        let second = request(text(&out)).unwrap();
        prop_assert_eq!(first.method_text(), second.method_text());
        prop_assert_eq!(first.path(), second.path());
        prop_assert_eq!(first.query(), second.query());
        prop_assert!(first.fields.iter().eq(second.fields.iter()));
        prop_assert_eq!(first.body, second.body);
    }

    #[test]
    fn any_bytes_are_survived(head in proptest::collection::vec(any::<u8>(), 0..200)) {
        let limits = HeadLimits::default();
        let _ = HeadScanner::request(&limits).scan(&head);
        let _ = RequestHead::new().parse(&head, &limits);
        let _ = ReplyHead::new().parse(&head, Method::Get, &limits);
    }
}
