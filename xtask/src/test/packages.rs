//! The Debian packages that tests need: installed when this is root, named when it is not.

use std::process::Command;

use super::tally::Outcome;
use crate::process::{find, is_root, run};

/// A program, the package that brings it, and what is not tested without it.
const NEEDED: [(&str, &str, &str); 4] = [
    ("nginx", "nginx", "proxying to a real nginx"),
    ("python3", "python3", "proxying to Python's http.server"),
    ("curl", "curl", "being driven by curl"),
    ("c++", "g++", "fuzzing, because libFuzzer is C++"),
];

pub(super) fn install() -> Outcome {
    let missing: Vec<_> = NEEDED.iter().filter(|(program, ..)| find(program).is_none()).collect();
    if missing.is_empty() {
        println!("all there");
        return Outcome::default();
    }
    let packages: Vec<&str> = missing.iter().map(|(_, package, _)| *package).collect();
    if is_root() && find("apt-get").is_some() {
        return Outcome::of(apt(&packages));
    }
    println!("to run every test, first run this as root:\n");
    println!("    apt-get install --no-install-recommends {}\n", packages.join(" "));
    let lost = missing.iter().map(|(program, _, lost)| format!("{lost} ({program} is missing)"));
    Outcome { skipped: lost.collect(), ..Outcome::default() }
}

fn apt(packages: &[&str]) -> Result<(), String> {
    println!("installing {}", packages.join(" "));
    let apt = || {
        let mut command = Command::new("apt-get");
        command.args(["--quiet", "--yes"]).env("DEBIAN_FRONTEND", "noninteractive");
        command
    };
    run(apt().arg("update"))?;
    run(apt().args(["install", "--no-install-recommends"]).args(packages))
}
