//! `propylon proxy`: a reverse proxy, without a config.

use serde_json::json;

use super::serve;
use crate::exit::Exit;

/// Pass every request on to one or more servers
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  propylon proxy --to http://127.0.0.1:3000\n  \
    propylon proxy --to http://10.0.0.1:8080 --to http://10.0.0.2:8080 --listen :80")]
pub(crate) struct Args {
    /// Where to: http://HOST:PORT or unix:PATH; given more than once, requests go to each in turn
    #[arg(long, value_name = "URL", required = true, num_args = 1..)]
    to: Vec<String>,
    /// Where to listen: `:8080` for all addresses, `127.0.0.1:8080`, or `unix:PATH`
    #[arg(long, value_name = "ADDRESS", default_value = serve::LISTEN_DEFAULT)]
    listen: String,
}

impl Args {
    pub(crate) fn run(self) -> Exit {
        // A bare word would be taken for the name of an upstream.
        let url = |to: &String| if to.contains(':') { to.clone() } else { format!("http://{to}") };
        let to: Vec<String> = self.to.iter().map(url).collect();
        serve::run(&self.listen, &json!({ "proxy": [{ "to": to }] }))
    }
}
