//! From a path to one tree: reads files, parses them and puts included files in the place of their `include`.

use std::path::{Path, PathBuf};

use crate::codes::{
    CANNOT_READ, EMPTY_INCLUDE, INCLUDE_CYCLE, MISSING, NOT_UTF8, TOO_DEEP, TOO_LARGE, UNEXPECTED_ARGUMENT,
    UNEXPECTED_BLOCK,
};
use crate::{
    Diagnostic, Diagnostics, Environment, FILE_BYTES_MAX, FILES_MAX, FileId, INCLUDE_DEPTH_MAX, Node,
    Sources, Span, TOTAL_BYTES_MAX, Word, glob, parser,
};

/// The directive that stands for other files' lines.
const INCLUDE: &str = "include";

/// What a load gives: always a tree, however much is wrong with it.
#[derive(Debug, Clone, Default)]
pub struct Loaded {
    /// All files that were read.
    pub sources: Sources,
    /// The directives of all files.
    pub tree: Vec<Node>,
    /// What is wrong so far; later stages add to it.
    pub diagnostics: Diagnostics,
}

/// Reads a config file and all it includes.
pub fn load_file(path: &Path, environment: &Environment) -> Loaded {
    let mut loader = Loader { loaded: Loaded::default(), environment, open: Vec::new() };
    loader.loaded.tree = loader.file(path, Span::NONE);
    loader.loaded
}

/// Parses a text and reads all it includes; `path` names it in messages, and includes are relative to its folder.
pub fn load_text(path: &Path, text: &str, environment: &Environment) -> Loaded {
    let mut loader = Loader { loaded: Loaded::default(), environment, open: Vec::new() };
    loader.loaded.tree = loader.text(path, text.to_owned(), Span::NONE);
    loader.loaded
}

/// Parses a text that may include nothing: what arrives over the network must not read files.
pub fn parse_text(path: &Path, text: &str, environment: &Environment) -> Loaded {
    let mut loaded = Loaded::default();
    if let Some(file) = accept(&mut loaded, path, text.to_owned(), Span::NONE) {
        let text = loaded.sources.file(file).map_or("", |source| source.text.as_str());
        loaded.tree = parser::parse(file, text, environment, &mut loaded.diagnostics);
    }
    loaded
}

/// Adds a text to the sources unless that would break a limit.
fn accept(loaded: &mut Loaded, path: &Path, text: String, asked: Span) -> Option<FileId> {
    let large = text.len() > FILE_BYTES_MAX || loaded.sources.bytes() + text.len() > TOTAL_BYTES_MAX;
    let file = if large { None } else { loaded.sources.add(path, text) };
    if file.is_none() {
        let title = format!("{} makes the config too large", path.display());
        let help = format!(
            "a file may have {} MiB, all together {} MiB in {FILES_MAX} files",
            FILE_BYTES_MAX >> 20,
            TOTAL_BYTES_MAX >> 20
        );
        loaded.diagnostics.push(Diagnostic::error(TOO_LARGE, asked, title).help(help));
    }
    file
}

struct Loader<'a> {
    loaded: Loaded,
    environment: &'a Environment,
    /// The files being read, outermost first, as the system names them: a file in here includes itself.
    open: Vec<PathBuf>,
}

impl Loader<'_> {
    /// The directives of a file, includes followed.
    fn file(&mut self, path: &Path, asked: Span) -> Vec<Node> {
        match self.read(path) {
            Ok(text) => self.text(path, text, asked),
            Err((code, cause)) => {
                let title = format!("cannot read {}: {cause}", path.display());
                self.report(Diagnostic::error(code, asked, title).help("check the path and who may read it"));
                Vec::new()
            }
        }
    }

    fn read(&self, path: &Path) -> Result<String, (&'static str, String)> {
        let cannot = |error: std::io::Error| (CANNOT_READ, error.to_string());
        // A device or a huge file must not fill the memory before its size is judged.
        let length = std::fs::metadata(path).map_err(cannot)?.len();
        if length > FILE_BYTES_MAX as u64 {
            return Err((TOO_LARGE, format!("it has more than {} MiB", FILE_BYTES_MAX >> 20)));
        }
        let bytes = std::fs::read(path).map_err(cannot)?;
        String::from_utf8(bytes).map_err(|error| {
            let at = error.utf8_error().valid_up_to();
            let line = error.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count() + 1;
            (NOT_UTF8, format!("line {line} is not UTF-8 text"))
        })
    }

    fn text(&mut self, path: &Path, text: String, asked: Span) -> Vec<Node> {
        let Some(file) = accept(&mut self.loaded, path, text, asked) else {
            return Vec::new();
        };
        let Loaded { sources, diagnostics, .. } = &mut self.loaded;
        let text = sources.file(file).map_or("", |source| source.text.as_str());
        let nodes = parser::parse(file, text, self.environment, diagnostics);
        self.open.push(std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned()));
        let nodes = self.splice(nodes, path.parent().unwrap_or_else(|| Path::new("")));
        self.open.pop();
        nodes
    }

    /// Replaces every `include`, at any depth, by what it stands for.
    fn splice(&mut self, nodes: Vec<Node>, folder: &Path) -> Vec<Node> {
        let mut spliced = Vec::with_capacity(nodes.len());
        for mut node in nodes {
            if node.name.is(INCLUDE) {
                spliced.extend(self.include(&node, folder));
            } else {
                node.block = node.block.map(|lines| self.splice(lines, folder));
                spliced.push(node);
            }
        }
        spliced
    }

    fn include(&mut self, node: &Node, folder: &Path) -> Vec<Node> {
        if let Some(block) = &node.block {
            let at = block.first().map_or(node.span, |line| line.span);
            self.report(
                Diagnostic::error(UNEXPECTED_BLOCK, at, "`include` takes no block")
                    .help("end the line after the file's name"),
            );
        }
        let [pattern] = node.args.as_slice() else {
            let (code, title) = if node.args.is_empty() {
                (MISSING, "`include` needs a file's name")
            } else {
                (UNEXPECTED_ARGUMENT, "`include` takes one file's name")
            };
            self.report(
                Diagnostic::error(code, node.head_span(), title)
                    .help("write one `include` for each file, or a pattern such as `sites/*.conf`"),
            );
            return Vec::new();
        };
        if self.open.len() >= INCLUDE_DEPTH_MAX {
            let title = format!("includes are nested more than {INCLUDE_DEPTH_MAX} deep");
            self.report(
                Diagnostic::error(TOO_DEEP, pattern.span, title).help("include the file from one further up"),
            );
            return Vec::new();
        }
        self.paths(pattern, folder).into_iter().flat_map(|path| self.included(&path, pattern)).collect()
    }

    /// The files a pattern names.
    fn paths(&mut self, pattern: &Word, folder: &Path) -> Vec<PathBuf> {
        let path = folder.join(&pattern.text);
        if !glob::is_pattern(&pattern.text) {
            return vec![path];
        }
        let paths = glob::expand(&path);
        if paths.is_empty() {
            let title = format!("no file matches {}", path.display());
            self.report(
                Diagnostic::warning(EMPTY_INCLUDE, pattern.span, title)
                    .help("patterns are relative to the file that they stand in"),
            );
        }
        paths
    }

    fn included(&mut self, path: &Path, pattern: &Word) -> Vec<Node> {
        let real = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        if self.open.contains(&real) {
            let title = format!("{} includes itself", path.display());
            let diagnostic = Diagnostic::error(INCLUDE_CYCLE, pattern.span, title);
            self.report(diagnostic.help("remove one of the includes that lead back to it"));
            return Vec::new();
        }
        self.file(path, pattern.span)
    }

    fn report(&mut self, diagnostic: Diagnostic) {
        self.loaded.diagnostics.push(diagnostic);
    }
}
