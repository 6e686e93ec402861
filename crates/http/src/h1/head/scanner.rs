//! Finds the end of a head in bytes that arrive piece by piece.

use super::HeadLimits;
use crate::grammar::{self, TOKEN};
use crate::malformed::Malformed;

/// Looks for the empty line that ends a head, and at every byte only once.
#[derive(Clone, Debug)]
pub struct HeadScanner {
    is_request: bool,
    bytes_max: usize,
    /// How far the bytes were searched for LF; 0 until the first line has begun.
    searched: usize,
    /// Where the line that is being searched begins.
    line_start: usize,
    /// Whether the start line is complete.
    past_start_line: bool,
}

impl HeadScanner {
    /// A scanner for a request head.
    #[must_use]
    pub const fn request(limits: &HeadLimits) -> Self {
        Self { is_request: true, ..Self::reply(limits) }
    }

    /// A scanner for a reply head.
    #[must_use]
    pub const fn reply(limits: &HeadLimits) -> Self {
        Self {
            is_request: false,
            bytes_max: limits.bytes_max,
            searched: 0,
            line_start: 0,
            past_start_line: false,
        }
    }

    /// Makes the scanner ready for another head of the same kind.
    pub fn reset(&mut self) {
        self.searched = 0;
        self.line_start = 0;
        self.past_start_line = false;
    }

    /// Searches what came since the last call. `buf` holds all bytes since the end of the last message.
    ///
    /// Returns the index after the empty line, or `None` if more bytes are needed. A line that ends in LF alone, and
    /// a first byte that begins no head, are refused at once.
    pub fn scan(&mut self, buf: &[u8]) -> Result<Option<usize>, Malformed> {
        if self.searched == 0 {
            let Some(start) = self.start_of_head(buf)? else { return Ok(None) };
            self.searched = start + 1;
            self.line_start = start;
        }
        while let Some(offset) = memchr::memchr(b'\n', &buf[self.searched..]) {
            let line_feed = self.searched + offset;
            if buf[line_feed - 1] != b'\r' {
                return Err(Malformed::BareLineFeed);
            }
            let is_empty = line_feed == self.line_start + 1;
            self.line_start = line_feed + 1;
            self.searched = line_feed + 1;
            if line_feed >= self.bytes_max {
                return Err(self.too_large());
            }
            self.past_start_line = true;
            if is_empty {
                return Ok(Some(line_feed + 1));
            }
        }
        self.searched = buf.len();
        if buf.len() >= self.bytes_max { Err(self.too_large()) } else { Ok(None) }
    }

    /// Where the head begins: at the first byte, or after the one empty line that RFC 9112 section 2.2 allows before
    /// a request.
    fn start_of_head(&self, buf: &[u8]) -> Result<Option<usize>, Malformed> {
        let start = match buf {
            [b'\r'] if self.is_request => return Ok(None),
            [b'\r', b'\n', ..] if self.is_request => 2,
            [b'\r', ..] => return Err(Malformed::BareCarriageReturn),
            [b'\n', ..] => return Err(Malformed::BareLineFeed),
            _ => 0,
        };
        let begins = |byte| if self.is_request { grammar::is(byte, TOKEN) } else { byte == b'H' };
        match buf.get(start) {
            None => Ok(None),
            Some(&byte) if begins(byte) => Ok(Some(start)),
            Some(_) => Err(Malformed::StartLine),
        }
    }

    const fn too_large(&self) -> Malformed {
        if self.is_request && !self.past_start_line {
            Malformed::TargetTooLong
        } else {
            Malformed::HeadTooLarge
        }
    }
}
