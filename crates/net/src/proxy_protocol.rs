//! The PROXY protocol: a few bytes before a connection's own, by which a balancer in front tells whose it is.
//!
//! Pure functions over bytes, for both versions of the specification
//! (<https://www.haproxy.org/download/3.2/doc/proxy-protocol.txt>). Whoever may write this header may claim any
//! address, so it is read only from trusted peers, and strictly: a header that one program accepts and another reads
//! differently is a way to smuggle an address.

mod v1;
mod v2;

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::ops::Range;

pub use v2::{Extension, extensions};

/// The longest header of version 1, its line end included.
pub const V1_BYTES_MAX: usize = 107;

/// The longest header of version 2 that is read. The specification asks for no more, and nobody needs more.
pub const V2_BYTES_MAX: usize = 536;

/// Which form to write. Both are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// A line of text.
    V1,
    /// Binary.
    V2,
}

/// Whose connection it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Addresses {
    /// The client.
    pub source: SocketAddr,
    /// Where the client connected to.
    pub destination: SocketAddr,
}

/// What a header says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// The balancer speaks for itself, as in a health check (`LOCAL`).
    pub local: bool,
    /// The addresses. None if the connection is local, or of a kind that has no such addresses (`UNKNOWN`, Unix
    /// sockets): then those of the connection itself hold.
    pub addresses: Option<Addresses>,
    /// Where in the bytes the extensions stand, for [`extensions`].
    pub extensions: Range<usize>,
}

/// How far the bytes read so far go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// So far a header; more bytes are needed.
    Partial,
    /// A whole header in the first `consumed` bytes; what follows is the connection's own.
    Complete {
        /// Its length.
        consumed: usize,
        /// What it says.
        header: Header,
    },
    /// No header: close the connection. More bytes cannot mend it.
    Malformed(Malformed),
}

/// What is wrong with a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// It begins like neither version.
    NoHeader,
    /// Longer than [`V1_BYTES_MAX`] or [`V2_BYTES_MAX`].
    TooLong,
    /// A line with a bare CR or LF, or with bytes that are no printable ASCII.
    BadLine,
    /// A version or command that is not defined.
    BadCommand,
    /// A protocol or address family that is not defined.
    BadFamily,
    /// Addresses or ports that are missing or not in their canonical form, or something after them.
    BadAddresses,
    /// Extensions that do not fill their space exactly.
    BadExtensions,
    /// A checksum that does not match.
    BadChecksum,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoHeader => "no PROXY header where one is required",
            Self::TooLong => "PROXY header is too long",
            Self::BadLine => "PROXY line holds forbidden bytes or does not end in CRLF",
            Self::BadCommand => "PROXY header has an undefined version or command",
            Self::BadFamily => "PROXY header has an undefined address family",
            Self::BadAddresses => "PROXY header has malformed addresses",
            Self::BadExtensions => "PROXY header has malformed extensions",
            Self::BadChecksum => "PROXY header has a wrong checksum",
        })
    }
}

impl std::error::Error for Malformed {}

/// Reads a header at the start of a connection, from all bytes that came so far.
pub fn parse(bytes: &[u8]) -> Progress {
    let parsed = if begins_like(bytes, &v2::SIGNATURE) {
        v2::parse(bytes)
    } else if begins_like(bytes, v1::SIGNATURE) {
        v1::parse(bytes)
    } else {
        Err(Malformed::NoHeader)
    };
    match parsed {
        Ok(Some((consumed, header))) => Progress::Complete { consumed, header },
        Ok(None) => Progress::Partial,
        Err(malformed) => Progress::Malformed(malformed),
    }
}

/// Appends the header for a connection with these addresses; without any, one that says that the balancer speaks for
/// itself (version 1 has no word for that but `UNKNOWN`).
pub fn write(version: Version, addresses: Option<Addresses>, out: &mut Vec<u8>) {
    let addresses = addresses.map(Addresses::in_one_family);
    match version {
        Version::V1 => v1::write(addresses, out),
        Version::V2 => v2::write(addresses, out),
    }
}

impl Addresses {
    /// A header has one family for both: where they differ, IPv4 is written as IPv6.
    fn in_one_family(self) -> Self {
        if self.source.is_ipv4() == self.destination.is_ipv4() {
            return self;
        }
        Self { source: as_ipv6(self.source), destination: as_ipv6(self.destination) }
    }
}

impl Header {
    /// A header without addresses.
    const fn silent(local: bool, extensions: Range<usize>) -> Self {
        Self { local, addresses: None, extensions }
    }
}

/// A parser's result: a header and its length, or `None` if more bytes are needed.
type Parsed = Result<Option<(usize, Header)>, Malformed>;

fn begins_like(bytes: &[u8], signature: &[u8]) -> bool {
    let common = bytes.len().min(signature.len());
    bytes[..common] == signature[..common]
}

fn as_ipv6(address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(ip) => (ip.to_ipv6_mapped(), address.port()).into(),
        IpAddr::V6(_) => address,
    }
}

#[cfg(test)]
mod tests;
