//! Range requests (RFC 9110 section 14).

use crate::conditional::Validators;
use crate::date::HttpDate;
use crate::etag::EntityTag;
use crate::grammar;
use crate::h1::encode::write_decimal;

/// The most ranges that one request may ask for: viewers of documents ask for a handful.
pub const RANGES_MAX: usize = 16;

/// Bytes `first` to `last` of a representation, both included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ByteRange {
    /// The first byte.
    pub first: u64,
    /// The last byte, not before the first.
    pub last: u64,
}

impl ByteRange {
    /// How many bytes the range has. Never 0.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a range of bytes is never empty")]
    pub const fn len(self) -> u64 {
        self.last - self.first + 1
    }

    /// Writes the value of Content-Range for this part of `complete` bytes.
    pub fn write_content_range(self, complete: u64, out: &mut Vec<u8>) {
        out.extend_from_slice(b"bytes ");
        write_decimal(out, self.first);
        out.push(b'-');
        write_decimal(out, self.last);
        out.push(b'/');
        write_decimal(out, complete);
    }
}

/// Writes the value of Content-Range that a 416 (Range Not Satisfiable) carries.
pub fn write_unsatisfied(complete: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(b"bytes */");
    write_decimal(out, complete);
}

/// What a Range field asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "it lives on the stack for a moment, and a box would allocate")]
pub enum Ranges {
    /// Nothing that is served in part: reply with the whole.
    Ignore,
    /// Bytes that are not there: reply 416 (Range Not Satisfiable).
    Unsatisfiable,
    /// These parts.
    Parts(Parts),
}

/// Ranges that do not overlap, in the order asked for. At least one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parts {
    ranges: [ByteRange; RANGES_MAX],
    count: usize,
}

impl Parts {
    /// The ranges.
    #[must_use]
    pub fn as_slice(&self) -> &[ByteRange] {
        &self.ranges[..self.count]
    }
}

/// Reads a Range field for a representation of `complete` bytes.
///
/// Another unit, a fault in the grammar, more than [`RANGES_MAX`] ranges and ranges that overlap are ignored, as RFC
/// 9110 section 14.2 lets a server do: the last two are how one asks for many times the bytes that there are.
#[must_use]
pub fn parse(value: &[u8], complete: u64) -> Ranges {
    let Some((unit, set)) = value.split_at_checked(6) else { return Ranges::Ignore };
    if !unit.eq_ignore_ascii_case(b"bytes=") {
        return Ranges::Ignore;
    }
    let mut parts = Parts { ranges: [ByteRange::default(); RANGES_MAX], count: 0 };
    for (index, spec) in grammar::elements(set).enumerate() {
        if index == RANGES_MAX {
            return Ranges::Ignore;
        }
        match resolve(spec, complete) {
            None => return Ranges::Ignore,
            Some(None) => {}
            Some(Some(range)) => {
                let overlaps = |other: &ByteRange| range.first <= other.last && other.first <= range.last;
                if parts.as_slice().iter().any(overlaps) {
                    return Ranges::Ignore;
                }
                parts.ranges[parts.count] = range;
                parts.count += 1;
            }
        }
    }
    if parts.count == 0 { Ranges::Unsatisfiable } else { Ranges::Parts(parts) }
}

/// Whether a Range field counts, given the If-Range field beside it (RFC 9110 section 13.1.5).
///
/// A date must be exactly that of the representation. `now` only serves to read two digits of year.
#[must_use]
pub fn applies(if_range: Option<&[u8]>, current: &Validators<'_>, now: HttpDate) -> bool {
    let Some(value) = if_range else { return true };
    match EntityTag::parse(value) {
        Some(tag) => current.etag.is_some_and(|etag| etag.is_same(&tag)),
        None => current.last_modified.is_some() && HttpDate::parse(value, now) == current.last_modified,
    }
}

/// One range: `None` if it is outside the grammar, `Some(None)` if the representation has no such bytes.
fn resolve(spec: &[u8], complete: u64) -> Option<Option<ByteRange>> {
    let dash = memchr::memchr(b'-', spec)?;
    let (first, last) = (&spec[..dash], &spec[dash + 1..]);
    if first.is_empty() {
        let suffix = position(last)?;
        if suffix == 0 || complete == 0 {
            return Some(None);
        }
        return Some(Some(ByteRange { first: complete.saturating_sub(suffix), last: complete - 1 }));
    }
    let first = position(first)?;
    let last = if last.is_empty() { u64::MAX } else { position(last)? };
    if last < first {
        return None;
    }
    Some((first < complete).then(|| ByteRange { first, last: last.min(complete - 1) }))
}

/// A position. One that is too large for 64 bits is beyond any representation all the same.
fn position(text: &[u8]) -> Option<u64> {
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(grammar::decimal(text).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(value: &str, complete: u64, expected: &[(u64, u64)]) {
        let Ranges::Parts(parts) = parse(value.as_bytes(), complete) else {
            panic!("{value}: not served in part")
        };
        let parts: Vec<_> = parts.as_slice().iter().map(|range| (range.first, range.last)).collect();
        assert_eq!(parts, expected, "{value}");
    }

    #[test]
    fn ranges_are_resolved() {
        check("bytes=0-0", 10, &[(0, 0)]);
        check("bytes=0-", 10, &[(0, 9)]);
        check("Bytes=5-99999999999999999999999", 10, &[(5, 9)]);
        check("bytes=-3", 10, &[(7, 9)]);
        check("bytes=-30", 10, &[(0, 9)]);
        check("bytes=8-9, 0-1 ,4-4", 10, &[(8, 9), (0, 1), (4, 4)]);
        check("bytes=20-, 1-2", 10, &[(1, 2)]);
    }

    #[test]
    fn other_ranges_are_refused_or_ignored() {
        for value in ["bytes=10-", "bytes=10-20", "bytes=-0", "bytes=99999999999999999999-"] {
            assert_eq!(parse(value.as_bytes(), 10), Ranges::Unsatisfiable, "{value}");
        }
        for value in ["bytes=-1", "bytes=0-"] {
            assert_eq!(parse(value.as_bytes(), 0), Ranges::Unsatisfiable, "{value}");
        }
        for value in [
            "",
            "bytes",
            "bytes=",
            "items=0-1",
            "bytes=a",
            "bytes=1",
            "bytes=-",
            "bytes=2-1",
            "bytes=0-1,",
            "bytes=,0-1",
            "bytes= 0 - 1",
            "bytes=+0-1",
            "bytes=0x0-1",
            "bytes=0-1-2",
            "bytes=0-5,5-6",
            "bytes=0-,-1",
            "bytes=--1",
        ] {
            assert_eq!(parse(value.as_bytes(), 10), Ranges::Ignore, "{value}");
        }
        let many = (0..17).map(|index| format!("{0}-{0}", index * 2)).collect::<Vec<_>>().join(",");
        assert_eq!(parse(format!("bytes={many}").as_bytes(), 100), Ranges::Ignore);
    }

    #[test]
    fn if_range_wants_the_very_same() {
        let current =
            Validators { etag: EntityTag::parse(b"\"a\""), last_modified: Some(HttpDate(784_111_777)) };
        let applies = |value| applies(Some(value), &current, HttpDate(0));
        assert!(applies(b"\"a\"") && applies(b"Sun, 06 Nov 1994 08:49:37 GMT"));
        assert!(!applies(b"W/\"a\"") && !applies(b"\"b\"") && !applies(b"Sun, 06 Nov 1994 08:49:38 GMT"));
        assert!(!applies(b"") && !applies(b"a"));
        assert!(super::applies(None, &Validators::default(), HttpDate(0)));
        assert!(!super::applies(Some(b"never"), &Validators::default(), HttpDate(0)));
    }

    #[test]
    fn content_range_is_written() {
        let mut out = Vec::new();
        ByteRange { first: 1, last: 2 }.write_content_range(10, &mut out);
        write_unsatisfied(7, &mut out);
        assert_eq!(out, b"bytes 1-2/10bytes */7");
    }

    proptest! {
        #[test]
        fn parts_lie_within_and_apart(value in "bytes=([0-9]{0,2}-[0-9]{0,2},? ?){0,6}", complete in 0..99_u64) {
            if let Ranges::Parts(parts) = parse(value.as_bytes(), complete) {
                prop_assert!(!parts.as_slice().is_empty());
                prop_assert!(parts.as_slice().iter().map(|range| range.len()).sum::<u64>() <= complete);
                prop_assert!(parts.as_slice().iter().all(|range| range.first <= range.last && range.last < complete));
            }
        }
    }
}
