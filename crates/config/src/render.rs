//! Draws a diagnostic with the source lines it speaks of, in the look of rustc.

use std::ops::Range;

use annotate_snippets::{AnnotationKind, Element, Group, Level, Origin, Renderer, Snippet};

use crate::diagnostic::{Diagnostic, Label, Severity};
use crate::{FileId, SNIPPET_BYTES_MAX, Source, Sources};

/// The message, without a newline at its end.
pub(crate) fn render(diagnostic: &Diagnostic, sources: &Sources, colour: bool) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let title = level.primary_title(diagnostic.title.as_str()).id(diagnostic.code);
    let mut group = Group::with_title(title);
    for file in files(diagnostic) {
        if let Some(source) = sources.file(file) {
            group = group.element(element(diagnostic, file, source));
        }
    }
    if let Some(help) = &diagnostic.help {
        group = group.element(Level::HELP.message(help.as_str()));
    }
    let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
    renderer.render(&[group])
}

/// The files a diagnostic speaks of, the primary one first, each once.
fn files(diagnostic: &Diagnostic) -> Vec<FileId> {
    let mut files = vec![diagnostic.primary.span.file];
    for label in &diagnostic.secondary {
        if !files.contains(&label.span.file) {
            files.push(label.span.file);
        }
    }
    files
}

/// One file's lines, or only the place if that would be too much to draw.
fn element<'a>(diagnostic: &'a Diagnostic, file: FileId, source: &'a Source) -> Element<'a> {
    let secondary = diagnostic.secondary.iter().map(|label| (AnnotationKind::Context, label));
    let mut labels: Vec<(AnnotationKind, &Label)> =
        std::iter::once((AnnotationKind::Primary, &diagnostic.primary))
            .chain(secondary)
            .filter(|(_, label)| label.span.file == file)
            .collect();
    if window(&source.text, &labels).len() > SNIPPET_BYTES_MAX {
        // What is far away is left out first: the message stands without it.
        labels.truncate(1);
    }
    let range = window(&source.text, &labels);
    let path = source.path.to_string_lossy().into_owned();
    if range.len() > SNIPPET_BYTES_MAX {
        let at = source.position(labels.first().map_or(0, |(_, label)| label.span.start));
        return Origin::path(path).line(at.line).char_column(at.column).into();
    }
    let line = source.position(u32::try_from(range.start).unwrap_or(u32::MAX)).line;
    let text = source.text.get(range.clone()).unwrap_or("");
    let annotations = labels.into_iter().map(|(kind, label)| {
        let from = (label.span.start as usize - range.start).min(text.len());
        let to = (label.span.end as usize - range.start).clamp(from, text.len());
        kind.span(from..to).label((!label.text.is_empty()).then_some(label.text.as_str()))
    });
    Snippet::source(text).line_start(line).path(path).annotations(annotations).into()
}

/// The lines from the first to the last label. Only these are handed over: the renderer looks at all it is given,
/// and a config may be megabytes long.
fn window(text: &str, labels: &[(AnnotationKind, &Label)]) -> Range<usize> {
    let first = labels.iter().map(|(_, label)| label.span.start as usize).min().unwrap_or(0);
    let last = labels.iter().map(|(_, label)| label.span.end as usize).max().unwrap_or(0);
    let start = text.get(..first).and_then(|before| before.rfind('\n')).map_or(0, |at| at + 1);
    let end = text.get(last..).and_then(|after| after.find('\n')).map_or(text.len(), |at| last + at);
    start..end.max(start)
}
