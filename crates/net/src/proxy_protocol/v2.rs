//! Version 2: a signature, four bytes that tell the command, family and length, then addresses and extensions.
//!
//! ```text
//! 0           12        13       14       16
//! | signature | ver|cmd | fam|tr | length | addresses … | extensions … |
//! ```

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::ops::Range;

use super::{Addresses, Header, Malformed, Parsed, V2_BYTES_MAX};

pub(super) const SIGNATURE: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";

/// The fixed part: what stands before the addresses.
const FIXED_BYTES: usize = 16;

const LOCAL: u8 = 0x20;
const PROXY: u8 = 0x21;

const UNSPECIFIED: u8 = 0x00;
const TCP4: u8 = 0x11;
const UDP4: u8 = 0x12;
const TCP6: u8 = 0x21;
const UDP6: u8 = 0x22;
const UNIX_STREAM: u8 = 0x31;
const UNIX_DATAGRAM: u8 = 0x32;

/// The extension that holds a CRC-32C of the whole header, taken with the checksum itself as zero.
const CHECKSUM: u8 = 0x03;

/// What a balancer adds to the addresses: a type and a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extension<'a> {
    /// Its type: 1 ALPN, 2 authority (SNI), 5 unique id, 0x20 TLS, …
    pub kind: u8,
    /// Its value.
    pub value: &'a [u8],
}

/// The extensions of a complete header, in order; `bytes` are those that [`super::parse`] was given.
pub fn extensions<'a>(bytes: &'a [u8], header: &Header) -> impl Iterator<Item = Extension<'a>> {
    let mut rest = bytes.get(header.extensions.clone()).unwrap_or_default();
    std::iter::from_fn(move || {
        let (extension, after) = split_extension(rest)?;
        rest = after;
        Some(extension)
    })
}

/// Reads a header that begins like the signature.
pub(super) fn parse(bytes: &[u8]) -> Parsed {
    // Each byte is judged as soon as it is there, so that a peer that will never be right is not waited for.
    let Some(&command) = bytes.get(12) else { return Ok(None) };
    if !matches!(command, LOCAL | PROXY) {
        return Err(Malformed::BadCommand);
    }
    let Some(&family) = bytes.get(13) else { return Ok(None) };
    let addresses_length = addresses_length(family).ok_or(Malformed::BadFamily)?;
    let Some(&[high, low]) = bytes.get(14..FIXED_BYTES) else { return Ok(None) };
    let consumed = FIXED_BYTES + usize::from(u16::from_be_bytes([high, low]));
    if consumed > V2_BYTES_MAX {
        return Err(Malformed::TooLong);
    }
    let extensions = FIXED_BYTES + addresses_length..consumed;
    // What a LOCAL header holds is to be skipped unread (section 2.2).
    if command == PROXY && extensions.start > consumed {
        return Err(Malformed::BadAddresses);
    }
    let Some(whole) = bytes.get(..consumed) else { return Ok(None) };
    if command == LOCAL {
        return Ok(Some((consumed, Header::silent(true, 0..0))));
    }
    check_extensions(whole, extensions.clone())?;
    let header = Header { local: false, addresses: addresses(family, &whole[FIXED_BYTES..]), extensions };
    Ok(Some((consumed, header)))
}

/// How much space a family's addresses take; `None` for a family that is not defined.
fn addresses_length(family: u8) -> Option<usize> {
    match family {
        UNSPECIFIED => Some(0),
        // The transport may be UDP on a TCP connection: a balancer that ends QUIC says so.
        TCP4 | UDP4 => Some(12),
        TCP6 | UDP6 => Some(36),
        UNIX_STREAM | UNIX_DATAGRAM => Some(216),
        _ => None,
    }
}

fn addresses(family: u8, bytes: &[u8]) -> Option<Addresses> {
    match family {
        TCP4 | UDP4 => from_parts::<4, Ipv4Addr>(bytes),
        TCP6 | UDP6 => from_parts::<16, Ipv6Addr>(bytes),
        _ => None,
    }
}

fn from_parts<const N: usize, A: From<[u8; N]> + Into<IpAddr>>(bytes: &[u8]) -> Option<Addresses> {
    let (source, rest) = bytes.split_first_chunk::<N>()?;
    let (destination, rest) = rest.split_first_chunk::<N>()?;
    let (source_port, rest) = rest.split_first_chunk()?;
    let (destination_port, _) = rest.split_first_chunk()?;
    let address = |ip: [u8; N], port| SocketAddr::new(A::from(ip).into(), u16::from_be_bytes(port));
    Some(Addresses {
        source: address(*source, *source_port),
        destination: address(*destination, *destination_port),
    })
}

fn split_extension(bytes: &[u8]) -> Option<(Extension<'_>, &[u8])> {
    let (&[kind, high, low], rest) = bytes.split_first_chunk()?;
    let (value, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes([high, low])))?;
    Some((Extension { kind, value }, rest))
}

fn check_extensions(header: &[u8], place: Range<usize>) -> Result<(), Malformed> {
    let mut rest = &header[place];
    let mut is_checked = false;
    while !rest.is_empty() {
        let (extension, after) = split_extension(rest).ok_or(Malformed::BadExtensions)?;
        if extension.kind == CHECKSUM {
            let value = extension.value.try_into().map_err(|_| Malformed::BadExtensions)?;
            let end = header.len() - after.len();
            let unsummed = [&header[..end - 4], &[0; 4], &header[end..]];
            if is_checked || u32::from_be_bytes(value) != crc32c(unsummed.into_iter().flatten()) {
                return Err(Malformed::BadChecksum);
            }
            is_checked = true;
        }
        rest = after;
    }
    Ok(())
}

/// CRC-32C (RFC 3720, appendix B.4), bit by bit: a header is short, and few balancers send a checksum.
pub(super) fn crc32c<'a>(bytes: impl Iterator<Item = &'a u8>) -> u32 {
    const POLYNOMIAL: u32 = 0x82f6_3b78;
    let step = |crc: u32, _| if crc & 1 == 1 { crc >> 1 ^ POLYNOMIAL } else { crc >> 1 };
    !bytes.fold(!0, |crc, &byte| (0..8).fold(crc ^ u32::from(byte), step))
}

pub(super) fn write(addresses: Option<Addresses>, out: &mut Vec<u8>) {
    out.extend(SIGNATURE);
    let Some(Addresses { source, destination }) = addresses else {
        out.extend([LOCAL, UNSPECIFIED, 0, 0]);
        return;
    };
    out.extend(if source.is_ipv4() { [PROXY, TCP4, 0, 12] } else { [PROXY, TCP6, 0, 36] });
    for ip in [source.ip(), destination.ip()] {
        match ip {
            IpAddr::V4(ip) => out.extend(ip.octets()),
            IpAddr::V6(ip) => out.extend(ip.octets()),
        }
    }
    out.extend(source.port().to_be_bytes());
    out.extend(destination.port().to_be_bytes());
}
