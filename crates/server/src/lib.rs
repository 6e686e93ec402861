//! The server: listeners, workers, plans, reloads, and the lives of connections.

pub mod control;
pub mod counters;
pub mod life;
pub mod listen;
pub mod log;
pub mod plan;
pub mod shared;
pub mod sockets;
pub mod worker;

pub use control::{Ended, Options, StartError, run};
