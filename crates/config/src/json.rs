//! The config as JSON, in the shape that the declarations give.
//!
//! The whole is an object: a directive's name → the list of those directives. Each directive is an object of its
//! fields under the names of the reference: a value, a list where there may be many, an object for a directive in
//! its block. Lines that a block holds for others stand in an object of the same shape as the whole.
//!
//! ```json
//! { "listen": [{ "address": ":80", "name": "public" }],
//!   "site": [{ "names": ["example.com"], "lines": { "compress": [{}] } }] }
//! ```
//! A directive without a declaration is `{ "args": ["…"], "block": [{ "name": "…", "args": ["…"] }] }`.
//!
//! A text is as it would be read, save that `{$NAME}` is read from the environment and `\{` is a brace that starts no
//! placeholder. The order of directives of different names is not kept; nothing depends on it.
//!
//! JSON is turned into config *text* and then read as any other, so it meets the same checks, and messages about it
//! show lines that a person can read.

use std::fmt::Write as _;

use crate::codes::JSON_SHAPE;
use crate::decode::Sorted;
use crate::{Diagnostic, Diagnostics, Doc, Field, Json, JsonMap, Node, Role, Span, Word, words};

/// The fields' values under the names that users write.
#[doc(hidden)]
pub fn object(doc: &Doc, values: Vec<Json>) -> Json {
    Json::Object(doc.fields.iter().map(Field::name).zip(values).collect())
}

/// Lines whose declarations are not at hand.
#[doc(hidden)]
pub fn lines(nodes: &[Node]) -> Json {
    from_tree(nodes, &[], &mut Diagnostics::new())
}

/// A tree as JSON. Load it with [`crate::Environment::Kept`], or what it reads from the environment is spilled.
///
/// What does not fit its declaration is reported and left out; a config that decodes loses nothing.
pub fn from_tree(nodes: &[Node], docs: &[&Doc], diagnostics: &mut Diagnostics) -> Json {
    let mut object = JsonMap::new();
    for node in nodes {
        let name = node.name.text.as_str();
        let json = match docs.iter().find(|doc| doc.name == name) {
            Some(doc) => directive(node, doc, docs, diagnostics),
            None => undeclared(node),
        };
        if let Json::Array(list) =
            object.entry(words::to_plain(&node.name)).or_insert_with(|| Json::Array(Vec::new()))
        {
            list.push(json);
        }
    }
    Json::Object(object)
}

fn directive(node: &Node, doc: &Doc, docs: &[&Doc], diagnostics: &mut Diagnostics) -> Json {
    let mut object = JsonMap::new();
    let mut sorted = Sorted::new(node, doc, diagnostics);
    for field in doc.fields {
        let given = sorted.next();
        if given.at.is_none() && given.nodes.is_empty() {
            continue;
        }
        let mut list: Vec<Json> = match (field.role, field.child) {
            (Role::Rest, _) => {
                let nodes: Vec<Node> = given.nodes.into_iter().cloned().collect();
                vec![from_tree(&nodes, docs, diagnostics)]
            }
            (_, Some(child)) => {
                given.nodes.iter().map(|node| directive(node, child, docs, diagnostics)).collect()
            }
            (Role::Flag, _) => vec![Json::Bool(true)],
            _ => given.words.iter().map(|word| scalar(word, field)).collect(),
        };
        let many = field.many && field.role != Role::Rest;
        let json = if many { Json::Array(list) } else { list.pop().unwrap_or(Json::Null) };
        object.insert(field.name(), json);
    }
    Json::Object(object)
}

/// A word as the field's kind of JSON, or as a text where it is not (yet) of that kind.
fn scalar(word: &Word, field: &Field) -> Json {
    let kind = (field.schema)();
    match kind.get("type").and_then(Json::as_str) {
        Some("boolean") if word.text == "on" => true.into(),
        Some("boolean") if word.text == "off" => false.into(),
        Some("integer") if (field.accepts)(word) => {
            word.text.parse::<u64>().map_or_else(|_| words::to_plain(word).into(), Json::from)
        }
        _ => words::to_plain(word).into(),
    }
}

fn undeclared(node: &Node) -> Json {
    let mut object = JsonMap::new();
    object.insert("args".to_owned(), node.args.iter().map(words::to_plain).collect());
    if let Some(lines) = &node.block {
        let line = |line: &Node| {
            let mut json = undeclared(line);
            if let Json::Object(object) = &mut json {
                object.insert("name".to_owned(), words::to_plain(&line.name).into());
            }
            json
        };
        object.insert("block".to_owned(), lines.iter().map(line).collect());
    }
    Json::Object(object)
}

/// JSON as the text of a config; read that with [`crate::parse_text`]. `None` if its shape is wrong, with messages
/// that name the place as a JSON pointer.
pub fn to_text(json: &Json, docs: &[&Doc], diagnostics: &mut Diagnostics) -> Option<String> {
    let mut writer = Writer { out: String::new(), docs, wrong: false, diagnostics };
    writer.lines(json, "", 0);
    (!writer.wrong).then_some(writer.out)
}

struct Writer<'a> {
    out: String,
    docs: &'a [&'a Doc],
    wrong: bool,
    diagnostics: &'a mut Diagnostics,
}

impl Writer<'_> {
    /// An object of lists of directives.
    fn lines(&mut self, json: &Json, at: &str, depth: usize) {
        let Json::Object(object) = json else {
            return self.refuse(at, "an object of directives by name");
        };
        for (name, list) in object {
            let at = pointer(at, name);
            let Json::Array(list) = list else {
                self.refuse(&at, "a list of directives");
                continue;
            };
            let doc = self.docs.iter().find(|doc| doc.name == name).copied();
            for (index, json) in list.iter().enumerate() {
                let at = pointer(&at, &index.to_string());
                match doc {
                    Some(doc) => self.directive(json, doc, &at, depth),
                    None => self.undeclared(name, json, &at, depth),
                }
            }
        }
    }

    fn directive(&mut self, json: &Json, doc: &Doc, at: &str, depth: usize) {
        let Json::Object(object) = json else {
            return self.refuse(at, "an object of fields");
        };
        for key in object.keys().filter(|key| !doc.fields.iter().any(|field| field.name() == **key)) {
            let names: Vec<String> = doc.fields.iter().map(Field::name).collect();
            self.refuse(&pointer(at, key), &format!("left out: `{}` has {}", doc.name, names.join(", ")));
        }
        self.begin(doc.name, depth);
        let of = |role: fn(Role) -> bool| doc.fields.iter().filter(move |field| role(field.role));
        for field in of(|role| role == Role::Positional) {
            let name = field.name();
            for text in self.values(object.get(&name), field, &pointer(at, &name)) {
                // A value that is spelt like a keyword is told from it by its quotes.
                let keyword = doc.keyword(&text).is_some();
                self.word(&text, keyword);
            }
        }
        self.out.push_str(" {\n");
        for field in of(|role| role != Role::Positional) {
            let name = field.name();
            if let Some(json) = object.get(&name).filter(|json| !json.is_null()) {
                self.line(json, field, &pointer(at, &name), depth + 1);
            }
        }
        self.end_block(depth);
    }

    /// One field as a line, or lines, of the block.
    fn line(&mut self, json: &Json, field: &Field, at: &str, depth: usize) {
        match (field.role, field.child) {
            (Role::Rest, _) => self.lines(json, at, depth),
            (Role::Flag, _) => match json {
                Json::Bool(true) => {
                    self.begin(&field.name(), depth);
                    self.out.push('\n');
                }
                Json::Bool(false) => {}
                _ => self.refuse(at, "true or false"),
            },
            (_, Some(child)) if field.many => match json {
                Json::Array(list) => {
                    for (index, json) in list.iter().enumerate() {
                        self.directive(json, child, &pointer(at, &index.to_string()), depth);
                    }
                }
                _ => self.refuse(at, "a list of directives"),
            },
            (_, Some(child)) => self.directive(json, child, at, depth),
            _ => {
                let values = self.values(Some(json), field, at);
                if values.is_empty() {
                    return;
                }
                self.begin(&field.name(), depth);
                for text in values {
                    self.word(&text, false);
                }
                self.out.push('\n');
            }
        }
    }

    fn undeclared(&mut self, name: &str, json: &Json, at: &str, depth: usize) {
        let Json::Object(object) = json else {
            return self.refuse(at, "an object with `args` and `block`");
        };
        self.begin(name, depth);
        for (key, json) in object {
            let at = pointer(at, key);
            match (key.as_str(), json) {
                ("args", Json::Array(args)) => {
                    for arg in args {
                        match text(arg) {
                            Some(text) => self.word(&text, false),
                            None => self.refuse(&at, "a list of texts"),
                        }
                    }
                }
                ("block", Json::Array(_)) | ("name", Json::String(_)) => {}
                _ => self.refuse(&at, "left out, or a list of texts `args` or of lines `block`"),
            }
        }
        let Some(Json::Array(lines)) = object.get("block") else {
            return self.out.push('\n');
        };
        self.out.push_str(" {\n");
        for (index, line) in lines.iter().enumerate() {
            let at = pointer(&pointer(at, "block"), &index.to_string());
            match line.get("name").and_then(Json::as_str) {
                Some(name) => self.undeclared(name, line, &at, depth + 1),
                None => self.refuse(&at, "an object with a `name`"),
            }
        }
        self.end_block(depth);
    }

    /// The texts of a field's value or values.
    fn values(&mut self, json: Option<&Json>, field: &Field, at: &str) -> Vec<String> {
        let texts = match json {
            None | Some(Json::Null) => return Vec::new(),
            Some(Json::Array(list)) if field.many => list.iter().map(text).collect(),
            Some(json) if !field.many => text(json).map(|text| vec![text]),
            Some(_) => None,
        };
        texts.unwrap_or_else(|| {
            self.refuse(at, if field.many { "a list of values" } else { "one value" });
            Vec::new()
        })
    }

    fn begin(&mut self, name: &str, depth: usize) {
        self.out.extend(std::iter::repeat_n("    ", depth));
        self.out.push_str(&words::from_plain(name));
    }

    /// Ends a block, or takes back its opening if nothing was said in it.
    fn end_block(&mut self, depth: usize) {
        if let Some(head) = self.out.strip_suffix(" {\n") {
            self.out.truncate(head.len());
        } else {
            self.out.extend(std::iter::repeat_n("    ", depth));
            self.out.push('}');
        }
        self.out.push('\n');
    }

    fn word(&mut self, plain: &str, quote: bool) {
        let word = words::from_plain(plain);
        let _ = match quote && !word.starts_with('"') {
            true => write!(self.out, " \"{word}\""),
            false => write!(self.out, " {word}"),
        };
    }

    fn refuse(&mut self, at: &str, expected: &str) {
        self.wrong = true;
        let at = if at.is_empty() { "/" } else { at };
        let title = format!("the JSON at {at} does not fit");
        let help = format!("it must be {expected}");
        self.diagnostics.push(Diagnostic::error(JSON_SHAPE, Span::NONE, title).help(help));
    }
}

/// A JSON value as the text of a word.
fn text(json: &Json) -> Option<String> {
    match json {
        Json::String(text) => Some(text.clone()),
        Json::Number(number) => Some(number.to_string()),
        Json::Bool(true) => Some("on".to_owned()),
        Json::Bool(false) => Some("off".to_owned()),
        _ => None,
    }
}

/// A JSON pointer (RFC 6901) one step further.
fn pointer(at: &str, step: &str) -> String {
    format!("{at}/{}", step.replace('~', "~0").replace('/', "~1"))
}
