//! `propylon demo`: something to look at, with nothing to install.

use super::serve;
use crate::exit::Exit;
use crate::output::fail;

/// Look around: a proxy with three servers of our own behind it, and a page that shows what it does
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  propylon demo\n  propylon demo --listen 127.0.0.1:9000")]
pub(crate) struct Args {
    /// Where to listen
    #[arg(long, value_name = "ADDRESS", default_value = serve::LISTEN_DEFAULT)]
    listen: String,
}

impl Args {
    pub(crate) fn run(self) -> Exit {
        fail(format!("there is no demo yet to be shown on {}", self.listen))
    }
}
