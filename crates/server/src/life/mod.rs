//! The lives: what happens to a connection from its first byte to its last, each told top to bottom in one file.

mod account;
mod connection;
pub mod http;
mod write;

pub use connection::{Accepted, live};
