//! What one core holds of files: a bounded shelf that a single pass over many files cannot empty.
//!
//! Two queues stand behind each limit. What comes anew waits in the first; only what is asked for again there passes
//! on to the second. Room is made at the front of the first while it holds more than a tenth, else at the front of
//! the second, where what was used since it last came by goes round again. (The idea is S3-FIFO's, without its list
//! of what was thrown out.)

use std::cell::Cell;
use std::collections::{HashMap, VecDeque};
use std::rc::Rc;

/// What holding something costs, and out of which limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cost {
    /// Bytes of memory.
    Bytes(usize),
    /// Open files.
    Descriptors(usize),
}

/// Values by name, within limits.
#[derive(Debug)]
pub(super) struct Shelf<V> {
    items: HashMap<Box<[u8]>, Rc<Item<V>>>,
    memory: Queues<V>,
    open: Queues<V>,
}

#[derive(Debug)]
struct Item<V> {
    key: Box<[u8]>,
    value: V,
    cost: Cost,
    /// Asked for since it last stood at the front of its queue.
    used: Cell<bool>,
}

#[derive(Debug)]
struct Queues<V> {
    fresh: VecDeque<Rc<Item<V>>>,
    proven: VecDeque<Rc<Item<V>>>,
    fresh_cost: usize,
    cost: usize,
    cost_max: usize,
}

impl Cost {
    fn units(self) -> usize {
        match self {
            Self::Bytes(units) | Self::Descriptors(units) => units,
        }
    }
}

impl<V> Shelf<V> {
    /// An empty shelf with limits of bytes and of open files.
    pub(super) fn new(bytes_max: usize, descriptors_max: usize) -> Self {
        Self { items: HashMap::new(), memory: Queues::new(bytes_max), open: Queues::new(descriptors_max) }
    }

    /// The value of this name.
    pub(super) fn find(&self, key: &[u8]) -> Option<&V> {
        let item = self.items.get(key)?;
        item.used.set(true);
        Some(&item.value)
    }

    /// Puts a value in place of any other of its name. One that is larger than the whole shelf is not kept.
    pub(super) fn insert(&mut self, key: &[u8], value: V, cost: Cost) {
        self.remove(key);
        let queues = self.queues(cost);
        if cost.units() > queues.cost_max {
            return;
        }
        let item = Rc::new(Item { key: key.into(), value, cost, used: Cell::new(false) });
        queues.cost += cost.units();
        queues.fresh_cost += cost.units();
        queues.fresh.push_back(Rc::clone(&item));
        self.items.insert(key.into(), item);
        while let Some(evicted) = self.queues(cost).make_room() {
            self.items.remove(&evicted.key);
        }
    }

    /// Takes a value away. Looks through the queues, since it is rare: a file has changed.
    pub(super) fn remove(&mut self, key: &[u8]) {
        if let Some(item) = self.items.remove(key) {
            self.queues(item.cost).forget(|other| Rc::ptr_eq(&item, other));
        }
    }

    /// Takes away all whose names begin so.
    pub(super) fn remove_all(&mut self, prefix: &[u8]) {
        self.items.retain(|key, _| !key.starts_with(prefix));
        for queues in [&mut self.memory, &mut self.open] {
            queues.forget(|item| item.key.starts_with(prefix));
        }
    }

    /// Bytes and open files held.
    pub(super) fn held(&self) -> (usize, usize) {
        (self.memory.cost, self.open.cost)
    }

    fn queues(&mut self, cost: Cost) -> &mut Queues<V> {
        match cost {
            Cost::Bytes(_) => &mut self.memory,
            Cost::Descriptors(_) => &mut self.open,
        }
    }
}

impl<V> Queues<V> {
    fn new(cost_max: usize) -> Self {
        Self { fresh: VecDeque::new(), proven: VecDeque::new(), fresh_cost: 0, cost: 0, cost_max }
    }

    /// What is to go next, or nothing if there is room.
    fn make_room(&mut self) -> Option<Rc<Item<V>>> {
        while self.cost > self.cost_max {
            let from_fresh = self.fresh_cost > self.cost_max / 10 || self.proven.is_empty();
            let queue = if from_fresh { &mut self.fresh } else { &mut self.proven };
            let item = queue.pop_front()?;
            if from_fresh {
                self.fresh_cost -= item.cost.units();
            }
            if item.used.take() {
                self.proven.push_back(item);
            } else {
                self.cost -= item.cost.units();
                return Some(item);
            }
        }
        None
    }

    fn forget(&mut self, unwanted: impl Fn(&Rc<Item<V>>) -> bool) {
        let (cost, fresh_cost) = (&mut self.cost, &mut self.fresh_cost);
        self.fresh.retain(|item| {
            let gone = unwanted(item);
            let units = if gone { item.cost.units() } else { 0 };
            *cost -= units;
            *fresh_cost -= units;
            !gone
        });
        self.proven.retain(|item| {
            let gone = unwanted(item);
            *cost -= if gone { item.cost.units() } else { 0 };
            !gone
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(shelf: &mut Shelf<u32>, number: u32, units: usize) {
        shelf.insert(&number.to_be_bytes(), number, Cost::Bytes(units));
    }

    fn has(shelf: &Shelf<u32>, number: u32) -> bool {
        // Not by `find`, which counts as a use.
        shelf.items.contains_key(&number.to_be_bytes()[..])
    }

    #[test]
    fn the_limit_holds() {
        let mut shelf = Shelf::new(100, 3);
        for number in 0..1000 {
            put(&mut shelf, number, 1 + number as usize % 30);
            assert!(shelf.held().0 <= 100);
            let sum: usize = shelf.items.values().map(|item| item.cost.units()).sum();
            assert_eq!(shelf.held().0, sum, "what is held is what is counted");
        }
        put(&mut shelf, 2000, 101);
        assert!(!has(&shelf, 2000), "larger than the shelf");
        for number in 0..10u32 {
            shelf.insert(&number.to_le_bytes(), number, Cost::Descriptors(1));
        }
        assert_eq!(shelf.held().1, 3);
        assert!(shelf.held().0 > 50, "open files take no room from memory");
    }

    #[test]
    fn a_pass_over_many_leaves_what_is_used() {
        let mut shelf = Shelf::new(100, 0);
        for number in 0..50 {
            put(&mut shelf, number, 1);
        }
        for number in 100..10_000 {
            for hot in 0..50 {
                shelf.find(&u32::to_be_bytes(hot));
            }
            put(&mut shelf, number, 1);
        }
        assert!((0..50).all(|hot| has(&shelf, hot)), "all that was used is there");
        // What nobody asks for any more makes room in the end.
        for number in 10_000..10_200 {
            put(&mut shelf, number, 1);
            shelf.find(&number.to_be_bytes());
        }
        assert!((0..50).all(|cold| !has(&shelf, cold)));
    }

    #[test]
    fn replaced_and_removed_ones_cost_nothing() {
        let mut shelf = Shelf::new(100, 10);
        for round in 0..1000 {
            put(&mut shelf, round % 3, 10);
            shelf.find(&1_u32.to_be_bytes());
        }
        assert_eq!((shelf.held(), shelf.memory.fresh.len() + shelf.memory.proven.len()), ((30, 0), 3));
        shelf.remove(&0_u32.to_be_bytes());
        assert_eq!(shelf.held().0, 20);
        shelf.remove_all(&[0, 0]);
        assert_eq!((shelf.held().0, shelf.items.len()), (0, 0));
        assert_eq!(shelf.memory.fresh_cost, 0);
    }
}
