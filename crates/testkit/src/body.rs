//! How a message's content is delimited, and reading it.

use std::io;

use crate::field::Fields;
use crate::wire::{Wire, show, wrong};

/// Where a body ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    None,
    Length(usize),
    Chunked,
    UntilClose,
}

impl Framing {
    /// Reads Content-Length and Transfer-Encoding; anything that two readers might understand differently is an
    /// error. `otherwise` is what holds when neither is there.
    pub(crate) fn of(fields: &Fields, otherwise: Self) -> io::Result<Self> {
        match (&fields.all("content-length")[..], &fields.all("transfer-encoding")[..]) {
            ([], []) => Ok(otherwise),
            ([length], []) if !length.is_empty() && length.bytes().all(|byte| byte.is_ascii_digit()) => {
                length.parse().map(Self::Length).map_err(|_| wrong("a length too large to be true"))
            }
            ([], [coding]) if coding.eq_ignore_ascii_case("chunked") => Ok(Self::Chunked),
            (lengths, codings) => {
                let say =
                    format!("ambiguous framing: Content-Length {lengths:?}, Transfer-Encoding {codings:?}");
                Err(wrong(&say))
            }
        }
    }

    /// Reads the body and, after chunks, the trailers.
    pub(crate) fn read(self, wire: &mut Wire) -> io::Result<(Vec<u8>, Fields)> {
        match self {
            Self::None => Ok(Default::default()),
            Self::Length(length) => Ok((wire.take(length)?, Fields::default())),
            Self::UntilClose => Ok((wire.take_rest()?, Fields::default())),
            Self::Chunked => read_chunks(wire),
        }
    }
}

fn read_chunks(wire: &mut Wire) -> io::Result<(Vec<u8>, Fields)> {
    let mut body = Vec::new();
    loop {
        let line = wire.take_line()?;
        let size = chunk_size(&line).ok_or_else(|| wrong(&format!("the chunk size {}", show(&line))))?;
        if size == 0 {
            break;
        }
        body.extend(wire.take(size)?);
        if wire.take(2)? != b"\r\n" {
            return Err(wrong("a chunk longer than its size"));
        }
    }
    let mut trailers = Fields::default();
    loop {
        let line = wire.take_line()?;
        if line.is_empty() {
            return Ok((body, trailers));
        }
        trailers.push_line(&line)?;
    }
}

/// The size of a chunk. Extensions are let through: a proxy may pass them on or drop them.
fn chunk_size(line: &[u8]) -> Option<usize> {
    let digits = line.split(|byte| *byte == b';').next()?;
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    usize::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

/// One chunk as it stands on the wire; an empty one would end the body, so it is left out.
pub(crate) fn chunk(bytes: &[u8]) -> Vec<u8> {
    if bytes.is_empty() {
        return Vec::new();
    }
    [format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat()
}
