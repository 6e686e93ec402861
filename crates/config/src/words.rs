//! Turns a token into the text it stands for: quotes and escapes removed, `{$NAME}` read.
//!
//! What the environment gives is text and nothing else: it can never open a block, start a placeholder or end a word.

use crate::codes::{BAD_ESCAPE, BAD_VARIABLE, MISSING_VARIABLE};
use crate::lexer::{Kind, Token};
use crate::{Diagnostic, Diagnostics, Environment, Span, VARIABLE_BYTES_MAX, Word};

/// How a backslash is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// As itself: a bare word.
    Bare,
    /// As the start of an escape: `\"`, `\\`, `\n`, `\t`, `\{`.
    Quoted,
    /// As itself, save in a run right before a `{`, which is read pairwise: heredocs and JSON.
    Plain,
}

/// The word a token stands for.
pub(crate) fn word(
    token: Token,
    text: &str,
    environment: &Environment,
    diagnostics: &mut Diagnostics,
) -> Word {
    let raw = text.get(token.span.range()).unwrap_or("");
    let mut cook = Cook::new(token.span, environment, diagnostics);
    let mut shift = None;
    match token.kind {
        Kind::Quoted => {
            let inner = raw.strip_prefix('"').unwrap_or(raw);
            // An unclosed quote has been reported; it may end in a backslash, so look before cutting.
            let inner = inner.strip_suffix('"').unwrap_or(inner);
            cook.part(inner, 1, Form::Quoted);
            shift = Some((1, inner.len()));
        }
        Kind::Heredoc => cook.heredoc(raw),
        _ => {
            cook.part(raw, 0, Form::Bare);
            shift = Some((0, raw.len()));
        }
    }
    let changed = cook.changed;
    let mut word = cook.word;
    word.quoted = token.kind != Kind::Bare;
    word.span = token.span;
    word.verbatim = shift.filter(|(_, length)| !changed && *length == word.text.len()).map(|(at, _)| at);
    word
}

/// How a JSON string says a word's text: as it is, save that a plain `{` has a backslash before it.
pub(crate) fn to_plain(word: &Word) -> String {
    let mut plain = String::with_capacity(word.text.len());
    for (at, character) in word.text.char_indices() {
        if character == '{' {
            let run = plain.len() - plain.trim_end_matches('\\').len();
            plain.extend(std::iter::repeat_n('\\', run));
            if word.is_literal_brace(at) {
                plain.push('\\');
            }
        }
        plain.push(character);
    }
    plain
}

/// Writes a JSON string's text as a word of the config language.
pub(crate) fn from_plain(plain: &str) -> String {
    let bare = !plain.is_empty()
        && plain.bytes().all(|byte| {
            byte > 0x7f || (byte.is_ascii_graphic() && !matches!(byte, b'"' | b'#' | b'\\' | b'{' | b'}'))
        })
        && !plain.chars().any(char::is_whitespace)
        && !plain.starts_with("<<");
    if bare {
        return plain.to_owned();
    }
    let mut quoted = String::from("\"");
    let mut rest = plain;
    while let Some(character) = rest.chars().next() {
        rest = &rest[character.len_utf8()..];
        match character {
            '"' => quoted.push_str("\\\""),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            '\\' => {
                let run = 1 + rest.bytes().take_while(|byte| *byte == b'\\').count();
                rest = &rest[run - 1..];
                // Before a brace the run already has the quoted form: pairs, and perhaps one that escapes the brace.
                let times = if rest.starts_with('{') { run } else { run * 2 };
                quoted.extend(std::iter::repeat_n('\\', times));
            }
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

struct Cook<'a> {
    word: Word,
    span: Span,
    changed: bool,
    environment: &'a Environment,
    diagnostics: &'a mut Diagnostics,
}

impl<'a> Cook<'a> {
    fn new(span: Span, environment: &'a Environment, diagnostics: &'a mut Diagnostics) -> Self {
        Self { word: Word::new(""), span, changed: false, environment, diagnostics }
    }

    /// Reads `raw`, which stands `at` bytes into the token.
    fn part(&mut self, raw: &str, at: usize, form: Form) {
        let mut rest = raw;
        while let Some(character) = rest.chars().next() {
            let here = at + raw.len() - rest.len();
            let used = match (character, form) {
                ('\\', Form::Quoted) => self.escape(rest, here),
                ('\\', Form::Plain) => self.backslashes(rest),
                ('{', _) if rest.starts_with("{$") => self.variable(rest, here, form),
                _ => {
                    self.word.text.push(character);
                    character.len_utf8()
                }
            };
            rest = &rest[used..];
        }
    }

    /// An escape at the start of `rest`; gives the bytes it takes.
    fn escape(&mut self, rest: &str, here: usize) -> usize {
        self.changed = true;
        let Some(next) = rest[1..].chars().next() else {
            return 1;
        };
        match next {
            '"' | '\\' => self.word.text.push(next),
            'n' => self.word.text.push('\n'),
            't' => self.word.text.push('\t'),
            '{' => self.literal_brace(),
            other => {
                self.word.text.push('\\');
                self.word.text.push(other);
                let diagnostic = Diagnostic::error(
                    BAD_ESCAPE,
                    self.place(here, 1 + other.len_utf8()),
                    format!("`\\{}` means nothing in a quoted text", other.escape_debug()),
                );
                self.diagnostics.push(diagnostic.help(
                    "write `\\\\` for a backslash; the escapes are `\\\"`, `\\\\`, `\\n`, `\\t` and `\\{`",
                ));
            }
        }
        1 + next.len_utf8()
    }

    /// A run of backslashes in plain text; gives the bytes it and an escaped brace take.
    fn backslashes(&mut self, rest: &str) -> usize {
        let run = rest.bytes().take_while(|byte| *byte == b'\\').count();
        if !rest[run..].starts_with('{') {
            self.word.text.push_str(&rest[..run]);
            return run;
        }
        self.changed = true;
        self.word.text.push_str(&rest[..run / 2]);
        if run % 2 == 0 {
            return run;
        }
        self.literal_brace();
        run + 1
    }

    /// `{$NAME}` or `{$NAME:default}` at the start of `rest`; gives the bytes it takes.
    fn variable(&mut self, rest: &str, here: usize, form: Form) -> usize {
        let Some((name, default)) = split_variable(rest) else {
            // In a text, `{$` may be somebody's JavaScript; in a bare word it can only be a slip.
            if form == Form::Bare {
                self.bad_variable(here, "{$".len());
            }
            self.word.text.push('{');
            return 1;
        };
        let length = "{$}".len() + name.len() + default.map_or(0, |default| 1 + default.len());
        let default = default.map(|default| match form {
            Form::Quoted => unescape(default),
            Form::Bare | Form::Plain => default.to_owned(),
        });
        self.changed = true;
        if matches!(self.environment, Environment::Kept) {
            let default = default.map_or_else(String::new, |default| format!(":{default}"));
            self.word.text += &format!("{{${name}{default}}}");
            return length;
        }
        match self.environment.read(name).or(default) {
            Some(value) => self.opaque(&value),
            None => self.missing(name, here, length),
        }
        length
    }

    /// Adds text in which no brace means anything.
    fn opaque(&mut self, value: &str) {
        self.word.from_environment = true;
        for character in value.chars() {
            if character == '{' {
                self.literal_brace();
            } else {
                self.word.text.push(character);
            }
        }
    }

    fn literal_brace(&mut self) {
        // Words lie in a file, and a file's length fits.
        self.word.literal_braces.push(u32::try_from(self.word.text.len()).unwrap_or(u32::MAX));
        self.word.text.push('{');
    }

    /// The lines between `<<WORD` and `WORD`, without the indentation they share.
    fn heredoc(&mut self, raw: &str) {
        self.changed = true;
        let mut lines: Vec<(usize, &str)> = Vec::new();
        let mut at = 0;
        for line in raw.split_inclusive('\n') {
            lines.push((at, line.trim_end_matches(['\n', '\r'])));
            at += line.len();
        }
        let body = lines.get(1..lines.len().saturating_sub(1)).unwrap_or(&[]);
        let blank = |line: &str| line.bytes().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        let shared = body
            .iter()
            .filter(|(_, line)| !line.trim().is_empty())
            .map(|(_, line)| blank(line))
            .min()
            .unwrap_or(0);
        for (number, (at, line)) in body.iter().enumerate() {
            if number > 0 {
                self.word.text.push('\n');
            }
            let cut = shared.min(blank(line));
            self.part(&line[cut..], at + cut, Form::Plain);
        }
    }

    fn bad_variable(&mut self, here: usize, length: usize) {
        let span = self.place(here, length);
        self.diagnostics.push(
            Diagnostic::error(BAD_VARIABLE, span, "`{$` is not followed by a variable's name and `}`").help(
                "write `{$NAME}` or `{$NAME:default}`, without spaces; the name holds letters, digits and `_`",
            ),
        );
    }

    fn missing(&mut self, name: &str, here: usize, length: usize) {
        let span = self.place(here, length);
        let title = format!("the environment variable `{name}` is not set");
        let help = format!("set it, or give a default: `{{${name}:default}}`");
        self.diagnostics.push(Diagnostic::error(MISSING_VARIABLE, span, title).help(help));
    }

    fn place(&self, here: usize, length: usize) -> Span {
        let start = self.span.start as usize + here;
        Span::new(self.span.file, start, start + length)
    }
}

/// The name and the default of the variable that a text begins with.
fn split_variable(text: &str) -> Option<(&str, Option<&str>)> {
    let inner = text.strip_prefix("{$")?;
    let length = inner.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count();
    let (name, after) = inner.split_at(length);
    if length == 0 || name.as_bytes()[0].is_ascii_digit() {
        return None;
    }
    match after.as_bytes().first()? {
        b'}' => Some((name, None)),
        b':' => {
            let mut bytes = after.bytes().take(VARIABLE_BYTES_MAX);
            let end = bytes.position(|byte| matches!(byte, b'}' | b'\n'))?;
            (after.as_bytes()[end] == b'}').then(|| (name, Some(&after[1..end])))
        }
        _ => None,
    }
}

/// A variable's default in a quoted text. What is no escape stays as it is.
fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(character) = rest.next() {
        let mut after = rest.clone();
        let escaped = match (character, after.next()) {
            ('\\', Some('n')) => '\n',
            ('\\', Some('t')) => '\t',
            ('\\', Some(next @ ('"' | '\\' | '{'))) => next,
            _ => {
                out.push(character);
                continue;
            }
        };
        rest = after;
        out.push(escaped);
    }
    out
}
