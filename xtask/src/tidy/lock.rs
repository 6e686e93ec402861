//! What must not be linked in; `deny.toml` says more to those who have `cargo deny`.
//!
//! The lock file alone would accuse too much: it also names what an optional feature, turned off everywhere, would
//! bring. So whoever stands there is asked for in the graph of what is really built.

use std::process::Command;

use super::{File, Finding};

const BANNED: [&str; 4] = ["ring", "openssl-sys", "native-tls", "serde_yaml"];

pub(super) fn check(files: &[File], findings: &mut Vec<Finding>) {
    for file in files.iter().filter(|file| file.name() == "Cargo.lock") {
        for (at, line) in file.text.lines().enumerate() {
            let name = line.strip_prefix("name = \"").and_then(|rest| rest.strip_suffix('"'));
            if let Some(name) = name.filter(|name| BANNED.contains(name) && is_built(name)) {
                findings.push(file.finding(
                    at + 1,
                    format!("`{name}` is banned"),
                    "turn off the feature that brings it (`cargo tree --invert`); deny.toml has the reason",
                ));
            }
        }
    }
}

/// Whether anything of the workspace builds on `name`. If that cannot be told, it counts as built.
fn is_built(name: &str) -> bool {
    let tree = Command::new("cargo")
        .args([
            "tree",
            "--workspace",
            "--all-features",
            "--target",
            "all",
            "--edges",
            "all",
            "--locked",
            "--invert",
            name,
        ])
        .output();
    tree.map_or(true, |tree| !tree.status.success() || !tree.stdout.is_empty())
}
