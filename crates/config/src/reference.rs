//! The reference in Markdown, from the declarations.

use std::fmt::Write as _;

use crate::decode::paragraph;
use crate::{Code, Doc, Field, Role, Slot, Value};

/// A default as a user would write it.
#[doc(hidden)]
pub fn default_text<S: Slot>(default: &S) -> String {
    let texts: Vec<String> = default.items().iter().map(Value::to_text).collect();
    texts.join(" ")
}

/// One chapter per directive, those in its block as sections after it. Headings begin at `level`.
pub fn directives(docs: &[&Doc], level: usize) -> String {
    let mut out = String::new();
    for doc in docs {
        directive(doc, doc.name, level, &mut out);
    }
    out
}

/// A table of diagnostic codes.
pub fn codes<'a>(codes: impl IntoIterator<Item = &'a Code>) -> String {
    let rows =
        codes.into_iter().map(|code| format!("| `{}` | {} |\n", code.code, code.meaning.replace('|', "\\|")));
    format!("| code | meaning |\n|---|---|\n{}", rows.collect::<String>())
}

/// How a directive is written, in one line.
pub fn synopsis(doc: &Doc) -> String {
    let mut text = doc.name.to_owned();
    for field in doc.fields {
        let name = field.name();
        let shown = match field.role {
            Role::Positional => format!("{}{}", name.to_uppercase(), dots(field)),
            Role::Keyword => format!("{name} …"),
            Role::Flag => name,
            Role::Child | Role::Rest => continue,
        };
        text += &if field.required { format!(" {shown}") } else { format!(" [{shown}]") };
    }
    let mut inside =
        doc.fields.iter().filter(|field| matches!(field.role, Role::Child | Role::Rest)).peekable();
    if inside.peek().is_some() {
        text += " {";
        for field in inside {
            let _ = match field.role {
                Role::Rest => write!(text, " …"),
                _ if field.required => write!(text, " {} …", field.name()),
                _ => write!(text, " [{} …]", field.name()),
            };
        }
        text += " }";
    }
    text
}

fn directive(doc: &Doc, path: &str, level: usize, out: &mut String) {
    let hashes = "#".repeat(level.clamp(1, 6));
    let _ = write!(out, "{hashes} `{path}`\n\n{}\n\n```text\n{}\n```\n\n", doc.text(), synopsis(doc));
    for field in doc.fields {
        item(field, out);
    }
    if !doc.fields.is_empty() {
        out.push('\n');
    }
    for child in doc.fields.iter().filter_map(|field| field.child) {
        directive(child, &format!("{path} › {}", child.name), level + 1, out);
    }
}

/// One field as a list item: its name, how it is said, what it holds, what it means.
fn item(field: &Field, out: &mut String) {
    let mut facts = vec![match field.role {
        Role::Positional => "argument".to_owned(),
        Role::Keyword => "keyword".to_owned(),
        Role::Flag => "flag".to_owned(),
        Role::Child => "in the block".to_owned(),
        Role::Rest => "other lines of the block".to_owned(),
    }];
    if field.required {
        facts.push("required".to_owned());
    }
    if field.many && field.role != Role::Rest {
        facts.push("any number".to_owned());
    }
    if !field.kind.is_empty() && field.child.is_none() {
        facts.push(field.kind.to_owned());
    }
    if let Some(bounds) = (field.bounds)() {
        facts.push(bounds);
    }
    match (field.default)() {
        Some(text) if text.is_empty() => facts.push("default: none".to_owned()),
        Some(text) => facts.push(format!("default `{text}`")),
        None => {}
    }
    let meaning = paragraph(field.doc).replace('\n', "\n  ");
    let _ = writeln!(out, "- **`{}`** ({}): {meaning}", field.name(), facts.join("; "));
    // A switch explains itself.
    for choice in field.choices.iter().filter(|choice| !matches!(choice.text, "on" | "off")) {
        let _ = writeln!(out, "  - `{}`: {}", choice.text, paragraph(choice.doc).replace('\n', "\n    "));
    }
}

fn dots(field: &Field) -> &'static str {
    if field.many { "…" } else { "" }
}
