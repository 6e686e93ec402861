//! A stream with what was read ahead: lines, heads and counted bytes under a deadline.

use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::time::{Duration, Instant};

use crate::PATIENCE;
use crate::stream::Stream;

/// The longest head a test peer accepts; more is a fault of the sender.
const HEAD_MAX: usize = 1024 * 1024;

/// One end of a connection. Every read counts against a deadline set by [`Wire::begin`], so that a peer that
/// drips bytes cannot keep a test waiting.
#[derive(Debug)]
pub(crate) struct Wire {
    stream: Stream,
    ahead: Vec<u8>,
    deadline: Instant,
    patience: Duration,
}

impl Wire {
    pub(crate) fn new(stream: Stream) -> Self {
        Self { stream, ahead: Vec::new(), deadline: Instant::now() + PATIENCE, patience: PATIENCE }
    }

    /// Starts one operation: it may take the whole patience from now.
    pub(crate) fn begin(&mut self) {
        self.begin_for(self.patience);
    }

    /// Starts one operation that may take until `limit` from now.
    pub(crate) fn begin_for(&mut self, limit: Duration) {
        self.deadline = Instant::now() + limit;
    }

    pub(crate) fn set_patience(&mut self, patience: Duration) {
        self.patience = patience;
    }

    pub(crate) fn stream(&self) -> &Stream {
        &self.stream
    }

    /// What was read and not yet taken.
    pub(crate) fn ahead(&self) -> &[u8] {
        &self.ahead
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)
    }

    pub(crate) fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.stream.shutdown(how)
    }

    /// Reads once more; 0 at the end of the stream.
    pub(crate) fn fill(&mut self) -> io::Result<usize> {
        let mut block = [0; 64 * 1024];
        let got = self.read_once(&mut block)?;
        self.ahead.extend_from_slice(&block[..got]);
        Ok(got)
    }

    /// Takes at most `max` bytes, reading only when nothing is at hand; empty at the end of the stream.
    pub(crate) fn take_some(&mut self, max: usize) -> io::Result<Vec<u8>> {
        if self.ahead.is_empty() {
            let mut block = vec![0; max];
            let got = self.read_once(&mut block)?;
            block.truncate(got);
            return Ok(block);
        }
        let count = max.min(self.ahead.len());
        Ok(self.ahead.drain(..count).collect())
    }

    /// Takes exactly `count` bytes.
    pub(crate) fn take(&mut self, count: usize) -> io::Result<Vec<u8>> {
        while self.ahead.len() < count {
            if self.fill()? == 0 {
                return Err(cut(&format!("{} of {count} bytes", self.ahead.len())));
            }
        }
        Ok(self.ahead.drain(..count).collect())
    }

    /// Takes all that comes until the peer closes.
    pub(crate) fn take_rest(&mut self) -> io::Result<Vec<u8>> {
        while self.fill()? > 0 {}
        Ok(std::mem::take(&mut self.ahead))
    }

    /// Takes up to and including the empty line; `None` when the peer closed before the first byte.
    pub(crate) fn take_head(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut searched = 0;
        loop {
            if let Some(at) = find(&self.ahead[searched..], b"\r\n\r\n") {
                return Ok(Some(self.ahead.drain(..searched + at + 4).collect()));
            }
            if self.ahead.len() > HEAD_MAX {
                return Err(wrong("a head that does not end"));
            }
            searched = self.ahead.len().saturating_sub(3);
            if self.fill()? == 0 {
                let none = self.ahead.is_empty();
                return if none { Ok(None) } else { Err(cut("half a head")) };
            }
        }
    }

    /// Takes one line, without its CR LF.
    pub(crate) fn take_line(&mut self) -> io::Result<Vec<u8>> {
        loop {
            if let Some(at) = find(&self.ahead, b"\n") {
                let mut line: Vec<u8> = self.ahead.drain(..=at).collect();
                line.pop();
                return match line.pop() {
                    Some(b'\r') => Ok(line),
                    _ => Err(wrong("a line that ends in a bare LF")),
                };
            }
            if self.ahead.len() > HEAD_MAX {
                return Err(wrong("a line that does not end"));
            }
            if self.fill()? == 0 {
                return Err(cut("half a line"));
            }
        }
    }

    fn read_once(&mut self, block: &mut [u8]) -> io::Result<usize> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(timed_out());
        }
        self.stream.set_read_timeout(left)?;
        loop {
            match self.stream.read(block) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Err(timed_out()),
                other => return other,
            }
        }
    }
}

/// The peer broke the protocol.
pub(crate) fn wrong(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("the peer sent {what}"))
}

/// The peer closed in the middle of something.
fn cut(after: &str) -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, format!("the peer closed after {after}"))
}

fn timed_out() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, "the peer sent nothing more in time")
}

/// Where `needle` first stands in `hay`.
pub(crate) fn find(hay: &[u8], needle: &[u8]) -> Option<usize> {
    hay.windows(needle.len()).position(|window| window == needle)
}

/// Bytes as a test report shows them.
pub(crate) fn show(bytes: &[u8]) -> String {
    const SHOWN_MAX: usize = 600;
    let shown = bytes[..bytes.len().min(SHOWN_MAX)].escape_ascii();
    let more = bytes.len().saturating_sub(SHOWN_MAX);
    if more == 0 { format!("\"{shown}\"") } else { format!("\"{shown}\" and {more} bytes more") }
}
