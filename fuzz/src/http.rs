//! The properties of `propylon-http`.

use std::net::SocketAddr;

use propylon_http::conditional::{self, Validators};
use propylon_http::date::HttpDate;
use propylon_http::etag::EntityTag;
use propylon_http::forwarded::{self, HOPS_MAX};
use propylon_http::h1::chunked::{Decoder, Piece};
use propylon_http::h1::encode;
use propylon_http::h1::head::{BodyLength, HeadLimits, ReplyHead, RequestHead};
use propylon_http::negotiate::{self, Coding};
use propylon_http::range::{self, Ranges};
use propylon_http::target::{Canonical, canonical_host, canonical_path};
use propylon_http::{Fields, Known, Malformed, Method, Version};

/// A request head is read alike whole and byte by byte, agrees with `httparse`, and survives being written again.
pub fn request(bytes: &[u8]) {
    let limits = HeadLimits::default();
    let mut head = RequestHead::new();
    let whole = head.read(bytes, &limits);
    let mut slow = RequestHead::new();
    same_by_bytes(bytes, whole, |part| slow.read(part, &limits));
    let Ok(Some(end)) = whole else { return };
    assert!(head.fields.iter().eq(slow.fields.iter()));
    assert_eq!(RequestHead::new().parse(&bytes[..end], &limits), Ok(()));
    agrees_with_httparse(bytes, end, &head);
    target_is_canonical(&head);
    one_framing(&head.fields, head.body, head.version);

    let mut out = Vec::new();
    encode::write_request_line(&mut out, head.method_text(), head.path(), head.query());
    head.fields.write_to(&mut out);
    out.extend_from_slice(b"\r\n");
    let mut again = RequestHead::new();
    if head.version == Version::Http10 && !head.fields.has(Known::Host) {
        return;
    }
    assert_eq!(again.read(&out, &limits), Ok(Some(out.len())), "{}", out.escape_ascii());
    assert_eq!((again.path(), again.query(), again.host()), (head.path(), head.query(), head.host()));
    assert_eq!((again.body, again.connection), (head.body, head.connection));
    assert!(again.fields.iter().eq(head.fields.iter()));
    nothing_crosses(&head.fields);
}

/// A reply head is read alike whole and byte by byte, and survives being written again.
pub fn reply(bytes: &[u8]) {
    let limits = HeadLimits::default();
    for method in [Method::Get, Method::Head] {
        let mut head = ReplyHead::new();
        let whole = head.read(bytes, method, &limits);
        let mut slow = ReplyHead::new();
        same_by_bytes(bytes, whole, |part| slow.read(part, method, &limits));
        let Ok(Some(end)) = whole else { return };
        assert!(head.fields.iter().eq(slow.fields.iter()));
        assert!((100..=599).contains(&head.status));
        assert!(head.body == BodyLength::None || (method == Method::Get && head.status >= 200));
        one_framing(&head.fields, head.body, head.version);
        nothing_crosses(&head.fields);
        let mut slots = [httparse::EMPTY_HEADER; 128];
        let mut theirs = httparse::Response::new(&mut slots);
        assert_eq!(theirs.parse(bytes), Ok(httparse::Status::Complete(end)));
        assert_eq!(theirs.code, Some(head.status));

        let mut out = Vec::new();
        encode::write_status_line(&mut out, head.status);
        head.fields.write_to(&mut out);
        out.extend_from_slice(b"\r\n");
        let mut again = ReplyHead::new();
        assert_eq!(again.read(&out, method, &limits), Ok(Some(out.len())));
        assert_eq!((again.status, again.body), (head.status, head.body));
        assert!(again.fields.iter().eq(head.fields.iter()));
    }
}

/// A chunked body is decoded alike whole and byte by byte, and to the same bytes when it is written again.
pub fn chunked(bytes: &[u8]) {
    let whole = decode(bytes, bytes.len().max(1));
    assert_eq!(whole, decode(bytes, 1));
    assert_eq!(whole, decode(bytes, 7));
    let Ok(Some((body, _))) = whole else { return };
    let mut again = Vec::new();
    for chunk in body.chunks(3) {
        encode::write_chunk_head(&mut again, chunk.len() as u64);
        again.extend_from_slice(chunk);
        again.extend_from_slice(b"\r\n");
    }
    again.extend_from_slice(encode::LAST_CHUNK);
    let end = again.len();
    assert_eq!(decode(&again, 5), Ok(Some((body, end))));
}

/// Canonical paths and hosts are stable, and no dot segment, control character or second spelling is left in them.
pub fn target(bytes: &[u8]) {
    let mut path = Vec::new();
    if let Ok(place) = canonical_path(bytes, &mut path) {
        let path = if place == Canonical::Borrowed { bytes } else { &path };
        assert_eq!(canonical_path(path, &mut Vec::new()), Ok(Canonical::Borrowed));
        assert!(path.starts_with(b"/") && path.iter().all(|byte| byte.is_ascii_graphic() && *byte != b'\\'));
        let decoded = decode_percent(path);
        assert!(!decoded.contains(&0) && !decoded.contains(&b'\\'));
        assert!(decoded.split(|&byte| byte == b'/').all(|segment| segment != b"." && segment != b".."));
    }
    let mut host = Vec::new();
    if let Ok(found) = canonical_host(bytes, &mut host) {
        assert_eq!(found.len, host.len());
        let mut again = Vec::new();
        assert_eq!(canonical_host(&host, &mut again).map(|host| host.port), Ok(None));
        assert_eq!(host, again);
        assert!(!host.iter().any(u8::is_ascii_uppercase));
    }
}

/// Each line of the input is read as every kind of field value; none may panic or promise what is not there.
pub fn range(bytes: &[u8]) {
    let mut request = Fields::new();
    let names = [Known::IfMatch, Known::IfNoneMatch, Known::IfModifiedSince, Known::IfUnmodifiedSince];
    for (line, known) in bytes.split(|&byte| byte == b'\n').zip(names.into_iter().cycle()) {
        request.append_known(known, line);
        values(line);
    }
    let current = Validators { etag: EntityTag::parse(b"\"a\""), last_modified: Some(HttpDate(784_111_777)) };
    for method in [Method::Get, Method::Put] {
        let _ = conditional::evaluate(method, &request, &current, HttpDate(1_700_000_000));
    }
}

fn values(line: &[u8]) {
    for complete in [0, 1, 100, u64::MAX] {
        if let Ranges::Parts(parts) = range::parse(line, complete) {
            assert!(!parts.as_slice().is_empty());
            let sum: u128 = parts.as_slice().iter().map(|part| u128::from(part.len())).sum();
            assert!(sum <= u128::from(complete));
        }
    }
    let offered = [Coding::Zstd, Coding::Brotli, Coding::Gzip];
    let best = negotiate::best(line, &offered);
    assert!(best == Coding::Identity || offered.contains(&best));
    let _ = negotiate::best_media(line, &["text/html", "application/json"]);
    if let Some(date) = HttpDate::parse(line, HttpDate(1_700_000_000)) {
        assert_eq!(HttpDate::parse(&date.format(), HttpDate(0)), Some(date));
    }
    for known in [Known::XForwardedFor, Known::Forwarded] {
        let mut fields = Fields::new();
        fields.append_known(known, line);
        let mut hops = Vec::new();
        let read = if known == Known::Forwarded { forwarded::forwarded } else { forwarded::x_forwarded_for };
        assert!(read(&fields, &mut hops).is_err() || hops.len() <= HOPS_MAX);
    }
    let mut element = Vec::new();
    forwarded::write_element(&mut element, SocketAddr::from(([10, 0, 0, 1], 1)), line, "http");
    let mut fields = Fields::new();
    if fields.append(b"Forwarded", &element).is_ok() {
        assert_eq!(forwarded::forwarded(&fields, &mut Vec::new()), Ok(()), "{}", element.escape_ascii());
    }
}

/// Feeds ever longer starts of the bytes. The end found must be the same; a fault may come later, never instead.
fn same_by_bytes(
    bytes: &[u8],
    whole: Result<Option<usize>, Malformed>,
    mut read: impl FnMut(&[u8]) -> Result<Option<usize>, Malformed>,
) {
    let mut last = Ok(None);
    for end in 0..=bytes.len() {
        last = read(&bytes[..end]);
        if last != Ok(None) {
            break;
        }
    }
    let same = last == whole || (whole.is_err() && !matches!(last, Ok(Some(_))));
    assert!(same, "{whole:?} at once, {last:?} byte by byte");
}

fn agrees_with_httparse(bytes: &[u8], end: usize, head: &RequestHead) {
    let mut slots = [httparse::EMPTY_HEADER; 128];
    let mut theirs = httparse::Request::new(&mut slots);
    assert_eq!(theirs.parse(bytes), Ok(httparse::Status::Complete(end)));
    assert_eq!(theirs.method.map(str::as_bytes), Some(head.method_text()));
    assert_eq!(theirs.path.map(str::as_bytes), Some(head.raw_target()));
    let ours = head.fields.iter().map(|field| (field.name, field.value));
    assert!(ours.eq(theirs.headers.iter().map(|header| (header.name.as_bytes(), header.value))));
}

fn target_is_canonical(head: &RequestHead) {
    if head.asterisk {
        assert_eq!((head.path(), head.method), (&b"*"[..], Method::Options));
    } else {
        assert_eq!(canonical_path(head.path(), &mut Vec::new()), Ok(Canonical::Borrowed));
    }
    assert!(
        head.query().is_none_or(|query| query.iter().all(|byte| byte.is_ascii_graphic() && *byte != b'#'))
    );
    assert!(head.fields.values(Known::Host).count() <= 1);
}

fn one_framing(fields: &Fields, body: BodyLength, version: Version) {
    let lengths = fields.values(Known::ContentLength).count();
    let codings = fields.values(Known::TransferEncoding).count();
    assert!(lengths + codings <= 1 && (codings == 0 || version == Version::Http11));
    assert!(body != BodyLength::Chunked || codings == 1);
    assert!(!matches!(body, BodyLength::Length(_)) || lengths == 1);
}

fn nothing_crosses(fields: &Fields) {
    let mut out = Vec::new();
    fields.write_end_to_end(&mut out);
    for line in out.split_inclusive(|&byte| byte == b'\n') {
        assert!(line.ends_with(b"\r\n") && !line[..line.len() - 2].contains(&b'\r'));
        let name = line.split(|&byte| byte == b':').next().unwrap_or_default();
        assert!(!Known::from_name(name).is_some_and(Known::is_hop_by_hop));
    }
}

/// The body and where it ends, with `step` bytes given at a time. `None` if the bytes end before the body does.
fn decode(bytes: &[u8], step: usize) -> Result<Option<(Vec<u8>, usize)>, Malformed> {
    let mut decoder = Decoder::keeping_trailers();
    let mut body = Vec::new();
    let mut at = 0;
    for start in (0..bytes.len()).step_by(step) {
        let end = (start + step).min(bytes.len());
        while at < end {
            match decoder.decode(&bytes[at..end])? {
                Piece::Data { start, len, consumed } => {
                    assert!(len > 0 && consumed == start + len);
                    body.extend_from_slice(&bytes[at + start..][..len]);
                    at += consumed;
                }
                Piece::More { consumed } => at += consumed,
                Piece::Done { consumed } => return Ok(Some((body, at + consumed))),
            }
        }
    }
    Ok(None)
}

fn decode_percent(path: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut bytes = path.iter();
    while let Some(&byte) = bytes.next() {
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let digits = [bytes.next().copied().unwrap_or(b'x'), bytes.next().copied().unwrap_or(b'x')];
        let digits = std::str::from_utf8(&digits).expect("a canonical path is ASCII");
        out.push(u8::from_str_radix(digits, 16).expect("a canonical path has whole escapes"));
    }
    out
}
