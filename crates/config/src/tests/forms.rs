//! The other forms of a config: formatted, as JSON, as a schema, as a reference.

use super::decode::{Endpoint, Listen, Redirect, Retry, Site, Upstream};
use super::{brief, parse};
use crate::{
    Diagnostics, Directive, Doc, Environment, Json, format, json, parse_text, reference, schema, tree,
};

const DOCS: &[&Doc] = &[&Listen::DOC, &Upstream::DOC, &Site::DOC, &Redirect::DOC, &Retry::DOC];

fn formatted(text: &str) -> String {
    format("test".as_ref(), text).unwrap_or_else(|loaded| brief(&loaded, &loaded.diagnostics))
}

#[test]
fn formatting() {
    for (text, expected) in [
        ("", ""),
        ("\n\n a   b\t\"c  d\" \n\n\n\ne", "a b \"c  d\"\n\ne\n"),
        ("a{\n\n  b # x  \n\n\n  # y\nc\n\n}\n", "a {\n    b # x\n\n    # y\n    c\n}\n"),
        ("a { b   c }\nd { e {\n f } }", "a { b c }\nd {\n    e {\n        f\n    }\n}\n"),
        ("a { # why\nb }", "a { # why\n    b\n}\n"),
        ("a {\n\n# first\n}", "a {\n    # first\n}\n"),
        ("a b\\\nc \\\n\n\\\nd", "a b \\\n    c\nd\n"),
        ("a <<E  \n  x\n   y\n  E\r\nb", "a <<E\n  x\n   y\n  E\nb\n"),
        ("a {}\nb {\n}", "a { }\nb {\n}\n"),
        ("a {$X:1} {y}", "a {$X:1} {y}\n"),
        ("# only", "# only\n"),
    ] {
        assert_eq!(formatted(text), expected, "{text:?}");
        assert_eq!(formatted(expected), expected, "again: {text:?}");
    }
    assert!(formatted("a {").contains("unclosed-block"));
}

/// What must hold for every text that can be formatted.
pub(super) fn check_formatting(text: &str) {
    let Ok(once) = format("test".as_ref(), text) else { return };
    let trees = [text, &once].map(|text| parse_text("test".as_ref(), text, &Environment::Kept).tree);
    assert!(tree::same(&trees[0], &trees[1]), "{text:?} became {once:?}");
    assert_eq!(format("test".as_ref(), &once).ok().as_deref(), Some(once.as_str()), "{text:?}");
}

const CONFIG: &str = r#"listen :80 name public
listen :443
upstream name {
    endpoint http://10.0.0.1 weight 2
    endpoint "http://{$HOST}"
    retry 3 any-method on 502 503 { within 5s }
    password {$PASSWORD:x}
}
site "on" b.example {
    redirect 308 /new/{rest} keep-query off
    redirect "a \{b} \"c\" \\d"
    odd "x y" { z 1
        y
    }
}
"#;

#[test]
fn json_and_back() {
    let loaded = parse_text(
        "test".as_ref(),
        CONFIG.replace("upstream name", "upstream api").as_str(),
        &Environment::Kept,
    );
    let mut diagnostics = Diagnostics::new();
    let json = json::from_tree(&loaded.tree, DOCS, &mut diagnostics);
    let expected: Json = serde_json::from_str(
        r#"{
        "listen": [{"address": ":80", "name": "public"}, {"address": ":443"}],
        "upstream": [{
            "name": "api",
            "endpoint": [{"url": "http://10.0.0.1", "weight": 2}, {"url": "http://{$HOST}"}],
            "retry": {"count": 3, "on": ["502", "503"], "within": "5s", "any-method": true},
            "password": "{$PASSWORD:x}"
        }],
        "site": [{"names": ["on", "b.example"], "lines": {
            "redirect": [
                {"status": "308", "to": "/new/{rest}", "keep-query": false},
                {"to": "a \\{b} \"c\" \\d"}
            ],
            "odd": [{"args": ["x y"], "block": [{"name": "z", "args": ["1"]}, {"name": "y", "args": []}]}]
        }}]
    }"#,
    )
    .unwrap();
    assert_eq!(json, expected);
    let text = json::to_text(&json, DOCS, &mut diagnostics).unwrap();
    let again = parse_text("json".as_ref(), &text, &Environment::Kept);
    assert!(diagnostics.is_empty() && again.diagnostics.is_empty(), "{text}");
    assert_eq!(json::from_tree(&again.tree, DOCS, &mut diagnostics), expected, "{text}");
    assert_eq!(formatted(&text), text, "what is written needs no formatting");
}

#[test]
fn json_of_the_wrong_shape() {
    let json: Json = serde_json::from_str(
        r#"{"listen": {}, "site": [{"names": "x", "zzz": 1}, 3], "upstream": [{"endpoint": {}}], "odd": [{"args": [[]]}]}"#,
    )
    .unwrap();
    let mut diagnostics = Diagnostics::new();
    assert_eq!(json::to_text(&json, DOCS, &mut diagnostics), None);
    let found: Vec<String> =
        diagnostics.iter().map(|one| format!("{}: {}", one.title, one.help.as_deref().unwrap())).collect();
    let at = |place: &str, expected: &str| format!("the JSON at {place} does not fit: it must be {expected}");
    let mut expected = vec![
        at("/listen", "a list of directives"),
        at("/odd/0/args", "a list of texts"),
        at("/site/0/zzz", "left out: `site` has names, on, lines"),
        at("/site/0/names", "a list of values"),
        at("/site/1", "an object of fields"),
        at("/upstream/0/endpoint", "a list of directives"),
    ];
    let mut found = found;
    found.sort();
    expected.sort();
    assert_eq!(found, expected);
}

/// A text from JSON is one word, whatever it holds.
pub(super) fn check_plain(text: &str) {
    let json = serde_json::json!({ "x": [{ "args": [text] }] });
    let mut diagnostics = Diagnostics::new();
    let config = json::to_text(&json, &[], &mut diagnostics).unwrap();
    let loaded = parse_text("json".as_ref(), &config, &Environment::Kept);
    if loaded.diagnostics.is_empty() {
        assert_eq!(json::from_tree(&loaded.tree, &[], &mut diagnostics), json, "{config}");
    }
    assert_eq!((loaded.tree.len(), loaded.tree[0].args.len()), (1, 1), "{config}");
}

#[test]
fn schema_knows_every_field() {
    let schema = schema::schema("A config", DOCS);
    let endpoint = &schema["$defs"]["upstream.endpoint"];
    assert_eq!(endpoint["required"], serde_json::json!(["url"]));
    assert_eq!(endpoint["properties"]["weight"]["description"], "Its share. Bounds: 1 to 100. Default: 1.");
    assert_eq!(schema["$defs"]["upstream"]["properties"]["endpoint"]["type"], "array");
    assert_eq!(schema["$defs"]["site"]["properties"]["lines"]["$ref"], "#/$defs/all directives");
    assert_eq!(schema["$defs"]["all directives"]["properties"]["site"]["items"]["$ref"], "#/$defs/site");
}

#[test]
fn reference_tells_all() {
    let expected = "\
## `redirect`

Sends the client elsewhere.

```text
redirect [STATUS] TO [keep-query …]
```

- **`status`** (argument; one of `308`, `307`; default `308`): Status of the reply.
  - `308`: Moved for good.
  - `307`: Moved for now.
- **`to`** (argument; required; a text that may hold placeholders): Where to; may hold placeholders.
- **`keep-query`** (keyword; `on` or `off`; default `on`): Whether the query is kept.

";
    assert_eq!(reference::directives(&[&Redirect::DOC], 2), expected);
    let upstream = reference::directives(&[&Upstream::DOC], 2);
    assert!(upstream.contains("\nupstream NAME [password …] { endpoint … [retry …] }\n"), "{upstream}");
    assert!(upstream.contains("\n### `upstream › endpoint`\n"), "{upstream}");
    assert!(upstream.contains("(keyword; a whole number; 1 to 100; default `1`)"), "{upstream}");
    assert_eq!(reference::codes(&crate::CODES[..1]).lines().count(), 3);
    assert_eq!(Endpoint::DOC.summary(), "One server.");
}

#[test]
fn the_prepared_config_parses() {
    assert!(parse(&CONFIG.replace("{$HOST}", "h")).diagnostics.is_empty());
}
