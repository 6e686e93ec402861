//! `propylon man`: manual pages, from the same words as `--help`.

use std::path::PathBuf;

use clap::CommandFactory;

use crate::exit::Exit;
use crate::output::{fail, say};

/// Print the manual page, or write one for each command into a folder
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  propylon man | man -l -\n  propylon man --dir /usr/share/man/man1")]
pub(crate) struct Args {
    /// The folder for one page per command
    #[arg(long)]
    dir: Option<PathBuf>,
}

impl Args {
    pub(crate) fn run(self) -> Exit {
        let command = super::CommandLine::command();
        match self.dir {
            Some(folder) => match clap_mangen::generate_to(command, &folder) {
                Ok(()) => Exit::Done,
                Err(error) => fail(format!("cannot write to {}: {error}", folder.display())),
            },
            None => match page(command) {
                Ok(text) => say(&String::from_utf8_lossy(&text)),
                Err(error) => fail(error),
            },
        }
    }
}

fn page(command: clap::Command) -> std::io::Result<Vec<u8>> {
    let mut text = Vec::new();
    clap_mangen::Man::new(command).render(&mut text)?;
    Ok(text)
}
