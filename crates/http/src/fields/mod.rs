//! The fields of a head: one buffer of text and a list of places in it.
//!
//! Every field stands in the buffer as its own line, exactly as it will be written: `Name: value` and CRLF. A
//! received section is copied in once; lines that were spaced otherwise are added again in this form. Fields that
//! stand side by side are therefore written with one copy, and a cleared `Fields` is filled again without
//! allocating.

mod known;

use std::fmt;

use crate::grammar::{self, TOKEN, VALUE};
use crate::malformed::Malformed;
use crate::words;

pub use known::Known;

/// How many options the Connection fields of one head may have.
pub const CONNECTION_OPTIONS_MAX: usize = 32;

/// The fields of a message, in the order in which they came or were added.
#[derive(Clone, Default)]
pub struct Fields {
    text: Vec<u8>,
    lines: Vec<Line>,
    /// One bit per well-known name that `lines` has.
    present: u128,
}

/// One field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field<'a> {
    /// The name, as it was received or added.
    pub name: &'a [u8],
    /// The value, without white space around it.
    pub value: &'a [u8],
    /// The name, if it is a well-known one.
    pub known: Option<Known>,
    /// Whether the field concerns this connection only: by its name, or because Connection nominates it.
    pub hop_by_hop: bool,
}

/// A field that cannot be written: its name is no token, or its value contains a control character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidField;

/// What the Connection fields ask for (RFC 9110 section 7.6.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ConnectionOptions {
    /// `close`: this is the last message of its sender.
    pub close: bool,
    /// `keep-alive`, which only means something in HTTP/1.0.
    pub keep_alive: bool,
    /// `upgrade`: the Upgrade field is meant for the receiver.
    pub upgrade: bool,
}

/// Where one field stands in the text: name, `": "`, value, CRLF.
#[derive(Clone, Copy)]
struct Line {
    start: u32,
    value_len: u32,
    name_len: u16,
    known: Option<Known>,
    hop_by_hop: bool,
}

impl Line {
    fn name(self, text: &[u8]) -> &[u8] {
        &text[self.start as usize..][..self.name_len as usize]
    }

    fn value(self, text: &[u8]) -> &[u8] {
        &text[self.start as usize + self.name_len as usize + 2..][..self.value_len as usize]
    }

    fn field(self, text: &[u8]) -> Field<'_> {
        let (name, value) = (self.name(text), self.value(text));
        Field { name, value, known: self.known, hop_by_hop: self.hop_by_hop }
    }

    fn end(self) -> usize {
        self.start as usize + self.name_len as usize + 2 + self.value_len as usize + 2
    }
}

impl Fields {
    /// No fields, and nothing allocated yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { text: Vec::new(), lines: Vec::new(), present: 0 }
    }

    /// Forgets all fields and keeps the memory.
    pub fn clear(&mut self) {
        self.text.clear();
        self.lines.clear();
        self.present = 0;
    }

    /// How many fields there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Whether there are no fields.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// How many bytes are held in memory, for those who pool heads and give the largest back.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.text.capacity() + self.lines.capacity() * size_of::<Line>()
    }

    /// All fields, in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = Field<'_>> + ExactSizeIterator {
        self.lines.iter().map(|line| line.field(&self.text))
    }

    /// Whether a field of this name is there.
    #[must_use]
    pub fn has(&self, known: Known) -> bool {
        self.present & bit(known) != 0
    }

    /// The value of the first field of this name.
    #[must_use]
    pub fn value(&self, known: Known) -> Option<&[u8]> {
        self.values(known).next()
    }

    /// The values of all fields of this name, in order.
    pub fn values(&self, known: Known) -> impl DoubleEndedIterator<Item = &[u8]> {
        let candidates = if self.has(known) { self.lines.as_slice() } else { &[] };
        candidates.iter().filter(move |line| line.known == Some(known)).map(|line| line.value(&self.text))
    }

    /// The only value of this name: `None` without the field, an error if it stands more than once.
    pub fn single(&self, known: Known) -> Result<Option<&[u8]>, Repeated> {
        let mut values = self.values(known);
        let first = values.next();
        if values.next().is_some() { Err(Repeated) } else { Ok(first) }
    }

    /// The value of the first field of any name, compared without regard to case.
    #[must_use]
    pub fn named(&self, name: &[u8]) -> Option<&[u8]> {
        self.values_named(name).next()
    }

    /// The values of all fields of any name, compared without regard to case.
    pub fn values_named(&self, name: &[u8]) -> impl DoubleEndedIterator<Item = &[u8]> {
        let known = Known::from_name(name);
        let matching = move |line: &&Line| match known {
            Some(_) => line.known == known,
            None => line.known.is_none() && line.name(&self.text).eq_ignore_ascii_case(name),
        };
        self.lines.iter().filter(matching).map(|line| line.value(&self.text))
    }

    /// Adds a field. Refuses what would not stay one field on the wire.
    pub fn append(&mut self, name: &[u8], value: &[u8]) -> Result<(), InvalidField> {
        if !grammar::is_token(name) || !grammar::all(value, VALUE) {
            return Err(InvalidField);
        }
        self.push(name, value, Known::from_name(name))
    }

    /// Adds a field of a well-known name.
    ///
    /// A control character in the value is replaced by a space, as RFC 9110 section 5.5 has it: so this cannot
    /// fail, and no value can end its line.
    pub fn append_known(&mut self, known: Known, value: &[u8]) {
        let start = self.text.len();
        // Only a value of 4 GiB does not fit; such a field is left out rather than cut.
        if self.push(known.name().as_bytes(), value, Some(known)).is_ok() {
            let value_start = start + known.name().len() + 2;
            let value_end = self.text.len() - 2;
            for byte in &mut self.text[value_start..value_end] {
                if !grammar::is(*byte, VALUE) {
                    *byte = b' ';
                }
            }
        }
    }

    /// Makes this the only field of its well-known name. For control characters see [`Fields::append_known`].
    pub fn set_known(&mut self, known: Known, value: &[u8]) {
        self.remove_known(known);
        self.append_known(known, value);
    }

    /// Makes this the only field of its name.
    pub fn set(&mut self, name: &[u8], value: &[u8]) -> Result<(), InvalidField> {
        if !grammar::is_token(name) || !grammar::all(value, VALUE) {
            return Err(InvalidField);
        }
        self.remove(name);
        self.push(name, value, Known::from_name(name))
    }

    /// Removes all fields of a well-known name.
    pub fn remove_known(&mut self, known: Known) {
        if self.has(known) {
            self.lines.retain(|line| line.known != Some(known));
            self.present &= !bit(known);
        }
    }

    /// Removes all fields of a name, compared without regard to case.
    pub fn remove(&mut self, name: &[u8]) {
        if let Some(known) = Known::from_name(name) {
            return self.remove_known(known);
        }
        let Self { text, lines, .. } = self;
        lines.retain(|line| line.known.is_some() || !line.name(text).eq_ignore_ascii_case(name));
    }

    /// Removes the fields that concern one connection only (RFC 9110 section 7.6.1).
    pub fn remove_hop_by_hop(&mut self) {
        if self.lines.iter().any(|line| line.hop_by_hop) {
            self.remove_where(|field| field.hop_by_hop);
        }
    }

    /// Removes all fields for which the closure says so.
    pub fn remove_where(&mut self, mut unwanted: impl FnMut(&Field<'_>) -> bool) {
        let Self { text, lines, present } = self;
        *present = 0;
        lines.retain(|line| {
            let keep = !unwanted(&line.field(text));
            if keep {
                *present |= line.known.map_or(0, bit);
            }
            keep
        });
    }

    /// Writes every field as a line. The empty line after them is the caller's.
    pub fn write_to(&self, out: &mut Vec<u8>) {
        self.write_lines(out, |_| true);
    }

    /// Writes the fields that pass on to the next hop, without those that concern this connection only.
    pub fn write_end_to_end(&self, out: &mut Vec<u8>) {
        self.write_lines(out, |line| !line.hop_by_hop);
    }

    /// Writes the fields that pass on to the next hop, except those of the names given.
    pub fn write_end_to_end_except(&self, out: &mut Vec<u8>, except: &[Known]) {
        let masked = except.iter().fold(0, |mask, &known| mask | bit(known));
        self.write_lines(out, |line| !line.hop_by_hop && line.known.map_or(0, bit) & masked == 0);
    }

    /// Copies lines in runs: those that stand side by side in the text leave in one copy.
    fn write_lines(&self, out: &mut Vec<u8>, wanted: impl Fn(&Line) -> bool) {
        let mut run = 0..0;
        for line in self.lines.iter().filter(|line| wanted(line)) {
            if line.start as usize != run.end {
                out.extend_from_slice(&self.text[run]);
                run = line.start as usize..0;
            }
            run.end = line.end();
        }
        out.extend_from_slice(&self.text[run]);
    }

    /// Notes a field that was found in a head which [`Fields::receive`] will be given afterwards: where its line
    /// begins, and the lengths of its name and of its value without the white space around it.
    #[inline]
    pub(crate) fn note(
        &mut self,
        start: usize,
        name_len: usize,
        value_len: usize,
        known: Option<Known>,
    ) -> Result<(), Malformed> {
        self.push_line(start, name_len, value_len, known).map_err(|InvalidField| Malformed::HeadTooLarge)
    }

    /// Takes over the text of the head in which the fields were noted.
    ///
    /// Those whose value does not stand behind one space and before CRLF are written anew behind it.
    pub(crate) fn receive(&mut self, head: &[u8], all_usual: bool) {
        debug_assert!(self.text.is_empty(), "noted fields count from the start of the head");
        self.text.extend_from_slice(head);
        if !all_usual {
            for line in &mut self.lines {
                normalise(&mut self.text, line);
            }
        }
    }

    /// Reads the Connection fields and marks the fields that they nominate.
    pub(crate) fn connection_options(&mut self) -> Result<ConnectionOptions, Malformed> {
        let mut options = ConnectionOptions::default();
        if !self.has(Known::Connection) {
            return Ok(options);
        }
        let Self { text, lines, .. } = self;
        let mut count = 0;
        for index in 0..lines.len() {
            if lines[index].known != Some(Known::Connection) {
                continue;
            }
            let value = lines[index].value(text);
            // What nearly all clients and servers send, if they send any.
            if value == b"keep-alive" || value == b"Keep-Alive" {
                options.keep_alive = true;
                continue;
            }
            for option in grammar::elements(value) {
                count += 1;
                if count > CONNECTION_OPTIONS_MAX || !grammar::all(option, TOKEN) {
                    return Err(Malformed::Connection);
                }
                if option.eq_ignore_ascii_case(b"keep-alive") {
                    options.keep_alive = true;
                } else if option.eq_ignore_ascii_case(b"close") {
                    options.close = true;
                } else if option.eq_ignore_ascii_case(b"upgrade") {
                    options.upgrade = true;
                } else {
                    nominate(text, lines, option);
                }
            }
        }
        Ok(options)
    }

    /// Adds a line at the end of the text.
    fn push(&mut self, name: &[u8], value: &[u8], known: Option<Known>) -> Result<(), InvalidField> {
        let value = grammar::trim(value);
        let start = self.text.len();
        if start + name.len() + value.len() + 4 > u32::MAX as usize {
            return Err(InvalidField);
        }
        self.push_line(start, name.len(), value.len(), known)?;
        self.text.reserve(name.len() + value.len() + 4);
        self.text.extend_from_slice(name);
        self.text.extend_from_slice(b": ");
        self.text.extend_from_slice(value);
        self.text.extend_from_slice(b"\r\n");
        Ok(())
    }

    fn push_line(
        &mut self,
        start: usize,
        name_len: usize,
        value_len: usize,
        known: Option<Known>,
    ) -> Result<(), InvalidField> {
        let (Ok(start), Ok(value_len), Ok(name_len)) =
            (u32::try_from(start), u32::try_from(value_len), u16::try_from(name_len))
        else {
            return Err(InvalidField);
        };
        let hop_by_hop = known.is_some_and(Known::is_hop_by_hop);
        self.present |= known.map_or(0, bit);
        self.lines.push(Line { start, value_len, name_len, known, hop_by_hop });
        Ok(())
    }
}

/// Writes a received line anew at the end of the text, unless it stands there as it is to be written.
#[cold]
fn normalise(text: &mut Vec<u8>, line: &mut Line) {
    let start = line.start as usize;
    let colon = start + line.name_len as usize;
    let end = words::find_byte(text, colon, b'\r');
    let raw = &text[colon + 1..end];
    let value_len = line.value_len as usize;
    if raw.len() == value_len + 1 && raw[0] == b' ' {
        return;
    }
    let blanks = raw.iter().take_while(|&&byte| matches!(byte, b' ' | b'\t')).count();
    // The value is empty where all is blank, and then it begins nowhere in particular.
    let value_start = (colon + 1 + blanks).min(end - value_len);
    // A head is far smaller than 4 GiB (`HEAD_BYTES_CEILING`), and this at most doubles it.
    line.start = text.len() as u32;
    text.extend_from_within(start..colon);
    text.extend_from_slice(b": ");
    text.extend_from_within(value_start..value_start + value_len);
    text.extend_from_slice(b"\r\n");
}

/// Marks the fields of a name that Connection nominates, unless the name is one that may not be.
fn nominate(text: &[u8], lines: &mut [Line], name: &[u8]) {
    if Known::from_name(name).is_some_and(|known| !known.is_free()) {
        return;
    }
    for line in lines {
        if line.name(text).eq_ignore_ascii_case(name) {
            line.hop_by_hop = true;
        }
    }
}

const fn bit(known: Known) -> u128 {
    1 << known as u8
}

/// A field that may stand once stands more often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repeated;

impl fmt::Display for InvalidField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the field name is not a token or the value contains a control character")
    }
}

impl std::error::Error for InvalidField {}

impl fmt::Display for Repeated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a field that may stand once stands more than once")
    }
}

impl std::error::Error for Repeated {}

impl fmt::Debug for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |bytes| String::from_utf8_lossy(bytes);
        f.debug_list().entries(self.iter().map(|field| (text(field.name), text(field.value)))).finish()
    }
}

#[cfg(test)]
mod tests;
