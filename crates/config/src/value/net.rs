//! Addresses: of hosts, of networks, and of what a listener binds.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;

use super::{Problem, Value};
use crate::Word;

impl Value for IpAddr {
    const KIND: &'static str = "an IP address";

    fn parse(word: &Word) -> Result<Self, Problem> {
        word.text.parse().map_err(|_| Problem::new("it must be like `10.0.0.1` or `2001:db8::1`"))
    }

    fn to_text(&self) -> String {
        self.to_string()
    }
}

impl Value for SocketAddr {
    const KIND: &'static str = "an address with a port such as `10.0.0.1:80`";

    fn parse(word: &Word) -> Result<Self, Problem> {
        word.text.parse().map_err(|_| Problem::new("it must be like `10.0.0.1:80` or `[2001:db8::1]:80`"))
    }

    fn to_text(&self) -> String {
        self.to_string()
    }
}

/// A network: an address and how many of its leading bits count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct IpNet {
    address: IpAddr,
    bits: u8,
}

impl IpNet {
    /// The network of the address's first `bits` bits; the rest is cut off. `None` if it has no so many bits.
    pub fn new(address: IpAddr, bits: u8) -> Option<Self> {
        let address = match address {
            IpAddr::V4(v4) if bits <= 32 => {
                IpAddr::V4(Ipv4Addr::from_bits(v4.to_bits() & mask(bits.into(), 32) as u32))
            }
            IpAddr::V6(v6) if bits <= 128 => {
                IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & mask(bits.into(), 128)))
            }
            _ => return None,
        };
        Some(Self { address, bits })
    }

    /// Its first address.
    pub fn address(self) -> IpAddr {
        self.address
    }

    /// How many leading bits count.
    pub fn bits(self) -> u8 {
        self.bits
    }

    /// Whether an address lies in it. An IPv4 address that is mapped into IPv6 counts as itself, since a socket
    /// for both kinds shows it so.
    pub fn contains(self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                (own.to_bits() ^ other.to_bits()) & mask(self.bits.into(), 32) as u32 == 0
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                (own.to_bits() ^ other.to_bits()) & mask(self.bits.into(), 128) == 0
            }
            _ => false,
        }
    }
}

/// The leading `bits` of `width`, as the low `width` bits of the number.
fn mask(bits: u32, width: u32) -> u128 {
    let all = u128::MAX >> (128 - width);
    if bits == 0 { 0 } else { all & (all << (width - bits)) }
}

impl Value for IpNet {
    const KIND: &'static str = "a network such as `10.0.0.0/8`";

    fn parse(word: &Word) -> Result<Self, Problem> {
        let text = word.text.as_str();
        let (address, bits) = text.split_once('/').map_or((text, None), |(a, b)| (a, Some(b)));
        let address: IpAddr =
            address.parse().map_err(|_| Problem::new("it must be like `10.0.0.0/8` or `2001:db8::/32`"))?;
        let width: u8 = if address.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            None => width,
            Some(bits) => u8::parse(&Word::new(bits))
                .ok()
                .filter(|bits| *bits <= width)
                .ok_or_else(|| Problem::new(format!("the number of bits must be 0 to {width}")))?,
        };
        let net = Self::new(address, bits).ok_or_else(|| Problem::new("there are too many bits"))?;
        if net.address != address {
            let help =
                format!("write `{}` for the network or `{address}` for the one address", net.to_text());
            return Err(Problem::new("the address has bits set beyond the network's").help(help));
        }
        Ok(net)
    }

    fn to_text(&self) -> String {
        let width = if self.address.is_ipv4() { 32 } else { 128 };
        if self.bits == width { self.address.to_string() } else { format!("{}/{}", self.address, self.bits) }
    }
}

/// What a listener binds: `:80`, `127.0.0.1:80`, `[::]:80` or `unix:/run/web.sock`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ListenAddress {
    /// A port on every address of the machine, IPv4 and IPv6.
    Any(u16),
    /// One address and a port.
    Tcp(SocketAddr),
    /// A socket in the file system, or with `@` first an abstract one.
    Unix(PathBuf),
}

impl ListenAddress {
    /// The port, if it has one.
    pub fn port(&self) -> Option<u16> {
        match self {
            Self::Any(port) => Some(*port),
            Self::Tcp(address) => Some(address.port()),
            Self::Unix(_) => None,
        }
    }
}

impl Value for ListenAddress {
    const KIND: &'static str = "an address to listen on such as `:80`";

    fn parse(word: &Word) -> Result<Self, Problem> {
        let text = word.text.as_str();
        if let Some(path) = text.strip_prefix("unix:") {
            return if path.is_empty() {
                Err(Problem::new("a path must follow `unix:`").help("write `unix:/run/web.sock`"))
            } else {
                Ok(Self::Unix(path.into()))
            };
        }
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if let Some(port) = text.strip_prefix(':').filter(|port| digits(port)) {
            return u16::parse(&Word::new(port))
                .map(Self::Any)
                .map_err(|problem| problem.part(1..text.len()));
        }
        if let Ok(address) = text.parse() {
            return Ok(Self::Tcp(address));
        }
        let problem =
            Problem::new("it must be like `:80`, `127.0.0.1:80`, `[::1]:80` or `unix:/run/web.sock`");
        let port = text.rsplit_once(':').map_or("", |(_, port)| port);
        Err(if digits(text) {
            problem.help(format!("write `:{text}`"))
        } else if text.starts_with('*') && digits(port) {
            problem.help(format!("write `:{port}` for all addresses"))
        } else if text.parse::<Ipv6Addr>().is_ok() {
            problem.help(format!("write `[{text}]:80`"))
        } else if text.parse::<IpAddr>().is_ok() {
            problem.help(format!("write `{text}:80`"))
        } else if digits(port) {
            problem.help("write the host's IP address: what a name means may change while the server runs")
        } else {
            problem
        })
    }

    fn to_text(&self) -> String {
        match self {
            Self::Any(port) => format!(":{port}"),
            Self::Tcp(address) => address.to_string(),
            Self::Unix(path) => format!("unix:{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::tests::check;

    #[test]
    fn networks() {
        check::<IpNet>(&[
            ("10.0.0.0/8", Ok("10.0.0.0/8")),
            ("10.0.0.1", Ok("10.0.0.1")),
            ("::/0", Ok("::/0")),
            ("10.0.0.1/8", Err("write `10.0.0.0/8`")),
            ("10.0.0.0/33", Err("0 to 32")),
            ("ten", Err("like `10.0.0.0/8`")),
        ]);
        let net = IpNet::parse(&Word::new("10.0.0.0/8")).unwrap();
        assert!(net.contains("10.255.0.1".parse().unwrap()));
        assert!(net.contains("::ffff:10.1.2.3".parse().unwrap()));
        assert!(!net.contains("11.0.0.1".parse().unwrap()));
        assert!(!net.contains("::1".parse().unwrap()));
    }

    #[test]
    fn listen_addresses() {
        check::<ListenAddress>(&[
            (":80", Ok(":80")),
            ("127.0.0.1:80", Ok("127.0.0.1:80")),
            ("[::]:80", Ok("[::]:80")),
            ("unix:/run/x", Ok("unix:/run/x")),
            ("80", Err("write `:80`")),
            ("*:80", Err("write `:80`")),
            ("::1", Err("write `[::1]:80`")),
            ("127.0.0.1", Err("write `127.0.0.1:80`")),
            ("localhost:80", Err("IP address")),
            (":99999", Err("0 to 65535")),
            ("unix:", Err("path")),
        ]);
    }
}
