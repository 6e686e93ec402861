//! The gate of most end-to-end tests: one worker, one listener called `web`, one upstream, one site for every host.

#![allow(dead_code, reason = "every test binary uses a part of it")]

use propylon_testkit::{Origin, Server, Setup};

/// One worker before this origin.
pub(crate) fn before(origin: &Origin) -> Server {
    with(origin, "", "").start()
}

/// The same with more lines: `top` beside the listener, `upstream` inside the upstream.
pub(crate) fn with(origin: &Origin, top: &str, upstream: &str) -> Setup {
    let config = format!("{top}\nlisten {{ADDR:web}}\n{}", behind(upstream, ""));
    Server::setup(&config).set("ORIGIN", origin.url())
}

/// Everything but the listener; `route` stands beside `proxy`.
pub(crate) fn behind(upstream: &str, route: &str) -> String {
    format!(
        "workers 1\nadmin off\nupstream api {{\n    endpoint {{ORIGIN}}\n    {upstream}\n}}\n\
        site * {{\n    {route}\n    proxy api\n}}\n"
    )
}
