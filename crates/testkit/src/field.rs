//! Header and trailer fields as a test sees them: in order, as sent, checked strictly.

use std::io;

use crate::wire::{show, wrong};

/// Fields in the order in which they came, names as sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fields(Vec<(String, String)>);

impl Fields {
    /// The value of the only field with this name; panics when there are several, because a test that wants
    /// one must not overlook the other.
    #[track_caller]
    pub fn get(&self, name: &str) -> Option<&str> {
        let all = self.all(name);
        assert!(all.len() < 2, "several `{name}` fields: {all:?}");
        all.first().copied()
    }

    /// The values of all fields with this name.
    pub fn all(&self, name: &str) -> Vec<&str> {
        self.0.iter().filter(|(have, _)| have.eq_ignore_ascii_case(name)).map(|(_, value)| &**value).collect()
    }

    /// Every field as name and value.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (&**name, &**value))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a list-valued field holds `item`.
    pub(crate) fn lists(&self, name: &str, item: &str) -> bool {
        self.all(name)
            .iter()
            .flat_map(|value| value.split(','))
            .any(|have| have.trim().eq_ignore_ascii_case(item))
    }

    /// Reads one line, which must be in the grammar of RFC 9110 5.1 and 5.5.
    pub(crate) fn push_line(&mut self, line: &[u8]) -> io::Result<()> {
        let bad = || wrong(&format!("the field line {}", show(line)));
        let colon = line.iter().position(|byte| *byte == b':').ok_or_else(bad)?;
        let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
        let name_good = !name.is_empty() && name.iter().copied().all(is_token);
        let value_good = value.iter().all(|byte| matches!(byte, b'\t' | b' '..=b'~' | 0x80..));
        if !(name_good && value_good) {
            return Err(bad());
        }
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        self.0.push((text(name), text(value)));
        Ok(())
    }
}

/// Splits a head into its first line and its fields.
pub(crate) fn parse_head(head: &[u8]) -> io::Result<(String, Fields)> {
    let inner = head.strip_suffix(b"\r\n\r\n").ok_or_else(|| wrong("a head without its end"))?;
    let mut lines = inner.split(|byte| *byte == b'\n');
    let first = lines.next().unwrap_or_default();
    let mut fields = Fields::default();
    let count = inner.iter().filter(|byte| **byte == b'\n').count();
    for (at, line) in lines.enumerate() {
        // Every line but the last still has the CR that stood before the LF.
        let line = if at + 1 == count { Some(line) } else { line.strip_suffix(b"\r") };
        fields.push_line(line.ok_or_else(|| wrong("a line that ends in a bare LF"))?)?;
    }
    let first = if count == 0 { Some(first) } else { first.strip_suffix(b"\r") };
    let first = first.ok_or_else(|| wrong("a first line that ends in a bare LF"))?;
    if !first.iter().all(|byte| matches!(byte, b'\t' | b' '..=b'~' | 0x80..)) {
        return Err(wrong(&format!("the first line {}", show(first))));
    }
    Ok((String::from_utf8_lossy(first).into_owned(), fields))
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(head: &str, good: bool) {
        assert_eq!(parse_head(head.as_bytes()).is_ok(), good, "{head:?}");
    }

    #[test]
    fn a_head_is_read_strictly() {
        check("HTTP/1.1 200 OK\r\n\r\n", true);
        check("HTTP/1.1 200 OK\r\nA: b\r\nC:d\r\n\r\n", true);
        check("HTTP/1.1 200 OK\nA: b\r\n\r\n", false);
        check("HTTP/1.1 200 OK\r\nA: b\nC: d\r\n\r\n", false);
        check("HTTP/1.1 200 OK\r\nA : b\r\n\r\n", false);
        check("HTTP/1.1 200 OK\r\nA: b\r\n folded\r\n\r\n", false);
        check("HTTP/1.1 200 OK\r\nA: b\rc\r\n\r\n", false);
        check("HTTP/1.1 200 OK\r\nA: \0\r\n\r\n", false);
        check("HTTP/1.1 200 OK\r\nA\r\n\r\n", false);
    }
}
