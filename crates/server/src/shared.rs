//! The few things that all workers write to.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use propylon_pipeline::shared::Registry;

/// What all workers share. Everything else has one owner.
#[derive(Debug)]
pub struct Shared {
    /// Metrics: cells of the workers, summed when asked for.
    pub metrics: Arc<Registry>,
    /// Open connections of each worker, each in a line of the cache of its own.
    loads: Box<[Load]>,
    /// File descriptors that the process may have.
    pub descriptors_max: u64,
}

#[derive(Debug, Default)]
#[repr(align(128))]
struct Load(AtomicUsize);

/// Connections that a worker may have above twice the mean before it gives some away: with few connections, giving
/// them away costs more than it helps.
const IMBALANCE_MIN: usize = 8;

impl Shared {
    /// Nothing counted yet.
    pub fn new(workers: usize, descriptors_max: u64) -> Arc<Self> {
        let loads = (0..workers).map(|_| Load::default()).collect();
        Arc::new(Self { metrics: Arc::default(), loads, descriptors_max })
    }

    /// Number of workers.
    pub fn workers(&self) -> usize {
        self.loads.len()
    }

    /// Open connections of each worker.
    pub fn loads(&self) -> impl Iterator<Item = usize> {
        self.loads.iter().map(|load| load.0.load(Ordering::Relaxed))
    }

    /// Notes how many connections a worker has open.
    pub fn set_load(&self, worker: usize, connections: usize) {
        self.loads[worker].0.store(connections, Ordering::Relaxed);
    }

    /// The least busy worker, if `worker` has more than twice the mean of all open connections.
    pub fn relief_for(&self, worker: usize) -> Option<usize> {
        let load = |index: usize| self.loads[index].0.load(Ordering::Relaxed);
        let own = load(worker);
        if own < IMBALANCE_MIN || self.loads.len() < 2 {
            return None;
        }
        let total: usize = (0..self.loads.len()).map(load).sum();
        // own > 2 * total / workers, without rounding.
        let over = own * self.loads.len() > 2 * total;
        // With two workers "twice the mean" is everything there is: half as much again as the other has, must do.
        let over = over || (self.loads.len() == 2 && own * 4 > total * 3);
        let least = (0..self.loads.len()).min_by_key(|index| load(*index))?;
        (over && least != worker).then_some(least)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_worker_with_more_than_its_share_is_relieved_by_the_least_busy() {
        let shared = Shared::new(4, 1000);
        for (worker, load) in [(0, 50), (1, 10), (2, 5), (3, 10)] {
            shared.set_load(worker, load);
        }
        assert_eq!(shared.relief_for(0), Some(2));
        assert_eq!(shared.relief_for(1), None);
        shared.set_load(0, 30);
        assert_eq!(shared.relief_for(0), Some(2));
        shared.set_load(0, 25);
        assert_eq!(shared.relief_for(0), None);
    }
}
