//! Says precisely why `httparse` refused a head. This runs once per refused head, so it may take its time.

use crate::grammar::{self, QUERY, VALUE};
use crate::malformed::Malformed;

/// Which start line is expected.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Request,
    Reply,
}

/// The first fault in a head that was refused with `error`, or was not one head.
#[cold]
pub(super) fn diagnose(head: &[u8], kind: Kind, error: Option<httparse::Error>) -> Malformed {
    if error == Some(httparse::Error::TooManyHeaders) {
        return Malformed::TooManyFields;
    }
    let mut is_first = true;
    for line in head.split_inclusive(|&byte| byte == b'\n') {
        let Some(line) = line.strip_suffix(b"\n") else { break };
        let Some(line) = line.strip_suffix(b"\r") else { return Malformed::BareLineFeed };
        let fault = match (is_first, kind) {
            (true, Kind::Request) => request_line(line),
            (true, Kind::Reply) => status_line(line),
            (false, _) => field_line(line),
        };
        if let Some(fault) = fault {
            return fault;
        }
        is_first = false;
    }
    Malformed::Incomplete
}

fn request_line(line: &[u8]) -> Option<Malformed> {
    if let Some(fault) = stray(line) {
        return Some(fault);
    }
    let mut parts = line.split(|&byte| byte == b' ');
    let (Some(method), Some(target), Some(version), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Some(Malformed::StartLine);
    };
    if !grammar::is_token(method) || target.is_empty() {
        Some(Malformed::StartLine)
    } else if !grammar::all(target, QUERY) {
        Some(Malformed::TargetByte)
    } else {
        version_text(version)
    }
}

fn status_line(line: &[u8]) -> Option<Malformed> {
    if let Some(fault) = stray(line) {
        return Some(fault);
    }
    let mut parts = line.splitn(3, |&byte| byte == b' ');
    if let Some(fault) = version_text(parts.next().unwrap_or_default()) {
        return Some(fault);
    }
    match parts.next() {
        None => Some(Malformed::StartLine),
        Some(&[a, b, c]) if [a, b, c].iter().all(u8::is_ascii_digit) => {
            let reason = parts.next().unwrap_or_default();
            (!grammar::all(reason, VALUE)).then_some(Malformed::StartLine)
        }
        Some(_) => Some(Malformed::Status),
    }
}

fn version_text(text: &[u8]) -> Option<Malformed> {
    match text {
        b"HTTP/1.1" | b"HTTP/1.0" => None,
        [b'H', b'T', b'T', b'P', b'/', major, b'.', minor]
            if major.is_ascii_digit() && minor.is_ascii_digit() =>
        {
            Some(Malformed::Version)
        }
        _ => Some(Malformed::VersionText),
    }
}

fn field_line(line: &[u8]) -> Option<Malformed> {
    if line.is_empty() {
        return None;
    }
    if let Some(fault) = stray(line) {
        return Some(fault);
    }
    if matches!(line[0], b' ' | b'\t') {
        return Some(Malformed::LineFolding);
    }
    let Some(colon) = memchr::memchr(b':', line) else { return Some(Malformed::MissingColon) };
    let name = &line[..colon];
    if name.ends_with(b" ") || name.ends_with(b"\t") {
        Some(Malformed::SpaceBeforeColon)
    } else if !grammar::is_token(name) {
        Some(Malformed::FieldName)
    } else {
        (!grammar::all(&line[colon + 1..], VALUE)).then_some(Malformed::FieldValue)
    }
}

/// CR and NUL may stand nowhere in a line.
fn stray(line: &[u8]) -> Option<Malformed> {
    match memchr::memchr2(b'\r', 0, line).map(|at| line[at]) {
        None => None,
        Some(b'\r') => Some(Malformed::BareCarriageReturn),
        Some(_) => Some(Malformed::Nul),
    }
}
