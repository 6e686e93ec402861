//! Moves bytes between sockets, and from files to sockets, without bringing them into user space.

use std::cell::{Cell, RefCell};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use rustix::io::Errno;
use rustix::pipe::{PipeFlags, SpliceFlags, fcntl_setpipe_size, pipe_with, splice};

use crate::socket::Socket;

/// Bytes that one pipe holds, and that one splice moves at the most.
pub const PIPE_BYTES: usize = 64 * 1024;

/// Pipes that one worker may have open. An unprivileged user gets about 1,000 in all
/// (`pipe-user-pages-soft`), so there must be a bound; without a pipe a body is copied instead.
pub const PIPES_MAX: usize = 256;

/// Idle pipes that a worker keeps open.
const IDLE_MAX: usize = 64;

/// The pipes of one worker.
#[derive(Debug, Default)]
pub struct Pipes {
    idle: RefCell<Vec<Ends>>,
    open: Cell<usize>,
}

#[derive(Debug)]
struct Ends {
    read: OwnedFd,
    write: OwnedFd,
}

impl Pipes {
    /// A pool without pipes.
    pub fn new() -> Rc<Self> {
        Rc::default()
    }

    /// An empty pipe, or `None` when the bound is reached or the system grants no more.
    pub fn take(self: &Rc<Self>) -> Option<Pipe> {
        if let Some(ends) = self.idle.borrow_mut().pop() {
            return Some(Pipe { ends: Some(ends), filled: 0, pool: Rc::clone(self) });
        }
        if self.open.get() >= PIPES_MAX {
            return None;
        }
        let (read, write) = pipe_with(PipeFlags::NONBLOCK | PipeFlags::CLOEXEC).ok()?;
        // Past the user's soft limit the kernel hands out pipes of one or two pages: slower than copying.
        if fcntl_setpipe_size(&write, PIPE_BYTES).ok()? < PIPE_BYTES {
            return None;
        }
        self.open.set(self.open.get() + 1);
        Some(Pipe { ends: Some(Ends { read, write }), filled: 0, pool: Rc::clone(self) })
    }

    /// How many pipes are open, idle ones included.
    pub fn open(&self) -> usize {
        self.open.get()
    }
}

/// A pipe on loan from its worker's pool, and how many bytes stand in it.
#[derive(Debug)]
pub struct Pipe {
    /// Always there until the pipe is dropped.
    ends: Option<Ends>,
    filled: usize,
    pool: Rc<Pipes>,
}

impl Pipe {
    /// Bytes that were taken in and not yet given out.
    pub fn filled(&self) -> usize {
        self.filled
    }

    /// Takes up to `limit` bytes from `from` into the empty pipe. 0 is the end of the stream.
    ///
    /// Only an empty pipe is filled: into one with content, "would block" might mean that the pipe is full, and
    /// taking that for the socket's word would hang the transfer.
    ///
    /// # Errors
    /// What the kernel says of the connection.
    pub fn poll_fill(&mut self, cx: &mut Context<'_>, from: &Socket, limit: u64) -> Poll<io::Result<usize>> {
        debug_assert_eq!(self.filled, 0, "only an empty pipe is filled");
        let Some(ends) = &self.ends else { return Poll::Ready(Ok(0)) };
        let limit = usize::try_from(limit).unwrap_or(PIPE_BYTES).min(PIPE_BYTES);
        loop {
            ready!(from.poll_readable(cx))?;
            match splice(from, None, &ends.write, None, limit, SpliceFlags::NONBLOCK | SpliceFlags::MOVE) {
                Ok(count) => {
                    self.filled = count;
                    return Poll::Ready(Ok(count));
                }
                Err(Errno::AGAIN) => from.found_empty(),
                Err(Errno::INTR) => {}
                Err(error) => return Poll::Ready(Err(error.into())),
            }
        }
    }

    /// Gives out what the pipe holds to `to`, as far as it takes it.
    ///
    /// Without `SPLICE_F_MORE`, though more will follow: the kernel would hold the last partial segment back, and the
    /// receiver with it.
    ///
    /// # Errors
    /// What the kernel says of the connection.
    pub fn poll_drain(&mut self, cx: &mut Context<'_>, to: &Socket) -> Poll<io::Result<usize>> {
        let Some(ends) = &self.ends else { return Poll::Ready(Ok(0)) };
        let flags = SpliceFlags::NONBLOCK | SpliceFlags::MOVE;
        loop {
            match splice(&ends.read, None, to, None, self.filled, flags) {
                Ok(count) => {
                    self.filled -= count;
                    return Poll::Ready(Ok(count));
                }
                Err(Errno::AGAIN) => ready!(to.poll_after_full(cx))?,
                Err(Errno::INTR) => {}
                Err(error) => return Poll::Ready(Err(error.into())),
            }
        }
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        let mut idle = self.pool.idle.borrow_mut();
        // One that still holds another exchange's bytes must never be used again.
        if self.filled == 0 && idle.len() < IDLE_MAX {
            idle.extend(self.ends.take());
        } else {
            self.pool.open.set(self.pool.open.get() - 1);
        }
    }
}

/// Sends `length` bytes of `file` from `offset` on to `to`, as far as it takes them, and advances `offset`.
/// 0 means that the file ended early.
///
/// # Errors
/// What the kernel says of the connection or the file.
pub fn poll_send_file(
    cx: &mut Context<'_>,
    to: &Socket,
    file: impl AsFd,
    offset: &mut u64,
    length: usize,
) -> Poll<io::Result<usize>> {
    loop {
        match rustix::fs::sendfile(to, &file, Some(offset), length) {
            Ok(count) => return Poll::Ready(Ok(count)),
            Err(Errno::AGAIN) => ready!(to.poll_after_full(cx))?,
            Err(Errno::INTR) => {}
            Err(error) => return Poll::Ready(Err(error.into())),
        }
    }
}
