//! The commands, one file each: its arguments, its help and what it does.

mod check;
mod completions;
mod demo;
mod docs;
mod explain;
mod fmt;
mod man;
mod proxy;
mod reload;
mod run;
mod serve;
mod status;
mod to_json;

use clap::{Parser, Subcommand};

use crate::exit::{self, Exit};

const EXAMPLES: &str = "\
Examples:
  propylon demo                               look around, with servers of our own behind it
  propylon serve ./public                     a folder, at http://127.0.0.1:8080
  propylon proxy --to http://127.0.0.1:3000   a proxy before a server of yours
  propylon check site.conf && propylon reload
  propylon explain GET http://example.com/api/users --config site.conf

";

/// A web server and reverse proxy: fast, strict, and able to say why it did what it did.
#[derive(Debug, Parser)]
#[command(name = "propylon", version, after_help = concat_help(), max_term_width = 100)]
#[command(propagate_version = true, subcommand_required = true, arg_required_else_help = true)]
pub(crate) struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(run::Args),
    Check(check::Args),
    Fmt(fmt::Args),
    Explain(explain::Args),
    Serve(serve::Args),
    Proxy(proxy::Args),
    Demo(demo::Args),
    Reload(reload::Args),
    Status(status::Args),
    ToJson(to_json::Args),
    Docs(docs::Args),
    Completions(completions::Args),
    Man(man::Args),
}

impl CommandLine {
    /// Does what is asked.
    pub(crate) fn run(self) -> Exit {
        match self.command {
            Command::Run(args) => args.run(),
            Command::Check(args) => args.run(),
            Command::Fmt(args) => args.run(),
            Command::Explain(args) => args.run(),
            Command::Serve(args) => args.run(),
            Command::Proxy(args) => args.run(),
            Command::Demo(args) => args.run(),
            Command::Reload(args) => args.run(),
            Command::Status(args) => args.run(),
            Command::ToJson(args) => args.run(),
            Command::Docs(args) => args.run(),
            Command::Completions(args) => args.run(),
            Command::Man(args) => args.run(),
        }
    }
}

fn concat_help() -> String {
    format!("{EXAMPLES}{}", exit::HELP)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound_and_every_command_says_what_it_is_for() {
        let mut command = super::CommandLine::command();
        command.build();
        command.clone().debug_assert();
        for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
            assert!(sub.get_about().is_some(), "{} has no description", sub.get_name());
        }
    }
}
