//! One HTTP/1 connection: its socket, and what was read from it and not yet used.

use std::cell::{Ref, RefCell};
use std::io;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use propylon_http::Malformed;
use propylon_net::buffers::{BUFFER_BYTES, Buffer, Buffers};
use propylon_net::socket::Socket;

/// An HTTP/1 connection. It holds a buffer only while bytes stand in it.
#[derive(Debug)]
pub struct Wire {
    socket: Socket,
    buffers: Rc<Buffers>,
    input: RefCell<Input>,
}

#[derive(Debug, Default)]
struct Input {
    buffer: Option<Buffer>,
    /// Bytes at the front of `buffer` that have been used.
    used: usize,
}

/// Why no head could be read.
#[derive(Debug)]
pub enum HeadError {
    /// The peer ended the stream between messages: the usual end of a connection.
    Ended,
    /// The peer ended the stream within a head.
    Truncated,
    /// What came is no head, or a longer one than allowed.
    Malformed(Malformed),
    /// What the kernel says of the connection.
    Io(io::Error),
}

impl From<io::Error> for HeadError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl Wire {
    /// A connection from which nothing has been read yet.
    pub fn new(socket: Socket, buffers: Rc<Buffers>) -> Self {
        Self { socket, buffers, input: RefCell::default() }
    }

    /// The socket, to write to, or to splice from when [`Wire::unread`] is empty.
    pub fn socket(&self) -> &Socket {
        &self.socket
    }

    /// Bytes that were read and not yet used.
    pub fn unread(&self) -> Ref<'_, [u8]> {
        Ref::map(self.input.borrow(), |input| {
            input.buffer.as_ref().map_or(&[][..], |buffer| &buffer[input.used..])
        })
    }

    /// True when no byte read ahead waits to be used.
    pub fn is_empty(&self) -> bool {
        self.input.borrow().buffer.is_none()
    }

    /// Marks the first `count` unread bytes as used; the buffer goes back to its pool with the last of them.
    pub fn consume(&self, count: usize) {
        let mut input = self.input.borrow_mut();
        input.used += count;
        if input.buffer.as_ref().is_some_and(|buffer| input.used >= buffer.len()) {
            *input = Input::default();
        }
    }

    /// True for a connection that may carry another request: nothing read ahead, nothing come in since.
    pub fn is_quiet(&self) -> bool {
        self.is_empty() && self.socket.is_quiet()
    }

    /// Ready when a byte, or the end of the stream, can be read. Holds no buffer while it waits.
    ///
    /// # Errors
    /// When the runtime is going down.
    pub fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.is_empty() { self.socket.poll_readable(cx) } else { Poll::Ready(Ok(())) }
    }

    /// Reads more bytes behind the unread ones. 0 is the end of the stream.
    ///
    /// # Errors
    /// What the kernel says of the connection.
    pub fn poll_more(&self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        // Before a buffer is taken: a connection that waits should not hold one.
        if self.is_empty() {
            ready!(self.socket.poll_readable(cx))?;
        }
        let mut input = self.input.borrow_mut();
        let Input { buffer, used } = &mut *input;
        let bytes = buffer.get_or_insert_with(|| self.buffers.take());
        if bytes.len() == bytes.capacity() {
            bytes.drain(..*used);
            *used = 0;
            bytes.reserve(BUFFER_BYTES / 2);
        }
        let read = self.socket.poll_read(cx, bytes);
        if bytes.is_empty() {
            *input = Input::default();
        }
        read
    }

    /// Reads until `read` finds a whole head at the front of the unread bytes, and uses up those bytes.
    ///
    /// `read` is given all unread bytes each time and returns where the head ends; it enforces the limits.
    ///
    /// # Errors
    /// See [`HeadError`].
    pub fn poll_head<F>(&self, cx: &mut Context<'_>, mut read: F) -> Poll<Result<(), HeadError>>
    where
        F: FnMut(&[u8]) -> Result<Option<usize>, Malformed>,
    {
        loop {
            if !self.is_empty() {
                let end = read(&self.unread()).map_err(HeadError::Malformed)?;
                if let Some(end) = end {
                    self.consume(end);
                    return Poll::Ready(Ok(()));
                }
            }
            if ready!(self.poll_more(cx))? == 0 {
                return Poll::Ready(Err(if self.is_empty() {
                    HeadError::Ended
                } else {
                    HeadError::Truncated
                }));
            }
        }
    }
}
