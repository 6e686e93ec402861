//! Connections kept open between exchanges, per worker and per place they lead to.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::{Rc, Weak};
use std::time::Duration;

use propylon_base::clock::Moment;
use propylon_h1::Wire;
use propylon_net::clock;
use propylon_net::socket::Address;

/// What two connections must agree on to stand in for one another.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    /// Where the connection leads.
    pub address: Address,
}

/// All pools of one worker. They outlive a reload: a place that is still used keeps its connections.
#[derive(Debug, Default)]
pub struct Pools {
    by_place: RefCell<HashMap<Place, Weak<Pool>>>,
}

impl Pools {
    /// The pool of `place`, made when there is none.
    pub fn pool(&self, place: &Place) -> Rc<Pool> {
        let mut by_place = self.by_place.borrow_mut();
        if let Some(pool) = by_place.get(place).and_then(Weak::upgrade) {
            return pool;
        }
        by_place.retain(|_, pool| pool.strong_count() > 0);
        let pool = Rc::new(Pool { place: place.clone(), idle: RefCell::default(), open: Cell::new(0) });
        by_place.insert(place.clone(), Rc::downgrade(&pool));
        pool
    }

    /// Closes idle connections that their origin ended, or whose time is over.
    pub fn sweep(&self, now: Moment) {
        let pools: Vec<Rc<Pool>> = self.by_place.borrow().values().filter_map(Weak::upgrade).collect();
        for pool in pools {
            pool.idle.borrow_mut().retain(|idle| idle.wire.is_quiet() && now < idle.until);
        }
    }

    /// Idle connections of all pools.
    pub fn idle(&self) -> usize {
        self.by_place.borrow().values().filter_map(Weak::upgrade).map(|pool| pool.idle.borrow().len()).sum()
    }
}

/// The idle connections to one place.
#[derive(Debug)]
pub struct Pool {
    place: Place,
    idle: RefCell<Vec<Idle>>,
    /// Connections in use and idle ones.
    open: Cell<usize>,
}

#[derive(Debug)]
struct Idle {
    wire: Rc<Wire>,
    until: Moment,
    guard: OpenGuard,
}

/// Counts a connection as open for as long as it lives.
#[derive(Debug)]
pub struct OpenGuard {
    pool: Rc<Pool>,
}

impl Drop for OpenGuard {
    fn drop(&mut self) {
        self.pool.open.set(self.pool.open.get() - 1);
    }
}

impl Pool {
    /// Where the connections lead.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// The connection used last, if one is left that its origin has not ended.
    ///
    /// The one used last is the least likely to have been closed at the other end.
    pub fn take(&self) -> Option<(Rc<Wire>, OpenGuard)> {
        let mut idle = self.idle.borrow_mut();
        while let Some(last) = idle.pop() {
            if clock::now() < last.until && last.wire.is_quiet() {
                return Some((last.wire, last.guard));
            }
        }
        None
    }

    /// Keeps a connection for the next exchange, for `time_max`, unless `idle_max` are kept already.
    pub fn put(&self, wire: Rc<Wire>, guard: OpenGuard, idle_max: usize, time_max: Duration) {
        let mut idle = self.idle.borrow_mut();
        if idle.len() < idle_max && wire.is_quiet() {
            idle.push(Idle { wire, until: clock::now() + time_max, guard });
        }
    }

    /// Counts a connection that is about to be opened, unless `open_max` are open already.
    pub fn reserve(self: &Rc<Self>, open_max: usize) -> Option<OpenGuard> {
        if self.open.get() >= open_max {
            return None;
        }
        self.open.set(self.open.get() + 1);
        Some(OpenGuard { pool: Rc::clone(self) })
    }

    /// Connections in use and idle.
    pub fn open(&self) -> usize {
        self.open.get()
    }
}
