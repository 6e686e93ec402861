//! What an end-to-end test of the real binary needs, so that the test reads on one screen.
//!
//! A test says which origins stand behind the gate, which config stands in front of them, what the client
//! sends and what it must see:
//!
//! ```no_run
//! use propylon_testkit::{Client, Origin, Server};
//!
//! let origin = Origin::fixed(200, &[("Content-Type", "text/plain")], b"hello");
//! let server = Server::setup("listen {ADDR:web}\nsite * {\n    proxy {ORIGIN}\n}\n")
//!     .set("ORIGIN", origin.url())
//!     .start();
//!
//! let reply = Client::connect(&server.addr("web")).get("/");
//! assert_eq!((reply.status, reply.text()), (200, "hello"));
//! assert_eq!(origin.requests().len(), 1);
//! ```
//!
//! Blocking sockets and threads on purpose, and nothing of ours inside: what checks the server shares neither its
//! runtime nor its codec, so a mistake cannot agree with itself. Every wait is bounded by [`PATIENCE`] and
//! woken by the event, never by a blind sleep. What goes wrong panics with what was seen instead, because here
//! a panic is a failed test.
#![allow(clippy::disallowed_types, reason = "threads of a test meet here; no worker ever runs this code")]
#![allow(
    clippy::disallowed_methods,
    reason = "bounded waiting needs the clock, and net's is not to be trusted by its own test"
)]

mod behave;
mod body;
mod client;
mod command;
mod field;
mod files;
mod origin;
mod origin_conn;
mod port;
mod refused;
mod reply;
mod request;
mod server;
mod setup;
mod stream;
mod watched;
mod wire;

pub use client::Client;
pub use command::{propylon, run};
pub use field::Fields;
pub use files::Tree;
pub use origin::Origin;
pub use origin_conn::OriginConn;
pub use port::{Port, free_port};
pub use refused::check_refused;
pub use reply::{Interim, Reply};
pub use request::Request;
pub use rustix::process::Signal;
pub use server::Server;
pub use setup::Setup;

/// How long any single wait of a test may last before the test fails.
pub const PATIENCE: std::time::Duration = std::time::Duration::from_secs(10);

/// The host that the conveniences ask for. A config under test answers it with `site *` or by this name.
pub const HOST: &str = "example.test";
