//! Builds what is packaged: the `dist` profile, guided by a profile of the bench's own load.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::process::{find, output, run};
use crate::workspace::{cargo, host, root, target};

/// What the profiled binary is driven with: every kind of exchange, none of them for long.
const TRAINING: [&str; 8] = ["--against", "", "--rounds", "1", "--seconds", "3", "--only", SCENARIOS];
const SCENARIOS: &str = "h1-small,h1-browser,h1-post-16k,h1-10k,h1-100k,h1-newconn,static-1k,static-100k";

pub(crate) fn main() -> Result<(), String> {
    let host = host()?;
    let profile = match (profdata(&host)?, find("python3"), find("wrk"), find("nginx")) {
        (Some(profdata), Some(python), Some(_), Some(_)) => Some(train(&host, &profdata, &python)?),
        (profdata, ..) => {
            let lack = match profdata {
                None => "llvm-profdata: rustup component add llvm-tools",
                Some(_) => "the training load: apt-get install python3 nginx wrk",
            };
            eprintln!("NOT profile-guided, because this machine lacks {lack}");
            None
        }
    };
    let flags = profile.as_ref().map(|profile| format!("-Cprofile-use={}", profile.display()));
    let built = build(&host, flags.as_deref().unwrap_or(""), &target())?;
    let kind = if profile.is_some() { "fat LTO, profile-guided" } else { "fat LTO" };
    println!("{}: {kind}", built.display());
    Ok(())
}

/// The profile tool of the compiler's own LLVM, else the system's, which reads our profiles if it is new enough.
fn profdata(host: &str) -> Result<Option<PathBuf>, String> {
    let sysroot = output(Command::new("rustc").args(["--print", "sysroot"]))?;
    let own = Path::new(sysroot.trim()).join(format!("lib/rustlib/{host}/bin/llvm-profdata"));
    Ok(if own.is_file() { Some(own) } else { find("llvm-profdata") })
}

/// Builds a binary that counts, drives it, and merges what it counted.
fn train(host: &str, profdata: &Path, python: &Path) -> Result<PathBuf, String> {
    let dir = target().join("pgo");
    let raw = dir.join("raw");
    let _ = fs::remove_dir_all(&raw);
    fs::create_dir_all(&raw).map_err(|error| format!("cannot make {}: {error}", raw.display()))?;
    let binary = build(host, &format!("-Cprofile-generate={}", raw.display()), &dir)?;
    let mut load = Command::new(python);
    load.current_dir(root()).arg("bench/bench.py").arg("--bin").arg(binary);
    run(load.args(["--config", "bench/propylon.conf.in"]).args(TRAINING))?;
    let merged = dir.join("merged.profdata");
    run(Command::new(profdata).arg("merge").arg("-o").arg(&merged).arg(&raw)).map_err(|said| {
        format!("{said}; a tool that fits the compiler comes with `rustup component add llvm-tools`")
    })?;
    Ok(merged)
}

/// The explicit target keeps the flags away from build scripts.
fn build(host: &str, flags: &str, dir: &Path) -> Result<PathBuf, String> {
    let mut command = cargo();
    command.args(["build", "--profile", "dist", "--package", "propylon", "--target", host]);
    command.arg("--target-dir").arg(dir).env("RUSTFLAGS", flags);
    run(&mut command)?;
    Ok(dir.join(host).join("dist/propylon"))
}
