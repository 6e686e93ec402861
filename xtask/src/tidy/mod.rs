//! The rules of the repository that no compiler checks. Each file here holds one family of them, as data and a check.

mod code;
mod graph;
mod links;
mod lock;
mod rooms;
mod source;
mod words;

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use crate::workspace;

/// One broken rule: where, what, and what to do about it.
pub(crate) struct Finding {
    path: PathBuf,
    line: usize,
    cause: String,
    remedy: &'static str,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}\n    {}", self.path.display(), self.line, self.cause, self.remedy)
    }
}

/// A file of the repository that is text.
pub(crate) struct File {
    path: PathBuf,
    text: String,
}

impl File {
    fn finding(&self, line: usize, cause: impl Into<String>, remedy: &'static str) -> Finding {
        Finding { path: self.path.clone(), line, cause: cause.into(), remedy }
    }

    fn extension(&self) -> &str {
        self.path.extension().and_then(|extension| extension.to_str()).unwrap_or("")
    }

    fn name(&self) -> &str {
        self.path.file_name().and_then(|name| name.to_str()).unwrap_or("")
    }

    /// The crate it belongs to, by its folder: `http` for `crates/http/…`, `xtask` for `xtask/…`.
    fn owner(&self) -> &str {
        let mut parts = self.path.iter().filter_map(|part| part.to_str());
        match parts.next() {
            Some("crates") => parts.next().unwrap_or(""),
            first => first.unwrap_or(""),
        }
    }
}

pub(crate) fn main() -> Result<(), String> {
    let findings = check(&workspace::root())?;
    for finding in &findings {
        println!("{finding}");
    }
    match findings.len() {
        0 => Ok(()),
        count => Err(format!("tidy: {count} findings")),
    }
}

fn check(root: &Path) -> Result<Vec<Finding>, String> {
    let files = read(root)?;
    let mut findings = Vec::new();
    graph::check(&files, &mut findings);
    lock::check(&files, &mut findings);
    for file in &files {
        words::check(file, &mut findings);
        match file.extension() {
            "rs" => source::check(file, &mut findings),
            "md" => links::check(root, &files, file, &mut findings),
            _ => {}
        }
    }
    rooms::check(&files, &mut findings);
    findings.sort_by(|one, other| (&one.path, one.line).cmp(&(&other.path, other.line)));
    Ok(findings)
}

fn read(root: &Path) -> Result<Vec<File>, String> {
    let paths = workspace::files(root).map_err(|error| format!("cannot list {}: {error}", root.display()))?;
    // What is not UTF-8 is a picture or a fuzz seed, and none of these rules is about it.
    let read = |path: PathBuf| fs::read_to_string(root.join(&path)).ok().map(|text| File { path, text });
    Ok(paths.into_iter().filter_map(read).collect())
}

/// Checks a single rule in tests: the findings' lines for a file of this path and text.
#[cfg(test)]
fn lines(rule: fn(&File, &mut Vec<Finding>), path: &str, text: &str) -> Vec<usize> {
    let mut findings = Vec::new();
    rule(&File { path: path.into(), text: text.into() }, &mut findings);
    findings.iter().map(|finding| finding.line).collect()
}
