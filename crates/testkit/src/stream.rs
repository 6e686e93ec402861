//! One byte stream over TCP or a Unix socket, addressed by a string.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use rustix::net::{AddressFamily, SocketType, sockopt};

use crate::PATIENCE;

/// A connected socket of either family.
#[derive(Debug)]
pub(crate) enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Stream {
    /// Connects to `IP:PORT` or `unix:PATH`.
    pub(crate) fn connect(addr: &str) -> io::Result<Self> {
        let stream = match addr.strip_prefix("unix:") {
            Some(path) => Self::Unix(UnixStream::connect(path)?),
            None => Self::Tcp(TcpStream::connect_timeout(&parse(addr)?, PATIENCE)?),
        };
        stream.prepare()
    }

    /// Connects to `IP:PORT` with a receive buffer of about `bytes`. It is set before the handshake, because
    /// the window offered there can only grow.
    pub(crate) fn connect_narrow(addr: &str, bytes: usize) -> io::Result<Self> {
        let addr = parse(addr)?;
        let family = if addr.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
        let socket = rustix::net::socket(family, SocketType::STREAM, None)?;
        sockopt::set_socket_recv_buffer_size(&socket, bytes)?;
        rustix::net::connect(&socket, &addr)?;
        Self::Tcp(TcpStream::from(socket)).prepare()
    }

    /// Bytes leave when they are sent: a test decides itself where one segment ends.
    pub(crate) fn prepare(self) -> io::Result<Self> {
        if let Self::Tcp(tcp) = &self {
            tcp.set_nodelay(true)?;
        }
        self.set_write_timeout(PATIENCE)?;
        Ok(self)
    }

    pub(crate) fn set_read_timeout(&self, limit: Duration) -> io::Result<()> {
        // Zero would mean "for ever".
        let limit = Some(limit.max(Duration::from_millis(1)));
        match self {
            Self::Tcp(tcp) => tcp.set_read_timeout(limit),
            Self::Unix(unix) => unix.set_read_timeout(limit),
        }
    }

    pub(crate) fn set_write_timeout(&self, limit: Duration) -> io::Result<()> {
        match self {
            Self::Tcp(tcp) => tcp.set_write_timeout(Some(limit)),
            Self::Unix(unix) => unix.set_write_timeout(Some(limit)),
        }
    }

    pub(crate) fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        match self {
            Self::Tcp(tcp) => tcp.shutdown(how),
            Self::Unix(unix) => unix.shutdown(how),
        }
    }

    pub(crate) fn try_clone(&self) -> io::Result<Self> {
        Ok(match self {
            Self::Tcp(tcp) => Self::Tcp(tcp.try_clone()?),
            Self::Unix(unix) => Self::Unix(unix.try_clone()?),
        })
    }

    /// Makes the coming close send RST instead of FIN. A Unix socket has no such thing: its peer sees a
    /// reset only when bytes were left unread.
    pub(crate) fn reset_on_close(&self) -> io::Result<()> {
        Ok(sockopt::set_socket_linger(self.fd(), Some(Duration::ZERO))?)
    }

    /// The address of this end, as `connect` would take it.
    pub(crate) fn local_addr(&self) -> io::Result<String> {
        match self {
            Self::Tcp(tcp) => Ok(tcp.local_addr()?.to_string()),
            Self::Unix(_) => Ok("unix:".into()),
        }
    }

    fn fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Tcp(tcp) => tcp.as_fd(),
            Self::Unix(unix) => unix.as_fd(),
        }
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(tcp) => tcp.read(buffer),
            Self::Unix(unix) => unix.read(buffer),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(tcp) => tcp.write(bytes),
            Self::Unix(unix) => unix.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn parse(addr: &str) -> io::Result<SocketAddr> {
    addr.parse().map_err(|_| {
        let say = format!("`{addr}` is no address: expected IP:PORT or unix:PATH");
        io::Error::new(io::ErrorKind::InvalidInput, say)
    })
}
