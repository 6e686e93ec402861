//! Message heads: finding their end, reading them, and the framing that they announce.
//!
//! A caller collects bytes, asks [`HeadScanner`] where the head ends, and has [`RequestHead`] or [`ReplyHead`] read
//! it. A head that could be read in two ways is refused. `httparse` cuts the lines; it takes a bare LF for a line
//! end, so every terminator is checked here once more.

mod diagnose;
mod framing;
mod reply;
mod request;
mod scanner;

pub use crate::fields::ConnectionOptions;
pub use framing::BodyLength;
pub use reply::ReplyHead;
pub use request::RequestHead;
pub use scanner::HeadScanner;

use crate::malformed::Malformed;

/// The most fields that any head may have, whatever its limits say: room for so many is set aside on the stack.
pub const FIELDS_MAX: usize = 128;

/// How large a head may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeadLimits {
    /// Bytes from the start line to the empty line, both included. 32 KiB: browsers send cookies of 4 KiB, a few
    /// of them per site, and single sign-on tokens of 8 KiB and more.
    pub bytes_max: usize,
    /// Bytes of the request target. 8 KiB: RFC 9112 section 3 asks for 8000 at least.
    pub target_bytes_max: usize,
    /// Fields, [`FIELDS_MAX`] at most. 100: several times what browsers and a chain of proxies send.
    pub fields_max: usize,
}

impl Default for HeadLimits {
    fn default() -> Self {
        Self { bytes_max: 32 * 1024, target_bytes_max: 8 * 1024, fields_max: 100 }
    }
}

/// Checks that CRLF, not LF alone, ends the start line, every field line and the head.
///
/// Returns where the fields begin. Each line ended in CRLF or LF for `httparse`, so it is enough to look at the two
/// bytes before each name and at the end.
#[inline]
fn check_line_ends(head: &[u8], fields: &[httparse::Header<'_>]) -> Result<usize, Malformed> {
    let start_of = |field: &httparse::Header<'_>| field.name.as_ptr().addr() - head.as_ptr().addr();
    let crlf_before = |start: usize| head[..start].ends_with(b"\r\n");
    if !head.ends_with(b"\r\n\r\n") || !fields.iter().all(|field| crlf_before(start_of(field))) {
        return Err(Malformed::BareLineFeed);
    }
    Ok(fields.first().map_or(head.len() - 2, start_of))
}

#[cfg(test)]
mod tests;
