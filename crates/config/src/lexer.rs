//! Cuts text into tokens. Nothing is lost: what stands between tokens is blank.
//!
//! A bare word runs to the next blank. Braces decide by what touches them: `{` before a blank opens a block, `{name}`
//! is part of a word, `}` standing alone closes.

use crate::codes::{
    BRACE_IN_WORD, CONTROL_CHARACTER, MISSING_SPACE, ODD_SPACE, UNCLOSED_HEREDOC, UNCLOSED_PLACEHOLDER,
    UNCLOSED_QUOTE,
};
use crate::{Diagnostic, Diagnostics, FileId, Span};

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A word without quotes.
    Bare,
    /// `"…"`, quotes included.
    Quoted,
    /// From `<<WORD` to the closing word.
    Heredoc,
    /// `{`
    Open,
    /// `}`
    Close,
    /// From `#` to the end of the line, which is not included.
    Comment,
    /// The end of a line.
    Newline,
    /// A `\` with the line end after it.
    Continuation,
}

/// One token and its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    pub(crate) span: Span,
}

/// All tokens of a file.
pub(crate) fn lex(file: FileId, text: &str, diagnostics: &mut Diagnostics) -> Vec<Token> {
    let start = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let mut lexer = Lexer { file, text, at: start, tokens: Vec::new(), unclosed: 0, diagnostics };
    lexer.refuse_control_characters();
    while lexer.at < text.len() {
        let before = lexer.at;
        lexer.token();
        debug_assert!(lexer.at > before, "the lexer must move on at byte {before}");
    }
    lexer.tokens
}

/// Whether the byte separates words.
fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r')
}

struct Lexer<'a> {
    file: FileId,
    text: &'a str,
    at: usize,
    tokens: Vec<Token>,
    /// Heredocs without an end. Each costs a look at the whole rest of the file, so they are few.
    unclosed: usize,
    diagnostics: &'a mut Diagnostics,
}

/// Unclosed heredocs after which the rest of a file is not looked at.
const UNCLOSED_HEREDOCS_MAX: usize = 8;

impl Lexer<'_> {
    fn token(&mut self) {
        match self.byte(self.at) {
            Some(byte) if is_blank(byte) => self.at += 1,
            Some(b'\n') => self.push(Kind::Newline, self.at + 1),
            Some(b'#') => self.push(Kind::Comment, self.line_end(self.at)),
            Some(b'"') => self.quoted(),
            Some(b'}') => self.close(),
            Some(b'{') if self.ends_word(self.at + 1) => self.push(Kind::Open, self.at + 1),
            Some(b'{') if self.byte(self.at + 1) == Some(b'}') && self.ends_word(self.at + 2) => {
                self.push(Kind::Open, self.at + 1);
                self.push(Kind::Close, self.at + 1);
            }
            Some(b'<') if self.text[self.at..].starts_with("<<") => self.heredoc(),
            Some(b'\\') if self.ends_line(self.at + 1) => {
                self.push(Kind::Continuation, self.next_line(self.at));
            }
            _ => self.bare(),
        }
    }

    /// A `}`. One that touches the next word still closes: that is what the writer most likely meant.
    fn close(&mut self) {
        self.push(Kind::Close, self.at + 1);
        if !self.ends_word(self.at) && self.byte(self.at) != Some(b'}') {
            self.brace_in_word(self.at - 1, "this `}` touches the word after it");
        }
    }

    fn bare(&mut self) {
        let start = self.at;
        let mut at = start;
        while let Some(byte) = self.byte(at) {
            match byte {
                b'\n' | b' ' | b'\t' | b'\r' => break,
                b'\\' if self.ends_line(at + 1) => break,
                b'{' if at > start && self.ends_word(at + 1) => break,
                b'{' => at = self.placeholder(at),
                b'}' => {
                    self.brace_in_word(at, "this `}` touches the word before it");
                    if self.ends_word(at + 1) || self.byte(at + 1) == Some(b'}') {
                        break;
                    }
                    at += 1;
                }
                _ => at += 1,
            }
        }
        self.push(Kind::Bare, at);
        self.refuse_odd_spaces(start..at);
    }

    /// The end of a `{…}` inside a bare word.
    fn placeholder(&mut self, open: usize) -> usize {
        let rest = &self.text[open + 1..];
        let stop = rest.find(['}', '\n', ' ', '\t', '\r']).unwrap_or(rest.len());
        let end = open + 1 + stop;
        if self.byte(end) == Some(b'}') {
            return end + 1;
        }
        let diagnostic =
            Diagnostic::error(UNCLOSED_PLACEHOLDER, self.span(open, end), "a `{` inside a word has no `}`");
        self.diagnostics.push(
            diagnostic
                .label("the word ends before the brace is closed")
                .help("write `{name}` for a placeholder, a space after `{` for a block, or quote the text"),
        );
        end
    }

    fn quoted(&mut self) {
        let start = self.at;
        let end = self.line_end(start);
        let mut at = start + 1;
        while at < end {
            match self.byte(at) {
                // What follows a backslash is never the closing quote. The text is cut at ASCII bytes only.
                Some(b'\\') => at += 2,
                Some(b'"') => {
                    self.push(Kind::Quoted, at + 1);
                    return self.expect_space();
                }
                _ => at += 1,
            }
        }
        let span = self.span(start, end);
        self.diagnostics.push(
            Diagnostic::error(UNCLOSED_QUOTE, span, "this quoted text is not closed on its line")
                .help("add the closing `\"`; for text of several lines use `<<END`"),
        );
        self.push(Kind::Quoted, end);
    }

    fn heredoc(&mut self) {
        let start = self.at;
        let head_end = self.line_end(start);
        let tag = self.text[start + 2..head_end].trim_end();
        let good = !tag.is_empty() && tag.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if !good {
            let diagnostic = Diagnostic::error(
                UNCLOSED_HEREDOC,
                self.span(start, head_end),
                "`<<` needs one word after it",
            );
            self.diagnostics.push(diagnostic.help(
                "write `<<END` at the end of the line and `END` alone on the line after the text, or quote the `<<`",
            ));
            return self.bare();
        }
        let mut line = self.next_line(start);
        while line < self.text.len() {
            let end = self.line_end(line);
            let content = &self.text[line..end];
            if content.trim() == tag {
                return self.push(Kind::Heredoc, line + content.trim_end().len());
            }
            line = self.next_line(line);
        }
        let diagnostic = Diagnostic::error(
            UNCLOSED_HEREDOC,
            self.span(start, start + 2 + tag.len()),
            format!("this text has no closing line `{tag}`"),
        );
        self.diagnostics.push(diagnostic.help(format!("write `{tag}` alone on a line after the text")));
        // Taking the rest of the file for the text would hide every other problem: take the head only.
        self.unclosed += 1;
        let end = if self.unclosed < UNCLOSED_HEREDOCS_MAX { head_end } else { self.text.len() };
        self.push(Kind::Bare, end);
    }

    fn refuse_control_characters(&mut self) {
        let bad = |c: char| c.is_control() && !matches!(c, '\t' | '\n' | '\r');
        // One message per file: a binary file would otherwise give thousands.
        if let Some((at, found)) = self.text.char_indices().find(|(_, c)| bad(*c)) {
            let span = self.span(at, at + found.len_utf8());
            let title = format!("the file holds the control character U+{:04X}", u32::from(found));
            self.diagnostics.push(
                Diagnostic::error(CONTROL_CHARACTER, span, title)
                    .help("remove it; a config is plain UTF-8 text"),
            );
        }
    }

    fn refuse_odd_spaces(&mut self, word: std::ops::Range<usize>) {
        let text = &self.text[word.clone()];
        if text.is_ascii() {
            return;
        }
        if let Some((at, odd)) = text.char_indices().find(|(_, c)| c.is_whitespace() || *c == '\u{feff}') {
            let start = word.start + at;
            let span = self.span(start, start + odd.len_utf8());
            let title = format!("this space is U+{:04X}, not the plain one", u32::from(odd));
            self.diagnostics
                .push(Diagnostic::error(ODD_SPACE, span, title).help("replace it with a plain space"));
        }
    }

    fn expect_space(&mut self) {
        let continued = self.byte(self.at) == Some(b'\\') && self.ends_line(self.at + 1);
        if continued || self.ends_word(self.at) {
            return;
        }
        if self.byte(self.at) == Some(b'}') {
            return self.brace_in_word(self.at, "this `}` touches the word before it");
        }
        let diagnostic = Diagnostic::error(
            MISSING_SPACE,
            self.span(self.at - 1, self.at),
            "a word begins right after the closing quote",
        );
        self.diagnostics.push(diagnostic.help("put a space after the quote, or quote the whole word"));
    }

    fn brace_in_word(&mut self, at: usize, label: &str) {
        let diagnostic =
            Diagnostic::error(BRACE_IN_WORD, self.span(at, at + 1), "a `}` that touches a word is unclear");
        self.diagnostics.push(
            diagnostic.label(label).help(
                "put a space between them to close a block, or quote the word if the brace belongs to it",
            ),
        );
    }

    fn push(&mut self, kind: Kind, end: usize) {
        self.tokens.push(Token { kind, span: self.span(self.at, end) });
        self.at = end;
    }

    fn span(&self, start: usize, end: usize) -> Span {
        Span::new(self.file, start, end)
    }

    fn byte(&self, at: usize) -> Option<u8> {
        self.text.as_bytes().get(at).copied()
    }

    /// Whether a word that reaches up to here ends here.
    fn ends_word(&self, at: usize) -> bool {
        self.byte(at).is_none_or(|byte| is_blank(byte) || byte == b'\n')
    }

    /// Whether nothing but blanks follows on the line.
    fn ends_line(&self, mut at: usize) -> bool {
        while self.byte(at).is_some_and(is_blank) {
            at += 1;
        }
        self.byte(at).is_none_or(|byte| byte == b'\n')
    }

    /// The offset of the line's newline, or of the end of the text.
    fn line_end(&self, at: usize) -> usize {
        self.text[at..].find('\n').map_or(self.text.len(), |found| at + found)
    }

    /// The offset right after the line's newline, or of the end of the text.
    fn next_line(&self, at: usize) -> usize {
        (self.line_end(at) + 1).min(self.text.len())
    }
}
