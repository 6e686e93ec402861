//! Draws a diagnostic with the source lines it speaks of, in the look of rustc.

use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Renderer, Snippet};

use crate::diagnostic::{Diagnostic, Label, Severity};
use crate::{FileId, Source, Sources};

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
            group = group.element(snippet(diagnostic, file, source));
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

/// One file's lines. Only the part from the first to the last label is handed over: the renderer looks at all it
/// is given, and a config may be megabytes long.
fn snippet<'a>(diagnostic: &'a Diagnostic, file: FileId, source: &'a Source) -> Snippet<'a, Annotation<'a>> {
    let text = source.text.as_str();
    let secondary = diagnostic.secondary.iter().map(|label| (AnnotationKind::Context, label));
    let labels: Vec<(AnnotationKind, &Label)> =
        std::iter::once((AnnotationKind::Primary, &diagnostic.primary))
            .chain(secondary)
            .filter(|(_, label)| label.span.file == file)
            .collect();
    let first = labels.iter().map(|(_, label)| label.span.start as usize).min().unwrap_or(0);
    let last = labels.iter().map(|(_, label)| label.span.end as usize).max().unwrap_or(0);
    let start = text.get(..first).and_then(|before| before.rfind('\n')).map_or(0, |at| at + 1);
    let end = text.get(last..).and_then(|after| after.find('\n')).map_or(text.len(), |at| last + at);
    let line = source.position(u32::try_from(start).unwrap_or(u32::MAX)).line;
    let window = text.get(start..end).unwrap_or("");
    let annotations = labels.into_iter().map(|(kind, label)| {
        let from = (label.span.start as usize - start).min(window.len());
        let to = (label.span.end as usize - start).clamp(from, window.len());
        kind.span(from..to).label((!label.text.is_empty()).then_some(label.text.as_str()))
    });
    Snippet::source(window)
        .line_start(line)
        .path(source.path.to_string_lossy().into_owned())
        .annotations(annotations)
}
