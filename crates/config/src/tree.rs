//! The config as a tree of directives, each with its place: what the parser makes and rooms decode.

use std::ops::Range;

use crate::{DEPTH_MAX, Span};

/// One word: a name, an argument, a quoted text or a heredoc.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// The text it stands for: quotes and escapes removed, environment read.
    pub text: String,
    /// Where it stands, quotes included.
    pub span: Span,
    /// Whether it was quoted or a heredoc. A quoted word is never taken for a keyword.
    pub quoted: bool,
    /// Offsets in `text` of every `{` that is plain text: escaped, or brought in by the environment.
    pub(crate) literal_braces: Vec<u32>,
    /// Whether any of `text` came from the environment; such a text is not repeated in messages.
    pub(crate) from_environment: bool,
    /// Offset from `span.start` at which `text` stands unchanged; `None` if it was changed in any way.
    pub(crate) verbatim: Option<u32>,
}

impl Word {
    /// A word that stands in no file.
    pub fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            span: Span::NONE,
            quoted: false,
            literal_braces: Vec::new(),
            from_environment: false,
            verbatim: None,
        }
    }

    /// A quoted word that stands in no file.
    pub fn quoted(text: impl Into<String>) -> Self {
        Self { quoted: true, ..Self::new(text) }
    }

    /// Whether it is this very word, unquoted: the test for keywords.
    pub fn is(&self, keyword: &str) -> bool {
        !self.quoted && self.text == keyword
    }

    /// The text as a message may show it: shortened, and hidden if it came from the environment.
    pub fn shown(&self) -> String {
        if self.from_environment {
            return "the value of the environment variable".to_owned();
        }
        let mut chars = self.text.chars();
        let mut text: String = chars.by_ref().take(60).collect();
        if chars.next().is_some() {
            text.push('…');
        }
        format!("`{}`", text.replace('\n', "\\n"))
    }

    /// Where a part of the text stands; the whole word where that cannot be told.
    pub fn span_of(&self, part: Range<usize>) -> Span {
        let Some(shift) = self.verbatim else { return self.span };
        let start = (self.span.start + shift) as usize;
        Span::new(self.span.file, start + part.start, start + part.end)
    }

    /// Whether the `{` at this offset of the text is plain text and starts no placeholder.
    pub fn is_literal_brace(&self, offset: usize) -> bool {
        u32::try_from(offset).is_ok_and(|offset| self.literal_braces.binary_search(&offset).is_ok())
    }
}

/// One directive: `name arg arg { block }`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Its first word.
    pub name: Word,
    /// The words after it.
    pub args: Vec<Word>,
    /// The lines between its braces, if it has braces.
    pub block: Option<Vec<Self>>,
    /// From the name to the end of the line or the closing brace.
    pub span: Span,
}

impl Node {
    /// A directive that stands in no file.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: Word::new(name), args: Vec::new(), block: None, span: Span::NONE }
    }

    /// The name and the arguments, without the block: what a message about the directive underlines.
    pub fn head_span(&self) -> Span {
        self.args.last().map_or(self.name.span, |last| self.name.span.to(last.span))
    }

    /// The lines of the block; none if there is no block.
    pub fn lines(&self) -> &[Self] {
        self.block.as_deref().unwrap_or(&[])
    }

    /// Whether blocks are nested within [`DEPTH_MAX`]; a tree made by a program might not be.
    pub fn is_shallow(&self) -> bool {
        fn within(node: &Node, left: usize) -> bool {
            left > 0 && node.lines().iter().all(|line| within(line, left - 1))
        }
        within(self, DEPTH_MAX + 1)
    }
}

/// Whether two trees say the same, wherever they stand.
pub fn same(left: &[Node], right: &[Node]) -> bool {
    left.len() == right.len()
        && left.iter().zip(right).all(|(left, right)| {
            same_word(&left.name, &right.name)
                && left.args.len() == right.args.len()
                && left.args.iter().zip(&right.args).all(|(left, right)| same_word(left, right))
                && left.block.is_some() == right.block.is_some()
                && same(left.lines(), right.lines())
        })
}

fn same_word(left: &Word, right: &Word) -> bool {
    left.text == right.text && left.quoted == right.quoted && left.literal_braces == right.literal_braces
}
