//! A JSON Schema of the config's JSON form, from the declarations; editors complete and check with it.

use serde_json::json;

use crate::decode::paragraph;
use crate::{Doc, Field, Json, JsonMap, Role};

/// The schema of a whole config that may hold these directives.
pub fn schema(title: &str, docs: &[&Doc]) -> Json {
    let mut definitions = JsonMap::new();
    let mut properties = JsonMap::new();
    for doc in docs {
        properties.insert(doc.name.to_owned(), list_of(doc.name));
        define(doc, doc.name, &mut definitions);
    }
    definitions.insert(
        LINES.to_owned(),
        json!({ "type": "object", "properties": properties, "additionalProperties": undeclared() }),
    );
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": title,
        "$ref": format!("#/$defs/{LINES}"),
        "$defs": definitions,
    })
}

/// The definition of an object of directives; no directive has this name, since it has a space.
const LINES: &str = "all directives";

/// Defines a directive and, under names of their own, those in its block.
fn define(doc: &Doc, name: &str, definitions: &mut JsonMap) {
    let mut properties = JsonMap::new();
    let mut required = Vec::new();
    for field in doc.fields {
        let mut schema = match (field.role, field.child) {
            (Role::Rest, _) => json!({ "$ref": format!("#/$defs/{LINES}") }),
            (Role::Flag, _) => json!({ "type": "boolean", "default": false }),
            (_, Some(child)) => {
                let inner = format!("{name}.{}", child.name);
                define(child, &inner, definitions);
                if field.many { list_of(&inner) } else { json!({ "$ref": format!("#/$defs/{inner}") }) }
            }
            _ if field.many => json!({ "type": "array", "items": value(field) }),
            _ => value(field),
        };
        if let Json::Object(schema) = &mut schema {
            describe(field, schema);
        }
        if field.required {
            required.push(field.name());
        }
        properties.insert(field.name(), schema);
    }
    let definition = json!({
        "type": "object",
        "description": doc.text(),
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    });
    definitions.insert(name.to_owned(), definition);
}

/// One value; every value may instead be read from the environment.
fn value(field: &Field) -> Json {
    let schema = (field.schema)();
    let any_text = schema == json!({ "type": "string" });
    if any_text {
        return schema;
    }
    json!({ "anyOf": [schema, { "type": "string", "pattern": "^\\{\\$.*\\}$" }] })
}

fn describe(field: &Field, schema: &mut JsonMap) {
    let mut text = paragraph(field.doc);
    if let Some(bounds) = (field.bounds)() {
        text += &format!(" Bounds: {bounds}.");
    }
    if let Some(default) = (field.default)().filter(|default| !default.is_empty()) {
        text += &format!(" Default: {default}.");
    }
    schema.insert("description".to_owned(), text.trim().into());
}

fn list_of(name: &str) -> Json {
    json!({ "type": "array", "items": { "$ref": format!("#/$defs/{name}") } })
}

/// A directive without a declaration.
fn undeclared() -> Json {
    let texts = json!({ "type": "array", "items": { "type": "string" } });
    let properties = json!({ "args": texts, "block": { "type": "array", "items": { "type": "object" } } });
    json!({ "type": "array", "items": { "type": "object", "properties": properties } })
}
