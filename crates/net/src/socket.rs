//! A connected stream socket (TCP or Unix) driven optimistically: the system call first, the wait only when it blocks.

use std::cell::Cell;
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use rustix::buffer::spare_capacity;
use rustix::io::Errno;
use rustix::net::{self, AddressFamily, RecvFlags, SendAncillaryBuffer, SendFlags, Shutdown, SocketAddrUnix};
use rustix::net::{SocketFlags, SocketType, sockopt};
use tokio::io::Interest;

use crate::watched::Watched;

/// Where to connect to, or who connected.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Address {
    /// TCP over IPv4 or IPv6.
    Ip(SocketAddr),
    /// A Unix stream socket; empty for a peer that has no name.
    Unix(std::path::PathBuf),
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Ip(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// A connected, non-blocking stream socket.
///
/// Invariant: `drained` is true only when the last read left nothing in the kernel's buffer, so that a further
/// read before the next readiness event would be a wasted call.
#[derive(Debug)]
pub struct Socket {
    io: Watched,
    drained: Cell<bool>,
}

impl Socket {
    /// Takes over a connected, non-blocking socket. The runtime watches it from the first wait on.
    pub fn new(fd: OwnedFd) -> Self {
        let io = Watched::new(fd, Interest::READABLE | Interest::WRITABLE);
        Self { io, drained: Cell::new(false) }
    }

    /// Opens a connection to `to`. The time limit is the caller's.
    ///
    /// # Errors
    /// What the kernel says: refused, unreachable, out of ports or file descriptors.
    pub async fn connect(to: &Address) -> io::Result<Self> {
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let (fd, begun) = match to {
            Address::Ip(address) => {
                let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
                let fd = net::socket_with(family, SocketType::STREAM, flags, None)?;
                sockopt::set_tcp_nodelay(&fd, true)?;
                let begun = net::connect(&fd, address);
                (fd, begun)
            }
            Address::Unix(path) => {
                let fd = net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
                let begun = net::connect(&fd, &SocketAddrUnix::new(Path::new(path))?);
                (fd, begun)
            }
        };
        match begun {
            Ok(()) => {}
            Err(Errno::INPROGRESS) => {
                let socket = Self::new(fd);
                let watch = socket.io.watch()?;
                std::future::poll_fn(|cx| watch.poll_write_ready(cx).map_ok(drop)).await?;
                sockopt::socket_error(&socket.io)??;
                socket.drained.set(true);
                return Ok(socket);
            }
            // A Unix listener whose queue is full: it would never become writable, so it is a refusal.
            Err(error) => return Err(error.into()),
        }
        Ok(Self::new(fd))
    }

    /// Reads into the spare room of `buffer` and returns how many bytes came; 0 is the end of the stream.
    ///
    /// # Errors
    /// What the kernel says of the connection.
    pub fn poll_read(&self, cx: &mut Context<'_>, buffer: &mut Vec<u8>) -> Poll<io::Result<usize>> {
        debug_assert!(buffer.len() < buffer.capacity(), "a read into a full buffer would look like the end");
        loop {
            ready!(self.poll_readable(cx))?;
            let room = buffer.capacity() - buffer.len();
            match rustix::io::read(&self.io, spare_capacity(buffer)) {
                Ok(count) => {
                    if count > 0 && count < room {
                        self.mark_drained();
                    }
                    return Poll::Ready(Ok(count));
                }
                Err(Errno::AGAIN) => self.mark_drained(),
                Err(Errno::INTR) => {}
                Err(error) => return Poll::Ready(Err(error.into())),
            }
        }
    }

    /// Ready when a read is worth trying: bytes may be there, or the end of the stream.
    ///
    /// # Errors
    /// When the runtime is going down.
    pub fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.drained.get() {
            ready!(self.io.watch()?.poll_read_ready(cx))?.retain_ready();
            self.drained.set(false);
        }
        Poll::Ready(Ok(()))
    }

    /// Says that the last read took all there was. The next edge from the kernel makes the socket readable again;
    /// none can be lost in between, since only this thread's own wait collects them.
    fn mark_drained(&self) {
        self.drained.set(true);
        self.io.clear(Interest::READABLE);
    }

    /// Writes the slices in order and returns how many bytes were taken. `more` tells the kernel that further
    /// bytes follow at once, so that it may hold a short segment back.
    ///
    /// # Errors
    /// What the kernel says of the connection.
    pub fn poll_write(
        &self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
        more: bool,
    ) -> Poll<io::Result<usize>> {
        let flags = SendFlags::NOSIGNAL | if more { SendFlags::MORE } else { SendFlags::empty() };
        loop {
            let sent = match slices {
                [one] => net::send(&self.io, one, flags),
                many => net::sendmsg(&self.io, many, &mut SendAncillaryBuffer::default(), flags),
            };
            match sent {
                Ok(count) => return Poll::Ready(Ok(count)),
                Err(Errno::AGAIN) => ready!(self.poll_after_full(cx))?,
                Err(Errno::INTR) => {}
                Err(error) => return Poll::Ready(Err(error.into())),
            }
        }
    }

    /// After a write found no room: waits for the kernel's next word that there is some.
    pub(crate) fn poll_after_full(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.io.clear(Interest::WRITABLE);
        self.io.watch()?.poll_write_ready(cx).map_ok(drop)
    }

    /// After a read outside this type (splice) found nothing: remembers it.
    pub(crate) fn found_empty(&self) {
        self.mark_drained();
    }

    /// Ends the sending direction; the peer reads the end of the stream.
    pub fn shutdown_write(&self) {
        // The peer may be gone already: there is nobody to tell.
        let _ = net::shutdown(&self.io, Shutdown::Write);
    }

    /// Makes closing send a reset instead of what is still queued, so that the peer sees the message cut short.
    pub fn reset_on_close(&self) {
        let _ = sockopt::set_socket_linger(&self.io, Some(Duration::ZERO));
    }

    /// True when neither bytes nor the end of the stream wait to be read: an idle connection in a pool must be
    /// quiet. Costs a system call only when the last read was not seen to take everything.
    pub fn is_quiet(&self) -> bool {
        if self.drained.get() && self.io.is_watched() {
            return !self.io.is_ready(Interest::READABLE);
        }
        let empty =
            net::recv(&self.io, &mut [0u8; 1], RecvFlags::PEEK | RecvFlags::DONTWAIT) == Err(Errno::AGAIN);
        if empty {
            self.mark_drained();
        }
        empty
    }

    /// Whether waiting for this socket costs no call to begin with.
    pub fn is_watched(&self) -> bool {
        self.io.is_watched()
    }

    /// The address this end of the connection is bound to.
    pub fn local(&self) -> Option<SocketAddr> {
        net::getsockname(&self.io).ok().and_then(|any| SocketAddr::try_from(any).ok())
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.io.as_fd()
    }
}
