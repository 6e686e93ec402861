//! Cuts a head into its lines and parts, in one pass, and refuses what is outside the grammar of RFC 9112.
//!
//! Everything takes the bytes from the start of the head and an index. `Ok(None)` means that the bytes end before it
//! can be told; what is surely wrong is an error even then.

use super::{HEAD_BYTES_CEILING, HeadLimits};
use crate::fields::{Fields, Known};
use crate::grammar::{self, TOKEN};
use crate::malformed::Malformed;
use crate::version::Version;
use crate::words;

/// A request line, as places in the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RequestLine {
    pub(super) method_end: usize,
    pub(super) target_end: usize,
    pub(super) version: Version,
    /// Where the next line begins.
    pub(super) end: usize,
}

/// A status line, as places in the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct StatusLine {
    pub(super) version: Version,
    pub(super) status: u16,
    pub(super) reason_start: usize,
    pub(super) reason_end: usize,
    /// Where the next line begins.
    pub(super) end: usize,
}

/// Reads `method SP target SP version CRLF`. White space is not stretched, whatever RFC 9112 section 3 permits.
pub(super) fn request_line(bytes: &[u8]) -> Result<Option<RequestLine>, Malformed> {
    let method_end = token_end(bytes, 0);
    match bytes.get(method_end) {
        None => return Ok(None),
        Some(b' ') if method_end > 0 => {}
        _ => return line_fault(bytes, method_end, Malformed::StartLine),
    }
    let target_end = words::find_space(bytes, method_end + 1);
    match bytes.get(target_end) {
        None => return Ok(None),
        Some(b' ') if target_end > method_end + 1 => {}
        Some(b' ' | b'\t') => return Err(Malformed::StartLine),
        Some(b'\r' | b'\n') => return line_fault(bytes, target_end, Malformed::StartLine),
        Some(0) => return Err(Malformed::Nul),
        Some(_) => return Err(Malformed::TargetByte),
    }
    let Some(version) = version(bytes, target_end + 1)? else { return Ok(None) };
    let version_end = target_end + 9;
    match line_end(bytes, version_end, Malformed::VersionText)? {
        None => Ok(None),
        Some(end) => version.map(|version| Some(RequestLine { method_end, target_end, version, end })),
    }
}

/// Reads `version SP status [SP [reason]] CRLF`. A server that leaves out the last space is common, and harmless.
pub(super) fn status_line(bytes: &[u8]) -> Result<Option<StatusLine>, Malformed> {
    let Some(version) = version(bytes, 0)? else { return Ok(None) };
    let Some(&[space, hundreds, tens, ones, after]) = bytes[8..].first_chunk() else {
        return unfinished(bytes, 8, Malformed::StartLine);
    };
    let version = version?;
    if space != b' ' {
        return line_fault(bytes, 8, Malformed::StartLine);
    }
    let status = grammar::decimal(&[hundreds, tens, ones]).ok_or(Malformed::Status)? as u16;
    let reason_start = match after {
        b' ' => 13,
        b'\r' | b'\n' => 12,
        _ => return Err(Malformed::Status),
    };
    let reason_end = value_end(bytes, reason_start);
    let end = line_end(bytes, reason_end, Malformed::StartLine)?;
    Ok(end.map(|end| StatusLine { version, status, reason_start, reason_end, end }))
}

/// Reads field lines from `at` on and the empty line after them into `fields`, and returns where the head ends.
pub(super) fn field_lines(
    bytes: &[u8],
    at: usize,
    fields_max: usize,
    fields: &mut Fields,
) -> Result<Option<usize>, Malformed> {
    match note_lines(bytes, at, fields_max, fields) {
        Ok(Some((end, all_usual))) => {
            fields.receive(&bytes[..end], all_usual);
            Ok(Some(end))
        }
        other => {
            // Their text is not taken over, so nobody may look at what was noted of them.
            fields.clear();
            other.map(|_| None)
        }
    }
}

/// Notes the fields, which count from the start of `bytes`. The flag says whether all lines are in the usual form, with
/// one space before the value and none behind it.
fn note_lines(
    bytes: &[u8],
    mut at: usize,
    fields_max: usize,
    fields: &mut Fields,
) -> Result<Option<(usize, bool)>, Malformed> {
    let mut all_usual = true;
    loop {
        if bytes.get(at) == Some(&b'\r') {
            return Ok(line_end(bytes, at, Malformed::FieldName)?.map(|end| (end, all_usual)));
        }
        let colon = words::find_byte(bytes, at, b':');
        let name = &bytes[at..colon];
        let known = Known::from_name(name);
        // A well-known name is a token. Any other is looked at byte by byte, and that also finds a missing colon.
        if (known.is_none() && !grammar::is_token(name)) || colon == bytes.len() {
            return name_fault(bytes, at, colon);
        }
        let value_start = skip_blanks(bytes, colon + 1);
        let raw_end = value_end(bytes, value_start);
        let Some(end) = line_end(bytes, raw_end, Malformed::FieldValue)? else { return Ok(None) };
        let mut value = &bytes[value_start..raw_end];
        while let [shorter @ .., b' ' | b'\t'] = value {
            value = shorter;
        }
        all_usual &= &bytes[colon..value_start] == b": " && value_start + value.len() == raw_end;
        if fields.len() == fields_max {
            return Err(Malformed::TooManyFields);
        }
        fields.note(at, name.len(), value.len(), known)?;
        at = end;
    }
}

/// The part of the bytes that a head may fill, and whether there are more: then a head that does not end in this part
/// is too large.
pub(super) fn within<'a>(bytes: &'a [u8], limits: &HeadLimits) -> (&'a [u8], bool) {
    let bytes_max = limits.bytes_max.min(HEAD_BYTES_CEILING);
    (&bytes[..bytes.len().min(bytes_max)], bytes.len() >= bytes_max)
}

/// The index after the white space at `at`. One space is what nearly all send.
#[inline]
fn skip_blanks(bytes: &[u8], mut at: usize) -> usize {
    if let Some(&[b' ', next]) = bytes.get(at..at + 2)
        && next > b' '
    {
        return at + 1;
    }
    while let Some(b' ' | b'\t') = bytes.get(at) {
        at += 1;
    }
    at
}

/// The index after the token that begins at `at`.
fn token_end(bytes: &[u8], at: usize) -> usize {
    bytes[at..].iter().position(|&byte| !grammar::is(byte, TOKEN)).map_or(bytes.len(), |len| at + len)
}

/// The index after the bytes that may stand in a field value.
#[inline]
fn value_end(bytes: &[u8], mut at: usize) -> usize {
    loop {
        at = words::find_control(bytes, at);
        if bytes.get(at) != Some(&b'\t') {
            return at;
        }
        at += 1;
    }
}

/// Reads a version of eight bytes at `at`. The inner error is one of meaning, which only counts on a complete line.
fn version(bytes: &[u8], at: usize) -> Result<Option<Result<Version, Malformed>>, Malformed> {
    let Some(text) = words::word_at(bytes, at) else { return unfinished(bytes, at, Malformed::VersionText) };
    match &text.to_le_bytes() {
        b"HTTP/1.1" => Ok(Some(Ok(Version::Http11))),
        b"HTTP/1.0" => Ok(Some(Ok(Version::Http10))),
        [b'H', b'T', b'T', b'P', b'/', major, b'.', minor]
            if major.is_ascii_digit() && minor.is_ascii_digit() =>
        {
            Ok(Some(Err(Malformed::Version)))
        }
        _ => {
            unfinished::<()>(bytes, at, Malformed::VersionText)?;
            Err(Malformed::VersionText)
        }
    }
}

/// Wants CRLF at `at`, and returns the index after it. If something else stands there, that is `fault`.
#[inline]
fn line_end(bytes: &[u8], at: usize, fault: Malformed) -> Result<Option<usize>, Malformed> {
    if let Some(b"\r\n") = bytes.get(at..at + 2) { Ok(Some(at + 2)) } else { line_fault(bytes, at, fault) }
}

/// What is wrong with the byte at `at`, where CRLF or a certain byte should stand.
#[cold]
fn line_fault<T>(bytes: &[u8], at: usize, fault: Malformed) -> Result<Option<T>, Malformed> {
    match bytes.get(at..).unwrap_or_default() {
        [] | [b'\r'] => Ok(None),
        [b'\n', ..] => Err(Malformed::BareLineFeed),
        [b'\r', b'\n', ..] => Err(fault),
        [b'\r', ..] => Err(Malformed::BareCarriageReturn),
        [0, ..] => Err(Malformed::Nul),
        _ => Err(fault),
    }
}

/// Too few bytes are left for the rest of a start line: that is `fault` if the line ends in them.
#[cold]
fn unfinished<T>(bytes: &[u8], at: usize, fault: Malformed) -> Result<Option<T>, Malformed> {
    let control = words::find_control(bytes, at);
    line_fault(bytes, control, fault)
}

/// What is wrong with a field name, or with a line that has no colon.
#[cold]
fn name_fault<T>(bytes: &[u8], at: usize, colon: usize) -> Result<Option<T>, Malformed> {
    let end = token_end(bytes, at);
    let rest = &bytes[end..colon];
    match rest {
        [] if end == bytes.len() => Ok(None),
        [b' ' | b'\t', ..] if end == at => Err(Malformed::LineFolding),
        [b' ' | b'\t', ..] if colon < bytes.len() && grammar::trim(rest).is_empty() => {
            Err(Malformed::SpaceBeforeColon)
        }
        [b'\r' | b'\n' | 0, ..] => line_fault(bytes, end, Malformed::MissingColon),
        _ => Err(Malformed::FieldName),
    }
}
