//! Tests of the whole way: text in, settings or messages out.

mod decode;
mod forms;
mod load;
mod parse;
mod properties;

use crate::{Diagnostics, Environment, Loaded, parse_text};

/// Parses a text called `test`, with `NAME` set to `world` and `BRACES` to `} {x} # "`.
pub(crate) fn parse(text: &str) -> Loaded {
    let environment = [("NAME", "world"), ("BRACES", "} {x} # \"")].into_iter().collect::<Environment>();
    parse_text("test".as_ref(), text, &environment)
}

/// Messages as `line:column code: title; help`, one per line.
pub(crate) fn brief(loaded: &Loaded, diagnostics: &Diagnostics) -> String {
    let lines: Vec<String> = diagnostics
        .sorted()
        .iter()
        .map(|one| {
            let place = loaded.sources.place(one.primary.span).replace("test:", "");
            format!("{place} {}: {}; {}", one.code, one.title, one.help.as_deref().unwrap_or("no help"))
        })
        .collect();
    lines.join("\n")
}
