//! Tokens to tree, by recursive descent.
//!
//! ```text
//! lines     = { directive | newline | comment }
//! directive = word { word } [ "{" lines "}" ] ( newline | end | before "}" )
//! ```
//! After a mistake the parser goes on at the next sensible token, so one look finds all mistakes.

use crate::codes::{BLOCK_WITHOUT_NAME, EXPECTED_NEWLINE, STRAY_BRACE, TOO_DEEP, UNCLOSED_BLOCK};
use crate::lexer::{Kind, Token, lex};
use crate::{DEPTH_MAX, Diagnostic, Diagnostics, Environment, FileId, Node, Span, words};

/// The directives of one file; includes are not followed.
pub(crate) fn parse(
    file: FileId,
    text: &str,
    environment: &Environment,
    diagnostics: &mut Diagnostics,
) -> Vec<Node> {
    let mut tokens = lex(file, text, diagnostics);
    // A comment ends where its line ends and a continued line goes on: neither means anything to the tree.
    tokens.retain(|token| !matches!(token.kind, Kind::Comment | Kind::Continuation));
    let mut parser = Parser { text, tokens: &tokens, at: 0, environment, diagnostics };
    let mut nodes = Vec::new();
    loop {
        parser.lines(&mut nodes, 0);
        match parser.next() {
            None => return nodes,
            // Only a `}` stops the lines before the end.
            Some(token) => parser.stray(token),
        }
    }
}

struct Parser<'a> {
    text: &'a str,
    tokens: &'a [Token],
    at: usize,
    environment: &'a Environment,
    diagnostics: &'a mut Diagnostics,
}

impl Parser<'_> {
    /// Directives up to a `}`, which is left, or the end.
    fn lines(&mut self, nodes: &mut Vec<Node>, depth: usize) {
        while let Some(token) = self.peek() {
            match token.kind {
                Kind::Close => return,
                Kind::Open => self.nameless(token, depth),
                Kind::Bare | Kind::Quoted | Kind::Heredoc => {
                    let node = self.directive(depth);
                    nodes.push(node);
                }
                Kind::Newline | Kind::Comment | Kind::Continuation => self.at += 1,
            }
        }
    }

    /// One directive; the next token is its name.
    fn directive(&mut self, depth: usize) -> Node {
        let mut node = Node::new("");
        let mut first = true;
        while let Some(token) = self.peek() {
            if !matches!(token.kind, Kind::Bare | Kind::Quoted | Kind::Heredoc) {
                break;
            }
            self.at += 1;
            let word = words::word(token, self.text, self.environment, self.diagnostics);
            if first {
                node.span = word.span;
                node.name = word;
                first = false;
            } else {
                node.span = node.span.to(word.span);
                node.args.push(word);
            }
        }
        if let Some(open) = self.peek().filter(|token| token.kind == Kind::Open) {
            self.at += 1;
            let (lines, end) = self.block(open, node.head_span(), depth);
            node.block = Some(lines);
            node.span = node.span.to(end);
        }
        node
    }

    /// The lines of a block whose `{` has been taken, and the place of its end.
    fn block(&mut self, open: Token, head: Span, depth: usize) -> (Vec<Node>, Span) {
        let mut lines = Vec::new();
        if depth + 1 > DEPTH_MAX {
            self.too_deep(open);
        } else {
            self.lines(&mut lines, depth + 1);
        }
        let Some(close) = self.next() else {
            self.unclosed(open, head);
            return (lines, open.span);
        };
        if let Some(after) = self.peek()
            && !matches!(after.kind, Kind::Newline | Kind::Close)
        {
            self.diagnostics.push(
                Diagnostic::error(EXPECTED_NEWLINE, after.span, "something follows a block on its last line")
                    .also(close.span, "the block ends here")
                    .help("put it on a line of its own"),
            );
        }
        (lines, close.span)
    }

    /// A block that no name stands before: its lines are read for their mistakes and dropped.
    fn nameless(&mut self, open: Token, depth: usize) {
        self.at += 1;
        self.diagnostics.push(
            Diagnostic::error(BLOCK_WITHOUT_NAME, open.span, "this block has no name before it")
                .help("put the `{` on the line of the directive it belongs to"),
        );
        self.block(open, open.span, depth);
    }

    /// Skips a block that is nested too deeply, up to its `}`.
    fn too_deep(&mut self, open: Token) {
        let title = format!("blocks are nested more than {DEPTH_MAX} deep");
        self.diagnostics.push(
            Diagnostic::error(TOO_DEEP, open.span, title)
                .help("flatten the config; a `}` may be missing further up"),
        );
        let mut inside = 0usize;
        while let Some(token) = self.peek() {
            match token.kind {
                Kind::Open => inside += 1,
                Kind::Close if inside == 0 => return,
                Kind::Close => inside -= 1,
                _ => {}
            }
            self.at += 1;
        }
    }

    fn unclosed(&mut self, open: Token, head: Span) {
        let end = Span::new(open.span.file, self.text.trim_end().len(), self.text.trim_end().len());
        let mut diagnostic = Diagnostic::error(UNCLOSED_BLOCK, open.span, "this block is never closed");
        if head != open.span {
            diagnostic = diagnostic.also(head, "opened by this directive");
        }
        self.diagnostics.push(
            diagnostic
                .also(end, "the file ends here")
                .help("add a `}` on a line of its own where the block ends"),
        );
    }

    fn stray(&mut self, token: Token) {
        self.diagnostics.push(
            Diagnostic::error(STRAY_BRACE, token.span, "this `}` closes nothing")
                .help("remove it, or look for a `{` that is missing further up"),
        );
    }

    fn peek(&self) -> Option<Token> {
        self.tokens.get(self.at).copied()
    }

    fn next(&mut self) -> Option<Token> {
        let token = self.peek()?;
        self.at += 1;
        Some(token)
    }
}
