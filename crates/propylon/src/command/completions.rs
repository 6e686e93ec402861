//! `propylon completions`: for shells.

use clap::CommandFactory;
use clap_complete::Shell;

use crate::exit::Exit;
use crate::output::say;

/// Print the completions of a shell
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    propylon completions bash > /usr/share/bash-completion/completions/propylon\n  \
    propylon completions fish > ~/.config/fish/completions/propylon.fish")]
pub(crate) struct Args {
    /// The shell
    shell: Shell,
}

impl Args {
    pub(crate) fn run(self) -> Exit {
        let mut text = Vec::new();
        clap_complete::generate(self.shell, &mut super::CommandLine::command(), "propylon", &mut text);
        say(&String::from_utf8_lossy(&text))
    }
}
