//! What a single word can mean: one type per kind of value, each knowing how to read, write and describe itself.
//!
//! A type that reads only what is right needs no later check. Messages never repeat the word itself, since it may
//! be a secret; whoever reports a [`Problem`] shows the place.

mod choice;
mod net;
mod number;
mod secret;
mod size;
mod template;
mod text;
mod time;

use std::ops::Range;

use serde_json::json;

#[doc(hidden)]
pub use choice::unknown_choice;
pub use net::{IpNet, ListenAddress};
pub use number::Percent;
pub use secret::Secret;
pub use size::Bytes;
pub use template::{Part, Template};
pub use text::{Name, Spanned};
pub use time::Rate;

use crate::Word;

/// A kind of value.
pub trait Value: Sized {
    /// What it is, for messages: "a duration such as `10s`".
    const KIND: &'static str;

    /// The words it can be and what each means, if there are only a few.
    const CHOICES: &'static [Choice] = &[];

    /// Reads a word.
    fn parse(word: &Word) -> Result<Self, Problem>;

    /// Writes it as a user would; a secret is written as a placeholder for itself.
    fn to_text(&self) -> String;

    /// Writes it as JSON.
    fn to_json(&self) -> serde_json::Value {
        self.to_text().into()
    }

    /// Its JSON Schema, without a description.
    fn schema() -> serde_json::Value {
        if Self::CHOICES.is_empty() {
            json!({ "type": "string" })
        } else {
            let words: Vec<&str> = Self::CHOICES.iter().map(|choice| choice.text).collect();
            json!({ "enum": words })
        }
    }
}

/// One of the words a value can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Choice {
    /// The word.
    pub text: &'static str,
    /// What it means, as lines of a doc comment.
    pub doc: &'static [&'static str],
}

/// Why a word is not a value: the cause, without repeating the word, and the remedy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The cause; empty if there is no more to say than that the kind is wrong.
    pub cause: String,
    /// The remedy.
    pub help: Option<String>,
    /// The part of the text that is wrong; all of it if not told.
    pub part: Option<Range<usize>>,
}

impl Problem {
    /// A problem with its cause.
    pub fn new(cause: impl Into<String>) -> Self {
        Self { cause: cause.into(), help: None, part: None }
    }

    /// Adds the remedy.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Says which part of the text is wrong.
    #[must_use]
    pub fn part(mut self, part: Range<usize>) -> Self {
        self.part = Some(part);
        self
    }
}

/// Splits `10s` into its number and its unit. The number may have a decimal point and is returned as whole and
/// fraction digits, so that no value passes through floating point.
fn split_unit(text: &str) -> Result<(u64, &str, &str), Problem> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    if end == 0 {
        return Err(Problem::new("it does not begin with a number"));
    }
    let whole = text[..end].parse().map_err(|_| Problem::new("the number is too large"))?;
    let rest = &text[end..];
    let Some(after) = rest.strip_prefix('.') else {
        return Ok((whole, "", rest));
    };
    let digits = after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len());
    match digits {
        1..=9 => Ok((whole, &after[..digits], &after[digits..])),
        _ => Err(Problem::new("a decimal point needs one to nine digits after it")),
    }
}

/// `whole.fraction` times `unit`, exactly; `None` if it is too large or not a whole number of the smallest unit.
fn scale(whole: u64, fraction: &str, unit: u64) -> Option<u64> {
    let mut total = whole.checked_mul(unit)?;
    if !fraction.is_empty() {
        let base = 10u128.pow(u32::try_from(fraction.len()).ok()?);
        let part = u128::from(fraction.parse::<u64>().ok()?) * u128::from(unit);
        if part % base != 0 {
            return None;
        }
        total = total.checked_add(u64::try_from(part / base).ok()?)?;
    }
    Some(total)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Reads each text and writes it back: equal to the expected text, or the cause that contains it.
    pub(crate) fn check<V: Value>(cases: &[(&str, Result<&str, &str>)]) {
        for (text, expected) in cases {
            let found = V::parse(&Word::new(*text));
            match (&found, expected) {
                (Ok(value), Ok(expected)) => {
                    assert_eq!(value.to_text(), *expected, "{text}");
                    let again = V::parse(&Word::new(value.to_text())).map(|value| value.to_text());
                    assert_eq!(again.as_deref(), Ok(*expected), "what it writes it must read");
                }
                (Err(problem), Err(expected)) => {
                    let all = format!("{}; {}", problem.cause, problem.help.as_deref().unwrap_or(""));
                    assert!(all.contains(expected), "{text}: {all}");
                }
                _ => panic!("{text}: {:?}, expected {expected:?}", found.map(|value| value.to_text())),
            }
        }
    }
}
