//! What must not be linked in; `deny.toml` says more to those who have `cargo deny`.

use super::{File, Finding};

const BANNED: [&str; 4] = ["ring", "openssl-sys", "native-tls", "serde_yaml"];

pub(super) fn check(files: &[File], findings: &mut Vec<Finding>) {
    for file in files.iter().filter(|file| file.name() == "Cargo.lock") {
        for (at, line) in file.text.lines().enumerate() {
            let name = line.strip_prefix("name = \"").and_then(|rest| rest.strip_suffix('"'));
            if let Some(name) = name.filter(|name| BANNED.contains(name)) {
                findings.push(file.finding(
                    at + 1,
                    format!("`{name}` is banned"),
                    "turn off the feature that brings it (`cargo tree --invert`); deny.toml has the reason",
                ));
            }
        }
    }
}
