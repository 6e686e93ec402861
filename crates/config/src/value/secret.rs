//! Texts that must not be shown.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use serde_json::json;

use super::{Problem, Value};
use crate::{SECRET_BYTES_MAX, Word};

/// What stands for a secret wherever one would be shown.
const REDACTED: &str = "(secret)";

/// A password, key or token. Written as `{$NAME}`, as `file:/path`, or (best not) as it is; shown never.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Makes a secret of a text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, for the one place that uses it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(REDACTED)
    }
}

impl Value for Secret {
    const KIND: &'static str = "a secret such as `{$NAME}` or `file:/path`";

    fn parse(word: &Word) -> Result<Self, Problem> {
        let text = match word.text.strip_prefix("file:") {
            Some(path) => read(Path::new(path))?,
            None => word.text.clone(),
        };
        if text.is_empty() {
            return Err(Problem::new("a secret cannot be empty"));
        }
        Ok(Self(text))
    }

    fn to_text(&self) -> String {
        REDACTED.to_owned()
    }

    fn schema() -> serde_json::Value {
        json!({ "type": "string", "writeOnly": true })
    }
}

/// The file's text without one newline at its end, which editors add.
fn read(path: &Path) -> Result<String, Problem> {
    if !path.is_absolute() {
        return Err(Problem::new("the path is not absolute").help("write `file:/path/to/the/secret`"));
    }
    let cannot = |error| Problem::new(format!("cannot read the file: {error}"));
    let mut text = String::new();
    File::open(path)
        .and_then(|file| file.take(SECRET_BYTES_MAX + 1).read_to_string(&mut text))
        .map_err(cannot)?;
    if text.len() as u64 > SECRET_BYTES_MAX {
        return Err(Problem::new(format!("the file has more than {} KiB", SECRET_BYTES_MAX >> 10)));
    }
    if text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_never_shown() {
        let secret = Secret::parse(&Word::new("hunter2")).unwrap();
        assert_eq!(secret.expose(), "hunter2");
        let shown = format!("{secret:?} {} {}", secret.to_text(), secret.to_json());
        assert!(!shown.contains("hunter2"), "{shown}");
    }

    #[test]
    fn is_read_from_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        std::fs::write(&path, "k3y\n").unwrap();
        let word = Word::new(format!("file:{}", path.display()));
        assert_eq!(Secret::parse(&word).unwrap().expose(), "k3y");
        assert!(Secret::parse(&Word::new("file:key")).unwrap_err().cause.contains("absolute"));
        assert!(Secret::parse(&Word::new("file:/no/such")).unwrap_err().cause.contains("cannot read"));
    }
}
