//! How many values a field holds, told by its type: `T` one, `Option<T>` at most one, `Vec<T>` any number.

use serde_json::Value as Json;

use super::{Directive, Doc};
use crate::{Diagnostics, Node, Value};

/// A field's type, for fields of words.
pub trait Slot: Sized {
    /// The type of one value.
    type Item: Value;
    /// Whether it holds any number of values.
    const MANY: bool;
    /// Whether it may be left out even without a default.
    const OPTIONAL: bool;

    /// What it is when it is left out, if it may be.
    fn absent() -> Option<Self>;

    /// Made of values: exactly one unless it holds many.
    fn of(items: Vec<Self::Item>) -> Option<Self>;

    /// Its values.
    fn items(&self) -> &[Self::Item];

    /// Its values as JSON.
    fn json(&self) -> Json;
}

impl<T: Value> Slot for T {
    type Item = T;
    const MANY: bool = false;
    const OPTIONAL: bool = false;

    fn absent() -> Option<Self> {
        None
    }

    fn of(mut items: Vec<T>) -> Option<Self> {
        items.pop()
    }

    fn items(&self) -> &[T] {
        std::slice::from_ref(self)
    }

    fn json(&self) -> Json {
        self.to_json()
    }
}

impl<T: Value> Slot for Option<T> {
    type Item = T;
    const MANY: bool = false;
    const OPTIONAL: bool = true;

    fn absent() -> Option<Self> {
        Some(None)
    }

    fn of(mut items: Vec<T>) -> Option<Self> {
        items.pop().map(Some)
    }

    fn items(&self) -> &[T] {
        self.as_slice()
    }

    fn json(&self) -> Json {
        self.as_ref().map_or(Json::Null, Value::to_json)
    }
}

impl<T: Value> Slot for Vec<T> {
    type Item = T;
    const MANY: bool = true;
    const OPTIONAL: bool = false;

    fn absent() -> Option<Self> {
        None
    }

    fn of(items: Self) -> Option<Self> {
        Some(items)
    }

    fn items(&self) -> &[T] {
        self
    }

    fn json(&self) -> Json {
        self.iter().map(Value::to_json).collect()
    }
}

/// A field's type, for fields that are directives in the block.
pub trait Nest: Sized {
    /// The directive's metadata.
    const DOC: Doc;
    /// Whether the directive may stand there any number of times.
    const MANY: bool;
    /// Whether it may be left out even without a default.
    const OPTIONAL: bool;

    /// What it is when it is left out, if it may be.
    fn absent() -> Option<Self>;

    /// Read from directives: exactly one unless it holds many.
    fn of(nodes: &[&Node], diagnostics: &mut Diagnostics) -> Option<Self>;

    /// As JSON.
    fn json(&self) -> Json;
}

impl<D: Directive> Nest for D {
    const DOC: Doc = D::DOC;
    const MANY: bool = false;
    const OPTIONAL: bool = false;

    fn absent() -> Option<Self> {
        None
    }

    fn of(nodes: &[&Node], diagnostics: &mut Diagnostics) -> Option<Self> {
        nodes.first().and_then(|node| D::decode(node, diagnostics))
    }

    fn json(&self) -> Json {
        self.to_json()
    }
}

impl<D: Directive> Nest for Option<D> {
    const DOC: Doc = D::DOC;
    const MANY: bool = false;
    const OPTIONAL: bool = true;

    fn absent() -> Option<Self> {
        Some(None)
    }

    fn of(nodes: &[&Node], diagnostics: &mut Diagnostics) -> Option<Self> {
        nodes.first().and_then(|node| D::decode(node, diagnostics)).map(Some)
    }

    fn json(&self) -> Json {
        self.as_ref().map_or(Json::Null, Directive::to_json)
    }
}

impl<D: Directive> Nest for Vec<D> {
    const DOC: Doc = D::DOC;
    const MANY: bool = true;
    const OPTIONAL: bool = false;

    fn absent() -> Option<Self> {
        None
    }

    fn of(nodes: &[&Node], diagnostics: &mut Diagnostics) -> Option<Self> {
        // All are read before giving up, so that all their problems are reported.
        let all: Vec<Option<D>> = nodes.iter().map(|node| D::decode(node, diagnostics)).collect();
        all.into_iter().collect()
    }

    fn json(&self) -> Json {
        self.iter().map(Directive::to_json).collect()
    }
}
