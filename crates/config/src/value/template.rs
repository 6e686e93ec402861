//! Texts with placeholders: `/new/{rest}`.

use super::{Problem, Value};
use crate::codes::UNKNOWN_PLACEHOLDER;
use crate::{Diagnostic, Diagnostics, Span, Word, suggest};

/// One piece of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Text as it is.
    Literal(String),
    /// `{name}`, to be filled in, and where it stands.
    Placeholder(String, Span),
}

/// A text with placeholders. Which names have a meaning is for the directive to say: see [`Template::check`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// The pieces in order; never two literals in a row, never an empty one.
    pub parts: Vec<Part>,
    /// Where the word stands.
    pub span: Span,
}

impl Template {
    /// A template without placeholders.
    pub fn literal(text: impl Into<String>) -> Self {
        let text = text.into();
        let parts = if text.is_empty() { Vec::new() } else { vec![Part::Literal(text)] };
        Self { parts, span: Span::NONE }
    }

    /// The text, if it has no placeholders.
    pub fn as_literal(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [] => Some(""),
            [Part::Literal(text)] => Some(text),
            _ => None,
        }
    }

    /// Its placeholders and their places.
    pub fn placeholders(&self) -> impl Iterator<Item = (&str, Span)> {
        self.parts.iter().filter_map(|part| match part {
            Part::Literal(_) => None,
            Part::Placeholder(name, span) => Some((name.as_str(), *span)),
        })
    }

    /// Reports every placeholder whose name is not known. A known name that ends in `.` stands for all names that
    /// begin with it and go on: `header.` knows `header.user-agent`.
    pub fn check(&self, known: &[&str], diagnostics: &mut Diagnostics) {
        for (name, span) in self.placeholders() {
            let fits = |known: &&str| match known.strip_suffix('.') {
                Some(_) => name.len() > known.len() && name.starts_with(*known),
                None => *known == name,
            };
            if known.iter().any(fits) {
                continue;
            }
            let title = format!("there is no placeholder `{{{name}}}` here");
            let list: Vec<String> =
                known
                    .iter()
                    .map(|known| {
                        if known.ends_with('.') { format!("{{{known}NAME}}") } else { format!("{{{known}}}") }
                    })
                    .collect();
            let help = suggest::suggest(name, known.iter().copied())
                .map(|near| format!("did you mean `{{{near}}}`?"))
                .unwrap_or_else(|| match list.is_empty() {
                    true => "no placeholder can be used here; quote the text and write `\\{` for a brace"
                        .to_owned(),
                    false => format!("use one of {}, or `\\{{` in quotes for a brace", list.join(" ")),
                });
            diagnostics.push(Diagnostic::error(UNKNOWN_PLACEHOLDER, span, title).help(help));
        }
    }

    /// The text with each placeholder replaced by what `fill` gives.
    pub fn fill<'a>(&'a self, mut fill: impl FnMut(&'a str) -> std::borrow::Cow<'a, str>) -> String {
        self.parts.iter().fold(String::new(), |mut text, part| {
            match part {
                Part::Literal(literal) => text.push_str(literal),
                Part::Placeholder(name, _) => text.push_str(&fill(name)),
            }
            text
        })
    }
}

/// Whether the text can be a placeholder's name.
fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b':'))
}

impl Value for Template {
    const KIND: &'static str = "a text that may hold placeholders";

    fn parse(word: &Word) -> Result<Self, Problem> {
        let text = word.text.as_str();
        let mut template = Self { parts: Vec::new(), span: word.span };
        let mut literal = String::new();
        let mut at = 0;
        while let Some(found) = text[at..].find('{') {
            let open = at + found;
            literal.push_str(&text[at..open]);
            let close = text[open..].find('}').map(|length| open + length);
            let name = close.map_or("", |close| &text[open + 1..close]);
            match close {
                Some(close) if !word.is_literal_brace(open) && is_name(name) => {
                    if !literal.is_empty() {
                        template.parts.push(Part::Literal(std::mem::take(&mut literal)));
                    }
                    template.parts.push(Part::Placeholder(name.to_owned(), word.span_of(open..close + 1)));
                    at = close + 1;
                }
                // In quotes such a brace may be JSON or CSS; in a bare word it can only be a slip.
                Some(close) if !word.is_literal_brace(open) && !word.quoted => {
                    return Err(Problem::new("these braces do not hold a placeholder's name")
                        .part(open..close + 1)
                        .help(
                            "a name holds letters, digits, `_`, `-`, `.` and `:`; in quotes `\\{` is a brace",
                        ));
                }
                _ => {
                    literal.push('{');
                    at = open + 1;
                }
            }
        }
        literal.push_str(&text[at..]);
        if !literal.is_empty() {
            template.parts.push(Part::Literal(literal));
        }
        Ok(template)
    }

    fn to_text(&self) -> String {
        self.fill(|name| format!("{{{name}}}").into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Environment, Sources, parse_text};

    fn parts(text: &str) -> String {
        let environment: Environment = [("BRACE", "{rest}")].into_iter().collect();
        let loaded = parse_text("t".as_ref(), &format!("x {text}"), &environment);
        assert!(loaded.diagnostics.is_empty(), "{}", loaded.diagnostics.render(&loaded.sources, false));
        match Template::parse(&loaded.tree[0].args[0]) {
            Ok(template) => template
                .parts
                .iter()
                .map(|part| match part {
                    Part::Literal(text) => format!("'{text}'"),
                    Part::Placeholder(name, span) => format!("<{name}@{}>", place(&loaded.sources, *span)),
                })
                .collect(),
            Err(problem) => problem.cause,
        }
    }

    fn place(sources: &Sources, span: Span) -> String {
        sources.text(span).to_owned()
    }

    #[test]
    fn placeholders_are_told_from_text() {
        for (text, expected) in [
            ("/new/{rest}", "'/new/'<rest@{rest}>"),
            ("{a}{b.c-d}", "<a@{a}><b.c-d@{b.c-d}>"),
            (r#""x \{rest}""#, "'x {rest}'"),
            (r#""{\"id\": {id}}""#, r#"'{"id": '<id@"{\"id\": {id}}">'}'"#),
            ("{$BRACE}", "'{rest}'"),
            ("a{!}", "these braces do not hold a placeholder's name"),
            (r#""""#, ""),
        ] {
            assert_eq!(parts(text), expected, "{text}");
        }
    }
}
