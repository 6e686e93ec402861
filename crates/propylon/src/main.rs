//! The `propylon` command.

use std::process::ExitCode;

use propylon_server::{ConfigSource, Options};

fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1);
    let (Some(command), Some(file)) = (args.next(), args.next()) else {
        eprintln!("usage: propylon run FILE");
        return ExitCode::from(2);
    };
    if command != "run" {
        return ExitCode::from(2);
    }
    match propylon_server::run(Options { config: ConfigSource::File(file.into()) }) {
        Ok(_) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("propylon: {error}");
            ExitCode::FAILURE
        }
    }
}
