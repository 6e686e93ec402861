//! Runs the end-to-end tests once more as a user who may do nothing special.
//!
//! Most users start a server without root, where pipes, ports and files are scarcer, and a suite that ran as root has
//! not seen that.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::tally::Outcome;
use crate::process::{SYSTEM_PATH, find, is_root, output, watch, works};
use crate::workspace::{cargo, target};

/// Debian's `nobody` and `nogroup`.
const NOBODY: u32 = 65534;

pub(super) fn run() -> Outcome {
    if !is_root() {
        return Outcome::skipped("the tests before ran without root already");
    }
    let Some(setpriv) = find("setpriv") else {
        return Outcome::skipped("setpriv is missing: apt-get install util-linux");
    };
    let (suites, scratch) = match suites().and_then(|suites| Ok((suites, Scratch::new()?))) {
        Ok(both) => both,
        Err(said) => return Outcome::of(Err(said)),
    };
    let mut outcome = Outcome::default();
    for suite in suites {
        let mut reach = as_nobody(&setpriv, &scratch.0);
        if !works(reach.arg("test").arg("-x").arg(&suite.executable)) {
            let dir = target();
            return Outcome::skipped(format!("nobody may not read {}: give its parents o+x", dir.display()));
        }
        println!("as nobody: {}", suite.executable.display());
        let mut command = as_nobody(&setpriv, &scratch.0);
        command.arg(&suite.executable).current_dir(&suite.package);
        command.env("CARGO_MANIFEST_DIR", &suite.package);
        command.env("PROPYLON_BIN", target().join("debug/propylon"));
        let mut one = Outcome::default();
        let ended = watch(&mut command, |line| one.see(line));
        one.ended(ended);
        outcome.passed += one.passed;
        outcome.failed += one.failed;
    }
    outcome
}

/// A command prefix that drops everything; temporary files go to a directory that nobody owns.
fn as_nobody(setpriv: &Path, scratch: &Path) -> Command {
    let mut command = Command::new(setpriv);
    command.args([format!("--reuid={NOBODY}"), format!("--regid={NOBODY}")]);
    command.args(["--clear-groups", "--no-new-privs", "--inh-caps=-all", "--"]);
    command.env("HOME", scratch).env("TMPDIR", scratch).env("PATH", SYSTEM_PATH);
    command
}

/// A built test executable and the package whose directory it expects to run in.
struct Suite {
    executable: PathBuf,
    package: PathBuf,
}

/// The integration tests of the workspace, built but not run.
fn suites() -> Result<Vec<Suite>, String> {
    let mut build = cargo();
    build.args(["test", "--quiet", "--workspace", "--tests", "--no-run", "--message-format=json"]);
    let messages = output(&mut build)?;
    let suite = |message: &str| {
        let integration = message.contains("\"kind\":[\"test\"]");
        let executable = text_of(message, "executable").filter(|_| integration)?;
        let package = Path::new(text_of(message, "manifest_path")?).parent()?;
        Some(Suite { executable: executable.into(), package: package.to_owned() })
    };
    Ok(messages.lines().filter_map(suite).collect())
}

/// The text of a JSON member. Paths that need escapes are not looked for: such a tree builds nowhere.
fn text_of<'a>(message: &'a str, member: &str) -> Option<&'a str> {
    let (_, rest) = message.split_once(&format!("\"{member}\":\""))?;
    rest.split('"').next()
}

/// A directory that is nobody's, gone afterwards.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Result<Self, String> {
        let dir = std::env::temp_dir().join(format!("propylon-nobody-{}", std::process::id()));
        let made = fs::create_dir(&dir)
            .and_then(|()| fs::set_permissions(&dir, fs::Permissions::from_mode(0o700)))
            .and_then(|()| chown(&dir, Some(NOBODY), Some(NOBODY)));
        made.map_err(|error| format!("cannot make {}: {error}", dir.display()))?;
        Ok(Self(dir))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn members_are_found_in_a_message() {
        let message = r#"{"manifest_path":"/a/Cargo.toml","target":{"kind":["test"]},"executable":"/b/c-1"}"#;
        assert_eq!(super::text_of(message, "executable"), Some("/b/c-1"));
        assert_eq!(super::text_of(r#"{"executable":null}"#, "executable"), None);
    }
}
