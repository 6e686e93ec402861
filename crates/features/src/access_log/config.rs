//! What a user can say of the access log, and what is made of it.

use std::path::PathBuf;
use std::sync::Arc;

use propylon_config::value::Value;
use propylon_config::{Diagnostic, Name, Span, Spanned, Template, Word, directive, suggest, value_enum};
use propylon_pipeline::statuses::Statuses;
use propylon_pipeline::variables::Text;

use super::format::Format;
use super::shared::{self, Sink, Target};
use crate::CompileContext;

value_enum! {
    /// How a line looks.
    pub enum Style {
        /// A JSON object.
        Json = "json",
        /// The combined format, which most tools for logs read.
        Combined = "combined",
        /// A text of one's own.
        Custom = "custom",
    }
}

directive! {
    /// Writes a line for each request when it is over. Without this directive there is no access log.
    pub struct Config = "access-log" {
        /// How a line looks.
        positional format: Style = Style::Json,
        /// The text of `custom`, with placeholders. What they bring is escaped.
        positional text: Option<Template>,
        /// Where to: `stdout`, `stderr`, or `file PATH`.
        keyword to: Vec<Spanned<String>> = vec!["stdout".to_owned().into()],
        /// Only replies of these statuses, such as `400-599`; all, if it is not said.
        keyword status: Vec<Statuses> = vec![],
        /// One of so many lines, for busy sites.
        keyword one_in: u64 [1..=1_000_000] = 1,
        /// A further member of the JSON object.
        child fields: Vec<FieldConfig> = vec![],
    }
}

directive! {
    /// A further member of the JSON object.
    pub struct FieldConfig = "field" {
        /// Its name.
        positional name: Spanned<Name>,
        /// Its value, with placeholders. It is left out when it is empty.
        positional value: Template,
    }
}

/// The settings, ready to be used.
#[derive(Debug)]
pub struct Compiled {
    pub(super) format: Format,
    pub(super) sink: Arc<Sink>,
    statuses: Vec<Statuses>,
    pub(super) one_in: u64,
}

impl Compiled {
    /// Checks where the log goes. Nothing is opened yet: a config that is only looked at makes no files.
    pub fn compile(config: &Config, context: &mut CompileContext<'_>) -> Option<Self> {
        let target = target(&config.to, config.span, context);
        let format = format(config, context);
        let sink = shared::sink(target?);
        Some(Self { format: format?, sink, statuses: config.status.clone(), one_in: config.one_in })
    }

    /// Whether a reply of this status is to be logged.
    pub(super) fn wants(&self, status: u16) -> bool {
        self.statuses.is_empty() || self.statuses.iter().any(|statuses| statuses.contains(status))
    }
}

fn target(to: &[Spanned<String>], span: Span, context: &mut CompileContext<'_>) -> Option<Target> {
    let words: Vec<&str> = to.iter().map(|word| word.as_str()).collect();
    let span = to.first().zip(to.last()).map_or(span, |(first, last)| first.span.to(last.span));
    match words.as_slice() {
        ["stdout"] => Some(Target::Stdout),
        ["stderr"] => Some(Target::Stderr),
        ["file", path] if !path.is_empty() => {
            let path = context.folder.join(PathBuf::from(path));
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
            if folder.is_some_and(|folder| !folder.is_dir()) {
                let title = format!("`{}` is in no folder", path.display());
                let diagnostic = Diagnostic::error("no-folder", span, title);
                context
                    .diagnostics
                    .push(diagnostic.help("make the folder, and give it to the server's user"));
                return None;
            }
            Some(Target::File(path))
        }
        _ => {
            let diagnostic =
                Diagnostic::error("bad-target", span, "a log goes to `stdout`, `stderr` or `file PATH`");
            let help = match words.as_slice() {
                [path] if path.contains('/') => format!("write `to file {path}`"),
                _ => "write such as `access-log json to file /var/log/propylon/access.log`".to_owned(),
            };
            context.diagnostics.push(diagnostic.help(help));
            None
        }
    }
}

fn format(config: &Config, context: &mut CompileContext<'_>) -> Option<Format> {
    let diagnostics = &mut *context.diagnostics;
    let templates = config.text.iter().chain(config.fields.iter().map(|field| &field.value));
    for (name, span) in
        templates.flat_map(Template::placeholders).filter(|(name, _)| name.starts_with("reply."))
    {
        let title =
            format!("`{{{name}}}` cannot be logged: the reply's fields are gone when a line is written");
        diagnostics.push(
            Diagnostic::warning("no-reply", span, title).help("remove it; it always stands for nothing"),
        );
    }
    let mut refuse = |title: &str, help: &str| {
        diagnostics.push(Diagnostic::error("bad-format", config.span, title).help(help));
        None
    };
    match (config.format, &config.text) {
        (Style::Custom, None) => {
            refuse("`custom` lacks its text", "write such as `access-log custom \"{client} {uri} {status}\"`")
        }
        (Style::Json | Style::Combined, Some(text)) => {
            let styles = Style::ALL.iter().map(|style| style.as_str());
            let near = suggest::did_you_mean(text.as_literal().unwrap_or_default(), styles);
            let help = near.unwrap_or_else(|| "write `custom` before it, or remove it".to_owned());
            refuse("only `custom` has a text", &help)
        }
        (Style::Combined | Style::Custom, _) if !config.fields.is_empty() => {
            refuse("only `json` has fields", "write `json`, or put the value into the text of `custom`")
        }
        (Style::Custom, Some(text)) => Some(Format::Text(Text::compile(text, diagnostics))),
        (Style::Combined, None) => {
            let combined = Template::parse(&Word::quoted(super::format::COMBINED)).ok()?;
            Some(Format::Text(Text::compile(&combined, diagnostics)))
        }
        (Style::Json, None) => {
            if let Some(twice) = config.fields.iter().find(|field| super::format::is_usual(&field.name)) {
                let title = format!("`{}` is there already", twice.name.value);
                let diagnostic = Diagnostic::error("bad-format", twice.name.span, title);
                diagnostics.push(diagnostic.help("choose another name"));
                return None;
            }
            let further = config.fields.iter();
            let further =
                further.map(|field| (field.name.as_str(), Text::compile(&field.value, diagnostics)));
            Some(Format::json(further.collect()))
        }
    }
}
