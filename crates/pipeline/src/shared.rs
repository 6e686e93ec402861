//! What all workers write to, in this crate: the register of metrics. Taken at set-up and when metrics are asked
//! for, never by an exchange.

use std::collections::BTreeMap;
use std::fmt::Write;
#[expect(clippy::disallowed_types, reason = "this is a shared.rs")]
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError};

use crate::metrics::{Cell, Metric, MetricKind};

/// All metrics of the process.
#[derive(Debug, Default)]
#[expect(clippy::disallowed_types, reason = "this is a shared.rs")]
pub struct Registry {
    series: Mutex<BTreeMap<(Metric, String), Series>>,
}

#[derive(Debug, Default)]
struct Series {
    cells: Vec<Arc<AtomicU64>>,
    /// Sum of the cells whose owners are gone: a counter never goes back.
    retired: u64,
}

impl Registry {
    /// A new cell of `metric` with these labels; it counts for as long as it is held, and its count stays.
    pub fn cell(&self, metric: Metric, labels: &[(&str, &str)]) -> Cell {
        let value = Arc::new(AtomicU64::new(0));
        let mut all = self.series.lock().unwrap_or_else(PoisonError::into_inner);
        let series = all.entry((metric, label_text(labels))).or_default();
        series.retire(metric.kind);
        series.cells.push(Arc::clone(&value));
        Cell::of(value)
    }

    /// The sum over all workers of one series, for `status` and tests.
    pub fn total(&self, name: &str) -> u64 {
        let all = self.series.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter()
            .filter(|((metric, _), _)| metric.name == name)
            .map(|(_, series)| series.sum())
            .fold(0, u64::wrapping_add)
    }

    /// All metrics in Prometheus' text format, version 0.0.4.
    pub fn render(&self) -> String {
        let mut all = self.series.lock().unwrap_or_else(PoisonError::into_inner);
        let mut text = String::new();
        let mut last = "";
        for ((metric, labels), series) in all.iter_mut() {
            series.retire(metric.kind);
            if metric.name != last {
                let Metric { name, kind, help } = metric;
                let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {}", kind.as_str());
                last = name;
            }
            let _ = writeln!(text, "{}{labels} {}", metric.name, series.sum());
        }
        text
    }
}

impl Series {
    fn sum(&self) -> u64 {
        self.cells.iter().map(|cell| cell.load(Ordering::Relaxed)).fold(self.retired, u64::wrapping_add)
    }

    fn retire(&mut self, kind: MetricKind) {
        let retired = &mut self.retired;
        self.cells.retain(|cell| {
            let held = Arc::strong_count(cell) > 1;
            if !held && kind == MetricKind::Counter {
                *retired = retired.wrapping_add(cell.load(Ordering::Relaxed));
            }
            held
        });
    }
}

fn label_text(labels: &[(&str, &str)]) -> String {
    if labels.is_empty() {
        return String::new();
    }
    let one = |(name, value): &(&str, &str)| {
        let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        format!("{name}=\"{value}\"")
    };
    format!("{{{}}}", labels.iter().map(one).collect::<Vec<_>>().join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEEN: Metric =
        Metric { name: "propylon_seen_total", kind: MetricKind::Counter, help: "Things seen." };

    #[test]
    fn cells_are_summed_and_a_dropped_one_still_counts() {
        let registry = Registry::default();
        let one = registry.cell(SEEN, &[("site", "a\"b")]);
        let two = registry.cell(SEEN, &[("site", "a\"b")]);
        one.add(2);
        two.add(3);
        drop(one);
        let text = registry.render();
        assert!(
            text.contains("# TYPE propylon_seen_total counter\npropylon_seen_total{site=\"a\\\"b\"} 5\n"),
            "{text}"
        );
        assert_eq!(registry.total(SEEN.name), 5);
    }
}
