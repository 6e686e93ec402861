//! Where things stand: the repository, what Cargo builds, and for which machine.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::process::output;

/// The repository's root.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().expect("xtask stands in the repository").to_owned()
}

/// Cargo's target directory: the one that this program was built into, however it was configured.
pub(crate) fn target() -> PathBuf {
    let this = std::env::current_exe().expect("a running program has a path");
    this.ancestors().nth(2).expect("Cargo builds into TARGET/PROFILE").to_owned()
}

/// The machine that Cargo builds for when it is not told otherwise.
pub(crate) fn host() -> Result<String, String> {
    let said = output(Command::new("rustc").arg("-vV"))?;
    let host = said.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).ok_or_else(|| "`rustc -vV` names no host".into())
}

/// Cargo, at the repository's root.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    command
}

/// Every file below `dir` that people wrote, as paths relative to it, sorted.
pub(crate) fn files(dir: &Path) -> io::Result<Vec<PathBuf>> {
    const NOT_OURS: [&str; 3] = ["target", ".git", "corpus-run"];
    let (mut found, mut open) = (Vec::new(), vec![dir.to_owned()]);
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(next)? {
            let entry = entry?;
            let ours = !NOT_OURS.iter().any(|name| entry.file_name() == *name);
            let kind = entry.file_type()?;
            if kind.is_dir() && ours {
                open.push(entry.path());
            } else if kind.is_file() {
                found.extend(entry.path().strip_prefix(dir).map(Path::to_owned));
            }
        }
    }
    found.sort();
    Ok(found)
}
