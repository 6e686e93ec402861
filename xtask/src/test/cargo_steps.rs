//! The steps that are Cargo's.

use super::tally::Outcome;
use crate::process::{run, watch, works};
use crate::workspace::cargo;
use crate::{docs, tidy};

pub(super) fn fmt() -> Outcome {
    if !works(cargo().args(["fmt", "--version"])) {
        return Outcome::skipped("rustfmt is not installed");
    }
    Outcome::of(run(cargo().args(["fmt", "--all", "--check"])))
}

pub(super) fn tidy() -> Outcome {
    Outcome::of(tidy::main())
}

pub(super) fn clippy() -> Outcome {
    if !works(cargo().args(["clippy", "--version"])) {
        return Outcome::skipped("clippy is not installed");
    }
    let targets = ["clippy", "--quiet", "--workspace", "--all-targets", "--", "-D", "warnings"];
    Outcome::of(run(cargo().args(targets)))
}

/// End-to-end tests start the binary, which a test build alone would not build.
pub(super) fn build() -> Outcome {
    Outcome::of(run(cargo().args(["build", "--workspace"])))
}

pub(super) fn tests() -> Outcome {
    let targets = ["test", "--workspace", "--no-fail-fast", "--lib", "--bins", "--tests"];
    counted(&targets)
}

pub(super) fn doc_tests() -> Outcome {
    counted(&["test", "--workspace", "--no-fail-fast", "--doc"])
}

fn counted(args: &[&str]) -> Outcome {
    if let Err(said) = run(cargo().args(["build", "--quiet", "--workspace"])) {
        return Outcome::of(Err(said));
    }
    let mut outcome = Outcome::default();
    let ended = watch(cargo().args(args), |line| outcome.see(line));
    outcome.ended(ended);
    outcome
}

pub(super) fn docs() -> Outcome {
    match docs::state() {
        Ok(docs::State::Fresh) => Outcome::of(Ok(())),
        Ok(docs::State::Unwritten) => Outcome::skipped("the binary prints no reference yet"),
        Ok(docs::State::Stale(pages)) => {
            Outcome::of(Err(format!("stale: {}; run `cargo xtask docs`", pages.join(" "))))
        }
        Err(said) => Outcome::of(Err(said)),
    }
}
