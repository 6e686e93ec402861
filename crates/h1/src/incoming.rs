//! A message body as it comes in: framing removed, read piece by piece, never held whole.

use std::cell::Ref;
use std::io;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use propylon_http::Fields;
use propylon_http::Malformed;
use propylon_http::h1::chunked::{Decoder, Piece};
use propylon_http::h1::head::BodyLength;

use crate::wire::Wire;

/// A body that is being read from a [`Wire`].
#[derive(Debug)]
pub struct Incoming {
    wire: Rc<Wire>,
    state: State,
    /// Body bytes handed out so far, framing not counted.
    received_bytes: u64,
    /// The piece that stands at the front of the wire's unread bytes.
    ready_bytes: usize,
    bytes_max: u64,
    /// Kept from the decoder of a chunked body when it is done.
    decoder: Option<Box<Decoder>>,
}

#[derive(Debug)]
enum State {
    Done,
    Length { left: u64 },
    Chunked(Box<Decoder>),
    UntilClose,
}

/// Why a body ended before its end.
#[derive(Debug)]
pub enum BodyError {
    /// The peer ended the stream first.
    Truncated,
    /// The chunked framing is broken.
    Malformed(Malformed),
    /// There is more of it than the limit set with [`Incoming::limit`].
    TooLarge,
    /// What the kernel says of the connection.
    Io(io::Error),
}

impl From<io::Error> for BodyError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl std::fmt::Display for BodyError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Truncated => f.write_str("the peer ended the stream within the body"),
            Self::TooLarge => f.write_str("the body is larger than its limit"),
            Self::Malformed(malformed) => write!(f, "the body is malformed: {}", malformed),
            Self::Io(error) => error.fmt(f),
        }
    }
}

impl Incoming {
    /// The body that follows on `wire`, framed as its head said.
    pub fn new(wire: Rc<Wire>, length: BodyLength) -> Self {
        let state = match length {
            BodyLength::None | BodyLength::Length(0) => State::Done,
            BodyLength::Length(left) => State::Length { left },
            BodyLength::Chunked => State::Chunked(Box::new(Decoder::keeping_trailers())),
            BodyLength::UntilClose => State::UntilClose,
        };
        Self { wire, state, received_bytes: 0, ready_bytes: 0, bytes_max: u64::MAX, decoder: None }
    }

    /// Refuses more than `bytes_max` bytes, framing not counted.
    pub fn limit(&mut self, bytes_max: u64) {
        self.bytes_max = bytes_max;
    }

    /// True when the framing announces more than the limit: there is no need to read any of it.
    pub fn is_too_large(&self) -> bool {
        self.left_bytes().is_some_and(|left| self.received_bytes.saturating_add(left) > self.bytes_max)
    }

    /// The connection the body comes from.
    pub fn wire(&self) -> &Rc<Wire> {
        &self.wire
    }

    /// True when the whole body has been taken and the next message may follow on the wire.
    pub fn is_done(&self) -> bool {
        matches!(self.state, State::Done) && self.ready_bytes == 0
    }

    /// Body bytes handed out so far.
    pub fn received_bytes(&self) -> u64 {
        self.received_bytes
    }

    /// Bytes still to come, where the framing tells.
    pub fn left_bytes(&self) -> Option<u64> {
        match self.state {
            State::Done => Some(self.ready_bytes as u64),
            State::Length { left } => Some(left + self.ready_bytes as u64),
            State::Chunked(_) | State::UntilClose => None,
        }
    }

    /// Fields that followed a chunked body, once it is done.
    pub fn trailers(&self) -> Option<&Fields> {
        self.decoder.as_ref().and_then(|decoder| decoder.trailers()).filter(|trailers| !trailers.is_empty())
    }

    /// Waits for the next piece and returns its length; 0 is the end of the body. The piece stays until consumed.
    ///
    /// # Errors
    /// See [`BodyError`]; the connection is of no further use.
    pub fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Result<usize, BodyError>> {
        while self.ready_bytes == 0 && !matches!(self.state, State::Done) {
            if !self.decode()? {
                let more = ready!(self.wire.poll_more(cx))?;
                if more == 0 {
                    self.end_of_stream()?;
                }
            }
        }
        if self.received_bytes + self.ready_bytes as u64 > self.bytes_max {
            return Poll::Ready(Err(BodyError::TooLarge));
        }
        Poll::Ready(Ok(self.ready_bytes))
    }

    /// The piece that [`Incoming::poll_piece`] spoke of.
    pub fn piece(&self) -> Ref<'_, [u8]> {
        Ref::map(self.wire.unread(), |unread| &unread[..self.ready_bytes])
    }

    /// Marks the first `count` bytes of the piece as used.
    pub fn consume(&mut self, count: usize) {
        debug_assert!(count <= self.ready_bytes, "no more than the piece can be used");
        self.wire.consume(count);
        self.ready_bytes -= count;
        self.received_bytes += count as u64;
    }

    /// Bytes that may be moved straight from the socket: `None` while some stand in the buffer, or the framing
    /// has to be looked at.
    pub fn raw_bytes(&self) -> Option<u64> {
        match self.state {
            State::Length { left } if self.wire.is_empty() => Some(left),
            State::UntilClose if self.wire.is_empty() => Some(u64::MAX),
            _ => None,
        }
    }

    /// Tells that `count` bytes were moved straight from the socket; 0 says that the stream ended there.
    ///
    /// # Errors
    /// The end came too early.
    pub fn moved(&mut self, count: u64) -> Result<(), BodyError> {
        self.received_bytes += count;
        match &mut self.state {
            _ if count == 0 => return self.end_of_stream(),
            State::Length { left } => {
                *left -= count;
                if *left == 0 {
                    self.state = State::Done;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Finds the next piece in what has been read. False when more is needed.
    fn decode(&mut self) -> Result<bool, BodyError> {
        let unread = self.wire.unread();
        if unread.is_empty() {
            return Ok(false);
        }
        match &mut self.state {
            State::Done => {}
            State::UntilClose => self.ready_bytes = unread.len(),
            State::Length { left } => {
                self.ready_bytes = unread.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
                *left -= self.ready_bytes as u64;
                if *left == 0 {
                    self.state = State::Done;
                }
            }
            State::Chunked(decoder) => {
                let piece = decoder.decode(&unread).map_err(BodyError::Malformed)?;
                drop(unread);
                return Ok(self.decoded(piece));
            }
        }
        Ok(true)
    }

    /// Takes the chunked framing off the front of the unread bytes.
    fn decoded(&mut self, piece: Piece) -> bool {
        match piece {
            Piece::Data { start, len, .. } => {
                self.wire.consume(start);
                self.ready_bytes = len;
                true
            }
            Piece::More { consumed } => {
                self.wire.consume(consumed);
                false
            }
            Piece::Done { consumed } => {
                self.wire.consume(consumed);
                if let State::Chunked(decoder) = std::mem::replace(&mut self.state, State::Done) {
                    self.decoder = Some(decoder);
                }
                true
            }
        }
    }

    fn end_of_stream(&mut self) -> Result<(), BodyError> {
        match self.state {
            State::UntilClose | State::Done => {
                self.state = State::Done;
                Ok(())
            }
            State::Length { .. } | State::Chunked(_) => Err(BodyError::Truncated),
        }
    }
}
