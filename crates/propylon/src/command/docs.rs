//! `propylon docs`: the pages that follow from the code.

use propylon_server::directives;

use crate::exit::Exit;
use crate::output::say;

/// Print the reference of all directives, or the JSON Schema of a config
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Which of them
    page: Page,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Page {
    /// Directives, placeholders, metrics and messages, as Markdown
    Reference,
    /// The schema of a config in JSON: editors complete and check with it
    Schema,
}

impl Args {
    pub(crate) fn run(self) -> Exit {
        match self.page {
            Page::Reference => say(&directives::reference_page()),
            Page::Schema => say(&format!("{:#}\n", directives::json_schema())),
        }
    }
}
