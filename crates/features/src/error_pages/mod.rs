//! Pages of one's own in place of the plain texts that errors have.
//!
//! Stands below the fields, which the pages get like all other replies, and above whatever may fail.

mod config;
mod step;
#[cfg(test)]
mod tests;

pub use config::{Compiled, Config};
pub use step::Step;

use propylon_pipeline::metrics::Metric;

use crate::compile::Merge;

/// A level's pages take the place of the outer one's.
pub const MERGE: Merge = Merge::Replace;

/// Errors are counted by their status.
pub const METRICS: &[Metric] = &[];
