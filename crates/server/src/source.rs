//! Where a config comes from: a file in our language or in JSON, or a text that a command has made.

use std::path::{Path, PathBuf};

use propylon_config::codes::{CANNOT_READ, JSON_SHAPE};
use propylon_config::{
    Diagnostic, Environment, FILE_BYTES_MAX, Loaded, Span, json, load_file, load_text, parse_text,
};

use crate::directives;

/// Where a config comes from.
#[derive(Clone, Debug)]
pub enum ConfigSource {
    /// A file, read again at each reload. One whose name ends in `.json` is JSON.
    File(PathBuf),
    /// A text made by a command.
    Text(String),
}

impl ConfigSource {
    /// Reads the config, and all it includes, into a tree.
    pub fn load(&self) -> Loaded {
        match self {
            Self::File(path) if is_json(path) => load_json(path, &Environment::Process),
            Self::File(path) => load_file(path, &Environment::Process),
            Self::Text(text) => parse_text("command".as_ref(), text, &Environment::empty()),
        }
    }

    /// The file; empty for a text. Relative paths in the config begin in its folder.
    pub fn path(&self) -> &Path {
        match self {
            Self::File(path) => path,
            Self::Text(_) => Path::new(""),
        }
    }
}

/// Whether a file is read as JSON.
pub fn is_json(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "json")
}

/// Reads JSON. It is turned into the lines of our language, and messages show those.
fn load_json(path: &Path, environment: &Environment) -> Loaded {
    let mut loaded = Loaded::default();
    let docs = directives::all();
    match read_json(path) {
        Ok(value) => {
            let mut diagnostics = std::mem::take(&mut loaded.diagnostics);
            if let Some(text) = json::to_text(&value, &docs, &mut diagnostics) {
                loaded = load_text(path, &text, environment);
            }
            loaded.diagnostics.append(diagnostics);
        }
        Err(diagnostic) => loaded.diagnostics.push(*diagnostic),
    }
    loaded
}

fn read_json(path: &Path) -> Result<propylon_config::Json, Box<Diagnostic>> {
    let refuse =
        |code, cause: String| Diagnostic::error(code, Span::NONE, format!("{}: {cause}", path.display()));
    let cannot = |error: std::io::Error| {
        Box::new(refuse(CANNOT_READ, error.to_string()).help("check the path and who may read it"))
    };
    if std::fs::metadata(path).map_err(cannot)?.len() > FILE_BYTES_MAX as u64 {
        let cause = format!("it has more than {} MiB", FILE_BYTES_MAX >> 20);
        return Err(Box::new(refuse(CANNOT_READ, cause)));
    }
    let text = std::fs::read_to_string(path).map_err(cannot)?;
    serde_json::from_str(&text).map_err(|error| {
        let diagnostic = refuse(JSON_SHAPE, format!("this is not JSON: {error}"));
        Box::new(diagnostic.help("see `propylon docs schema`"))
    })
}
