//! Any text as a config: reading never panics or hangs, formatting keeps the meaning, and JSON leads back.

#![no_main]

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use propylon_config::{
    Bytes, Diagnostics, Directive, Doc, Environment, Json, ListenAddress, Node, Rate, Template, directive,
    format, json, parse_text, tree,
};

directive! {
    /// One of every kind of field.
    struct All = "all" {
        /// A positional that may be left out.
        positional count: u32 [1..=100] = 2,
        /// One that may not.
        positional to: Template,
        /// One value.
        keyword every: Option<Duration>,
        /// Many.
        keyword on: Vec<String> = vec![],
        /// Present or not.
        flag dry_run: bool,
        /// In the block.
        child inner: Vec<Inner> = vec![],
        /// The rest.
        rest lines: Vec<Node>,
    }
}

directive! {
    /// More kinds of values.
    struct Inner = "inner" {
        /// Any number.
        positional addresses: Vec<ListenAddress>,
        /// How fast.
        keyword rate: Option<Rate>,
        /// How large.
        keyword size: Bytes = Bytes::kib(1),
    }
}

fuzz_target!(|text: &str| {
    let environment: Environment = [("NAME", "{x} } \"")].into_iter().collect();
    let loaded = parse_text("fuzz".as_ref(), text, &environment);
    let mut diagnostics = Diagnostics::new();
    for node in &loaded.tree {
        let _ = All::decode(node, &mut diagnostics);
    }
    // Drawing looks at every span: one that lies outside of its file or cuts a letter shows here.
    let _ = diagnostics.render(&loaded.sources, false);
    let _ = loaded.diagnostics.render(&loaded.sources, true);

    let Ok(once) = format("fuzz".as_ref(), text) else { return };
    let kept = |text: &str| parse_text("fuzz".as_ref(), text, &Environment::Kept);
    let loaded = kept(text);
    assert!(tree::same(&loaded.tree, &kept(&once).tree), "{once}");
    assert_eq!(format("fuzz".as_ref(), &once).ok(), Some(once));
    json_leads_back(&loaded.tree);
});

/// A tree as JSON, as text, as tree, as JSON again. What says nothing, such as a keyword without its value, may get
/// lost on the first way and nothing on the second.
fn json_leads_back(tree: &[Node]) {
    let docs = [&All::DOC, &Inner::DOC];
    let mut diagnostics = Diagnostics::new();
    let first = json::from_tree(tree, &docs, &mut diagnostics);
    if !diagnostics.is_empty() {
        return;
    }
    let second = there_and_back(&first, &docs);
    assert_eq!(there_and_back(&second, &docs), second);
}

fn there_and_back(json: &Json, docs: &[&Doc]) -> Json {
    let mut diagnostics = Diagnostics::new();
    let text = json::to_text(json, docs, &mut diagnostics).expect("what was written must be read");
    let again = parse_text("json".as_ref(), &text, &Environment::Kept);
    assert!(again.diagnostics.is_empty(), "{text}");
    let json = json::from_tree(&again.tree, docs, &mut diagnostics);
    assert!(diagnostics.is_empty(), "{text}");
    json
}
