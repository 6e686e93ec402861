//! Who asked, as proxies before and after this one tell it: Forwarded (RFC 7239) and X-Forwarded-For.

use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::fields::{Fields, Known};
use crate::grammar::{self, VALUE};

/// The most hops that are read, counted from the nearest. Chains of proxies have two or three.
pub const HOPS_MAX: usize = 32;

/// One hop of a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hop {
    /// The address of who sent the request to the proxy that says so.
    Address(IpAddr),
    /// A name or `unknown`: the proxy does not tell.
    Hidden,
}

/// A chain that breaks the grammar or is too long: nothing in it can be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidChain;

/// Appends the hops that X-Forwarded-For tells, the nearest first.
pub fn x_forwarded_for(fields: &Fields, hops: &mut Vec<Hop>) -> Result<(), InvalidChain> {
    for value in fields.values(Known::XForwardedFor).rev() {
        for element in value.rsplit(|&byte| byte == b',').map(grammar::trim) {
            push(hops, node(element).ok_or(InvalidChain)?)?;
        }
    }
    Ok(())
}

/// Appends the hops that the `for` parameters of Forwarded tell, the nearest first. One without is hidden.
pub fn forwarded(fields: &Fields, hops: &mut Vec<Hop>) -> Result<(), InvalidChain> {
    let start = hops.len();
    for value in fields.values(Known::Forwarded) {
        let mut rest = value;
        loop {
            let (Element { hop, .. }, after) = element(rest).ok_or(InvalidChain)?;
            push(hops, hop)?;
            match after {
                [] => break,
                [b',', next @ ..] => rest = next,
                _ => return Err(InvalidChain),
            }
        }
    }
    hops[start..].reverse();
    Ok(())
}

/// The `proto` of the element that [`forwarded`] appends as number `hop`, counted from 0. `None` without one, and if
/// the chain breaks the grammar.
#[must_use]
pub fn forwarded_proto(fields: &Fields, hop: usize) -> Option<&[u8]> {
    // Elements are read from the far end, so what was read last is what counts as the first.
    let mut latest = [None; HOPS_MAX];
    let mut count = 0;
    for value in fields.values(Known::Forwarded) {
        let mut rest = value;
        loop {
            let (Element { proto, .. }, after) = element(rest)?;
            latest[count % HOPS_MAX] = proto;
            count += 1;
            match after {
                [] => break,
                [b',', next @ ..] => rest = next,
                _ => return None,
            }
        }
    }
    let index = count.checked_sub(hop + 1).filter(|_| count <= HOPS_MAX)?;
    latest[index]
}

/// Writes a Forwarded element: `for=…;host=…;proto=…`.
///
/// The host is left out if it is empty or could not stand in quotation marks.
pub fn write_element(out: &mut Vec<u8>, client: SocketAddr, host: &[u8], proto: &str) {
    out.extend_from_slice(b"for=");
    // Writing to a Vec cannot fail.
    let _ = match client.ip().to_canonical() {
        IpAddr::V4(address) => write!(out, "{address}"),
        IpAddr::V6(address) => write!(out, "\"[{address}]\""),
    };
    let is_quotable = grammar::all(host, VALUE) && !host.iter().any(|byte| matches!(byte, b'"' | b'\\'));
    if grammar::is_token(host) {
        out.extend_from_slice(b";host=");
        out.extend_from_slice(host);
    } else if !host.is_empty() && is_quotable {
        out.extend_from_slice(b";host=\"");
        out.extend_from_slice(host);
        out.push(b'"');
    }
    out.extend_from_slice(b";proto=");
    out.extend_from_slice(proto.as_bytes());
}

fn push(hops: &mut Vec<Hop>, hop: Hop) -> Result<(), InvalidChain> {
    if hops.len() >= HOPS_MAX {
        return Err(InvalidChain);
    }
    hops.push(hop);
    Ok(())
}

/// What an element tells of the one hop it is about.
struct Element<'a> {
    hop: Hop,
    proto: Option<&'a [u8]>,
}

/// Reads `[pair] *(";" [pair])` up to a comma or the end, and returns what follows.
fn element(text: &[u8]) -> Option<(Element<'_>, &[u8])> {
    let (mut hop, mut proto) = (None, None);
    let mut rest = trim_start(text);
    loop {
        if !matches!(rest, [] | [b';' | b',', ..]) {
            let equals = memchr::memchr(b'=', rest)?;
            let name = &rest[..equals];
            let (value, after) = value(&rest[equals + 1..])?;
            if !grammar::is_token(name) {
                return None;
            }
            // RFC 7239 section 4: each parameter once per element.
            if name.eq_ignore_ascii_case(b"for") {
                if hop.is_some() {
                    return None;
                }
                hop = Some(node(value)?);
            } else if name.eq_ignore_ascii_case(b"proto") {
                if proto.is_some() {
                    return None;
                }
                proto = Some(value);
            }
            rest = trim_start(after);
        }
        match rest {
            [b';', next @ ..] => rest = trim_start(next),
            _ => return Some((Element { hop: hop.unwrap_or(Hop::Hidden), proto }, rest)),
        }
    }
}

/// Reads a token or a quoted string. An escape in quotation marks is refused: no node needs one.
fn value(text: &[u8]) -> Option<(&[u8], &[u8])> {
    if let [b'"', inner @ ..] = text {
        let end = memchr::memchr2(b'"', b'\\', inner)?;
        return (inner[end] == b'"').then(|| (&inner[..end], &inner[end + 1..]));
    }
    let end = text.iter().position(|&byte| !grammar::is(byte, grammar::TOKEN)).unwrap_or(text.len());
    (end > 0).then(|| text.split_at(end))
}

/// Reads an address with or without a port, `unknown`, or an obfuscated name (RFC 7239 section 6).
///
/// X-Forwarded-For has IPv6 addresses without brackets too.
fn node(text: &[u8]) -> Option<Hop> {
    if text.eq_ignore_ascii_case(b"unknown") {
        return Some(Hop::Hidden);
    }
    if let [b'_', name @ ..] = text {
        let is_name = !name.is_empty()
            && name.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'));
        return is_name.then_some(Hop::Hidden);
    }
    let text = std::str::from_utf8(text).ok()?;
    let address = if let Some(inner) = text.strip_prefix('[') {
        let (address, port) = inner.split_once(']')?;
        if !port.is_empty() {
            check_port(port.strip_prefix(':')?)?;
        }
        IpAddr::V6(address.parse::<Ipv6Addr>().ok()?)
    } else if let Ok(address) = text.parse::<IpAddr>() {
        address
    } else {
        let (address, port) = text.split_once(':')?;
        check_port(port)?;
        IpAddr::V4(address.parse::<Ipv4Addr>().ok()?)
    };
    Some(Hop::Address(address.to_canonical()))
}

/// A port of one to five digits, or an obfuscated one.
fn check_port(port: &str) -> Option<()> {
    let is_number = (1..=5).contains(&port.len()) && port.bytes().all(|byte| byte.is_ascii_digit());
    let is_hidden = port.len() > 1 && port.starts_with('_') && grammar::is_token(port.as_bytes());
    (is_number || is_hidden).then_some(())
}

fn trim_start(mut text: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = text {
        text = rest;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str, values: &[&str]) -> Result<Vec<Hop>, InvalidChain> {
        let mut fields = Fields::new();
        for value in values {
            fields.append(name.as_bytes(), value.as_bytes()).unwrap();
        }
        let mut hops = Vec::new();
        x_forwarded_for(&fields, &mut hops)?;
        forwarded(&fields, &mut hops)?;
        Ok(hops)
    }

    fn address(text: &str) -> Hop {
        Hop::Address(text.parse().unwrap())
    }

    #[test]
    fn chains_are_read_from_the_near_end() {
        let hops = read("X-Forwarded-For", &["10.0.0.1, 10.0.0.2:80", "2001:db8::1,[::1]:443, unknown"]);
        let expected =
            [Hop::Hidden, address("::1"), address("2001:db8::1"), address("10.0.0.2"), address("10.0.0.1")];
        assert_eq!(hops.as_deref(), Ok(&expected[..]));
        let hops = read(
            "Forwarded",
            &[
                "for=10.0.0.1;proto=http , For=\"[2001:db8::1]:80\";by=_a",
                "for=_hidden, proto=https;;host=\"a,b;c\"; for=\"10.0.0.2:_x\", for=unknown",
            ],
        );
        let expected =
            [Hop::Hidden, address("10.0.0.2"), Hop::Hidden, address("2001:db8::1"), address("10.0.0.1")];
        assert_eq!(hops.as_deref(), Ok(&expected[..]));
        assert_eq!(read("X-Forwarded-For", &["::ffff:10.0.0.1"]), Ok(vec![address("10.0.0.1")]));
        assert_eq!(read("X-Other", &["x"]), Ok(vec![]));
    }

    #[test]
    fn the_scheme_is_that_of_its_hop() {
        let mut fields = Fields::new();
        for value in ["for=10.0.0.1;proto=https, for=10.0.0.2", "for=10.0.0.3;proto=\"http\""] {
            fields.append(b"Forwarded", value.as_bytes()).unwrap();
        }
        let expected = [Some(&b"http"[..]), None, Some(b"https"), None];
        assert_eq!([0, 1, 2, 3].map(|hop| forwarded_proto(&fields, hop)), expected);
        fields.append(b"Forwarded", b"proto=a;proto=b").unwrap();
        assert_eq!(forwarded_proto(&fields, 0), None);
    }

    #[test]
    fn chains_that_break_the_grammar_are_refused() {
        for value in [
            "",
            "a",
            "10.0.0.1,",
            ",",
            "10.0.0",
            "10.0.0.1:",
            "10.0.0.1:999999",
            "[::1",
            "::1%lo",
            "_",
            "1 2",
        ] {
            assert_eq!(read("X-Forwarded-For", &[value]), Err(InvalidChain), "{value}");
        }
        for value in [
            "for",
            "for=",
            "for=a b",
            "for=10.0.0.1 x",
            "for=\"a",
            "for=\"\\1\"",
            "for=a;for=b",
            "for=1;for=1",
            "=a",
            "f r=a",
            "for=2001:db8::1",
            "for=10.0.0.1;for=10.0.0.2",
        ] {
            assert_eq!(read("Forwarded", &[value]), Err(InvalidChain), "{value}");
        }
        let long = ["10.0.0.1"; HOPS_MAX].join(",");
        assert!(read("X-Forwarded-For", &[&long]).is_ok());
        assert_eq!(read("X-Forwarded-For", &[&long, "10.0.0.1"]), Err(InvalidChain));
    }

    #[test]
    fn elements_are_written_and_read() {
        for (client, host, expected) in [
            ("10.0.0.1:5", "a.example", "for=10.0.0.1;host=a.example;proto=https"),
            ("[::1]:5", "[::1]:80", "for=\"[::1]\";host=\"[::1]:80\";proto=https"),
            ("[::ffff:10.0.0.1]:5", "", "for=10.0.0.1;proto=https"),
            ("10.0.0.1:5", "a\"b", "for=10.0.0.1;proto=https"),
        ] {
            let mut out = Vec::new();
            write_element(&mut out, client.parse().unwrap(), host.as_bytes(), "https");
            assert_eq!(std::str::from_utf8(&out), Ok(expected));
            assert_eq!(read("Forwarded", &[expected]).map(|hops| hops.len()), Ok(1));
        }
    }
}
