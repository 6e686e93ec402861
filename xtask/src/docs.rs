//! Generates the pages that follow from the code.

use std::fs;
use std::process::{Command, Stdio};

use crate::process::{output, run, works};
use crate::workspace::{cargo, root, target};

/// The page, and the arguments with which the binary prints it.
const PAGES: [(&str, [&str; 2]); 1] = [("docs/reference.md", ["docs", "reference"])];

/// What a look at the pages found.
pub(crate) enum State {
    Fresh,
    Stale(Vec<&'static str>),
    /// The binary does not print them yet.
    Unwritten,
}

pub(crate) fn main(args: &[String]) -> Result<(), String> {
    run(cargo().args(["build", "--package", "propylon"]))?;
    if args.iter().any(|arg| arg == "--check") {
        return match state()? {
            State::Fresh => Ok(()),
            State::Unwritten => Err("the binary has no `docs` command".into()),
            State::Stale(pages) => Err(format!("stale: {}; run `cargo xtask docs`", pages.join(" "))),
        };
    }
    for (page, args) in PAGES {
        let text = output(propylon().args(args))?;
        fs::write(root().join(page), text).map_err(|error| format!("cannot write {page}: {error}"))?;
        println!("wrote {page}");
    }
    Ok(())
}

/// Compares the pages with what the built binary prints.
pub(crate) fn state() -> Result<State, String> {
    let written = |page: &str| fs::read_to_string(root().join(page)).ok();
    if PAGES.iter().all(|(page, args)| written(page).is_none() && !works(propylon().args(args))) {
        return Ok(State::Unwritten);
    }
    let mut stale = Vec::new();
    for (page, args) in PAGES {
        if written(page) != Some(output(propylon().args(args))?) {
            stale.push(page);
        }
    }
    Ok(if stale.is_empty() { State::Fresh } else { State::Stale(stale) })
}

fn propylon() -> Command {
    let mut command = Command::new(target().join("debug/propylon"));
    command.stdin(Stdio::null());
    command
}
