//! Serves a tree of files: what a request's path names beneath a root, its precompressed siblings, its index files,
//! a fallback, and listings where they are asked for.
//!
//! ```text
//! path ─► name      decoded once; what is never served is sorted out
//!      ─► memory    what this core holds: a hit makes no system call
//!      ─► load      opened beneath the root by the kernel, without waiting for a disk or on the offload pool
//!      ─► reply     conditions, ranges, the coding the client likes best
//! ```

mod answer;
mod config;
mod listing;
mod load;
mod memory;
mod multipart;
mod name;
mod reply;
mod store;
#[cfg(test)]
mod tests;

pub use answer::Files;
pub use config::{Compiled, Config, EtagKind, ListingKind, Precompressed, Type};
pub use store::METRICS;
