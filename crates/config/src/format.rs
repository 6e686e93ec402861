//! Rewrites a config in its one form: four spaces per block, one space between words, at most one blank line.
//!
//! It works on tokens and changes only what stands between them, so every comment, quote and spelling stays. A block
//! that was written on one line stays on one line.

use std::path::Path;

use crate::lexer::{Kind, Token, lex};
use crate::{Diagnostics, Environment, Loaded, parse_text};

const INDENT: &str = "    ";

/// The text in its one form; a text with mistakes is given back with its messages instead.
///
/// # Errors
/// If the text does not parse: what a mistake was meant to be is not for a formatter to guess.
pub fn format(path: &Path, text: &str) -> Result<String, Box<Loaded>> {
    let loaded = parse_text(path, text, &Environment::Kept);
    if loaded.diagnostics.has_errors() {
        return Err(Box::new(loaded));
    }
    // Parsing made one file, and tokens keep its spans.
    let Some(file) = loaded.sources.ids().next() else {
        return Ok(String::new());
    };
    let tokens = lex(file, text, &mut Diagnostics::new());
    let inline = inline_blocks(&tokens);
    let mut writer = Writer { text, out: String::with_capacity(text.len()), ..Writer::default() };
    for (token, inline) in tokens.iter().zip(inline) {
        writer.token(*token, inline);
    }
    writer.end_line();
    Ok(writer.out)
}

/// For each token, whether it is a brace of a block that stands on one line.
fn inline_blocks(tokens: &[Token]) -> Vec<bool> {
    let mut inline = vec![false; tokens.len()];
    // Open braces, and whether no line has ended since.
    let mut open: Vec<(usize, bool)> = Vec::new();
    for (index, token) in tokens.iter().enumerate() {
        match token.kind {
            Kind::Open => open.push((index, true)),
            Kind::Newline | Kind::Comment | Kind::Continuation => {
                open.iter_mut().for_each(|(_, one)| *one = false)
            }
            Kind::Close => {
                if let Some((start, one)) = open.pop() {
                    inline[start] = one;
                    inline[index] = one;
                }
            }
            Kind::Bare | Kind::Quoted | Kind::Heredoc => {}
        }
    }
    inline
}

#[derive(Default)]
struct Writer<'a> {
    text: &'a str,
    out: String,
    depth: usize,
    /// Whether something stands on the current line.
    begun: bool,
    /// Whether the line goes on after a `\`.
    continued: bool,
    /// Whether the last thing written is the brace of a block of several lines.
    opened: bool,
    /// Line ends since the last thing that was written.
    newlines: usize,
}

impl Writer<'_> {
    fn token(&mut self, token: Token, inline: bool) {
        let raw = self.text.get(token.span.range()).unwrap_or("");
        match token.kind {
            Kind::Newline => {
                self.newlines += 1;
                self.end_line();
            }
            // One at the start of a line continues nothing.
            Kind::Continuation => self.continued = self.begun,
            Kind::Comment => {
                self.continued = false;
                let opened = std::mem::take(&mut self.opened) && !self.begun;
                if opened {
                    self.newlines = 0;
                }
                self.put(raw.trim_end());
            }
            Kind::Bare | Kind::Quoted => self.word(raw),
            Kind::Heredoc => {
                let (head, body) = raw.split_once('\n').unwrap_or((raw, ""));
                self.word(head.trim_end());
                self.out.push('\n');
                self.out.push_str(body);
            }
            Kind::Open => {
                self.continued = false;
                self.word("{");
                self.depth += 1;
                self.opened = !inline;
            }
            Kind::Close => {
                self.depth = self.depth.saturating_sub(1);
                if !inline {
                    self.end_line();
                    self.newlines = 0;
                }
                self.opened = false;
                self.continued = false;
                self.put("}");
            }
        }
    }

    /// A word or a brace. The first in a block of several lines begins a line, wherever it stood.
    fn word(&mut self, word: &str) {
        if std::mem::take(&mut self.opened) {
            self.end_line();
            self.newlines = 0;
        }
        self.put(word);
    }

    /// Something that stands on a line, a space before it if it is not the first.
    fn put(&mut self, word: &str) {
        if self.continued {
            self.out.push_str(" \\\n");
            self.indent(self.depth + 1);
        } else if self.begun {
            self.out.push(' ');
        } else {
            if self.newlines > 1 && !self.out.is_empty() {
                self.out.push('\n');
            }
            self.indent(self.depth);
        }
        self.out.push_str(word);
        self.begun = true;
        self.continued = false;
        self.newlines = 0;
    }

    fn end_line(&mut self) {
        // A `\` that continues nothing is dropped, unless the word before it would then look like one.
        if self.continued && self.out.ends_with('\\') {
            self.out.push_str(" \\\n");
        }
        if self.begun {
            self.out.push('\n');
        }
        self.begun = false;
        self.continued = false;
    }

    fn indent(&mut self, depth: usize) {
        self.out.extend(std::iter::repeat_n(INDENT, depth));
    }
}
