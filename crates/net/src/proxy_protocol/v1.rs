//! Version 1: `PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n`.

use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::{FromStr, Split};

use super::{Addresses, Header, Malformed, Parsed, V1_BYTES_MAX};

pub(super) const SIGNATURE: &[u8] = b"PROXY ";

/// Reads a line that begins like the signature.
pub(super) fn parse(bytes: &[u8]) -> Parsed {
    let within = &bytes[..bytes.len().min(V1_BYTES_MAX)];
    let Some(end) = within.iter().position(|&byte| byte == b'\n') else {
        return if within.len() == V1_BYTES_MAX { Err(Malformed::TooLong) } else { Ok(None) };
    };
    let line = within[..end].strip_suffix(b"\r").ok_or(Malformed::BadLine)?;
    if !line.iter().all(|byte| matches!(byte, b' '..=b'~')) {
        return Err(Malformed::BadLine);
    }
    let text =
        line.strip_prefix(SIGNATURE).and_then(|text| str::from_utf8(text).ok()).ok_or(Malformed::NoHeader)?;
    let mut words = text.split(' ');
    let addresses = match words.next() {
        // What follows is to be ignored (section 2.1).
        Some("UNKNOWN") => return Ok(Some((end + 1, Header::silent(false, 0..0)))),
        Some("TCP4") => addresses::<Ipv4Addr>(words),
        Some("TCP6") => addresses::<Ipv6Addr>(words),
        _ => return Err(Malformed::BadFamily),
    };
    let addresses = Some(addresses.ok_or(Malformed::BadAddresses)?);
    Ok(Some((end + 1, Header { local: false, addresses, extensions: 0..0 })))
}

fn addresses<A: FromStr + Into<IpAddr>>(mut words: Split<'_, char>) -> Option<Addresses> {
    let source: A = words.next()?.parse().ok()?;
    let destination: A = words.next()?.parse().ok()?;
    let source = SocketAddr::new(source.into(), port(words.next()?)?);
    let destination = SocketAddr::new(destination.into(), port(words.next()?)?);
    words.next().is_none().then_some(Addresses { source, destination })
}

/// Digits only, without leading zeros: the standard parser would take `+80` and `080`.
fn port(word: &str) -> Option<u16> {
    let canonical = word == "0" || !word.starts_with(['0', '+']);
    canonical.then(|| word.parse().ok()).flatten()
}

pub(super) fn write(addresses: Option<Addresses>, out: &mut Vec<u8>) {
    // Writing to a vector cannot fail.
    let _ = match addresses {
        None => out.write_all(b"PROXY UNKNOWN\r\n"),
        Some(Addresses { source, destination }) => {
            let family = if source.is_ipv4() { "TCP4" } else { "TCP6" };
            let (from, to) = (source.ip(), destination.ip());
            write!(out, "PROXY {family} {from} {to} {} {}\r\n", source.port(), destination.port())
        }
    };
}
