//! Sets, adds and removes fields, of requests and of replies.
//!
//! Stands before the rooms that change the path, so that `{path}` is what the client asked for, and above the error
//! pages, whose replies get the fields like all others.

mod config;
mod step;
#[cfg(test)]
mod tests;

pub use config::{Action, Compiled, Config};
pub use step::Step;

use propylon_pipeline::metrics::{Metric, MetricKind};

use crate::compile::Merge;

/// Every level's fields are worked on, the outermost level's first, both ways.
pub const MERGE: Merge = Merge::Add;

/// Values that no field can have.
pub const DROPPED: Metric = Metric {
    name: "propylon_headers_dropped_total",
    kind: MetricKind::Counter,
    help: "Fields left out because a placeholder brought a line break or another control character.",
};

/// What the room counts.
pub const METRICS: &[Metric] = &[DROPPED];
