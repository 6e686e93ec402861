//! The character classes and small parsers that several modules share.

/// Bits of [`CLASS`].
pub(crate) const TOKEN: u8 = 1;
/// A byte that may stand in a field value: HTAB, SP, visible ASCII and obs-text (RFC 9110 section 5.5).
pub(crate) const VALUE: u8 = 2;
/// A byte that stands for itself in a path segment (RFC 3986 section 3.3).
pub(crate) const PATH: u8 = 4;
/// A byte that may stand in a query as sent: visible ASCII except `#`.
pub(crate) const QUERY: u8 = 8;
/// A byte of a label of a host name: letters, digits, `-` and `_`.
pub(crate) const HOST: u8 = 16;
/// Visible ASCII that RFC 3986 wants encoded in a path and that browsers send all the same.
pub(crate) const ENCODED: u8 = 32;
/// `ALPHA / DIGIT / "-" / "." / "_" / "~"` (RFC 3986 section 2.3).
pub(crate) const UNRESERVED: u8 = 64;
/// A letter in upper case.
pub(crate) const UPPER: u8 = 128;

/// What each byte may be.
pub(crate) static CLASS: [u8; 256] = classes();

const fn classes() -> [u8; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = class_of(byte as u8);
        byte += 1;
    }
    table
}

const fn class_of(byte: u8) -> u8 {
    let mut class = 0;
    if byte.is_ascii_alphanumeric() {
        class |= TOKEN | PATH | HOST | UNRESERVED;
    }
    match byte {
        b'-' | b'_' => class |= TOKEN | PATH | HOST | UNRESERVED,
        b'.' | b'~' => class |= TOKEN | PATH | UNRESERVED,
        b'!' | b'$' | b'&' | b'\'' | b'*' | b'+' => class |= TOKEN | PATH,
        b'#' | b'%' => class |= TOKEN,
        b'^' | b'`' | b'|' => class |= TOKEN | ENCODED,
        b'(' | b')' | b',' | b';' | b'=' | b':' | b'@' => class |= PATH,
        b'"' | b'<' | b'>' | b'[' | b']' | b'{' | b'}' => class |= ENCODED,
        _ => {}
    }
    if byte.is_ascii_uppercase() {
        class |= UPPER;
    }
    if byte.is_ascii_graphic() && byte != b'#' {
        class |= QUERY;
    }
    if byte.is_ascii_graphic() || byte == b' ' || byte == b'\t' || byte >= 0x80 {
        class |= VALUE;
    }
    class
}

/// Whether `byte` is of one of the classes.
#[inline]
pub(crate) fn is(byte: u8, class: u8) -> bool {
    CLASS[byte as usize] & class != 0
}

/// Whether every byte is of one of the classes.
#[inline]
pub(crate) fn all(text: &[u8], class: u8) -> bool {
    text.iter().all(|&byte| is(byte, class))
}

/// Whether `text` is a token (RFC 9110 section 5.6.2).
#[inline]
pub(crate) fn is_token(text: &[u8]) -> bool {
    !text.is_empty() && all(text, TOKEN)
}

/// `text` without the optional white space around it (RFC 9110 section 5.6.3).
#[inline]
pub(crate) fn trim(mut text: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = text {
        text = rest;
    }
    while let [rest @ .., b' ' | b'\t'] = text {
        text = rest;
    }
    text
}

/// The elements of a comma list, trimmed; empty ones are yielded, for the caller to judge. Quoted strings are not
/// looked into: this is for lists of tokens.
pub(crate) fn elements(list: &[u8]) -> impl Iterator<Item = &[u8]> {
    list.split(|&byte| byte == b',').map(trim)
}

/// Reads `1*DIGIT` and nothing else. `None` if it is anything else or does not fit.
pub(crate) fn decimal(text: &[u8]) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    let mut value = 0_u64;
    for &byte in text {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value.checked_mul(10)?.checked_add(u64::from(digit))?;
    }
    Some(value)
}

/// The value of one hexadecimal digit.
pub(crate) const fn hex(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_follow_the_grammar() {
        for byte in 0..=255_u8 {
            assert_eq!(is(byte, TOKEN), byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte));
            assert_eq!(is(byte, VALUE), byte == b'\t' || (byte >= 0x20 && byte != 0x7f));
            let visible = byte.is_ascii_graphic();
            let special = b"/?#%\\".contains(&byte);
            assert_eq!(is(byte, PATH | ENCODED), visible && !special, "{byte:#x}");
            assert!(!(is(byte, PATH) && is(byte, ENCODED)));
        }
    }

    #[test]
    fn decimals_are_strict() {
        assert_eq!(decimal(b"0"), Some(0));
        assert_eq!(decimal(b"18446744073709551615"), Some(u64::MAX));
        for bad in ["", "18446744073709551616", "+1", "-1", " 1", "1 ", "0x1", "1,1"] {
            assert_eq!(decimal(bad.as_bytes()), None, "{bad}");
        }
    }
}
