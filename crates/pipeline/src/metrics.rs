//! Counters: declared in the room that counts, one cell per worker, summed when they are asked for.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What a metric is, for `/metrics` and for the reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Metric {
    /// Its name, `propylon_…`, by Prometheus' rules.
    pub name: &'static str,
    /// Counter or gauge.
    pub kind: MetricKind,
    /// One sentence on what it counts.
    pub help: &'static str,
}

/// How a metric behaves over time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MetricKind {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
}

impl MetricKind {
    /// As Prometheus' text format calls it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
        }
    }
}

/// One worker's cell of a metric. Only its owner writes to it, so that no locked operation is needed.
#[derive(Clone, Debug, Default)]
pub struct Cell {
    value: Arc<AtomicU64>,
}

impl Cell {
    pub(crate) fn of(value: Arc<AtomicU64>) -> Self {
        Self { value }
    }

    /// Adds to the count.
    pub fn add(&self, more: u64) {
        self.value.store(self.value.load(Ordering::Relaxed).wrapping_add(more), Ordering::Relaxed);
    }

    /// Takes from a gauge.
    pub fn subtract(&self, less: u64) {
        self.value.store(self.value.load(Ordering::Relaxed).wrapping_sub(less), Ordering::Relaxed);
    }

    /// Sets a gauge.
    pub fn set(&self, value: u64) {
        self.value.store(value, Ordering::Relaxed);
    }

    /// The cell's value.
    pub fn value(&self) -> u64 {
        self.value.load(Ordering::Relaxed)
    }
}
