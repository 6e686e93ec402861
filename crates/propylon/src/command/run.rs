//! `propylon run`: the server.

use std::path::PathBuf;

use propylon_server::{ConfigSource, Ended, Options, StartError};

use crate::exit::Exit;
use crate::output::fail;

/// Run the server with a config, in the foreground
///
/// SIGHUP reloads the config, SIGUSR1 opens logs again, SIGTERM and SIGINT end the server in good order, and at once
/// when they come a second time. Started as root it opens what needs root and then becomes the config's `user`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  propylon run /etc/propylon/propylon.conf\n  propylon run site.json")]
pub(crate) struct Args {
    /// The config; one whose name ends in .json is read as JSON
    file: PathBuf,
}

impl Args {
    pub(crate) fn run(self) -> Exit {
        serve(ConfigSource::File(self.file))
    }
}

/// Serves until the end.
pub(crate) fn serve(config: ConfigSource) -> Exit {
    ended(propylon_server::run(Options { config }))
}

/// How it went.
pub(crate) fn ended(outcome: Result<Ended, StartError>) -> Exit {
    match outcome {
        Ok(Ended::Drained) => Exit::Done,
        Ok(Ended::DeadlinePassed) => Exit::DeadlinePassed,
        Ok(Ended::Forced) => Exit::Forced,
        // What is wrong has been shown.
        Err(StartError::Config) => Exit::ConfigInvalid,
        Err(error) => fail(error),
    }
}
