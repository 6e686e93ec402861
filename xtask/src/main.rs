//! The project's own chores: `cargo xtask tidy | test | bench | docs | dist`.
//!
//! Written in Rust with nothing but the standard library, so that a machine that builds Propylon can run them.
#![allow(clippy::print_stdout, reason = "chores talk to a person or a log")]
#![allow(clippy::disallowed_methods, reason = "steps are timed; nothing here serves requests")]

mod bench;
mod dist;
mod docs;
mod process;
mod test;
mod tidy;
mod workspace;

use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo xtask CHORE

  tidy                       check the repository's own rules
  test [STEP…] [--seconds N] run everything, or the named steps; N seconds per fuzz target
  bench [ARGUMENT…]          measure beside other servers; arguments go to bench/bench.py
  docs [--check]             generate docs/reference.md, or say whether it is stale
  dist                       build what is packaged: fat LTO, profile-guided
";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let (chore, rest) = match args.split_first() {
        Some((chore, rest)) => (chore.as_str(), rest),
        None => ("", &[][..]),
    };
    let result = match chore {
        "tidy" => tidy::main(),
        "test" => test::main(rest),
        "bench" => bench::main(rest),
        "docs" => docs::main(rest),
        "dist" => dist::main(),
        "help" | "--help" | "-h" => {
            print!("{USAGE}");
            Ok(())
        }
        _ => Err(USAGE.to_owned()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(said) => {
            // A chore that has already said all returns nothing more to say.
            if !said.is_empty() {
                eprintln!("{}", said.trim_end());
            }
            ExitCode::FAILURE
        }
    }
}
