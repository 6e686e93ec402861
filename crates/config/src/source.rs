//! Where text came from: the loaded files, places in them, and how a place is written for people.

use std::path::{Path, PathBuf};

/// Names one loaded file in [`Sources`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(u16);

/// A byte range in one loaded file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The file, or [`Span::NONE`]'s marker.
    pub file: FileId,
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// No place at all: what a program made, not a person's file.
    pub const NONE: Self = Self { file: FileId(u16::MAX), start: 0, end: 0 };

    /// The range `start..end` of a file. Files are at most [`crate::FILE_BYTES_MAX`] long, so offsets fit.
    pub fn new(file: FileId, start: usize, end: usize) -> Self {
        let cut = |offset: usize| u32::try_from(offset).unwrap_or(u32::MAX);
        Self { file, start: cut(start), end: cut(end) }
    }

    /// Whether this span points nowhere.
    pub fn is_none(self) -> bool {
        self == Self::NONE
    }

    /// The smallest span that covers both; `self` if they stand in different files.
    #[must_use]
    pub fn to(self, other: Self) -> Self {
        if self.file != other.file {
            return self;
        }
        Self { file: self.file, start: self.start.min(other.start), end: self.end.max(other.end) }
    }

    /// The span as indexes into the file's text.
    pub fn range(self) -> std::ops::Range<usize> {
        self.start as usize..self.end as usize
    }
}

impl Default for Span {
    fn default() -> Self {
        Self::NONE
    }
}

/// A place for people: both numbers count from one, columns count characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// Line, from 1.
    pub line: usize,
    /// Character in the line, from 1.
    pub column: usize,
}

/// One loaded file.
#[derive(Debug, Clone)]
pub struct Source {
    /// As given or as found by an include.
    pub path: PathBuf,
    /// The whole text.
    pub text: String,
}

impl Source {
    /// The line and column of a byte offset.
    pub fn position(&self, offset: u32) -> Position {
        let mut offset = (offset as usize).min(self.text.len());
        while !self.text.is_char_boundary(offset) {
            offset -= 1;
        }
        let before = &self.text[..offset];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Position {
            line: before.bytes().filter(|byte| *byte == b'\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
        }
    }
}

/// All files of one load.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    files: Vec<Source>,
}

impl Sources {
    /// Adds a file; `None` when there are already [`crate::FILES_MAX`].
    pub fn add(&mut self, path: impl Into<PathBuf>, text: impl Into<String>) -> Option<FileId> {
        if self.files.len() >= crate::FILES_MAX {
            return None;
        }
        let id = FileId(u16::try_from(self.files.len()).ok()?);
        self.files.push(Source { path: path.into(), text: text.into() });
        Some(id)
    }

    /// The file a span lies in; `None` for [`Span::NONE`].
    pub fn file(&self, id: FileId) -> Option<&Source> {
        self.files.get(usize::from(id.0))
    }

    /// All files, in the order they were read.
    pub fn ids(&self) -> impl Iterator<Item = FileId> {
        (0..self.files.len()).filter_map(|index| u16::try_from(index).ok().map(FileId))
    }

    /// The text under a span; empty for a span that points nowhere.
    pub fn text(&self, span: Span) -> &str {
        self.file(span.file).and_then(|source| source.text.get(span.range())).unwrap_or("")
    }

    /// Paths of all files, in the order they were read: what a watcher should watch.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.files.iter().map(|source| source.path.as_path())
    }

    /// Total size of all texts.
    pub fn bytes(&self) -> usize {
        self.files.iter().map(|source| source.text.len()).sum()
    }

    /// `file:line:column`, or an empty text for a span that points nowhere.
    pub fn place(&self, span: Span) -> String {
        self.file(span.file).map_or_else(String::new, |source| {
            let at = source.position(span.start);
            format!("{}:{}:{}", source.path.display(), at.line, at.column)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_count_lines_and_characters_from_one() {
        let mut sources = Sources::default();
        let file = sources.add("a.conf", "listen :80\nnämé x\n").unwrap();
        assert_eq!(sources.place(Span::new(file, 0, 6)), "a.conf:1:1");
        assert_eq!(sources.place(Span::new(file, 18, 19)), "a.conf:2:6");
        assert_eq!(sources.place(Span::new(file, 9999, 9999)), "a.conf:3:1");
        assert_eq!(sources.place(Span::NONE), "");
    }
}
