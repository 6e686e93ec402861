//! Sends the request on to an upstream and brings back its reply.

mod answer;
mod config;
mod head;
#[cfg(test)]
mod tests;
pub mod upstream;

pub use answer::Proxy;
pub use config::{Compiled, Config, ForwardedStyle, HostPolicy};

use propylon_pipeline::metrics::{Metric, MetricKind};

/// Attempts at endpoints.
pub const ATTEMPTS: Metric = Metric {
    name: "propylon_upstream_attempts_total",
    kind: MetricKind::Counter,
    help: "Attempts made at an upstream's endpoints.",
};

/// Attempts that failed.
pub const FAILURES: Metric = Metric {
    name: "propylon_upstream_failures_total",
    kind: MetricKind::Counter,
    help: "Attempts at an upstream that brought no usable reply.",
};

/// What the proxy counts.
pub const METRICS: &[Metric] = &[ATTEMPTS, FAILURES];
