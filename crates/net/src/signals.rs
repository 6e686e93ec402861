//! Signals as a stream that a task awaits, not as handlers that interrupt.
//!
//! [`block`] comes first in `main`, before any thread, so that no signal is delivered the old way; the kernel then
//! queues them on a descriptor, and one task on the control runtime reads it.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{FromRawFd, OwnedFd};
use std::ptr;

use rustix::io::Errno;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// A signal that means something to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// `SIGTERM`.
    Terminate,
    /// `SIGINT`: Ctrl-C.
    Interrupt,
    /// `SIGQUIT`.
    Quit,
    /// `SIGHUP`.
    HangUp,
    /// `SIGUSR1`.
    User1,
    /// `SIGUSR2`.
    User2,
}

impl Signal {
    const ALL: [(Self, libc::c_int); 6] = [
        (Self::Terminate, libc::SIGTERM),
        (Self::Interrupt, libc::SIGINT),
        (Self::Quit, libc::SIGQUIT),
        (Self::HangUp, libc::SIGHUP),
        (Self::User1, libc::SIGUSR1),
        (Self::User2, libc::SIGUSR2),
    ];

    fn from_number(number: u32) -> Option<Self> {
        Self::ALL.iter().find(|&&(_, known)| i64::from(known) == i64::from(number)).map(|&(signal, _)| signal)
    }
}

/// Blocks the signals of [`Signal`] in this thread and those it starts, and ignores `SIGPIPE`: a write to a peer that
/// left is an error to handle, not a reason to die.
pub fn block() -> io::Result<()> {
    let set = set_of_all();
    // SAFETY: the set is initialised, and the old mask is not asked for.
    let code = unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, &raw const set, ptr::null_mut()) };
    if code != 0 {
        return Err(io::Error::from_raw_os_error(code));
    }
    // SAFETY: SIG_IGN installs no code of ours.
    if unsafe { libc::signal(libc::SIGPIPE, libc::SIG_IGN) } == libc::SIG_ERR {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

/// The signals that arrive.
#[derive(Debug)]
pub struct Signals {
    descriptor: AsyncFd<OwnedFd>,
}

impl Signals {
    /// Starts to listen, on the current runtime. [`block`] must have come before.
    pub fn new() -> io::Result<Self> {
        let set = set_of_all();
        // SAFETY: the set is initialised, and -1 asks for a new descriptor.
        let number = unsafe { libc::signalfd(-1, &raw const set, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK) };
        if number < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the call has just made this descriptor, and nobody else owns it.
        let owned = unsafe { OwnedFd::from_raw_fd(number) };
        // SAFETY: an `OwnedFd` names one open descriptor until it is dropped, and nothing takes it out of the `AsyncFd`.
        let descriptor = unsafe { AsyncFd::register_with_interest(owned, Interest::READABLE)? };
        Ok(Self { descriptor })
    }

    /// Waits for the next one. Dropping the future loses nothing.
    pub async fn next(&mut self) -> io::Result<Signal> {
        loop {
            let mut ready = self.descriptor.readable().await?;
            match ready.try_io(|descriptor| read_one(descriptor.get_ref())) {
                Ok(Ok(Some(signal))) => return Ok(signal),
                Ok(Err(error)) => return Err(error),
                Ok(Ok(None)) | Err(_) => {}
            }
        }
    }
}

/// Reads one entry; `None` for a signal that is not ours or an interrupted read.
fn read_one(descriptor: &OwnedFd) -> io::Result<Option<Signal>> {
    const LENGTH: usize = size_of::<libc::signalfd_siginfo>();
    let mut bytes = [0_u8; LENGTH];
    match rustix::io::read(descriptor, &mut bytes) {
        // The kernel writes whole entries; the number comes first.
        Ok(LENGTH) => Ok(Signal::from_number(u32::from_ne_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))),
        Ok(_) => Err(io::ErrorKind::UnexpectedEof.into()),
        Err(Errno::INTR) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn set_of_all() -> libc::sigset_t {
    let mut set = MaybeUninit::uninit();
    // SAFETY: `sigemptyset` initialises the set it is given, and adding a valid signal to it cannot fail.
    unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        for (_, number) in Signal::ALL {
            libc::sigaddset(set.as_mut_ptr(), number);
        }
        set.assume_init()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The harness has threads that block nothing, and the kernel would give them what is sent to the process. So one
    /// thread of our own sends to itself, which the descriptor reports all the same.
    #[test]
    fn gives_signals_in_order_of_arrival() {
        std::thread::spawn(|| {
            block().unwrap();
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let mut signals = Signals::new().unwrap();
                for (signal, number) in Signal::ALL.into_iter().rev().chain(Signal::ALL) {
                    // SAFETY: the thread that is named is the one that calls.
                    assert_eq!(unsafe { libc::pthread_kill(libc::pthread_self(), number) }, 0);
                    assert_eq!(signals.next().await.unwrap(), signal);
                }
            });
        })
        .join()
        .unwrap();
    }
}
