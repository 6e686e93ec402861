//! The config as JSON.

use crate::{Doc, Field, Json, Node};

/// The fields' values under the names that users write.
#[doc(hidden)]
pub fn object(doc: &Doc, values: Vec<Json>) -> Json {
    Json::Object(doc.fields.iter().map(Field::name).zip(values).collect())
}

/// Lines that no declaration describes.
#[doc(hidden)]
pub fn lines(_nodes: &[Node]) -> Json {
    Json::Null
}
