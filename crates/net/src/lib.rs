//! The operating system's side: runtimes, sockets, timers, files and processes. It knows no HTTP, and it is the
//! only crate that may use `unsafe` and read a clock.

pub mod affinity;
pub mod beneath;
pub mod buffers;
pub mod clock;
pub mod limits;
pub mod listener;
pub mod log_file;
pub mod offload;
pub mod page_cache;
pub mod pipes;
pub mod privileges;
pub mod proxy_protocol;
pub mod runners;
pub mod runtime;
pub mod signals;
pub mod skew;
pub mod socket;
pub mod systemd;
pub mod timers;
mod watched;
