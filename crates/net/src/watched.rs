//! A file descriptor that the runtime watches, and the one place where it is put under watch.

use std::io;
use std::os::fd::OwnedFd;

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// A descriptor of our own under the runtime's watch, by edges.
pub(crate) type Watched = AsyncFd<OwnedFd>;

/// Puts `fd` under watch on the current runtime.
pub(crate) fn watch(fd: OwnedFd, interest: Interest) -> io::Result<Watched> {
    // SAFETY: an `OwnedFd` is open, and always the same descriptor, until it is dropped, and the `AsyncFd` owns it.
    unsafe { AsyncFd::register_with_interest(fd, interest) }.map_err(io::Error::from)
}

/// Drops the runtime's cached readiness, without touching the waker that waits for the next event.
pub(crate) fn clear(io: &Watched, interest: Interest) {
    let _ = io.try_io(interest, |_| Err::<(), _>(io::ErrorKind::WouldBlock.into()));
}

/// True when an event came in since the readiness was last cleared. No system call.
pub(crate) fn is_ready(io: &Watched, interest: Interest) -> bool {
    io.try_io(interest, |_| Ok(())).is_ok()
}
