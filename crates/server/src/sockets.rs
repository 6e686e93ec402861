//! Binds the listeners' sockets: for TCP one for each worker, for Unix and inherited ones a shared one.

use std::fs::Permissions;
use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use propylon_net::listener::{bind, bound_to};
use propylon_net::socket::Address;
use propylon_net::systemd::Inherited;

use crate::listen::ListenerPlan;
use crate::log;
use crate::plan::Plan;

/// Sockets that were not there before: for each address one for each worker.
pub(crate) type Fresh = Vec<(Address, Vec<OwnedFd>)>;

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

/// Sockets that the service manager opened.
#[derive(Debug, Default)]
pub(crate) struct Passed {
    /// Those that no listener has taken yet.
    pub(crate) left: Vec<Inherited>,
    /// The listeners that took one: its file is the service manager's to remove.
    taken: Vec<Address>,
}

impl Passed {
    pub(crate) fn new(left: Vec<Inherited>) -> Self {
        Self { left, taken: Vec::new() }
    }

    fn take(&mut self, listener: &ListenerPlan) -> Option<Inherited> {
        let place = self.left.iter().position(|one| is_for(one, listener))?;
        self.taken.push(listener.address.clone());
        Some(self.left.remove(place))
    }

    /// Undoes the taking, or removes the file of a socket that is our own.
    fn give_back(&mut self, address: &Address, mut sockets: Vec<OwnedFd>) {
        let Some(place) = self.taken.iter().position(|taken| taken == address) else {
            return remove_file_of(address);
        };
        self.taken.remove(place);
        self.left.extend(sockets.pop().map(|descriptor| Inherited { name: None, descriptor }));
    }
}

/// Binds what `plan` listens on and `before` did not; all of it or nothing.
///
/// # Errors
/// Every address that cannot be bound.
pub(crate) fn bind_new(
    plan: &Plan,
    before: Option<&Plan>,
    workers: usize,
    passed: &mut Passed,
) -> Result<Fresh, Vec<BindError>> {
    let (mut fresh, mut failed) = (Vec::new(), Vec::new());
    for listener in &plan.listeners {
        if before.is_some_and(|before| has(before, &listener.address)) {
            continue;
        }
        match sockets(listener, workers, passed) {
            Ok(sockets) => fresh.push((listener.address.clone(), sockets)),
            Err(error) => failed.push(BindError { address: listener.address.clone(), error }),
        }
    }
    if failed.is_empty() {
        return Ok(fresh);
    }
    for (address, sockets) in fresh {
        passed.give_back(&address, sockets);
    }
    Err(failed)
}

/// Removes the files of Unix sockets that `before` listened on and `plan` does not.
pub(crate) fn remove_gone(before: &Plan, plan: Option<&Plan>, passed: &Passed) {
    for listener in &before.listeners {
        let stays = plan.is_some_and(|plan| has(plan, &listener.address));
        if !stays && !passed.taken.contains(&listener.address) {
            remove_file_of(&listener.address);
        }
    }
}

fn has(plan: &Plan, address: &Address) -> bool {
    plan.listeners.iter().any(|listener| listener.address == *address)
}

fn remove_file_of(address: &Address) {
    if let Address::Unix(path) = address
        && let Err(error) = std::fs::remove_file(path)
        && error.kind() != io::ErrorKind::NotFound
    {
        log::warn(&format!("cannot remove the socket {}: {error}", path.display()));
    }
}

/// The sockets of one listener, one for each worker.
fn sockets(listener: &ListenerPlan, workers: usize, passed: &mut Passed) -> io::Result<Vec<OwnedFd>> {
    let address = &listener.address;
    if let Some(Inherited { descriptor, .. }) = passed.take(listener) {
        prepare_inherited(&descriptor)?;
        return copies(descriptor, workers);
    }
    let first = bind(address)?;
    let wanted = match address {
        Address::Ip(wanted) => wanted,
        Address::Unix(path) => {
            open_to_all(path)?;
            return copies(first, workers);
        }
    };
    // With port 0 the kernel chooses, once.
    let port = match bound_to(&first) {
        Some(Address::Ip(bound)) => bound.port(),
        _ => wanted.port(),
    };
    let same = Address::Ip(SocketAddr::new(wanted.ip(), port));
    let mut all = vec![first];
    for _ in 1..workers {
        all.push(bind(&same)?);
    }
    Ok(all)
}

/// A listener is there to be connected to, as a port on loopback is; who should not reach it is kept out by its
/// folder. Our umask would leave it to its owner alone.
fn open_to_all(path: &Path) -> io::Result<()> {
    std::fs::set_permissions(path, Permissions::from_mode(0o666))
}

fn copies(first: OwnedFd, count: usize) -> io::Result<Vec<OwnedFd>> {
    let mut all = (1..count).map(|_| first.try_clone()).collect::<io::Result<Vec<_>>>()?;
    all.push(first);
    Ok(all)
}

/// All workers share it: one that blocked in accepting would be lost to the others' connections.
fn prepare_inherited(socket: &OwnedFd) -> io::Result<()> {
    if !rustix::net::sockopt::socket_acceptconn(socket)? {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "the inherited socket does not listen"));
    }
    rustix::io::ioctl_fionbio(socket, true)?;
    Ok(())
}

/// Whether a socket that the service manager opened is this listener's: by its name, or by its address.
fn is_for(inherited: &Inherited, listener: &ListenerPlan) -> bool {
    if inherited.name.as_deref() == Some(&*listener.name) {
        return true;
    }
    match (bound_to(&inherited.descriptor), &listener.address) {
        (Some(Address::Ip(bound)), Address::Ip(wanted)) => {
            let any = |address: &SocketAddr| address.ip().is_unspecified();
            bound.port() == wanted.port() && (bound.ip() == wanted.ip() || any(&bound) && any(wanted))
        }
        (Some(Address::Unix(bound)), Address::Unix(wanted)) => bound == *wanted,
        _ => false,
    }
}
