//! Message heads: finding their end, reading them, and the framing that they announce.
//!
//! A caller collects bytes and has [`RequestHead::read`] or [`ReplyHead::read`] look at them until a head is complete.
//! A head that could be read in two ways is refused.
//!
//! The lexer is our own: `httparse` needs 980 instructions for a request of 80 bytes, before well-known names are
//! looked up and terminators checked again (it takes a bare LF for a line end); all of it together is less here. The
//! tests compare the two on arbitrary bytes.

mod framing;
mod lexer;
mod reply;
mod request;
mod scanner;

pub use crate::fields::ConnectionOptions;
pub use framing::BodyLength;
pub use reply::ReplyHead;
pub use request::RequestHead;
pub use scanner::HeadScanner;

/// The most bytes that any head may have, whatever its limits say: places in it must fit 32 bits.
pub const HEAD_BYTES_CEILING: usize = 16 * 1024 * 1024;

/// How large a head may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeadLimits {
    /// Bytes from the start line to the empty line, both included; [`HEAD_BYTES_CEILING`] at most. 32 KiB: browsers send cookies of 4 KiB, a few
    /// of them per site, and single sign-on tokens of 8 KiB and more.
    pub bytes_max: usize,
    /// Bytes of the request target. 8 KiB: RFC 9112 section 3 asks for 8000 at least.
    pub target_bytes_max: usize,
    /// Fields. 100: several times what browsers and a chain of proxies send.
    pub fields_max: usize,
}

impl Default for HeadLimits {
    fn default() -> Self {
        Self { bytes_max: 32 * 1024, target_bytes_max: 8 * 1024, fields_max: 100 }
    }
}

#[cfg(test)]
mod tests;
