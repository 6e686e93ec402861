//! The operating system's side: runtimes, sockets, timers, files and processes. It knows no HTTP, and it is the
//! only crate that may use `unsafe` and read a clock.

pub mod buffers;
pub mod clock;
pub mod listener;
pub mod pipes;
pub mod runtime;
pub mod socket;
pub mod timers;
mod watched;
