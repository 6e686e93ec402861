//! What a user can say of a tree of files, and what is made of it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use propylon_config::{Diagnostic, Span, Spanned, directive, value_enum};
use propylon_http::media_type;
use propylon_http::negotiate::Coding;
use propylon_http::{Fields, Known};
use propylon_net::beneath::Root;

use crate::CompileContext;

value_enum! {
    /// What is shown of a directory without an index file.
    pub enum ListingKind {
        /// Nothing: 404.
        Off = "off",
        /// A page.
        Html = "html",
        /// A JSON array.
        Json = "json",
        /// Whichever of the two the client's `Accept` likes better; a page, if it does not say.
        Auto = "auto",
    }
}

value_enum! {
    /// What entity tags are made of.
    pub enum EtagKind {
        /// Inode, time of the last change and size: two contents never share one.
        On = "on",
        /// Time and size alone, so that servers with copies of the same files give the same tags. The copies must
        /// carry the files' times.
        Portable = "portable",
        /// None are sent.
        Off = "off",
    }
}

value_enum! {
    /// A coding in which a file may lie beside the plain one.
    pub enum Precompressed {
        /// `FILE.br`
        Brotli = "br",
        /// `FILE.zst`
        Zstd = "zstd",
        /// `FILE.gz`
        Gzip = "gzip",
        /// None.
        Off = "off",
    }
}

directive! {
    /// Serves files beneath a directory.
    ///
    /// The request's path, after rewriting, is the file's path beneath the directory; `strip-prefix` takes off what
    /// leads to the route. Names that begin with a dot are not served, and nothing outside of the directory is.
    pub struct Config = "files" {
        /// The directory, relative to the config file's own.
        positional root: Spanned<PathBuf>,
        /// Names that stand for their directory, the first that exists. One by default, since each costs a look-up.
        keyword index: Vec<Spanned<String>> = default_index(),
        /// A path that is served, with status 200, when nothing else is found: for applications that route by
        /// themselves in the browser. None by default, since it hides mistakes.
        keyword fallback: Option<Spanned<String>>,
        /// What is shown of a directory without an index file. Nothing by default: names can be secrets.
        keyword listing: ListingKind = ListingKind::Off,
        /// Codings in which files may lie beside the plain ones: `FILE.br`, `FILE.zst`, `FILE.gz`. Of those that the
        /// client likes equally, the first one said; by default the one that usually is smallest.
        keyword precompressed: Vec<Precompressed> = vec![Precompressed::Brotli, Precompressed::Zstd, Precompressed::Gzip],
        /// What entity tags are made of.
        keyword etag: EtagKind = EtagKind::On,
        /// Whether names that begin with a dot are served. Not by default: they hold repositories and passwords.
        /// `/.well-known/` is always served (RFC 8615).
        keyword hidden: bool = false,
        /// How long a client may use a file without asking again (`Cache-Control: max-age`). A fallback gets
        /// `no-cache` instead: it stands for what may exist tomorrow. By default nothing is said.
        keyword max_age: Option<Duration>,
        /// How long what is held in memory is served before the file system is asked whether it has changed. One
        /// second by default: less than anyone waits after a deployment.
        keyword recheck: Duration [..=Duration::from_secs(3600)] = Duration::from_secs(1),
        /// The media type of files whose extension says nothing. One that no browser opens by default.
        keyword default_type: Spanned<String> = default_type(),
        /// Media types of extensions, ahead of the built-in ones.
        child types: Vec<Type> = vec![],
    }
}

directive! {
    /// The media type of some extensions.
    pub struct Type = "type" {
        /// The media type.
        positional media_type: Spanned<String>,
        /// Extensions, without their dot.
        positional extensions: Vec<Spanned<String>>,
    }
}

/// The media type of one extension.
#[derive(Debug)]
struct SaidType {
    extension: Box<[u8]>,
    media_type: Box<str>,
}

/// The settings, ready to be used.
#[derive(Debug)]
pub struct Compiled {
    pub(super) path: PathBuf,
    pub(super) root: Arc<Root>,
    pub(super) index: Vec<Box<[u8]>>,
    pub(super) fallback: Option<Box<[u8]>>,
    pub(super) listing: ListingKind,
    pub(super) codings: Vec<Coding>,
    pub(super) etag: EtagKind,
    pub(super) hidden: bool,
    pub(super) cache_control: Option<Box<str>>,
    pub(super) recheck: Duration,
    types: Vec<SaidType>,
    default_type: Box<str>,
}

impl Compiled {
    /// Opens the root and checks what is said of it. Problems are reported.
    pub fn compile(config: &Config, context: &mut CompileContext<'_>) -> Option<Self> {
        let path = context.folder.join(&config.root.value);
        // Relative to where the process is now: it may be elsewhere when the root is opened again.
        let path = std::path::absolute(&path).unwrap_or(path);
        let root = open(&path, config.root.span, context);
        let index = index(&config.index, context);
        let fallback = match &config.fallback {
            Some(said) => fallback(said, root.as_ref(), context).map(Some),
            None => Some(None),
        };
        let codings = codings(config, context);
        let types = types(&config.types, context);
        let default_type = is_media_type(&config.default_type, context);
        Some(Self {
            path,
            root: Arc::new(root?),
            index: index?,
            fallback: fallback?,
            listing: config.listing,
            codings: codings?,
            etag: config.etag,
            hidden: config.hidden,
            cache_control: config.max_age.map(|age| format!("max-age={}", age.as_secs()).into()),
            recheck: config.recheck,
            types: types?,
            default_type: default_type.then(|| config.default_type.as_str().into())?,
        })
    }

    /// The media type of a file with this name.
    pub(super) fn media_type(&self, name: &[u8]) -> &str {
        let said = || {
            let extension = name.rsplit(|byte| *byte == b'.').next()?;
            let is_said = |said: &&SaidType| said.extension.eq_ignore_ascii_case(extension);
            self.types.iter().find(is_said).map(|said| &*said.media_type)
        };
        said().or_else(|| media_type::by_path(name)).unwrap_or(&self.default_type)
    }
}

fn default_index() -> Vec<Spanned<String>> {
    vec![Spanned { value: "index.html".to_owned(), span: Span::default() }]
}

fn default_type() -> Spanned<String> {
    Spanned { value: media_type::UNKNOWN.to_owned(), span: Span::default() }
}

fn open(path: &Path, span: Span, context: &mut CompileContext<'_>) -> Option<Root> {
    let opened = Root::open_directory(path);
    if let Err(error) = &opened {
        let title = format!("the directory `{}` cannot be served", path.display());
        let help = match error.kind() {
            std::io::ErrorKind::NotFound => {
                "create it, or correct the path: it is relative to the config file's folder"
            }
            std::io::ErrorKind::NotADirectory => "name the directory that holds the file",
            _ => "let the server's user read and enter it, and enter every directory above it",
        };
        context
            .diagnostics
            .push(Diagnostic::error("no-folder", span, title).label(error.to_string()).help(help));
    }
    opened.ok()
}

fn index(said: &[Spanned<String>], context: &mut CompileContext<'_>) -> Option<Vec<Box<[u8]>>> {
    for name in said {
        if name.is_empty() || name.contains('/') || name.as_str() == "." || name.as_str() == ".." {
            let title = format!("`{}` is no name of a file in its directory", name.value);
            let diagnostic = Diagnostic::error("bad-index", name.span, title);
            context.diagnostics.push(diagnostic.help("write a name without `/`, such as `index.html`"));
            return None;
        }
    }
    Some(said.iter().map(|name| name.as_bytes().into()).collect())
}

fn fallback(
    said: &Spanned<String>,
    root: Option<&Root>,
    context: &mut CompileContext<'_>,
) -> Option<Box<[u8]>> {
    let Some(name) = said.strip_prefix('/').filter(|name| !name.is_empty() && !name.ends_with('/')) else {
        let title = format!("`{}` is no file's path beneath the directory", said.value);
        let diagnostic = Diagnostic::error("bad-fallback", said.span, title);
        context.diagnostics.push(diagnostic.help("begin at the directory, such as `/index.html`"));
        return None;
    };
    if let Some(Err(error)) = root.map(|root| root.open(name.as_bytes())) {
        let title = format!("the fallback `{}` cannot be read now", said.value);
        let diagnostic = Diagnostic::warning("no-file", said.span, title).label(error.to_string());
        context.diagnostics.push(diagnostic.help("until it can be, what is not found gets 404"));
    }
    Some(name.as_bytes().into())
}

fn codings(config: &Config, context: &mut CompileContext<'_>) -> Option<Vec<Coding>> {
    let off = config.precompressed.contains(&Precompressed::Off);
    if off && config.precompressed.len() > 1 {
        let title = "`precompressed off` cannot name codings too";
        let diagnostic = Diagnostic::error("contradiction", config.span, title);
        context.diagnostics.push(diagnostic.help("write `precompressed off`, or the codings alone"));
        return None;
    }
    let mut codings = Vec::new();
    for said in &config.precompressed {
        let coding = match said {
            Precompressed::Brotli => Coding::Brotli,
            Precompressed::Zstd => Coding::Zstd,
            Precompressed::Gzip => Coding::Gzip,
            Precompressed::Off => continue,
        };
        if !codings.contains(&coding) {
            codings.push(coding);
        }
    }
    Some(codings)
}

fn types(said: &[Type], context: &mut CompileContext<'_>) -> Option<Vec<SaidType>> {
    let mut types = Vec::new();
    for line in said {
        if !is_media_type(&line.media_type, context) {
            return None;
        }
        for extension in &line.extensions {
            let plain = extension.strip_prefix('.').unwrap_or(extension);
            let (extension, media_type) = (plain.as_bytes().into(), line.media_type.as_str().into());
            types.push(SaidType { extension, media_type });
        }
    }
    Some(types)
}

fn is_media_type(said: &Spanned<String>, context: &mut CompileContext<'_>) -> bool {
    let can_be_sent = Fields::new().append(Known::ContentType.name().as_bytes(), said.as_bytes()).is_ok();
    let good =
        can_be_sent && said.split_once('/').is_some_and(|(main, sub)| !main.is_empty() && !sub.is_empty());
    if !good {
        let title = format!("`{}` is no media type", said.value);
        let diagnostic = Diagnostic::error("bad-media-type", said.span, title);
        context.diagnostics.push(diagnostic.help("write one such as `text/plain; charset=utf-8`, in quotes"));
    }
    good
}
