//! What name a request's path stands for, and which names are never served.

/// What becomes of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It may be looked for.
    Open,
    /// No file can have it: an empty segment stands in it.
    Unmatched,
    /// A segment begins with a dot: not served, whether it exists or not.
    Hidden,
}

/// Decodes a canonical path into a name beneath the root, without its first `/`, at the end of `out`.
///
/// Each escape is decoded once and nothing is decoded twice. False for a path that no name stands for: one with an
/// escaped slash, which is a byte of its segment and can be in no file's name.
pub(super) fn decode(path: &[u8], out: &mut Vec<u8>) -> bool {
    let mut rest = path.strip_prefix(b"/").unwrap_or(path);
    while let Some(at) = rest.iter().position(|byte| *byte == b'%') {
        let digit = |index: usize| rest.get(at + index).and_then(|byte| (*byte as char).to_digit(16));
        let (Some(high), Some(low)) = (digit(1), digit(2)) else { return false };
        // Two hexadecimal digits are a byte.
        let byte = (high << 4 | low) as u8;
        if matches!(byte, b'/' | 0) {
            return false;
        }
        out.extend_from_slice(&rest[..at]);
        out.push(byte);
        rest = &rest[at + 3..];
    }
    out.extend_from_slice(rest);
    true
}

/// Judges a name. `//` is not read as `/`: a path has one spelling, or rules for paths could be evaded by another.
pub(super) fn judge(name: &[u8], hidden: bool) -> Verdict {
    let directory = name.strip_suffix(b"/").unwrap_or(name);
    if directory.is_empty() {
        return if name.is_empty() { Verdict::Open } else { Verdict::Unmatched };
    }
    let mut verdict = Verdict::Open;
    for (index, segment) in directory.split(|byte| *byte == b'/').enumerate() {
        match segment {
            // The kernel would take the dots for what they are; they have no business here all the same.
            b"." | b".." => return Verdict::Hidden,
            b"" => verdict = Verdict::Unmatched,
            b".well-known" if index == 0 => {}
            [b'.', ..] if !hidden => return Verdict::Hidden,
            _ => {}
        }
    }
    verdict
}

/// Writes a name's bytes as a path segment in which nothing means anything: for links.
pub(super) fn encode(name: &[u8], out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    for &byte in name {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(byte);
        } else {
            out.extend_from_slice(&[b'%', DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &str, expected: Option<&[u8]>) {
        let mut name = Vec::new();
        let good = decode(path.as_bytes(), &mut name);
        assert_eq!(good.then_some(&*name), expected, "{path}");
    }

    #[test]
    fn escapes_are_decoded_once() {
        check("/", Some(b""));
        check("/a/b.txt", Some(b"a/b.txt"));
        check("/a%20b%3F", Some(b"a b?"));
        check("/100%25", Some(b"100%"));
        check("/%252F", Some(b"%2F"));
        check("/%C3%BC", Some("ü".as_bytes()));
        for refused in ["/a%2Fb", "/a%2fb", "/%00", "/%", "/%2", "/%zz"] {
            check(refused, None);
        }
    }

    #[test]
    fn names_are_judged() {
        use Verdict::{Hidden, Open, Unmatched};
        for (name, expected) in [
            ("", Open),
            ("a", Open),
            ("a/", Open),
            ("a/b.c", Open),
            ("a..b", Open),
            ("/", Unmatched),
            ("a//", Unmatched),
            ("a//b", Unmatched),
            ("/etc/passwd", Unmatched),
            (".git", Hidden),
            (".git/config", Hidden),
            ("a/.env", Hidden),
            ("a//.env", Hidden),
            ("..", Hidden),
            ("a/../b", Hidden),
            (".", Hidden),
            (".well-known/acme", Open),
            (".well-known", Open),
            (".well-known/.git", Hidden),
            ("a/.well-known", Hidden),
        ] {
            assert_eq!(judge(name.as_bytes(), false), expected, "{name}");
        }
        assert_eq!(judge(b".git/config", true), Open);
        assert_eq!(judge(b"a/../b", true), Hidden);
    }

    #[test]
    fn links_come_back_as_the_name() {
        let name: Vec<u8> = (1..=255).filter(|byte| *byte != b'/').collect();
        let mut path = b"/".to_vec();
        encode(&name, &mut path);
        let mut back = Vec::new();
        assert!(decode(&path, &mut back));
        assert_eq!(back, name);
    }
}
