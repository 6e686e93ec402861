//! `propylon check`: everything that is wrong with a config, in one go.

use std::path::PathBuf;

use propylon_config::{Diagnostic, Loaded};
use propylon_server::check::{Checked, check};
use propylon_server::{ConfigSource, log};
use serde_json::{Value, json};

use crate::exit::Exit;
use crate::output::{fail, remark, say};

/// Say everything that is wrong with a config, without using it
///
/// Messages go to standard error, with the lines they speak of; colours are left out if NO_COLOR is set.
#[derive(Debug, clap::Args)]
#[command(after_help = "Exits with 0 if the config can be used (there may be warnings), else with 3.\n\n\
    Examples:\n  propylon check site.conf\n  propylon check site.conf --json | jq '.diagnostics[].title'")]
pub(crate) struct Args {
    /// The config; one whose name ends in .json is read as JSON
    file: PathBuf,
    /// Print the messages as JSON on standard output
    #[arg(long)]
    json: bool,
}

impl Args {
    pub(crate) fn run(self) -> Exit {
        let Checked { loaded, summary } = match check(&ConfigSource::File(self.file.clone())) {
            Ok(checked) => checked,
            Err(error) => return fail(error),
        };
        let outcome = if summary.is_some() { Exit::Done } else { Exit::ConfigInvalid };
        if self.json {
            let said = say(&format!("{:#}\n", as_json(&loaded, summary.is_some())));
            return if said == Exit::Done { outcome } else { said };
        }
        log::diagnostics(&loaded);
        if let Some(summary) = summary {
            let propylon_server::check::Summary { listeners, sites, routes } = summary;
            remark(format!(
                "{} is good: {}, {}, {}",
                self.file.display(),
                number(listeners, "listener"),
                number(sites, "site"),
                number(routes, "route")
            ));
        }
        outcome
    }
}

fn number(count: usize, word: &str) -> String {
    if count == 1 { format!("1 {word}") } else { format!("{count} {word}s") }
}

fn as_json(loaded: &Loaded, valid: bool) -> Value {
    let all: Vec<Value> = loaded.diagnostics.sorted().iter().map(|one| one_as_json(one, loaded)).collect();
    json!({ "valid": valid, "diagnostics": all, "omitted": loaded.diagnostics.omitted() })
}

fn one_as_json(one: &Diagnostic, loaded: &Loaded) -> Value {
    let source = loaded.sources.file(one.primary.span.file);
    let position = source.map(|source| source.position(one.primary.span.start));
    json!({
        "severity": one.severity.as_str(),
        "code": one.code,
        "title": one.title,
        "file": source.map(|source| source.path.display().to_string()),
        "line": position.map(|at| at.line),
        "column": position.map(|at| at.column),
        "help": one.help,
    })
}
