//! Decodes chunked bodies (RFC 9112 section 7.1), piece by piece and by the letter of the grammar.
//!
//! ```text
//!            digit             ;            tchar            =
//! Size ────────────▶ Size ─────────▶ ExtensionName ──▶ … ──▶ ExtensionValue | Quoted
//!   │ CR                                  │ CR                     │ CR
//!   ▼                                     ▼                        ▼
//! SizeEnd ──LF, size > 0──▶ Data ──all bytes──▶ DataEnd ──CRLF──▶ Size
//!   └──LF, size = 0──▶ Trailer ──empty line──▶ Done
//! ```

use crate::fields::{Fields, Known};
use crate::grammar::{self, TOKEN, VALUE};
use crate::malformed::Malformed;

/// The most digits of a chunk size: as many as 64 bits need.
pub const SIZE_DIGITS_MAX: u8 = 16;
/// The most bytes of extensions on one size line. Nobody uses them; they are read and dropped.
pub const EXTENSION_BYTES_MAX: u32 = 256;
/// The most bytes of extensions in one body: they are work without a benefit.
pub const EXTENSION_BYTES_TOTAL_MAX: u32 = 16 * 1024;
/// The most bytes of a trailer section.
pub const TRAILER_BYTES_MAX: usize = 8 * 1024;
/// The most fields of a trailer section.
pub const TRAILER_FIELDS_MAX: usize = 32;

/// What the decoder found at the start of its input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece {
    /// `input[start..start + len]` is body. The next call begins behind it, at `consumed`.
    Data {
        /// Where the body bytes begin.
        start: usize,
        /// How many they are, never 0.
        len: usize,
        /// Where the next call begins: `start + len`.
        consumed: usize,
    },
    /// All input was read, to no body byte: more is needed. `consumed` is the input's length.
    More {
        /// Where the next call begins.
        consumed: usize,
    },
    /// The body has ended. What follows `consumed` belongs to the next message.
    Done {
        /// Where the next message begins.
        consumed: usize,
    },
}

/// The state of one chunked body.
#[derive(Clone, Debug, Default)]
pub struct Decoder {
    state: State,
    /// The size being read, and then what remains of the chunk.
    size: u64,
    digits: u8,
    extension_bytes: u32,
    extension_bytes_total: u32,
    trailer_bytes: usize,
    trailer_fields: usize,
    /// A trailer line that is not complete yet.
    line: Vec<u8>,
    /// The trailers that were kept, if they are to be kept.
    trailers: Option<Fields>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Size,
    SizeEnd,
    Extension(Extension),
    Data,
    DataCr,
    DataLf,
    Trailer,
    Done,
}

/// Where in `*( BWS ";" BWS name [ BWS "=" BWS value ] )` the decoder is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Extension {
    /// White space was read; only `;` can follow it.
    Semicolon,
    NameStart,
    Name,
    NameEnd,
    ValueStart,
    Value,
    Quoted,
    Escaped,
    QuotedEnd,
}

impl Decoder {
    /// A decoder that checks trailers and drops them.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A decoder that keeps the trailers, without those that a trailer section must not carry.
    #[must_use]
    pub fn keeping_trailers() -> Self {
        Self { trailers: Some(Fields::new()), ..Self::default() }
    }

    /// The trailers that were kept. They are complete when the body is done.
    #[must_use]
    pub fn trailers(&self) -> Option<&Fields> {
        self.trailers.as_ref()
    }

    /// Whether the body has ended.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// How many bytes of body come next without any framing between them.
    #[must_use]
    pub fn remaining_in_chunk(&self) -> u64 {
        if self.state == State::Data { self.size } else { 0 }
    }

    /// Says that the caller moved `count` bytes of body itself, [`Decoder::remaining_in_chunk`] at most.
    pub fn advance(&mut self, count: u64) {
        debug_assert!(count <= self.remaining_in_chunk(), "more bytes were moved than the chunk has");
        if self.state == State::Data {
            self.size = self.size.saturating_sub(count);
            if self.size == 0 {
                self.state = State::DataCr;
            }
        }
    }

    /// Reads on. Framing is skipped until a piece of body, the end of the body, or the end of the input.
    pub fn decode(&mut self, input: &[u8]) -> Result<Piece, Malformed> {
        let mut at = 0;
        loop {
            match self.state {
                State::Done => return Ok(Piece::Done { consumed: at }),
                _ if at == input.len() => return Ok(Piece::More { consumed: at }),
                State::Data => {
                    let available = (input.len() - at) as u64;
                    let len = available.min(self.size) as usize;
                    self.advance(len as u64);
                    return Ok(Piece::Data { start: at, len, consumed: at + len });
                }
                State::Trailer => at += self.trailer(&input[at..])?,
                _ => {
                    self.framing(input[at])?;
                    at += 1;
                }
            }
        }
    }

    /// Reads one byte of a size line or of the end of a chunk.
    fn framing(&mut self, byte: u8) -> Result<(), Malformed> {
        self.state = match (self.state, byte) {
            (State::Size, _) => self.size_byte(byte)?,
            (State::SizeEnd, b'\n') => self.begin_chunk(),
            (State::DataCr, b'\r') => State::DataLf,
            (State::DataLf, b'\n') => State::Size,
            (State::Extension(extension), _) => self.extension_byte(extension, byte)?,
            (State::SizeEnd, _) => return Err(Malformed::BareCarriageReturn),
            _ => return Err(Malformed::ChunkEnd),
        };
        Ok(())
    }

    fn size_byte(&mut self, byte: u8) -> Result<State, Malformed> {
        if let Some(digit) = grammar::hex(byte) {
            if self.digits == SIZE_DIGITS_MAX {
                return Err(Malformed::ChunkSizeTooLarge);
            }
            self.digits += 1;
            self.size = self.size << 4 | u64::from(digit);
            return Ok(State::Size);
        }
        match byte {
            b'\n' => Err(Malformed::BareLineFeed),
            _ if self.digits == 0 => Err(Malformed::ChunkSize),
            b'\r' => Ok(State::SizeEnd),
            b';' => Ok(State::Extension(Extension::NameStart)),
            b' ' | b'\t' => Ok(State::Extension(Extension::Semicolon)),
            _ => Err(Malformed::ChunkSize),
        }
    }

    fn begin_chunk(&mut self) -> State {
        self.digits = 0;
        self.extension_bytes = 0;
        if self.size == 0 { State::Trailer } else { State::Data }
    }

    fn extension_byte(&mut self, extension: Extension, byte: u8) -> Result<State, Malformed> {
        use Extension::{Escaped, Name, NameEnd, NameStart, Quoted, QuotedEnd, Semicolon, Value, ValueStart};
        self.extension_bytes += 1;
        self.extension_bytes_total += 1;
        if self.extension_bytes > EXTENSION_BYTES_MAX
            || self.extension_bytes_total > EXTENSION_BYTES_TOTAL_MAX
        {
            return Err(Malformed::ChunkExtensionTooLong);
        }
        let next = match (extension, byte) {
            (_, b'\n') => return Err(Malformed::BareLineFeed),
            (Name | Value | QuotedEnd, b'\r') => return Ok(State::SizeEnd),
            (Semicolon | Name | NameEnd | Value | QuotedEnd, b';') => NameStart,
            (Name | NameEnd, b'=') => ValueStart,
            (ValueStart, b'"') => Quoted,
            (Quoted, b'"') => QuotedEnd,
            (Quoted, b'\\') => Escaped,
            (Quoted | Escaped, _) if grammar::is(byte, VALUE) => Quoted,
            // RFC 9112 section 7.1.1 has white space around `;` and `=` read and dropped.
            (Semicolon | Value | QuotedEnd, b' ' | b'\t') => Semicolon,
            (Name | NameEnd, b' ' | b'\t') => NameEnd,
            (NameStart | ValueStart, b' ' | b'\t') => extension,
            (NameStart | Name, _) if grammar::is(byte, TOKEN) => Name,
            (ValueStart | Value, _) if grammar::is(byte, TOKEN) => Value,
            _ => return Err(Malformed::ChunkExtension),
        };
        Ok(State::Extension(next))
    }

    /// Reads one line of the trailer section, or what there is of it, and returns how many bytes that was.
    fn trailer(&mut self, input: &[u8]) -> Result<usize, Malformed> {
        let line_feed = memchr::memchr(b'\n', input);
        let taken = line_feed.map_or(input.len(), |at| at + 1);
        self.trailer_bytes += taken;
        if self.trailer_bytes > TRAILER_BYTES_MAX {
            return Err(Malformed::TrailersTooLarge);
        }
        if self.line.is_empty() && line_feed.is_some() {
            self.trailer_line(&input[..taken])?;
            return Ok(taken);
        }
        self.line.extend_from_slice(&input[..taken]);
        if line_feed.is_some() {
            let line = std::mem::take(&mut self.line);
            self.trailer_line(&line)?;
        }
        Ok(taken)
    }

    /// Takes a complete line, its terminator included.
    fn trailer_line(&mut self, line: &[u8]) -> Result<(), Malformed> {
        let line = line.strip_suffix(b"\r\n").ok_or(Malformed::BareLineFeed)?;
        if line.is_empty() {
            self.state = State::Done;
            return Ok(());
        }
        self.trailer_fields += 1;
        if self.trailer_fields > TRAILER_FIELDS_MAX {
            return Err(Malformed::TrailersTooLarge);
        }
        if matches!(line[0], b' ' | b'\t') {
            return Err(Malformed::LineFolding);
        }
        let colon = memchr::memchr(b':', line).ok_or(Malformed::MissingColon)?;
        let (name, value) = (&line[..colon], &line[colon + 1..]);
        if !grammar::is_token(name) {
            return Err(Malformed::FieldName);
        }
        if !grammar::all(value, VALUE) {
            return Err(Malformed::FieldValue);
        }
        // RFC 9110 section 6.5.1: what frames, routes, authenticates or describes content comes too late here.
        let may_stand = Known::from_name(name).is_none_or(Known::is_free);
        if let Some(trailers) = &mut self.trailers
            && may_stand
        {
            trailers.append(name, value).map_err(|_| Malformed::FieldName)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
