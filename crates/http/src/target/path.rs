//! The canonical path: unreserved characters decoded, escapes in upper case, dot segments resolved.

use crate::grammar::{self, ENCODED, PATH, UNRESERVED};
use crate::malformed::Malformed;

/// Where the canonical form stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Canonical {
    /// The bytes given are canonical; nothing was written.
    Borrowed,
    /// The canonical bytes were written at the end of `out`.
    Written,
}

/// Brings a path, without its query, into canonical form.
///
/// `%2F` stays an opaque byte of its segment and empty segments stay. Refused are NUL and backslash in any
/// spelling, bad escapes, bytes that may not stand in a target, dot segments that leave the root, and dot segments
/// that another reader could find where this one sees none: behind an escaped dot, beside an escaped slash, or
/// before a `;` that some servers take for the start of parameters. Visible characters that a path may not contain,
/// such as `|`, are encoded. On error, `out` is as before.
pub fn canonical_path(raw: &[u8], out: &mut Vec<u8>) -> Result<Canonical, Malformed> {
    if raw.first() == Some(&b'/') && plain_len(raw) == raw.len() {
        return Ok(Canonical::Borrowed);
    }
    let base = out.len();
    match resolve(raw, out) {
        Ok(()) if out[base..] == *raw => {
            out.truncate(base);
            Ok(Canonical::Borrowed)
        }
        Ok(()) => Ok(Canonical::Written),
        Err(fault) => {
            out.truncate(base);
            Err(fault)
        }
    }
}

/// What follows a prefix of whole segments in a canonical path: nothing, or a rest that begins with `/`.
///
/// `/api` is a prefix of `/api` and of `/api/x`, never of `/apix`. A `/` at the end of the prefix counts for nothing.
#[must_use]
pub fn strip_segments<'p>(path: &'p [u8], prefix: &[u8]) -> Option<&'p [u8]> {
    let prefix = prefix.strip_suffix(b"/").unwrap_or(prefix);
    path.strip_prefix(prefix).filter(|rest| matches!(rest, [] | [b'/', ..]))
}

/// How many bytes at the start surely are canonical: nothing to decode or encode, no segment that begins with a dot.
#[inline]
pub(super) fn plain_len(raw: &[u8]) -> usize {
    let mut previous = 0;
    for (at, &byte) in raw.iter().enumerate() {
        if byte != b'/' && (!grammar::is(byte, PATH) || (byte == b'.' && previous == b'/')) {
            return at;
        }
        previous = byte;
    }
    raw.len()
}

/// Writes the path segment by segment (RFC 3986 section 5.2.4), except that leaving the root is an error.
fn resolve(raw: &[u8], out: &mut Vec<u8>) -> Result<(), Malformed> {
    let base = out.len();
    let mut rest = raw.strip_prefix(b"/").ok_or(Malformed::Target)?;
    loop {
        let end = memchr::memchr(b'/', rest).unwrap_or(rest.len());
        let is_last = end == rest.len();
        match &rest[..end] {
            b"." | b".." => {
                if end == 2 {
                    let parent = memchr::memrchr(b'/', &out[base..]).ok_or(Malformed::PathEscapesRoot)?;
                    out.truncate(base + parent);
                }
                if is_last {
                    out.push(b'/');
                }
            }
            segment => {
                out.push(b'/');
                write_segment(segment, out)?;
            }
        }
        if is_last {
            return Ok(());
        }
        rest = &rest[end + 1..];
    }
}

fn write_segment(segment: &[u8], out: &mut Vec<u8>) -> Result<(), Malformed> {
    let start = out.len();
    let mut bytes = segment.iter();
    while let Some(&byte) = bytes.next() {
        if grammar::is(byte, PATH) {
            out.push(byte);
        } else if byte == b'%' {
            let digits =
                (bytes.next().copied().and_then(grammar::hex), bytes.next().copied().and_then(grammar::hex));
            let (Some(high), Some(low)) = digits else { return Err(Malformed::PathEscape) };
            write_escaped(high << 4 | low, out)?;
        } else if grammar::is(byte, ENCODED) {
            push_escape(byte, out);
        } else if byte == b'\\' {
            return Err(Malformed::PathBackslash);
        } else {
            return Err(Malformed::TargetByte);
        }
    }
    if hides_dots(&out[start..]) { Err(Malformed::PathHiddenDots) } else { Ok(()) }
}

/// Writes a byte that was sent as an escape.
fn write_escaped(byte: u8, out: &mut Vec<u8>) -> Result<(), Malformed> {
    match byte {
        0 => return Err(Malformed::PathNul),
        b'\\' => return Err(Malformed::PathBackslash),
        _ if grammar::is(byte, UNRESERVED) => out.push(byte),
        _ => push_escape(byte, out),
    }
    Ok(())
}

fn push_escape(byte: u8, out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    out.extend_from_slice(&[b'%', DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
}

/// Whether a canonical segment is a dot segment to a reader who decodes `%2F` or cuts at `;`.
///
/// A plain dot segment never gets here, so a bare `.` or `..` was spelled with an escape.
fn hides_dots(segment: &[u8]) -> bool {
    if !segment.contains(&b'.') {
        return false;
    }
    let mut rest = segment;
    loop {
        let (end, next) = match memchr::memmem::find(rest, b"%2F") {
            Some(at) => (at, at + 3),
            None => (rest.len(), rest.len()),
        };
        let piece = &rest[..end];
        let name = memchr::memchr(b';', piece).map_or(piece, |cut| &piece[..cut]);
        if matches!(name, b"." | b"..") {
            return true;
        }
        if end == rest.len() {
            return false;
        }
        rest = &rest[next..];
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn canonical(raw: &[u8]) -> Result<Vec<u8>, Malformed> {
        let mut out = b"before".to_vec();
        let outcome = canonical_path(raw, &mut out);
        let written = out.strip_prefix(b"before").unwrap();
        assert!(outcome == Ok(Canonical::Written) || written.is_empty(), "something was left in the buffer");
        outcome.map(|place| if place == Canonical::Borrowed { raw.to_vec() } else { written.to_vec() })
    }

    #[track_caller]
    fn check(raw: &str, expected: &str) {
        assert_eq!(
            canonical(raw.as_bytes()).map(|path| String::from_utf8(path).unwrap()),
            Ok(expected.to_owned())
        );
    }

    #[test]
    fn canonical_paths_are_borrowed() {
        for path in
            ["/", "//", "/a/b.c", "/a//b/", "/.well-known/x", "/a%20b", "/a%2Fb", "/...", "/a..b/c..", "/%25"]
        {
            assert_eq!(canonical_path(path.as_bytes(), &mut Vec::new()), Ok(Canonical::Borrowed), "{path}");
        }
    }

    #[test]
    fn escapes_have_one_spelling() {
        check("/%41%7e%2d%2E5", "/A~-.5");
        check("/a%2fb%c3%a9", "/a%2Fb%C3%A9");
        check("/a%252e%252e/b", "/a%252e%252e/b");
        check("/a|b\"<>[]^`{}", "/a%7Cb%22%3C%3E%5B%5D%5E%60%7B%7D");
        check("/%3B%3b;", "/%3B%3B;");
        check("/%2ehidden", "/.hidden");
    }

    #[test]
    fn dot_segments_are_resolved() {
        check("/a/../b", "/b");
        check("/a/./b", "/a/b");
        check("/a/b/..", "/a/");
        check("/a/b/.", "/a/b/");
        check("/.", "/");
        check("/a/..", "/");
        check("/a//../b", "/a/b");
        check("/a/b/../../c/", "/c/");
    }

    #[test]
    fn prefixes_are_whole_segments() {
        for (path, prefix, rest) in [
            ("/api", "/api", Some("")),
            ("/api/", "/api", Some("/")),
            ("/api/x", "/api/", Some("/x")),
            ("/api//x", "/api", Some("//x")),
            ("/apix", "/api", None),
            ("/api%2Fx", "/api", None),
            ("/x", "/", Some("/x")),
            ("*", "/", None),
        ] {
            assert_eq!(strip_segments(path.as_bytes(), prefix.as_bytes()), rest.map(str::as_bytes), "{path}");
        }
    }

    #[test]
    fn ambiguous_paths_are_refused() {
        for (raw, fault) in [
            ("", Malformed::Target),
            ("a", Malformed::Target),
            ("/..", Malformed::PathEscapesRoot),
            ("/a/../../b", Malformed::PathEscapesRoot),
            ("/%00", Malformed::PathNul),
            ("/a\\b", Malformed::PathBackslash),
            ("/%5c", Malformed::PathBackslash),
            ("/%5C..", Malformed::PathBackslash),
            ("/%", Malformed::PathEscape),
            ("/%4", Malformed::PathEscape),
            ("/%g0", Malformed::PathEscape),
            ("/%%41", Malformed::PathEscape),
            ("/%2e", Malformed::PathHiddenDots),
            ("/a/%2e%2E/b", Malformed::PathHiddenDots),
            ("/a/.%2e/b", Malformed::PathHiddenDots),
            ("/a/..%2fb", Malformed::PathHiddenDots),
            ("/a%2F..", Malformed::PathHiddenDots),
            ("/a%2f.%2Fb", Malformed::PathHiddenDots),
            ("/a/..;/b", Malformed::PathHiddenDots),
            ("/a/%2e%2e;x=1/b", Malformed::PathHiddenDots),
            ("/a b", Malformed::TargetByte),
            ("/a#b", Malformed::TargetByte),
            ("/a\u{e9}", Malformed::TargetByte),
            ("/a\u{7f}", Malformed::TargetByte),
            ("/a\tb", Malformed::TargetByte),
        ] {
            assert_eq!(canonical(raw.as_bytes()), Err(fault), "{raw:?}");
        }
    }

    proptest! {
        #[test]
        fn canonical_form_is_stable(raw in "/([a-c./;%|]|%2[eEfF]|%[0-9a-fA-F]{2}|\\.\\.?/){0,24}") {
            if let Ok(once) = canonical(raw.as_bytes()) {
                prop_assert_eq!(canonical_path(&once, &mut Vec::new()), Ok(Canonical::Borrowed));
                prop_assert!(once.starts_with(b"/"));
                prop_assert!(once.split(|&byte| byte == b'/').all(|segment| segment != b"." && segment != b".."));
            }
        }

        #[test]
        fn any_bytes_are_survived(raw in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = canonical(&raw);
        }
    }
}
