//! The demo's page, and what makes the three servers fail.

use std::net::TcpListener;
use std::sync::Arc;

use serde_json::{Value, json};

use super::http::{Reply, Request, serve};
use super::origin::{Mode, Origin};

const PAGE: &str = include_str!("page.html");

/// Serves from now on, in threads of its own.
pub(super) fn start(listener: TcpListener, origins: Vec<Arc<Origin>>, config: String) {
    let answer = Arc::new(move |request: &Request| Some(answer(request, &origins, &config)));
    std::thread::spawn(move || serve(&listener, || true, &answer));
}

fn answer(request: &Request, origins: &[Arc<Origin>], config: &str) -> Reply {
    match request.parts() {
        ("GET" | "HEAD", "/", _) => {
            Reply { status: "200 OK", media_type: "text/html; charset=utf-8", body: PAGE.into() }
        }
        ("GET", "/state", _) => Reply::json("200 OK", &state(origins, config)),
        // A page of somebody else's, open in the same browser, is not to play with the switches.
        ("POST", "/switch", _) if request.field("sec-fetch-site") == Some("cross-site") => {
            Reply::json("403 Forbidden", &json!({ "error": "only the demo's own page may do that" }))
        }
        ("POST", "/switch", query) => match switch(query, origins) {
            Some(()) => Reply::json("200 OK", &state(origins, config)),
            None => Reply::json(
                "400 Bad Request",
                &json!({ "error": "say ?origin=1 to 3, and &mode=well, slow, error or down" }),
            ),
        },
        _ => Reply::json("404 Not Found", &json!({ "error": "there are /, /api/*, /state and /switch" })),
    }
}

fn switch(query: &str, origins: &[Arc<Origin>]) -> Option<()> {
    let value = |name: &str| query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
    let number: usize = value("origin")?.parse().ok()?;
    let origin = origins.get(number.checked_sub(1)?)?;
    origin.set_mode(Mode::parse(value("mode")?)?);
    Some(())
}

fn state(origins: &[Arc<Origin>], config: &str) -> Value {
    let origins: Vec<Value> = origins.iter().map(|origin| origin.state()).collect();
    json!({ "origins": origins, "config": config })
}
