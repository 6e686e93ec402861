//! How a command went, in the one number that scripts can read.

use std::process::ExitCode;

/// Every exit code there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done; a server has ended in good order.
    Done = 0,
    /// It could not be done: a file, a port, the system. Of `fmt --check`: a file is not formatted.
    Failed = 1,
    /// The command line makes no sense. Clap exits with the same number.
    Usage = 2,
    /// The config has errors.
    ConfigInvalid = 3,
    /// The server ended, but its deadline cut exchanges.
    DeadlinePassed = 4,
    /// A second signal ended the server at once.
    Forced = 5,
}

/// The codes, for `--help`.
pub(crate) const HELP: &str = "\
Exit codes:
  0  done; a server has ended in good order
  1  it could not be done: a file, a port, the system (`fmt --check`: a file is not formatted)
  2  the command line makes no sense
  3  the config has errors
  4  the server ended, but its deadline cut exchanges
  5  a second signal ended the server at once";

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_help_lists_every_code() {
        use Exit::{ConfigInvalid, DeadlinePassed, Done, Failed, Forced, Usage};
        for exit in [Done, Failed, Usage, ConfigInvalid, DeadlinePassed, Forced] {
            assert!(HELP.contains(&format!("\n  {}  ", exit as u8)), "{exit:?}");
        }
    }
}
