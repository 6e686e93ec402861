//! A line for each exchange, written when it is over.
//!
//! Stands first: it takes no part on the way, and what it writes is what came of all the others.
//!
//! A worker puts lines together in a buffer of its own and hands it on when it is full, or a second old. One thread
//! writes what all workers hand on. It may wait for a disk or a pipe as long as these like; workers never do. When too
//! much waits to be written, lines are dropped and counted.

mod config;
mod format;
mod shared;
mod step;
#[cfg(test)]
mod tests;
mod writer;

pub use config::{Compiled, Config, Style};
pub use step::Step;
pub use writer::{Owner, flush_all, open_all, reopen_all};

use propylon_pipeline::metrics::{Metric, MetricKind};

use crate::compile::Merge;

/// A level's log takes the place of the outer one's.
pub const MERGE: Merge = Merge::Replace;

/// Lines written, or to be written soon.
pub const LINES: Metric = Metric {
    name: "propylon_access_log_lines_total",
    kind: MetricKind::Counter,
    help: "Lines handed to the access log's writer.",
};

/// Lines lost.
pub const DROPPED: Metric = Metric {
    name: "propylon_access_log_dropped_total",
    kind: MetricKind::Counter,
    help: "Lines of the access log that were lost: too many waited to be written, or the file could not be written to.",
};

/// What the room counts.
pub const METRICS: &[Metric] = &[LINES, DROPPED];
