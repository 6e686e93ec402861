//! What is wrong, where, why, and what to do about it.
//!
//! Every stage adds to one [`Diagnostics`] and goes on, so that a user sees all problems at once.

use std::collections::BTreeSet;

use crate::{DIAGNOSTICS_MAX, Sources, Span, render};

/// Whether the config can be used all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The config cannot be used.
    Error,
    /// The config can be used, but probably does not say what was meant.
    Warning,
}

impl Severity {
    /// `error` or `warning`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// A place with a remark.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Label {
    /// Where.
    pub span: Span,
    /// The remark; may be empty.
    pub text: String,
}

/// One problem: what, where and the remedy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Error or warning.
    pub severity: Severity,
    /// Stable kebab-case word; listed in a table of its crate or room.
    pub code: &'static str,
    /// One line: what is wrong.
    pub title: String,
    /// The place itself.
    pub primary: Label,
    /// Other places that matter.
    pub secondary: Vec<Label>,
    /// The remedy.
    pub help: Option<String>,
}

impl Diagnostic {
    /// A problem that forbids using the config.
    pub fn error(code: &'static str, span: Span, title: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            code,
            title: title.into(),
            primary: Label { span, text: String::new() },
            secondary: Vec::new(),
            help: None,
        }
    }

    /// A problem that one should know of.
    pub fn warning(code: &'static str, span: Span, title: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, span, title) }
    }

    /// Adds a remark at the place itself: the cause.
    #[must_use]
    pub fn label(mut self, text: impl Into<String>) -> Self {
        self.primary.text = text.into();
        self
    }

    /// Adds another place that matters.
    #[must_use]
    pub fn also(mut self, span: Span, text: impl Into<String>) -> Self {
        self.secondary.push(Label { span, text: text.into() });
        self
    }

    /// Says the remedy.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help = Some(text.into());
        self
    }

    /// Says the remedy if there is one to say.
    #[must_use]
    pub fn maybe_help(mut self, text: Option<String>) -> Self {
        self.help = text.or(self.help);
        self
    }

    /// `file:line:column: error[code]: title`, for editors and logs.
    pub fn to_line(&self, sources: &Sources) -> String {
        let place = sources.place(self.primary.span);
        let separator = if place.is_empty() { "" } else { ": " };
        format!("{place}{separator}{}[{}]: {}", self.severity.as_str(), self.code, self.title)
    }

    /// The whole message with the source lines it speaks of.
    pub fn render(&self, sources: &Sources, colour: bool) -> String {
        render::render(self, sources, colour)
    }
}

/// Gathers problems; keeps at most [`DIAGNOSTICS_MAX`] and counts the rest.
#[derive(Debug, Clone, Default)]
pub struct Diagnostics {
    list: Vec<Diagnostic>,
    errors: usize,
    omitted: usize,
}

impl Diagnostics {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a problem.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        if diagnostic.severity == Severity::Error {
            self.errors += 1;
        }
        if self.list.len() < DIAGNOSTICS_MAX {
            self.list.push(diagnostic);
        } else {
            self.omitted += 1;
        }
    }

    /// Adds all of another stage's problems.
    pub fn append(&mut self, other: Self) {
        let (kept, omitted) = (other.list.len(), other.omitted);
        let errors = self.errors + other.errors;
        for diagnostic in other.list {
            self.push(diagnostic);
        }
        self.errors = errors;
        self.omitted += omitted;
        debug_assert!(kept <= DIAGNOSTICS_MAX);
    }

    /// Whether the config cannot be used.
    pub fn has_errors(&self) -> bool {
        self.errors > 0
    }

    /// Whether nothing was found.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// How many were found beyond those that were kept.
    pub fn omitted(&self) -> usize {
        self.omitted
    }

    /// The problems as they were found.
    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.list.iter()
    }

    /// The problems by place, each once.
    pub fn sorted(&self) -> Vec<&Diagnostic> {
        let mut seen = BTreeSet::new();
        let mut list: Vec<&Diagnostic> = self
            .list
            .iter()
            .filter(|one| seen.insert((one.primary.span, one.code, one.title.as_str())))
            .collect();
        list.sort_by_key(|one| (one.primary.span, one.severity));
        list
    }

    /// All messages, each with its source lines, a blank line between.
    pub fn render(&self, sources: &Sources, colour: bool) -> String {
        let mut blocks: Vec<String> = self.sorted().iter().map(|one| one.render(sources, colour)).collect();
        if self.omitted > 0 {
            blocks.push(format!("and {} more", self.omitted));
        }
        blocks.join("\n\n")
    }

    /// All messages, one per line.
    pub fn to_lines(&self, sources: &Sources) -> Vec<String> {
        self.sorted().iter().map(|one| one.to_line(sources)).collect()
    }
}

impl Extend<Diagnostic> for Diagnostics {
    fn extend<I: IntoIterator<Item = Diagnostic>>(&mut self, iter: I) {
        iter.into_iter().for_each(|one| self.push(one));
    }
}
