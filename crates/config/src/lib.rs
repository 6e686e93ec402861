//! The config language: text → spanned tree → typed settings, with messages that say what, where and what to do.
//!
//! This crate knows no feature by name. A room declares its settings with [`directive!`]; the decoder, the
//! reference, the JSON form and its schema come from that one declaration.
//!
//! ```text
//! load_file ─► Loaded { sources, tree, diagnostics }      text to tree: lexer, parser, include
//! Directive::decode(&node, &mut diagnostics) ─► settings   tree to types: decode, value
//! diagnostics.render(&sources, colour)                     what to tell the user
//! ```

pub mod codes;
pub mod decode;
pub mod diagnostic;
mod environment;
pub mod format;
mod glob;
pub mod json;
mod lexer;
mod limits;
mod load;
mod parser;
pub mod reference;
mod render;
pub mod schema;
mod source;
pub mod suggest;
pub mod tree;
pub mod value;
mod words;

#[cfg(test)]
mod tests;

pub use codes::{CODES, Code};
pub use decode::{Directive, Doc, Field, Nest, Role, Slot};
pub use diagnostic::{Diagnostic, Diagnostics, Label, Severity};
pub use environment::Environment;
pub use format::format;
pub use limits::*;
pub use load::{Loaded, load_file, load_text, parse_text};
pub use source::{FileId, Position, Source, Sources, Span};
pub use tree::{Node, Word};
#[doc(hidden)]
pub use value::unknown_choice;
pub use value::{
    Bytes, Choice, IpNet, ListenAddress, Name, Part, Percent, Problem, Rate, Secret, Spanned, Template, Value,
};

/// A JSON value.
pub type Json = serde_json::Value;

/// A JSON object.
pub type JsonMap = serde_json::Map<String, Json>;
