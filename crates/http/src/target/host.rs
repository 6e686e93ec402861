//! The canonical host: lower case, port split off, no trailing dot.

use std::io::Write;
use std::net::Ipv6Addr;

use crate::grammar::{self, CLASS, HOST, UPPER};
use crate::malformed::Malformed;

/// The longest host name (RFC 1035 section 2.3.4, as text without the trailing dot).
pub const HOST_BYTES_MAX: usize = 253;

/// The longest label of a host name.
pub const LABEL_BYTES_MAX: usize = 63;

/// A canonical host that was written to a buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Host {
    /// How many bytes of name were written.
    pub len: usize,
    /// The port, if one was given.
    pub port: Option<u16>,
}

/// Writes the canonical name of `host[:port]` at the end of `out`; brackets stay around an IPv6 address.
///
/// Names consist of letters, digits, `-` and `_` in labels: internationalised names come as A-labels, and the
/// percent-encoding that RFC 3986 allows in theory is refused, as is user information. On error, `out` is as before.
pub fn canonical_host(raw: &[u8], out: &mut Vec<u8>) -> Result<Host, Malformed> {
    let start = out.len();
    if let [b'[', rest @ ..] = raw {
        let end = memchr::memchr(b']', rest).ok_or(Malformed::Host)?;
        let address = std::str::from_utf8(&rest[..end]).map_err(|_| Malformed::Host)?;
        // A zone means something on this machine only; the parser refuses it.
        let address: Ipv6Addr = address.parse().map_err(|_| Malformed::Host)?;
        let port = port_after(&rest[end + 1..])?;
        // Writing to a Vec cannot fail.
        let _ = write!(out, "[{address}]");
        return Ok(Host { len: out.len() - start, port });
    }
    let (name_end, seen) = labels(raw)?;
    let (name, after) = raw.split_at(name_end);
    let name = name.strip_suffix(b".").unwrap_or(name);
    if name.is_empty() || name.len() > HOST_BYTES_MAX {
        return Err(Malformed::Host);
    }
    let port = port_after(after)?;
    out.extend_from_slice(name);
    if seen & UPPER != 0 {
        out[start..].make_ascii_lowercase();
    }
    Ok(Host { len: name.len(), port })
}

/// The index after the labels at the start, with the last dot if there is one, and the classes seen in them.
fn labels(raw: &[u8]) -> Result<(usize, u8), Malformed> {
    let mut seen = 0;
    let mut at = 0;
    loop {
        let start = at;
        while let Some(&byte) = raw.get(at)
            && grammar::is(byte, HOST)
        {
            seen |= CLASS[byte as usize];
            at += 1;
        }
        let len = at - start;
        match raw.get(at) {
            Some(b'.') if (1..=LABEL_BYTES_MAX).contains(&len) => at += 1,
            // Behind the last dot nothing needs to stand.
            None | Some(b':') if len <= LABEL_BYTES_MAX => return Ok((at, seen)),
            _ => return Err(Malformed::Host),
        }
    }
}

/// Reads nothing, or a colon and a port. RFC 3986 would allow a colon alone; nobody needs it.
fn port_after(text: &[u8]) -> Result<Option<u16>, Malformed> {
    match text {
        [] => Ok(None),
        [b':', digits @ ..] if digits.len() <= 5 => match grammar::decimal(digits).map(u16::try_from) {
            Some(Ok(port)) if port != 0 => Ok(Some(port)),
            _ => Err(Malformed::Port),
        },
        [b':', ..] => Err(Malformed::Port),
        _ => Err(Malformed::Host),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(raw: &str, expected: Result<(&str, Option<u16>), Malformed>) {
        let mut out = b"x".to_vec();
        let host = canonical_host(raw.as_bytes(), &mut out);
        assert!(host.is_ok() || out == b"x", "something was left in the buffer");
        let host = host.map(|host| (std::str::from_utf8(&out[1..1 + host.len]).unwrap(), host.port));
        assert_eq!(host, expected, "{raw:?}");
    }

    #[test]
    fn hosts_have_one_spelling() {
        check("Example.COM", Ok(("example.com", None)));
        check("example.com.", Ok(("example.com", None)));
        check("example.com.:8080", Ok(("example.com", Some(8080))));
        check("a_b-c.xn--bcher-kva.example", Ok(("a_b-c.xn--bcher-kva.example", None)));
        check("10.0.0.1:080", Ok(("10.0.0.1", Some(80))));
        check("[2001:DB8:0:0::1]:443", Ok(("[2001:db8::1]", Some(443))));
        check("[::1]", Ok(("[::1]", None)));
    }

    #[test]
    fn other_hosts_are_refused() {
        for raw in [
            "",
            ".",
            "..",
            "a..b",
            ".a",
            "a..",
            "a b",
            "a/b",
            "a@b",
            "user:pw@b",
            "a%41",
            "b\u{fc}cher",
            "*.a",
            "a,b",
            "[::1",
            "[::1]x",
            "[fe80::1%eth0]",
            "[fe80::1%25eth0]",
            "[v1.a]",
            "::1",
            "[]",
            "a\\b",
            "a?b",
            "a#b",
        ] {
            let outcome = canonical_host(raw.as_bytes(), &mut Vec::new());
            assert!(matches!(outcome, Err(Malformed::Host | Malformed::Port)), "{raw:?}: {outcome:?}");
        }
        for raw in ["a:", "a:0", "a:65536", "a:+80", "a:80x", "a:000080", "a: 80", "[::1]:", "a:1:2"] {
            check(raw, Err(Malformed::Port));
        }
        check(&format!("{}.com", "a".repeat(64)), Err(Malformed::Host));
        check(&"a.".repeat(127), Ok((&"a.".repeat(127)[..253], None)));
        check(&"a.".repeat(128), Err(Malformed::Host));
    }
}
