//! `propylon serve`: a folder as a web site, without a config.

use std::path::PathBuf;

use propylon_server::ConfigSource;
use propylon_server::directives;
use serde_json::{Value, json};

use crate::exit::Exit;
use crate::output::{fail, remark};

/// Where commands without a config listen: on this machine alone, until it is said otherwise.
pub(crate) const LISTEN_DEFAULT: &str = "127.0.0.1:8080";

/// Serve the files of a folder
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  propylon serve ./public\n  propylon serve . --listen :8000")]
pub(crate) struct Args {
    /// The folder
    folder: PathBuf,
    /// Where to listen: `:8080` for all addresses, `127.0.0.1:8080`, or `unix:PATH`
    #[arg(long, value_name = "ADDRESS", default_value = LISTEN_DEFAULT)]
    listen: String,
}

impl Args {
    pub(crate) fn run(self) -> Exit {
        let folder = match std::fs::canonicalize(&self.folder) {
            Ok(folder) if folder.is_dir() => folder,
            Ok(folder) => return fail(format!("{} is no folder", folder.display())),
            Err(error) => return fail(format!("cannot read {}: {error}", self.folder.display())),
        };
        let Some(folder) = folder.to_str() else {
            return fail(format!("{} is not UTF-8, which a config must be", folder.display()));
        };
        run(&self.listen, &json!({ "files": [{ "root": folder, "listing": "html" }] }))
    }
}

/// Runs a config of one site with these lines; there is no admin socket, since nobody would look for it.
pub(crate) fn run(listen: &str, lines: &Value) -> Exit {
    let config = json!({
        "listen": [{ "address": listen }],
        "admin": [{ "socket": "off" }],
        "site": [{ "names": ["*"], "lines": lines }],
    });
    let mut diagnostics = propylon_config::Diagnostics::new();
    let text = propylon_config::json::to_text(&config, &directives::all(), &mut diagnostics);
    let Some(text) = text else {
        let what: Vec<String> = diagnostics.iter().map(|one| one.title.clone()).collect();
        return fail(what.join("\n"));
    };
    remark(format!("# the config:\n{text}"));
    super::run::serve(ConfigSource::Text(text))
}
