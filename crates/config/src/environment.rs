//! Where `{$NAME}` is read from.

use std::collections::BTreeMap;

/// The variables a config may read.
#[derive(Debug, Clone)]
pub enum Environment {
    /// The process's own.
    Process,
    /// Only these: for tests and for configs that arrive over the API.
    Fixed(BTreeMap<String, String>),
    /// Variables stay as they are written: for tools that rewrite a config and must not spill what it reads.
    Kept,
}

impl Environment {
    /// No variable is set.
    pub fn empty() -> Self {
        Self::Fixed(BTreeMap::new())
    }

    /// The value; `None` if it is not set or not UTF-8.
    pub fn read(&self, name: &str) -> Option<String> {
        match self {
            Self::Process => std::env::var(name).ok(),
            Self::Fixed(values) => values.get(name).cloned(),
            Self::Kept => None,
        }
    }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(iter: I) -> Self {
        Self::Fixed(iter.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}
