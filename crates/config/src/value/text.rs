//! Texts, names, paths, switches, and values that remember their place.

use std::ops::Deref;
use std::path::PathBuf;

use serde_json::json;

use super::{Choice, Problem, Value};
use crate::{Span, Word, suggest};

impl Value for String {
    const KIND: &'static str = "a text";

    fn parse(word: &Word) -> Result<Self, Problem> {
        Ok(word.text.clone())
    }

    fn to_text(&self) -> String {
        self.clone()
    }
}

/// The word as it stands, for values that a directive reads in its own way.
impl Value for Word {
    const KIND: &'static str = "a word";

    fn parse(word: &Word) -> Result<Self, Problem> {
        Ok(word.clone())
    }

    fn to_text(&self) -> String {
        self.text.clone()
    }
}

impl Value for PathBuf {
    const KIND: &'static str = "a path";

    fn parse(word: &Word) -> Result<Self, Problem> {
        if word.text.is_empty() {
            return Err(Problem::new("a path cannot be empty"));
        }
        if word.text.contains('\0') {
            return Err(Problem::new("a path cannot hold a NUL"));
        }
        Ok(Self::from(&word.text))
    }

    fn to_text(&self) -> String {
        self.to_string_lossy().into_owned()
    }
}

impl Value for bool {
    const KIND: &'static str = "`on` or `off`";
    const CHOICES: &'static [Choice] =
        &[Choice { text: "on", doc: &["Yes."] }, Choice { text: "off", doc: &["No."] }];

    fn parse(word: &Word) -> Result<Self, Problem> {
        match word.text.as_str() {
            "on" => Ok(true),
            "off" => Ok(false),
            "true" | "yes" | "1" => Err(Problem::new("it is a switch").help("write `on`")),
            "false" | "no" | "0" => Err(Problem::new("it is a switch").help("write `off`")),
            other => {
                let problem = Problem::new("it is a switch");
                Err(match suggest::did_you_mean(other, ["on", "off"]) {
                    Some(help) => problem.help(help),
                    None => problem.help("write `on` or `off`"),
                })
            }
        }
    }

    fn to_text(&self) -> String {
        if *self { "on" } else { "off" }.to_owned()
    }

    fn to_json(&self) -> serde_json::Value {
        (*self).into()
    }

    fn schema() -> serde_json::Value {
        json!({ "type": "boolean" })
    }
}

/// The name of something defined in the config: letters, digits, `-`, `_` and `.`, at most 100.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(String);

impl Name {
    /// The name itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Deref for Name {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl Value for Name {
    const KIND: &'static str = "a name";

    fn parse(word: &Word) -> Result<Self, Problem> {
        let text = &word.text;
        let odd =
            text.char_indices().find(|(_, c)| !c.is_ascii_alphanumeric() && !matches!(c, '-' | '_' | '.'));
        if let Some((at, odd)) = odd {
            return Err(Problem::new("a name holds letters, digits, `-`, `_` and `.`")
                .part(at..at + odd.len_utf8())
                .help("choose a name of these characters"));
        }
        match text.len() {
            0 => Err(Problem::new("a name cannot be empty")),
            1..=100 => Ok(Self(text.clone())),
            _ => Err(Problem::new("a name has at most 100 characters")),
        }
    }

    fn to_text(&self) -> String {
        self.0.clone()
    }
}

/// A value that remembers where it stands, for messages that come later.
#[derive(Debug, Clone, Copy)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Where its word stands.
    pub span: Span,
}

impl<T> Deref for Spanned<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

/// Equal when the values are: the same setting written elsewhere is the same setting.
impl<T: PartialEq> PartialEq for Spanned<T> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

/// A value that a program made stands nowhere.
impl<T> From<T> for Spanned<T> {
    fn from(value: T) -> Self {
        Self { value, span: Span::NONE }
    }
}

impl<T: Value> Value for Spanned<T> {
    const KIND: &'static str = T::KIND;
    const CHOICES: &'static [Choice] = T::CHOICES;

    fn parse(word: &Word) -> Result<Self, Problem> {
        Ok(Self { value: T::parse(word)?, span: word.span })
    }

    fn to_text(&self) -> String {
        self.value.to_text()
    }

    fn to_json(&self) -> serde_json::Value {
        self.value.to_json()
    }

    fn schema() -> serde_json::Value {
        T::schema()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::tests::check;

    #[test]
    fn switches_and_names() {
        check::<bool>(&[
            ("on", Ok("on")),
            ("off", Ok("off")),
            ("true", Err("write `on`")),
            ("0", Err("`off`")),
        ]);
        check::<Name>(&[("a-b_c.1", Ok("a-b_c.1")), ("", Err("empty")), ("a/b", Err("letters"))]);
        check::<PathBuf>(&[("/x", Ok("/x")), ("", Err("empty"))]);
    }
}
