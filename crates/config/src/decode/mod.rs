//! From directives to typed settings: the one grammar that every directive follows.
//!
//! A directive's arguments are first its positional ones, then `name value…` pairs; every such keyword may instead
//! stand as a line of the block. So `limit 50/s burst 100` and `limit 50/s { burst 100 }` say the same.
//!
//! A room declares its settings once, with [`directive!`](crate::directive); the struct, the decoder, the
//! documentation, the JSON form and its schema all come from that declaration.

mod fill;
mod macros;
mod slot;
mod sort;

#[doc(hidden)]
pub use fill::{bounds_text, contains, flag, nested, value};
pub use slot::{Nest, Slot};
pub use sort::{Given, Sorted};

use crate::{Choice, Diagnostics, Node, Word};

/// Settings that one directive says.
pub trait Directive: Sized {
    /// What can be said, and how.
    const DOC: Doc;

    /// Reads a directive and reports all that is wrong with it. `None` if too little is right to go on.
    fn decode(node: &Node, diagnostics: &mut Diagnostics) -> Option<Self>;

    /// Writes the settings, defaults included, as JSON; secrets are left out.
    fn to_json(&self) -> serde_json::Value;
}

/// All that is known of a directive before one is read.
#[derive(Debug, Clone, Copy)]
pub struct Doc {
    /// Its first word.
    pub name: &'static str,
    /// What it is for, as lines of a doc comment.
    pub doc: &'static [&'static str],
    /// Its arguments, keywords and lines, as declared.
    pub fields: &'static [Field],
}

/// How a field is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// By its place after the directive's name.
    Positional,
    /// By its name and values after it, or as a line of the block.
    Keyword,
    /// By its name alone.
    Flag,
    /// As a directive in the block.
    Child,
    /// As whatever lines of the block no other field knows.
    Rest,
}

/// One argument, keyword or line of a directive.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// The name as the Rust field has it, or as it was given.
    pub ident: &'static str,
    /// How it is said.
    pub role: Role,
    /// Whether it holds any number of values.
    pub many: bool,
    /// Whether it must be said.
    pub required: bool,
    /// The kind of its values.
    pub kind: &'static str,
    /// The words a value can be, if there are only a few.
    pub choices: &'static [Choice],
    /// Whether a word could be a value of it.
    pub accepts: fn(&Word) -> bool,
    /// The default as a user would write it.
    pub default: fn() -> Option<String>,
    /// The bounds in words.
    pub bounds: fn() -> Option<String>,
    /// The JSON Schema of one value.
    pub schema: fn() -> serde_json::Value,
    /// The directive a child is.
    pub child: Option<&'static Doc>,
    /// What it means, as lines of a doc comment.
    pub doc: &'static [&'static str],
}

impl Field {
    /// A field of words.
    #[doc(hidden)]
    pub const fn of_words<S: Slot>(role: Role, ident: &'static str, doc: &'static [&'static str]) -> Self {
        Self {
            ident,
            role,
            many: S::MANY,
            required: !S::OPTIONAL,
            kind: <S::Item as crate::Value>::KIND,
            choices: <S::Item as crate::Value>::CHOICES,
            accepts: |word| <S::Item as crate::Value>::parse(word).is_ok(),
            default: || None,
            bounds: || None,
            schema: <S::Item as crate::Value>::schema,
            child: None,
            doc,
        }
    }

    /// A field of directives.
    #[doc(hidden)]
    pub const fn of_children<N: Nest>(ident: &'static str, doc: &'static [&'static str]) -> Self {
        Self {
            many: N::MANY,
            required: !N::OPTIONAL,
            kind: "a directive",
            child: Some(&N::DOC),
            ..Self::plain(Role::Child, ident, doc)
        }
    }

    /// A field without values of its own.
    #[doc(hidden)]
    pub const fn plain(role: Role, ident: &'static str, doc: &'static [&'static str]) -> Self {
        Self {
            ident,
            role,
            many: matches!(role, Role::Rest),
            required: false,
            kind: "",
            choices: &[],
            accepts: |_| false,
            default: || None,
            bounds: || None,
            schema: || serde_json::Value::Bool(true),
            child: None,
            doc,
        }
    }

    /// The name as users write it: a child's own name, else the field's with `-` for `_`.
    pub fn name(&self) -> String {
        self.child.map_or_else(|| self.ident.replace('_', "-"), |child| child.name.to_owned())
    }

    /// Whether this is the field's name, without making a text of it.
    pub fn is_named(&self, word: &str) -> bool {
        if let Some(child) = self.child {
            return child.name == word;
        }
        self.ident.len() == word.len()
            && self.ident.bytes().zip(word.bytes()).all(|(own, other)| match own {
                b'_' => other == b'-',
                own => own == other,
            })
    }

    /// Whether it can be said by name after the positional arguments.
    pub(crate) fn is_keyword(&self) -> bool {
        matches!(self.role, Role::Keyword | Role::Flag)
    }
}

impl Doc {
    /// The doc comment as one text.
    pub fn text(&self) -> String {
        paragraph(self.doc)
    }

    /// The first sentence of the doc comment.
    pub fn summary(&self) -> String {
        summary(self.doc)
    }

    /// The field that is said by this name in the arguments.
    pub(crate) fn keyword(&self, word: &str) -> Option<usize> {
        self.fields.iter().position(|field| field.is_keyword() && field.is_named(word))
    }

    /// The field that is said by this name in the block.
    pub(crate) fn line(&self, word: &str) -> Option<usize> {
        self.fields
            .iter()
            .position(|field| (field.is_keyword() || field.role == Role::Child) && field.is_named(word))
    }

    /// Where lines go that no field knows.
    pub(crate) fn rest(&self) -> Option<usize> {
        self.fields.iter().position(|field| field.role == Role::Rest)
    }

    /// Whether a block can say anything.
    pub(crate) fn takes_block(&self) -> bool {
        self.fields.iter().any(|field| field.role != Role::Positional)
    }
}

/// Doc comment lines as one text, without the space that follows `///`.
pub fn paragraph(lines: &[&str]) -> String {
    let lines: Vec<&str> =
        lines.iter().map(|line| line.strip_prefix(' ').unwrap_or(line).trim_end()).collect();
    lines.join("\n").trim().to_owned()
}

/// The first sentence of doc comment lines.
pub fn summary(lines: &[&str]) -> String {
    let text = paragraph(lines);
    let first = text.split("\n\n").next().unwrap_or("").replace('\n', " ");
    match first.find(". ") {
        Some(end) => first[..=end].to_owned(),
        None => first,
    }
}
