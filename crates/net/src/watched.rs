//! A file descriptor that the runtime watches, and the one place where it is put under watch.

use std::cell::OnceCell;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// A descriptor of our own under the runtime's watch, by edges.
///
/// It is put under watch when it first has to be waited for: a connection whose request is there when it is
/// accepted, and whose reply the kernel takes at once, costs no call for that and none for its end.
#[derive(Debug)]
pub(crate) struct Watched {
    // Declared first, so dropped first: the watch must end before the descriptor is closed.
    watch: OnceCell<AsyncFd<Number>>,
    fd: OwnedFd,
    interest: Interest,
}

#[derive(Debug)]
struct Number(RawFd);

impl AsRawFd for Number {
    fn as_raw_fd(&self) -> RawFd {
        self.0
    }
}

impl Watched {
    /// A descriptor that is not watched yet.
    pub(crate) fn new(fd: OwnedFd, interest: Interest) -> Self {
        Self { watch: OnceCell::new(), fd, interest }
    }

    /// The watch, begun now if it has not been.
    pub(crate) fn watch(&self) -> io::Result<&AsyncFd<impl AsRawFd + std::fmt::Debug + use<>>> {
        if let Some(watch) = self.watch.get() {
            return Ok(watch);
        }
        let number = Number(self.fd.as_raw_fd());
        // SAFETY: the number is that of `self.fd`, which is open and stays the same until `self` is dropped, which ends the
        // watch first.
        let watch =
            unsafe { AsyncFd::register_with_interest(number, self.interest) }.map_err(io::Error::from)?;
        Ok(self.watch.get_or_init(|| watch))
    }

    /// Whether the runtime watches it already.
    pub(crate) fn is_watched(&self) -> bool {
        self.watch.get().is_some()
    }

    /// Drops the runtime's cached readiness, without touching the waker that waits for the next event.
    pub(crate) fn clear(&self, interest: Interest) {
        if let Some(watch) = self.watch.get() {
            let _ = watch.try_io(interest, |_| Err::<(), _>(io::ErrorKind::WouldBlock.into()));
        }
    }

    /// True when an event came in since the readiness was last cleared. No system call.
    pub(crate) fn is_ready(&self, interest: Interest) -> bool {
        self.watch.get().is_some_and(|watch| watch.try_io(interest, |_| Ok(())).is_ok())
    }
}

impl AsFd for Watched {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}
