//! The reference.

use crate::{Slot, Value};

/// A default as a user would write it.
#[doc(hidden)]
pub fn default_text<S: Slot>(default: &S) -> String {
    let texts: Vec<String> = default.items().iter().map(Value::to_text).collect();
    texts.join(" ")
}
