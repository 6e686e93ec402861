//! The `propylon` command: it reads the command line, does what is asked, and says how it went with its exit code.

mod admin;
mod command;
mod exit;
mod output;

use clap::Parser;

use command::CommandLine;

fn main() -> std::process::ExitCode {
    CommandLine::parse().run().into()
}
