//! How an exchange becomes a line. Everything a peer can choose is escaped: no value can end its line, pass for a
//! field of its own, or move the cursor of a terminal.

use propylon_pipeline::Exchange;
use propylon_pipeline::variables::{Text, Variable};

/// The combined format, as Apache and nginx write it. Who is logged in is not known here.
pub(super) const COMBINED: &str = "{client} - - [{clf-time}] \"{method} {target} {protocol}\" {status} {body-bytes} \
                                   \"{header.referer}\" \"{header.user-agent}\"";

/// Bytes of one value that are logged: what a peer sends does not decide how large a line is.
const VALUE_BYTES_MAX: usize = 8 * 1024;

/// How lines look.
#[derive(Debug)]
pub(super) enum Format {
    /// A JSON object.
    Json(Vec<Member>),
    /// A text. In values, bytes that are not visible ASCII, `"` and `\` are written as `\xHH`; `-` stands for nothing.
    Text(Text),
}

/// A member of the JSON object.
#[derive(Debug)]
pub(super) struct Member {
    /// Name and colon, as they are written.
    key: Box<[u8]>,
    value: Value,
    kind: Kind,
}

#[derive(Debug)]
enum Value {
    Variable(Variable),
    Text(Text),
    /// More on the fault: for the log alone, so there is no placeholder for it.
    Detail,
}

/// How a member is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// A string that is there even if it is empty.
    Always,
    /// A string that is left out if it is empty.
    Given,
    /// A number that is left out if there is none.
    Number,
}

use Kind::{Always, Given, Number};

/// The usual members, in order, and the placeholders whose values they are.
const MEMBERS: [(&str, &str, Kind); 21] = [
    ("time", "time", Always),
    ("id", "id", Always),
    ("client", "client", Given),
    ("listener", "listener", Always),
    ("method", "method", Always),
    ("scheme", "scheme", Always),
    ("host", "host", Always),
    ("target", "target", Always),
    ("protocol", "protocol", Always),
    ("status", "status", Number),
    ("received", "received", Number),
    ("sent", "sent", Number),
    ("duration", "duration", Number),
    ("endpoint", "endpoint", Given),
    ("attempts", "attempts", Number),
    ("connect", "connect", Number),
    ("first_byte", "first-byte", Number),
    ("fault", "fault", Given),
    ("detail", "", Given),
    ("referer", "header.referer", Given),
    ("user_agent", "header.user-agent", Given),
];

/// Whether a member of this name is among the usual ones.
pub(super) fn is_usual(name: &str) -> bool {
    MEMBERS.iter().any(|(member, ..)| *member == name)
}

impl Format {
    /// A JSON object with the usual members and these further ones.
    pub(super) fn json(further: Vec<(&str, Text)>) -> Self {
        let usual = MEMBERS.iter().map(|(name, variable, kind)| {
            let value = Variable::parse(variable).map_or(Value::Detail, Value::Variable);
            Member { key: key(name), value, kind: *kind }
        });
        let further = further.into_iter().map(|(name, text)| Member {
            key: key(name),
            value: Value::Text(text),
            kind: Given,
        });
        Self::Json(usual.chain(further).collect())
    }

    /// Writes the exchange's line. `value` is memory to use.
    pub(super) fn write(&self, out: &mut Vec<u8>, value: &mut Vec<u8>, x: &Exchange) {
        match self {
            Self::Json(members) => {
                out.push(b'{');
                let mut first = true;
                for member in members {
                    value.clear();
                    member.value.write(value, x);
                    if value.is_empty() && member.kind != Always {
                        continue;
                    }
                    if !std::mem::take(&mut first) {
                        out.push(b',');
                    }
                    out.extend_from_slice(&member.key);
                    match member.kind {
                        Number => out.extend_from_slice(value),
                        Always | Given => write_json_string(out, cut(value)),
                    }
                }
                out.push(b'}');
            }
            Self::Text(text) => text.for_each_part(|part| match part {
                Ok(literal) => out.extend_from_slice(literal),
                Err(variable) => {
                    value.clear();
                    variable.write(value, x, None);
                    write_escaped(out, cut(value));
                }
            }),
        }
        out.push(b'\n');
    }
}

impl Value {
    fn write(&self, out: &mut Vec<u8>, x: &Exchange) {
        match self {
            Self::Variable(variable) => variable.write(out, x, None),
            Self::Text(text) => text.write(out, x, None),
            Self::Detail => {
                out.extend_from_slice(x.account.fault_detail.as_deref().unwrap_or_default().as_bytes())
            }
        }
    }
}

/// The names are ours, or letters, digits, `-`, `_` and `.`: nothing in them needs an escape.
fn key(name: &str) -> Box<[u8]> {
    format!("\"{name}\":").into_bytes().into()
}

fn cut(value: &[u8]) -> &[u8] {
    &value[..value.len().min(VALUE_BYTES_MAX)]
}

/// Writes a string of RFC 8259. Bytes that are no UTF-8 become the text `\xHH`.
fn write_json_string(out: &mut Vec<u8>, value: &[u8]) {
    out.push(b'"');
    for chunk in value.utf8_chunks() {
        let text = chunk.valid();
        let mut written = 0;
        for (at, character) in text.char_indices().filter(|(_, character)| needs_escape(*character)) {
            out.extend_from_slice(&text.as_bytes()[written..at]);
            written = at + character.len_utf8();
            match character {
                '"' | '\\' => out.extend_from_slice(&[b'\\', character as u8]),
                '\n' => out.extend_from_slice(b"\\n"),
                '\r' => out.extend_from_slice(b"\\r"),
                '\t' => out.extend_from_slice(b"\\t"),
                // All of them are in the basic plane.
                other => {
                    out.extend_from_slice(b"\\u");
                    let code = other as u32;
                    push_hex(out, (code >> 8 & 0xff) as u8);
                    push_hex(out, (code & 0xff) as u8);
                }
            }
        }
        out.extend_from_slice(&text.as_bytes()[written..]);
        for byte in chunk.invalid() {
            out.extend_from_slice(b"\\\\x");
            push_hex(out, *byte);
        }
    }
    out.push(b'"');
}

/// What JSON wants escaped, and what would make a terminal or an editor show something else than stands there: further
/// control characters, line separators, and marks that turn the direction of writing.
fn needs_escape(character: char) -> bool {
    match character {
        ' '..='~' => matches!(character, '"' | '\\'),
        '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => true,
        other => other.is_control(),
    }
}

fn write_escaped(out: &mut Vec<u8>, value: &[u8]) {
    if value.is_empty() {
        out.push(b'-');
    }
    for byte in value {
        match byte {
            b'"' | b'\\' | 0..b' ' | 0x7f.. => {
                out.extend_from_slice(b"\\x");
                push_hex(out, *byte);
            }
            plain => out.push(*plain),
        }
    }
}

fn push_hex(out: &mut Vec<u8>, byte: u8) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    out.extend_from_slice(&[DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
}
