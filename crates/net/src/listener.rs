//! Listening sockets: bound once per worker for TCP (`SO_REUSEPORT`), shared by all workers for Unix and inherited ones.

use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::FileTypeExt;
use std::path::Path;
use std::task::{Context, Poll, ready};

use rustix::io::Errno;
use rustix::net::{self, AddressFamily, SocketAddrUnix, SocketFlags, SocketType, sockopt};
use tokio::io::Interest;

use crate::socket::Address;
use crate::watched::Watched;

/// Connections that the kernel may hold for a listener before they are accepted.
pub const BACKLOG: i32 = 4096;

/// Binds and listens on `address`. TCP sockets share their port with other workers' (`SO_REUSEPORT`); the
/// unspecified IPv6 address takes IPv4 too.
///
/// # Errors
/// Address in use, not local, or not permitted.
pub fn bind(address: &Address) -> io::Result<OwnedFd> {
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    match address {
        Address::Ip(address) => {
            let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
            let fd = net::socket_with(family, SocketType::STREAM, flags, None)?;
            sockopt::set_socket_reuseaddr(&fd, true)?;
            sockopt::set_socket_reuseport(&fd, true)?;
            if let SocketAddr::V6(v6) = address {
                sockopt::set_ipv6_v6only(&fd, !v6.ip().is_unspecified())?;
            }
            // Accepted sockets inherit it, which saves a call for each.
            sockopt::set_tcp_nodelay(&fd, true)?;
            net::bind(&fd, address)?;
            net::listen(&fd, BACKLOG)?;
            Ok(fd)
        }
        Address::Unix(path) => bind_unix(path, flags),
    }
}

/// A socket file left by a process that is gone is replaced; one that still answers is in use.
fn bind_unix(path: &Path, flags: SocketFlags) -> io::Result<OwnedFd> {
    let name = SocketAddrUnix::new(path)?;
    if std::fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket()) {
        let probe = net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
        match net::connect(&probe, &name) {
            Err(Errno::CONNREFUSED) => std::fs::remove_file(path)?,
            _ => return Err(io::ErrorKind::AddrInUse.into()),
        }
    }
    let fd = net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    net::bind(&fd, &name)?;
    net::listen(&fd, BACKLOG)?;
    Ok(fd)
}

/// The address a listening socket is bound to: tells the port when 0 was asked for.
pub fn bound_to(fd: &OwnedFd) -> Option<Address> {
    let any = net::getsockname(fd).ok()?;
    if let Ok(address) = SocketAddr::try_from(any.clone()) {
        return Some(Address::Ip(address));
    }
    let unix = SocketAddrUnix::try_from(any).ok()?;
    let path = unix.path_bytes().unwrap_or_default();
    Some(Address::Unix(Path::new(std::str::from_utf8(path).ok()?).to_owned()))
}

/// A listening socket on one worker's runtime.
#[derive(Debug)]
pub struct Listener {
    io: Watched,
}

impl Listener {
    /// Takes over a bound socket; the current runtime watches it from the first wait on.
    pub fn new(fd: OwnedFd) -> Self {
        Self { io: Watched::new(fd, Interest::READABLE) }
    }

    /// The next connection and who opened it.
    ///
    /// # Errors
    /// Out of file descriptors or memory: the caller should pause before it asks again. A connection that died
    /// in the queue is skipped.
    pub async fn accept(&self) -> io::Result<(OwnedFd, Address)> {
        std::future::poll_fn(|cx| self.poll_accept(cx)).await
    }

    fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<(OwnedFd, Address)>> {
        loop {
            ready!(self.io.watch()?.poll_read_ready(cx))?.retain_ready();
            match net::acceptfrom_with(&self.io, SocketFlags::NONBLOCK | SocketFlags::CLOEXEC) {
                Ok((fd, from)) => {
                    let ip = from.and_then(|any| SocketAddr::try_from(any).ok());
                    let from =
                        ip.map_or_else(|| Address::Unix(Default::default()), |ip| Address::Ip(plain(ip)));
                    return Poll::Ready(Ok((fd, from)));
                }
                Err(Errno::AGAIN) => self.io.clear(Interest::READABLE),
                Err(Errno::INTR | Errno::CONNABORTED | Errno::PROTO) => {}
                Err(error) => return Poll::Ready(Err(error.into())),
            }
        }
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.io.as_fd()
    }
}

/// An IPv4 peer of a dual-stack listener is known by its IPv4 address, or rules about it would not match.
fn plain(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}
