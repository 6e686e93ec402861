//! `propylon explain`: what would happen to a request, and why.

use std::net::IpAddr;
use std::path::PathBuf;

use propylon_server::explain::{ExplainError, Question, offline};
use propylon_server::{ConfigSource, log};

use crate::admin::Socket;
use crate::exit::Exit;
use crate::output::{fail, remark, say};

/// Say what would happen to a request, and why: site, route, steps and answer, each with its place in the config
///
/// Steps are run for real, but no origin is asked and nothing is logged or counted.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    propylon explain GET http://example.com/api/users --config site.conf\n  \
    propylon explain POST https://example.com/login --header 'Cookie: session=1' --client 203.0.113.9")]
pub(crate) struct Args {
    /// The request's method
    method: String,
    /// The request's URL
    url: String,
    /// Explain by this config; without it, by the one that the running server has in force
    #[arg(long, value_name = "FILE", conflicts_with = "path")]
    config: Option<PathBuf>,
    #[command(flatten)]
    socket: Socket,
    /// A field of the request; may be given more than once
    #[arg(long, value_name = "NAME: VALUE")]
    header: Vec<String>,
    /// Address of the client [default: 127.0.0.1]
    #[arg(long, value_name = "ADDRESS")]
    client: Option<IpAddr>,
}

impl Args {
    pub(crate) fn run(self) -> Exit {
        let question = match Question::new(&self.method, &self.url, &self.header, self.client) {
            Ok(question) => question,
            Err(why) => {
                remark(format!("propylon: {why}"));
                return Exit::Usage;
            }
        };
        match self.config {
            Some(file) => match offline(&ConfigSource::File(file), &question) {
                Ok(text) => say(&text),
                Err(ExplainError::Config(loaded)) => {
                    log::diagnostics(&loaded);
                    Exit::ConfigInvalid
                }
                Err(ExplainError::Other(why)) => fail(why),
            },
            None => match self.socket.ask("GET", &format!("/explain?{}", question.to_query())) {
                Ok(reply) if reply.status == 200 => say(&reply.body),
                Ok(reply) => fail(reply.body.trim_end()),
                Err(why) => fail(why),
            },
        }
    }
}
