//! `propylon demo`: something to look at, with nothing to install.
//!
//! Three small servers and a switchboard run as threads of this process, on ports of this machine that the system
//! chooses; before them stands the real thing, with a config that is shown. The switchboard serves the page and makes
//! the servers slow, broken or unreachable.

mod http;
mod origin;
mod switchboard;

use std::net::TcpListener;
use std::sync::Arc;

use propylon_server::{ConfigSource, Options};

use super::{run, serve};
use crate::exit::Exit;
use crate::output::{fail, remark};
use origin::Origin;

/// The servers' names; the page has a colour for each.
const NAMES: [&str; 3] = ["amber", "jade", "coral"];

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
        let prepared = match Demo::prepare(&self.listen) {
            Ok(prepared) => prepared,
            Err(error) => return fail(format!("cannot open a port of this machine: {error}")),
        };
        let Demo { origins, switchboard, config } = prepared;
        let options = Options { config: ConfigSource::Text(config.clone()) };
        let listen = self.listen;
        let beside = move || {
            introduce(&listen, &config);
            for (origin, listener) in &origins {
                origin.start(listener.try_clone().ok());
            }
            let origins = origins.into_iter().map(|(origin, _)| origin).collect();
            switchboard::start(switchboard, origins, config);
        };
        run::ended(propylon_server::run_with(options, beside))
    }
}

/// Everything bound and nothing running: threads may start only when root has been given up.
struct Demo {
    origins: Vec<(Arc<Origin>, TcpListener)>,
    switchboard: TcpListener,
    config: String,
}

impl Demo {
    fn prepare(listen: &str) -> std::io::Result<Self> {
        let mut origins = Vec::new();
        for (number, name) in NAMES.into_iter().enumerate() {
            let listener = TcpListener::bind("127.0.0.1:0")?;
            origins.push((Arc::new(Origin::new(number + 1, name, listener.local_addr()?)), listener));
        }
        let switchboard = TcpListener::bind("127.0.0.1:0")?;
        let endpoints: Vec<String> =
            origins.iter().map(|(origin, _)| format!("    endpoint http://{}", origin.address())).collect();
        let config = include_str!("demo.conf")
            .replace("LISTEN", listen)
            .replace("ENDPOINTS", &endpoints.join("\n"))
            .replace("SWITCHBOARD", &switchboard.local_addr()?.to_string());
        Ok(Self { origins, switchboard, config })
    }
}

fn introduce(listen: &str, config: &str) {
    let host = if listen.starts_with(':') { format!("localhost{listen}") } else { listen.to_owned() };
    let url = format!("http://{host}");
    let tries = [
        (format!("curl -i {url}/api/hello"), "again and again: each server in turn"),
        (
            format!("curl -X POST '{url}/switch?origin=1&mode=down'"),
            "one is gone; ask again, and nobody notices",
        ),
        (format!("curl -X POST '{url}/switch?origin=1&mode=well'"), "and it is back"),
        (format!("propylon explain GET {url}/api/hello"), "why an answer comes from where it comes"),
        ("propylon status".to_owned(), "how the gate does"),
    ];
    let width = tries.iter().map(|(command, _)| command.len()).max().unwrap_or(0);
    let tries: String =
        tries.iter().map(|(command, why)| format!("    {command:width$}  # {why}\n")).collect();
    let config: String =
        config.lines().map(|line| format!("    {line}").trim_end().to_owned() + "\n").collect();
    remark(format!(
        "\nThe demo: a proxy, and behind it three servers of our own.\n\n  Open {url}/\n\n  Try\n{tries}\n  \
         The config, with which `propylon run FILE` would do the same:\n\n{config}\n  Ctrl-C ends it.\n"
    ));
}
