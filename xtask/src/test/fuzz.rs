//! Runs each fuzz target for a bounded time, on the stable compiler.
//!
//! libFuzzer needs coverage counters, which `cargo fuzz` asks for through a nightly flag. The same LLVM pass can be asked
//! for through stable ones, so a contributor needs no second compiler.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::tally::Outcome;
use crate::process;
use crate::workspace::{cargo, host, root, target};

/// Counters at every edge, and comparisons reported, so that the fuzzer can guess what a `memcmp` wants to see.
const FLAGS: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares --cfg fuzzing -Cdebug-assertions";

/// One input may not take longer.
const INPUT_SECONDS: u64 = 5;

pub(super) fn run(seconds: u64) -> Outcome {
    let manifest = root().join("fuzz/Cargo.toml");
    let Ok(text) = fs::read_to_string(&manifest) else {
        return Outcome::skipped("there is no fuzz/ yet");
    };
    if process::find("c++").is_none() {
        return Outcome::skipped("no C++ compiler, which libFuzzer needs: apt-get install g++");
    }
    let dir = match build(&manifest) {
        Ok(dir) => dir,
        Err(said) => return Outcome::of(Err(said)),
    };
    let mut outcome = Outcome::default();
    for name in targets(&text) {
        println!("fuzz target {name}, {seconds} s");
        match fuzz(&dir.join(&name), &name, seconds) {
            Ok(()) => outcome.passed += 1,
            Err(said) => {
                println!("{said}");
                outcome.failed += 1;
            }
        }
    }
    outcome
}

/// Builds all targets and returns where they are. The explicit target keeps the counters out of build scripts.
fn build(manifest: &Path) -> Result<PathBuf, String> {
    let (host, dir) = (host()?, target().join("fuzz"));
    let mut command = cargo();
    command.args(["build", "--release", "--bins", "--target", &host, "--manifest-path"]).arg(manifest);
    command.arg("--target-dir").arg(&dir).env("RUSTFLAGS", FLAGS);
    process::run(&mut command)?;
    Ok(dir.join(host).join("release"))
}

/// The names of the manifest's `[[bin]]`s.
fn targets(manifest: &str) -> Vec<String> {
    let bins = manifest.split("[[bin]]").skip(1);
    let name = |bin: &str| {
        let line = bin.lines().find_map(|line| line.trim().strip_prefix("name"))?;
        Some(line.trim_start_matches([' ', '=']).trim().trim_matches('"').to_owned())
    };
    bins.filter_map(name).collect()
}

/// Starts from the seeds and from what earlier runs found, which stays in an ignored directory.
fn fuzz(binary: &Path, name: &str, seconds: u64) -> Result<(), String> {
    let (seeds, found) = (root().join("fuzz/seeds").join(name), root().join("fuzz/corpus-run").join(name));
    let crashes = found.with_extension("crashes");
    for dir in [&found, &crashes] {
        fs::create_dir_all(dir).map_err(|error| format!("cannot make {}: {error}", dir.display()))?;
    }
    let mut command = Command::new(binary);
    command.arg(&found);
    if seeds.is_dir() {
        command.arg(&seeds);
    }
    let words = root().join("fuzz/seeds").join(format!("{name}.dict"));
    if words.is_file() {
        command.arg(format!("-dict={}", words.display()));
    }
    command.arg(format!("-max_total_time={seconds}")).arg(format!("-timeout={INPUT_SECONDS}"));
    command.arg(format!("-artifact_prefix={}/", crashes.display()));
    command.args(["-rss_limit_mb=2048", "-print_final_stats=1", "-verbosity=0"]);
    process::run(&mut command).map_err(|said| format!("{said}; the input is in {}", crashes.display()))
}

#[cfg(test)]
mod tests {
    #[test]
    fn targets_are_the_bins() {
        let manifest =
            "[package]\nname = \"x\"\n[[bin]]\nname = \"a\"\npath = \"a.rs\"\n[[bin]]\nname=\"b\"\n";
        assert_eq!(super::targets(manifest), ["a", "b"]);
    }
}
