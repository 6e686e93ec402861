//! Sends a request to an origin: its head, and its body as it comes from the client.
//!
//! Sending goes on while the reply is read, since an origin may answer before it has the whole request.

use std::io;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use propylon_h1::{BodyError, Incoming, Sending, Wire};
use propylon_http::h1::encode::ChunkHead;
use propylon_net::buffers::Buffer;
use propylon_net::pipes::{Pipe, Pipes};

/// Bodies with at least this many bytes to come are moved by splice, when both sides are plain sockets.
pub const SPLICE_BYTES_MIN: u64 = 32 * 1024;

/// Pieces sent before other tasks get their turn.
const TURNS_MAX: u32 = 16;

/// A request on its way to an origin.
#[derive(Debug)]
pub struct Upload {
    head: Buffer,
    body: Option<Incoming>,
    chunked: bool,
    /// Until it is lifted, only the head is sent: the client waits for `100 Continue`.
    held: bool,
    pipes: Rc<Pipes>,
    state: State,
}

#[derive(Debug)]
enum State {
    Head(Sending),
    Body,
    Piece { framing: ChunkHead, length: usize, sending: Sending },
    Splice(Pipe),
    End(Sending),
    Done,
    Failed,
}

/// Which side ended an upload early.
#[derive(Debug)]
pub enum UploadError {
    /// The client's body: broken, cut short or too large.
    Client(BodyError),
    /// The origin takes no more.
    Origin(io::Error),
}

impl Upload {
    /// A request made of `head` and of the body that comes from the client, if there is one.
    pub fn new(head: Buffer, body: Option<Incoming>, chunked: bool, held: bool, pipes: Rc<Pipes>) -> Self {
        let body = body.filter(|body| !body.is_done());
        Self { head, body, chunked, held, pipes, state: State::Head(Sending::default()) }
    }

    /// True when everything has been sent.
    pub fn is_done(&self) -> bool {
        matches!(self.state, State::Done)
    }

    /// True when sending has ended, with success or without.
    pub fn is_over(&self) -> bool {
        matches!(self.state, State::Done | State::Failed)
    }

    /// Lets the body follow the head.
    pub fn release(&mut self) {
        self.held = false;
    }

    /// True while the body waits for [`Upload::release`].
    pub fn is_held(&self) -> bool {
        self.held && self.body.is_some()
    }

    /// True when it is the client that is waited for, and not the origin.
    pub fn waits_for_client(&self) -> bool {
        matches!(self.state, State::Body) && !self.is_held()
    }

    /// The request as it was, if nothing of its body has been taken: it can be sent once more.
    pub fn into_unsent(self) -> Option<(Buffer, Option<Incoming>)> {
        let untouched = match &self.body {
            None => true,
            Some(body) => {
                body.received_bytes() == 0
                    && matches!(self.state, State::Head(_) | State::Body | State::Piece { .. })
            }
        };
        untouched.then_some((self.head, self.body))
    }

    /// True when not even the first byte was taken by the kernel.
    pub fn is_untouched(&self) -> bool {
        matches!(&self.state, State::Head(sending) if sending.sent() == 0)
    }

    /// Bytes received from the client's body so far.
    pub fn received_bytes(&self) -> u64 {
        self.body.as_ref().map_or(0, Incoming::received_bytes)
    }

    /// Sends on to `origin` until all is sent. Waits for the client's bytes and for room at the origin alike.
    ///
    /// # Errors
    /// See [`UploadError`]; nothing more will be sent.
    pub fn poll(&mut self, cx: &mut Context<'_>, origin: &Wire) -> Poll<Result<(), UploadError>> {
        for _ in 0..TURNS_MAX {
            if matches!(self.state, State::Done | State::Failed) {
                return Poll::Ready(Ok(()));
            }
            let step = ready!(self.poll_step(cx, origin));
            if let Err(error) = step {
                self.state = State::Failed;
                return Poll::Ready(Err(error));
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn poll_step(&mut self, cx: &mut Context<'_>, origin: &Wire) -> Poll<Result<(), UploadError>> {
        match &mut self.state {
            State::Head(sending) if sending.sent() == 0 && !self.held && self.body.is_some() => {
                // The head and what is there of the body leave together.
                let body = self.body.as_mut().ok_or_else(no_body)?;
                self.state = match body.poll_piece(cx).map_err(UploadError::Client)? {
                    Poll::Ready(length) if length > 0 => Self::piece(self.chunked, length),
                    _ => return self.poll_head(cx, origin),
                };
                Poll::Ready(Ok(()))
            }
            State::Head(_) => self.poll_head(cx, origin),
            State::Body => self.poll_body(cx),
            State::Piece { framing, length, sending } => {
                let body = self.body.as_mut().ok_or_else(no_body)?;
                let piece = body.piece();
                let end: &[u8] = if self.chunked { b"\r\n" } else { b"" };
                let slices = [self.head.as_slice(), framing.as_bytes(), &piece[..*length], end];
                ready!(sending.poll_all(cx, origin.socket(), &slices, false)).map_err(UploadError::Origin)?;
                drop(piece);
                body.consume(*length);
                self.head.clear();
                self.state = State::Body;
                Poll::Ready(Ok(()))
            }
            State::Splice(pipe) => {
                ready!(pipe.poll_drain(cx, origin.socket())).map_err(UploadError::Origin)?;
                if pipe.filled() == 0 {
                    self.state = State::Body;
                }
                Poll::Ready(Ok(()))
            }
            State::End(sending) => {
                ready!(sending.poll_all(cx, origin.socket(), &[&self.head], false))
                    .map_err(UploadError::Origin)?;
                self.state = State::Done;
                Poll::Ready(Ok(()))
            }
            State::Done | State::Failed => Poll::Ready(Ok(())),
        }
    }

    fn poll_head(&mut self, cx: &mut Context<'_>, origin: &Wire) -> Poll<Result<(), UploadError>> {
        let State::Head(sending) = &mut self.state else { return Poll::Ready(Ok(())) };
        ready!(sending.poll_all(cx, origin.socket(), &[&self.head], false)).map_err(UploadError::Origin)?;
        self.state = if self.body.is_some() { State::Body } else { State::Done };
        if self.body.is_some() {
            self.head.clear();
        }
        Poll::Ready(Ok(()))
    }

    fn poll_body(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), UploadError>> {
        if self.held {
            return Poll::Pending;
        }
        self.head.clear();
        let body = self.body.as_mut().ok_or_else(no_body)?;
        if !self.chunked
            && body.raw_bytes().is_some_and(|left| left >= SPLICE_BYTES_MIN)
            && let Some(pipe) = self.pipes.take()
        {
            return self.poll_splice(cx, pipe);
        }
        let length = ready!(body.poll_piece(cx)).map_err(UploadError::Client)?;
        self.state = if length > 0 {
            Self::piece(self.chunked, length)
        } else if self.chunked {
            self.write_end();
            State::End(Sending::default())
        } else {
            State::Done
        };
        Poll::Ready(Ok(()))
    }

    fn poll_splice(&mut self, cx: &mut Context<'_>, mut pipe: Pipe) -> Poll<Result<(), UploadError>> {
        let Some(body) = &mut self.body else { return Poll::Ready(Ok(())) };
        let left = body.raw_bytes().unwrap_or(0);
        let wire = Rc::clone(body.wire());
        let filled = ready!(pipe.poll_fill(cx, wire.socket(), left))
            .map_err(|error| UploadError::Client(error.into()))?;
        body.moved(filled as u64).map_err(UploadError::Client)?;
        self.state = State::Splice(pipe);
        Poll::Ready(Ok(()))
    }

    fn piece(chunked: bool, length: usize) -> State {
        let framing = if chunked { ChunkHead::new(length as u64) } else { ChunkHead::NONE };
        State::Piece { framing, length, sending: Sending::default() }
    }

    /// The last chunk, with the trailers that may cross.
    fn write_end(&mut self) {
        self.head.extend_from_slice(b"0\r\n");
        if let Some(trailers) = self.body.as_ref().and_then(Incoming::trailers) {
            trailers.write_end_to_end(&mut self.head);
        }
        self.head.extend_from_slice(b"\r\n");
    }
}

fn no_body() -> UploadError {
    UploadError::Client(BodyError::Truncated)
}
