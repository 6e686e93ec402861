//! What one core lends to the exchanges on it.

use std::any::{Any, TypeId};
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use propylon_base::clock::Moment;
use propylon_base::random::Random;
use propylon_http::date::HttpDate;
use propylon_net::buffers::Buffers;
use propylon_net::clock;
use propylon_net::pipes::Pipes;
use propylon_net::timers::Timers;
use propylon_origin::Pools;

use crate::request_id::RequestId;
use crate::shared::Registry;

/// A core's own things: no lock is needed for any of them.
#[derive(Debug)]
pub struct WorkerContext {
    /// Which worker this is, from 0 on.
    pub index: usize,
    /// Byte buffers.
    pub buffers: Rc<Buffers>,
    /// Pipes for moving bodies.
    pub pipes: Rc<Pipes>,
    /// Deadlines.
    pub timers: Rc<Timers>,
    /// Connections to origins.
    pub pools: Rc<Pools>,
    /// Where counters are registered.
    pub metrics: Arc<Registry>,
    random: RefCell<Random>,
    date: Cell<(Moment, [u8; DATE_BYTES])>,
    own: RefCell<HashMap<TypeId, Rc<dyn Any>>>,
}

const DATE_BYTES: usize = 29;

impl WorkerContext {
    /// A worker's context on the current runtime.
    pub fn new(index: usize, timers: Rc<Timers>, metrics: Arc<Registry>, seed: u64) -> Rc<Self> {
        Rc::new(Self {
            index,
            buffers: Buffers::new(),
            pipes: Pipes::new(),
            timers,
            pools: Rc::default(),
            metrics,
            random: RefCell::new(Random::seeded(seed)),
            date: Cell::new((Moment::from_nanos(0), [0; DATE_BYTES])),
            own: RefCell::default(),
        })
    }

    /// What a room keeps on this core for all routes that it stands on, made on first use; it survives a reload.
    pub fn own<T: Any>(&self, make: impl FnOnce(&Self) -> T) -> Rc<T> {
        let found = self.own.borrow().get(&TypeId::of::<T>()).cloned();
        // The key is the value's type, so that the cast can only succeed.
        if let Some(found) = found.and_then(|found| found.downcast().ok()) {
            return found;
        }
        let made = Rc::new(make(self));
        self.own.borrow_mut().insert(TypeId::of::<T>(), Rc::clone(&made) as Rc<dyn Any>);
        made
    }

    /// A random number, good enough to spread load and to name requests, not to keep secrets.
    pub fn random(&self) -> u64 {
        self.random.borrow_mut().next_u64()
    }

    /// A name for an exchange.
    pub fn request_id(&self) -> RequestId {
        let mut random = self.random.borrow_mut();
        RequestId::from_random(random.next_u64(), random.next_u64())
    }

    /// Now, as the `Date` field has it (RFC 9110 section 6.6.1); made anew twice a second.
    pub fn date(&self) -> [u8; DATE_BYTES] {
        const FRESH_NANOS: u64 = 500_000_000;
        let now = clock::now();
        let (made, text) = self.date.get();
        if made != Moment::from_nanos(0) && now.as_nanos() - made.as_nanos() < FRESH_NANOS {
            return text;
        }
        let text = HttpDate(clock::wall().secs).format();
        self.date.set((now, text));
        text
    }
}
