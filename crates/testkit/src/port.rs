//! Ports that parallel tests, in one process or in several, do not fight over.

use std::net::{Ipv4Addr, Ipv6Addr, TcpListener};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::sync::atomic::{AtomicU16, Ordering};

/// Below the kernel's ephemeral range, so that no client's socket takes one between choice and use.
const FIRST: u16 = 20_000;
const COUNT: u16 = 10_000;

/// Where the search goes on. Processes start at different places only to save attempts.
static NEXT: AtomicU16 = AtomicU16::new(0);

/// A TCP port that is this test's own as long as the value lives.
///
/// The claim is an abstract Unix socket named after the port: one process can hold it, of whatever user, and the
/// kernel gives it back when that process ends, however it ends.
#[derive(Debug)]
pub struct Port {
    number: u16,
    _claim: UnixListener,
}

impl Port {
    /// Claims a port on which nothing listens.
    pub fn claim() -> Self {
        let offset = (std::process::id() % 97) as u16 * 101;
        for _ in 0..COUNT {
            let step = NEXT.fetch_add(1, Ordering::Relaxed) % COUNT;
            let number = FIRST + (offset + step) % COUNT;
            if let Some(port) = Self::try_claim(number) {
                return port;
            }
        }
        panic!("no port from {FIRST} on is free");
    }

    /// Its number.
    pub fn number(&self) -> u16 {
        self.number
    }

    fn try_claim(number: u16) -> Option<Self> {
        let name = SocketAddr::from_abstract_name(format!("propylon-test-port-{number}")).ok()?;
        let claim = UnixListener::bind_addr(&name).ok()?;
        TcpListener::bind((Ipv4Addr::UNSPECIFIED, number)).ok()?;
        // A machine without IPv6 has nobody there who could be in the way.
        if TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_ok() {
            TcpListener::bind((Ipv6Addr::LOCALHOST, number)).ok()?;
        }
        Some(Self { number, _claim: claim })
    }
}

/// A port for the rest of this process's life.
pub fn free_port() -> u16 {
    let port = Port::claim();
    let number = port.number();
    std::mem::forget(port);
    number
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claimed_port_is_not_given_twice() {
        let ports: Vec<Port> = (0..50).map(|_| Port::claim()).collect();
        let mut numbers: Vec<u16> = ports.iter().map(Port::number).collect();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), 50);
        assert!(Port::try_claim(ports[0].number()).is_none());
    }
}
