//! The server: listeners, workers, plans, reloads, and the lives of connections.

pub mod admin;
pub mod check;
pub mod codes;
pub mod control;
pub mod counters;
pub mod directives;
pub mod explain;
pub mod life;
pub mod listen;
pub mod log;
mod panics;
pub mod plan;
mod reload;
mod rights;
pub mod shared;
pub mod sockets;
pub mod source;
pub mod start;
pub mod worker;

pub use control::Ended;
pub use source::ConfigSource;
pub use start::{Options, StartError, run, run_with};
