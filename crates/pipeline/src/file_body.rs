//! A file, or parts of it, on the way to a client: by `sendfile` where the bytes may stay in the kernel, by pieces
//! where somebody must see them. A disk that has to be waited for is waited for elsewhere, never by the worker.

use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use propylon_h1::BodyError;
use propylon_net::offload;
use propylon_net::page_cache;
use propylon_net::pipes::poll_send_file;
use propylon_net::socket::Socket;

/// Bytes sent before other tasks get their turn, and that are looked for in the page cache at once.
pub const SEND_BYTES_MAX: u64 = 512 * 1024;

/// Bytes of one piece.
const PIECE_BYTES: u64 = 64 * 1024;

/// A part of the body.
#[derive(Debug)]
pub enum Segment {
    /// Bytes that stand in no file: a part's head in a multipart body.
    Text(Vec<u8>),
    /// Bytes of the file.
    Span {
        /// Where they begin.
        offset: u64,
        /// How many they are.
        length: u64,
    },
}

/// A body that comes from a file.
pub struct FileBody {
    file: Arc<OwnedFd>,
    segments: VecDeque<Segment>,
    left_bytes: u64,
    piece: Vec<u8>,
    used: usize,
    waiting: Option<Waiting>,
    /// The next chunk was just brought into the page cache: sent without another look, or a cache under pressure
    /// would have us read ahead for ever.
    fetched: bool,
}

type Waiting = Pin<Box<dyn Future<Output = Result<io::Result<Vec<u8>>, offload::Failure>>>>;

impl std::fmt::Debug for FileBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FileBody").field("left_bytes", &self.left_bytes).finish_non_exhaustive()
    }
}

impl FileBody {
    /// A body made of `segments` of `file`.
    pub fn new(file: Arc<OwnedFd>, segments: impl IntoIterator<Item = Segment>) -> Self {
        let segments: VecDeque<_> = segments.into_iter().collect();
        let left_bytes = segments.iter().map(Segment::length).sum();
        Self { file, segments, left_bytes, piece: Vec::new(), used: 0, waiting: None, fetched: false }
    }

    /// Bytes not yet used.
    pub fn left_bytes(&self) -> u64 {
        self.left_bytes
    }

    /// Sends the next bytes straight to `socket`; returns how many left. Call until [`FileBody::left_bytes`] is 0.
    ///
    /// # Errors
    /// The connection failed, the file could not be read, or it is shorter than it was.
    pub fn poll_send(&mut self, cx: &mut Context<'_>, socket: &Socket) -> Poll<Result<u64, BodyError>> {
        ready!(self.poll_waiting(cx))?;
        let Some(front) = self.segments.front_mut() else { return Poll::Ready(Ok(0)) };
        let sent = match front {
            Segment::Text(text) => {
                let count = ready!(socket.poll_write(cx, &[io::IoSlice::new(text)], true))?;
                text.drain(..count);
                count as u64
            }
            Segment::Span { offset, length } => {
                let chunk = (*length).min(SEND_BYTES_MAX);
                // A file system that cannot tell counts as cold; what else is wrong, reading ahead will say.
                if !self.fetched && !page_cache::is_resident(&self.file, *offset, chunk).unwrap_or(false) {
                    let (file, offset) = (Arc::clone(&self.file), *offset);
                    self.fetched = true;
                    self.waiting = Some(Box::pin(offload::run(move || {
                        page_cache::read_ahead(&file, offset, chunk)?;
                        Ok(Vec::new())
                    })));
                    return self.poll_send(cx, socket);
                }
                let count = usize::try_from(chunk).unwrap_or(usize::MAX);
                let sent = ready!(poll_send_file(cx, socket, &self.file, offset, count))? as u64;
                if sent == 0 {
                    return Poll::Ready(Err(BodyError::Truncated));
                }
                *length -= sent;
                self.fetched = false;
                sent
            }
        };
        self.left_bytes -= sent;
        self.drop_empty();
        Poll::Ready(Ok(sent))
    }

    fn poll_waiting(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BodyError>> {
        let Some(waiting) = &mut self.waiting else { return Poll::Ready(Ok(())) };
        let done = ready!(waiting.as_mut().poll(cx));
        self.waiting = None;
        let read = done.map_err(|failure| io::Error::other(failure.to_string()))?;
        self.piece = read?;
        self.used = 0;
        Poll::Ready(Ok(()))
    }

    /// Waits for the next piece and returns its length; 0 is the end.
    ///
    /// # Errors
    /// The file could not be read, or it is shorter than it was.
    pub fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Result<usize, BodyError>> {
        if self.used < self.piece.len() {
            return Poll::Ready(Ok(self.piece.len() - self.used));
        }
        if self.waiting.is_none() {
            match self.segments.front_mut() {
                None => return Poll::Ready(Ok(0)),
                Some(Segment::Text(text)) => {
                    self.piece = std::mem::take(text);
                    self.used = 0;
                    self.drop_empty();
                    return Poll::Ready(Ok(self.piece.len()));
                }
                Some(Segment::Span { offset, length }) => {
                    let (file, offset, length) =
                        (Arc::clone(&self.file), *offset, (*length).min(PIECE_BYTES));
                    self.waiting = Some(Box::pin(offload::run(move || {
                        let mut bytes = vec![0; usize::try_from(length).unwrap_or(0)];
                        let count = page_cache::read_at(&file, &mut bytes, offset)?;
                        bytes.truncate(count);
                        Ok(bytes)
                    })));
                }
            }
        }
        ready!(self.poll_waiting(cx))?;
        if let Some(Segment::Span { offset, length }) = self.segments.front_mut() {
            if self.piece.is_empty() {
                return Poll::Ready(Err(BodyError::Truncated));
            }
            *offset += self.piece.len() as u64;
            *length -= self.piece.len() as u64;
            self.drop_empty();
        }
        Poll::Ready(Ok(self.piece.len()))
    }

    /// The piece that [`FileBody::poll_piece`] spoke of.
    pub fn piece(&self) -> &[u8] {
        &self.piece[self.used..]
    }

    /// Marks the first `count` bytes of the piece as used.
    pub fn consume(&mut self, count: usize) {
        self.used += count;
        self.left_bytes -= count as u64;
    }

    fn drop_empty(&mut self) {
        while self.segments.front().is_some_and(|segment| segment.length() == 0) {
            self.segments.pop_front();
        }
    }
}

impl Segment {
    fn length(&self) -> u64 {
        match self {
            Self::Text(text) => text.len() as u64,
            Self::Span { length, .. } => *length,
        }
    }
}
