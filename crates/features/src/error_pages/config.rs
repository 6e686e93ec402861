//! What a user can say of error pages, and what is made of it.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use propylon_config::{Diagnostic, Spanned, Template, directive};
use propylon_http::{Fields, media_type};
use propylon_pipeline::statuses::Statuses;
use propylon_pipeline::variables::Text;

use crate::CompileContext;

/// The largest file that is held in memory as a page.
const FILE_BYTES_MAX: u64 = 1 << 20;

directive! {
    /// Puts pages of one's own in place of errors' plain texts.
    pub struct Config = "error-pages" {
        /// A page.
        child pages: Vec<PageConfig>,
        /// Also replaces the errors that origins and `respond` give, not only those of the server itself.
        flag all: bool,
    }
}

directive! {
    /// A page for these statuses: a file, a text, or a redirect. Where several fit, the first is taken.
    pub struct PageConfig = "page" {
        /// Statuses such as `404` and `500-599`.
        positional statuses: Vec<Spanned<Statuses>>,
        /// A file, read when the config is; at most 1 MiB.
        keyword file: Option<Spanned<String>>,
        /// A text, which may hold placeholders; in HTML their values are escaped.
        keyword text: Option<Template>,
        /// Where the client is sent instead; may hold placeholders.
        keyword redirect: Option<Template>,
        /// The status of the reply, if not the error's own; 302 for a redirect.
        keyword status: Option<u16> [300..=599],
        /// The media type, if not the one of the file's name, or plain text.
        keyword "type" media_type: Option<Spanned<String>>,
    }
}

/// The settings, ready to be used.
#[derive(Debug)]
pub struct Compiled {
    pub(super) pages: Vec<Page>,
    pub(super) all: bool,
}

#[derive(Debug)]
pub(super) struct Page {
    statuses: Vec<Statuses>,
    pub(super) status: Option<u16>,
    pub(super) content: Content,
}

#[derive(Debug)]
pub(super) enum Content {
    File { bytes: Arc<[u8]>, media_type: Box<[u8]> },
    Text { text: Text, media_type: Box<[u8]>, html: bool },
    Redirect(Text),
}

impl Compiled {
    /// Reads the files.
    pub fn compile(config: &Config, context: &mut CompileContext<'_>) -> Option<Self> {
        let pages: Vec<Option<Page>> = config.pages.iter().map(|page| Page::compile(page, context)).collect();
        Some(Self { pages: pages.into_iter().collect::<Option<_>>()?, all: config.all })
    }

    /// The page for a status.
    pub(super) fn page(&self, status: u16) -> Option<&Page> {
        self.pages.iter().find(|page| page.statuses.iter().any(|statuses| statuses.contains(status)))
    }
}

impl Page {
    fn compile(config: &PageConfig, context: &mut CompileContext<'_>) -> Option<Self> {
        if let Some(statuses) = config.statuses.iter().find(|statuses| statuses.from < 400) {
            let diagnostic =
                Diagnostic::error("no-error", statuses.span, "only errors have pages: 400 to 599");
            context.diagnostics.push(diagnostic.help("`respond` answers with any other status"));
            return None;
        }
        let content = content(config, context)?;
        let redirects = matches!(content, Content::Redirect(_));
        if let Some(status) = config.status
            && redirects != (300..400).contains(&status)
        {
            let title =
                if redirects { "a redirect's status is 300 to 399" } else { "a page's status is 400 to 599" };
            let diagnostic = Diagnostic::error("bad-status", config.span, title);
            let help = if redirects {
                "write such as `status 302`"
            } else {
                "leave `status` out to keep the error's own"
            };
            context.diagnostics.push(diagnostic.help(help));
            return None;
        }
        let statuses = config.statuses.iter().map(|statuses| statuses.value).collect();
        Some(Self { statuses, status: config.status.or(redirects.then_some(302)), content })
    }
}

fn content(config: &PageConfig, context: &mut CompileContext<'_>) -> Option<Content> {
    let media_type = match &config.media_type {
        Some(said) if Fields::new().append(b"Content-Type", said.as_bytes()).is_err() || said.is_empty() => {
            let diagnostic = Diagnostic::error("bad-type", said.span, "this is no media type");
            context.diagnostics.push(diagnostic.help("write such as `text/html`"));
            return None;
        }
        said => said.as_ref().map(|said| said.as_bytes()),
    };
    match (&config.file, &config.text, &config.redirect) {
        (Some(file), None, None) => {
            let path = context.folder.join(PathBuf::from(&file.value));
            let bytes = read(&path).map_err(|cause| {
                let title = format!("`{}` cannot be read", path.display());
                let diagnostic = Diagnostic::error("no-file", file.span, title).label(cause);
                context.diagnostics.push(diagnostic.help("name a readable file of at most 1 MiB"));
            });
            let by_name = media_type::by_path(file.as_bytes()).unwrap_or(media_type::UNKNOWN);
            let media_type = media_type.unwrap_or(by_name.as_bytes()).into();
            Some(Content::File { bytes: bytes.ok()?.into(), media_type })
        }
        (None, Some(text), None) => {
            let media_type = media_type.unwrap_or(b"text/plain; charset=utf-8");
            let html = ["text/html", "application/xhtml", "image/svg", "text/xml", "application/xml"];
            let html = html.iter().any(|start| {
                media_type
                    .get(..start.len())
                    .is_some_and(|begin| begin.eq_ignore_ascii_case(start.as_bytes()))
            });
            let text = Text::compile(text, context.diagnostics);
            Some(Content::Text { text, media_type: media_type.into(), html })
        }
        (None, None, Some(to)) => Some(Content::Redirect(Text::compile(to, context.diagnostics))),
        _ => {
            let title = "a page has one of `file`, `text` and `redirect`";
            let diagnostic = Diagnostic::error("no-content", config.span, title);
            context.diagnostics.push(diagnostic.help("write such as `page 404 file errors/404.html`"));
            None
        }
    }
}

/// The file's bytes, or why there are none.
fn read(path: &Path) -> Result<Vec<u8>, String> {
    let file = fs::File::open(path).map_err(|error| error.to_string())?;
    let mut bytes = Vec::new();
    // One byte more than may be, so that a file that is too large is told from one that just fits.
    file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if bytes.len() as u64 > FILE_BYTES_MAX { Err("it is larger than 1 MiB".to_owned()) } else { Ok(bytes) }
}
