//! The service manager's side: readiness, status, and sockets that it opened for us. No library: both are a variable
//! in the environment and a few bytes.
//!
//! Everything is read once, at the start; without a service manager it is all silence.

use std::env;
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::io;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::io::{FdFlags, fcntl_getfd, fcntl_setfd};
use rustix::time::{ClockId, clock_gettime};

/// The first inherited descriptor, by the protocol.
const DESCRIPTORS_START: RawFd = 3;

/// More inherited sockets than this are a mistake in the environment.
const DESCRIPTORS_MAX: usize = 1024;

/// Tells the service manager how things stand.
#[derive(Debug, Default)]
pub struct Notifier {
    socket: Option<UnixDatagram>,
    watchdog: Option<Duration>,
}

/// What can be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice<'a> {
    /// Serving: the start, or a reload, is done.
    Ready,
    /// A reload begins; [`Notice::Ready`] must follow.
    Reloading,
    /// The end begins.
    Stopping,
    /// One line for people.
    Status(&'a str),
    /// Another process carries on, after an upgrade.
    MainProcess(u32),
    /// Alive, within [`Notifier::watchdog`].
    Watchdog,
}

/// A socket that the service manager opened.
#[derive(Debug)]
pub struct Inherited {
    /// Its name (`FileDescriptorName=`); by default that of the socket unit.
    pub name: Option<String>,
    /// The socket. What kind it is, is for the listener to find out.
    pub descriptor: OwnedFd,
}

impl Notifier {
    /// Connects to the socket in `NOTIFY_SOCKET`, while the process may still reach it.
    pub fn from_environment() -> io::Result<Self> {
        let socket = match env::var_os("NOTIFY_SOCKET") {
            Some(address) if !address.is_empty() => Some(connect(&address)?),
            _ => None,
        };
        let ours = env::var("WATCHDOG_PID").map_or(true, |pid| pid.parse() == Ok(std::process::id()));
        let period = env::var("WATCHDOG_USEC").ok().and_then(|text| text.parse().ok()).filter(|_| ours);
        Ok(Self { socket, watchdog: period.map(Duration::from_micros) })
    }

    /// How long the service manager waits for [`Notice::Watchdog`] before it kills us; tell it twice as often.
    pub fn watchdog(&self) -> Option<Duration> {
        self.watchdog
    }

    /// Tells all of `notices` at once. Never blocks; nothing happens without a service manager.
    pub fn tell(&self, notices: &[Notice<'_>]) -> io::Result<()> {
        let Some(socket) = &self.socket else { return Ok(()) };
        socket.send(message(notices, monotonic_micros()).as_bytes()).map(drop)
    }
}

/// Takes the sockets that were passed to this process. They can be taken once; later calls get none.
pub fn take_inherited() -> io::Result<Vec<Inherited>> {
    static TAKEN: AtomicBool = AtomicBool::new(false);
    if TAKEN.swap(true, Ordering::Relaxed) {
        return Ok(Vec::new());
    }
    let variable = |name| env::var(name).ok();
    let names = announced(
        std::process::id(),
        variable("LISTEN_PID"),
        variable("LISTEN_FDS"),
        variable("LISTEN_FDNAMES"),
    )?;
    names
        .into_iter()
        .zip(DESCRIPTORS_START..)
        .map(|(name, number)| Ok(Inherited { name, descriptor: adopt(number)? }))
        .collect()
}

/// The names of the announced descriptors, in order. None if they were meant for another process.
fn announced(
    ours: u32,
    pid: Option<String>,
    count: Option<String>,
    names: Option<String>,
) -> io::Result<Vec<Option<String>>> {
    let invalid = |what| io::Error::new(io::ErrorKind::InvalidData, what);
    let (Some(pid), Some(count)) = (pid, count) else { return Ok(Vec::new()) };
    if pid.parse::<u32>().map_err(|_| invalid("LISTEN_PID is not a number"))? != ours {
        return Ok(Vec::new());
    }
    let count: usize = count.parse().map_err(|_| invalid("LISTEN_FDS is not a number"))?;
    if count > DESCRIPTORS_MAX {
        return Err(invalid("LISTEN_FDS is beyond all measure"));
    }
    let names = names.unwrap_or_default();
    let mut names = names.split(':').map(|name| (!name.is_empty()).then(|| name.to_owned()));
    Ok((0..count).map(|_| names.next().flatten()).collect())
}

fn adopt(number: RawFd) -> io::Result<OwnedFd> {
    // SAFETY: the service manager passed this number to us, `TAKEN` guards against a second owner, and nothing else
    // in the process adopts a descriptor that it did not open. Whether it is open at all is checked before the owner
    // exists.
    let borrowed = unsafe { std::os::fd::BorrowedFd::borrow_raw(number) };
    let flags = fcntl_getfd(borrowed)?;
    fcntl_setfd(borrowed, flags | FdFlags::CLOEXEC)?;
    // SAFETY: as above; the descriptor is open.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}

fn connect(address: &OsStr) -> io::Result<UnixDatagram> {
    let socket = UnixDatagram::unbound()?;
    match address.as_bytes() {
        [b'@', name @ ..] => socket.connect_addr(&SocketAddr::from_abstract_name(name)?)?,
        [b'/', ..] => socket.connect(address)?,
        _ => {
            return Err(io::Error::new(
                io::ErrorKind::Unsupported,
                "NOTIFY_SOCKET is neither a path nor abstract",
            ));
        }
    }
    socket.set_nonblocking(true)?;
    Ok(socket)
}

fn message(notices: &[Notice<'_>], now_micros: u64) -> String {
    let mut text = String::new();
    for notice in notices {
        let line = match notice {
            Notice::Ready => "READY=1",
            Notice::Stopping => "STOPPING=1",
            Notice::Watchdog => "WATCHDOG=1",
            Notice::Reloading => &format!("RELOADING=1\nMONOTONIC_USEC={now_micros}"),
            Notice::MainProcess(pid) => &format!("MAINPID={pid}"),
            // A newline would begin another assignment.
            Notice::Status(status) => &format!("STATUS={}", status.replace('\n', " ")),
        };
        let _ = writeln!(text, "{line}");
    }
    text
}

fn monotonic_micros() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec as u64 * 1_000_000 + now.tv_nsec as u64 / 1_000
}

#[cfg(test)]
mod tests;
