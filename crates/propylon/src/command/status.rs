//! `propylon status`: how the running server does.

use std::fmt::Write as _;

use serde_json::Value;

use crate::admin::Socket;
use crate::exit::Exit;
use crate::output::{fail, say};

/// Say how the running server does: its config, workers, listeners and upstreams
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  propylon status\n  propylon status --json | jq .generation")]
pub(crate) struct Args {
    #[command(flatten)]
    socket: Socket,
    /// Print all of it as JSON
    #[arg(long)]
    json: bool,
}

impl Args {
    pub(crate) fn run(self) -> Exit {
        let reply = match self.socket.ask("GET", "/status") {
            Ok(reply) if reply.status == 200 => reply,
            Ok(reply) => return fail(reply.body.trim_end()),
            Err(why) => return fail(why),
        };
        if self.json {
            return say(&reply.body);
        }
        match serde_json::from_str(&reply.body) {
            Ok(status) => say(&in_words(&status)),
            Err(_) => fail("the server's answer cannot be read"),
        }
    }
}

fn in_words(status: &Value) -> String {
    let list = |name: &str| status[name].as_array().cloned().unwrap_or_default();
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let state = if status["draining"] == true { "ending" } else { "ready" };
    let mut text = format!("propylon {}, process {}: {state}\n", word(&status["version"]), status["pid"]);
    let _ = writeln!(
        text,
        "config {} of {}: {} sites, {} routes; up for {} s",
        status["generation"],
        word(&status["config"]),
        status["sites"],
        status["routes"],
        status["uptime_seconds"]
    );
    let open: Vec<String> = list("workers").iter().map(|worker| worker["connections"].to_string()).collect();
    let _ = writeln!(text, "connections of each worker: {}", open.join(" "));
    for listener in list("listeners") {
        let _ = writeln!(text, "listens on {}", word(&listener["address"]));
    }
    for upstream in list("upstreams") {
        let _ = writeln!(text, "upstream {}", word(&upstream["name"]));
        for endpoint in upstream["endpoints"].as_array().into_iter().flatten() {
            let addresses: Vec<String> =
                endpoint["addresses"].as_array().into_iter().flatten().map(word).collect();
            let (url, condition) = (word(&endpoint["url"]), word(&endpoint["condition"]));
            let _ = writeln!(text, "    {url}: {condition} {}", addresses.join(" "));
        }
    }
    text
}
