//! `propylon to-json`: a config as JSON.

use std::path::PathBuf;

use propylon_config::{Environment, json, load_file};
use propylon_server::{directives, log};

use crate::exit::Exit;
use crate::output::say;

/// Print a config, and all it includes, as JSON
///
/// What it reads from the environment stays as it is written. `run` and `check` take the result, too.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  propylon to-json site.conf > site.json\n  propylon check site.json")]
pub(crate) struct Args {
    /// The config
    file: PathBuf,
}

impl Args {
    pub(crate) fn run(self) -> Exit {
        let mut loaded = load_file(&self.file, &Environment::Kept);
        let json = json::from_tree(&loaded.tree, &directives::all(), &mut loaded.diagnostics);
        log::diagnostics(&loaded);
        if loaded.diagnostics.has_errors() {
            return Exit::ConfigInvalid;
        }
        say(&format!("{json:#}\n"))
    }
}
