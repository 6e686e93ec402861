//! Binds the listeners' sockets: for TCP one for each worker, for Unix and inherited ones a shared one.

use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;

use propylon_net::listener::{bind, bound_to};
use propylon_net::socket::Address;
use propylon_net::systemd::Inherited;

/// A listener that could not be bound.
#[derive(Debug)]
pub struct BindError {
    /// Its address.
    pub address: Address,
    /// What the kernel says.
    pub error: io::Error,
}

impl std::fmt::Display for BindError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { address, error } = self;
        write!(f, "cannot listen on {address}: {error}")?;
        match error.kind() {
            io::ErrorKind::AddrInUse => f.write_str("; another process has it: find it with `ss -ltnp`"),
            io::ErrorKind::PermissionDenied => {
                f.write_str("; ports below 1024 need root, CAP_NET_BIND_SERVICE or a socket from systemd")
            }
            io::ErrorKind::AddrNotAvailable => {
                f.write_str("; no interface has this address: see `ip address`")
            }
            _ => Ok(()),
        }
    }
}

/// The sockets for one address, one for each worker.
///
/// # Errors
/// The address cannot be bound.
pub fn sockets(
    address: &Address,
    workers: usize,
    inherited: &mut Vec<Inherited>,
) -> Result<Vec<OwnedFd>, BindError> {
    let failed = |error| BindError { address: address.clone(), error };
    if let Some(place) = inherited.iter().position(|one| is_for(one, address)) {
        return copies(inherited.remove(place).descriptor, workers).map_err(failed);
    }
    let first = bind(address).map_err(failed)?;
    let Address::Ip(wanted) = address else { return copies(first, workers).map_err(failed) };
    // With port 0 the kernel chooses, once.
    let port = match bound_to(&first) {
        Some(Address::Ip(bound)) => bound.port(),
        _ => wanted.port(),
    };
    let same = Address::Ip(SocketAddr::new(wanted.ip(), port));
    let mut all = vec![first];
    for _ in 1..workers {
        all.push(bind(&same).map_err(failed)?);
    }
    Ok(all)
}

fn copies(first: OwnedFd, count: usize) -> io::Result<Vec<OwnedFd>> {
    let mut all = (1..count).map(|_| first.try_clone()).collect::<io::Result<Vec<_>>>()?;
    all.push(first);
    Ok(all)
}

/// Whether a socket that the service manager opened is bound to this address.
fn is_for(inherited: &Inherited, address: &Address) -> bool {
    match (bound_to(&inherited.descriptor), address) {
        (Some(Address::Ip(bound)), Address::Ip(wanted)) => {
            let any = |address: &SocketAddr| address.ip().is_unspecified();
            bound.port() == wanted.port() && (bound.ip() == wanted.ip() || any(&bound) && any(wanted))
        }
        (Some(Address::Unix(bound)), Address::Unix(wanted)) => bound == *wanted,
        _ => false,
    }
}
