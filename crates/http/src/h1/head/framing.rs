//! How long the body of a message is (RFC 9112 section 6), read so strictly that nobody can read it otherwise.

use crate::fields::{Fields, Known};
use crate::grammar;
use crate::malformed::Malformed;
use crate::version::Version;

/// How the end of a body is found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BodyLength {
    /// There is no body.
    #[default]
    None,
    /// So many bytes.
    Length(u64),
    /// Chunks until the last one.
    Chunked,
    /// All bytes until the connection closes. Replies only.
    UntilClose,
}

impl BodyLength {
    /// Whether no byte of body follows the head.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        matches!(self, Self::None | Self::Length(0))
    }
}

/// What the framing fields announce, or `None` if there are none.
pub(super) fn announced(fields: &Fields, version: Version) -> Result<Option<BodyLength>, Malformed> {
    match (fields.has(Known::TransferEncoding), fields.has(Known::ContentLength)) {
        (false, false) => Ok(None),
        (false, true) => content_length(fields).map(Some),
        (true, true) => Err(Malformed::TransferEncodingWithLength),
        // RFC 9112 section 6.1: its sender may not know what it forwards.
        (true, false) if version == Version::Http10 => Err(Malformed::TransferEncodingVersion),
        (true, false) => transfer_encoding(fields).map(Some),
    }
}

/// RFC 9112 section 6.3 lets a recipient merge equal values, in one line or several. This one does not.
fn content_length(fields: &Fields) -> Result<BodyLength, Malformed> {
    match fields.single(Known::ContentLength) {
        Ok(Some(text)) => grammar::decimal(text).map(BodyLength::Length).ok_or(Malformed::ContentLength),
        Ok(None) => Ok(BodyLength::None),
        Err(_) => Err(Malformed::ContentLengthRepeated),
    }
}

fn transfer_encoding(fields: &Fields) -> Result<BodyLength, Malformed> {
    let mut is_chunked = false;
    let mut has_other = false;
    for coding in fields.values(Known::TransferEncoding).flat_map(grammar::elements) {
        if is_chunked || coding.is_empty() {
            return Err(Malformed::TransferEncoding);
        } else if coding.eq_ignore_ascii_case(b"chunked") {
            is_chunked = true;
        } else {
            has_other = true;
        }
    }
    match (is_chunked, has_other) {
        (false, _) => Err(Malformed::TransferEncoding),
        // Well framed, but RFC 9112 section 6.1 wants 501 for a coding that is not understood.
        (true, true) => Err(Malformed::TransferEncodingUnknown),
        (true, false) => Ok(BodyLength::Chunked),
    }
}
