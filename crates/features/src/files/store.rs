//! What one core holds of files, for all routes that serve some; it survives a reload.

use std::cell::{Cell as Local, RefCell};
use std::rc::Rc;

use propylon_base::clock::Moment;
use propylon_net::limits;
use propylon_pipeline::WorkerContext;
use propylon_pipeline::metrics::{Cell, Metric, MetricKind};

use super::load::{Content, File};
use super::memory::{Cost, Shelf};
use super::name;

/// Bytes of small files that one worker holds in memory. Workers share nothing, so that the process holds so much
/// times their number at most.
const MEMORY_BYTES_MAX: usize = 16 * 1024 * 1024;

/// What holding a file costs beside its content: its fields, its name, its places in the shelf.
const ENTRY_BYTES: usize = 1024;

/// Large files that one worker holds open,
const OPEN_FILES_MAX: u64 = 256;

/// and which part of the process's open files that may be at most.
const OPEN_FILES_PART: u64 = 64;

const HITS: Metric = Metric {
    name: "propylon_files_hits_total",
    kind: MetricKind::Counter,
    help: "Files that were served from what a worker holds, without a look at the file system.",
};

const OPENS: Metric = Metric {
    name: "propylon_files_opens_total",
    kind: MetricKind::Counter,
    help: "Names that were looked for in the file system.",
};

const OFFLOADS: Metric = Metric {
    name: "propylon_files_offloads_total",
    kind: MetricKind::Counter,
    help: "Looks that had to wait for a disk, and did so away from the worker.",
};

const HELD_BYTES: Metric = Metric {
    name: "propylon_files_held_bytes",
    kind: MetricKind::Gauge,
    help: "Memory that holds small files.",
};

const HELD_OPEN: Metric = Metric {
    name: "propylon_files_held_open",
    kind: MetricKind::Gauge,
    help: "Large files that are held open.",
};

/// What is counted.
pub const METRICS: &[Metric] = &[HITS, OPENS, OFFLOADS, HELD_BYTES, HELD_OPEN];

/// A file that is held.
#[derive(Debug)]
pub(super) struct Held {
    /// The file.
    pub(super) file: File,
    /// When it was last seen to be the one under its name.
    pub(super) checked: Local<Moment>,
}

/// The store of one worker.
#[derive(Debug)]
pub(super) struct Store {
    shelf: RefCell<Shelf<Rc<Held>>>,
    /// A key is made here: the number of the answer that looks, and the file's name.
    key: RefCell<Vec<u8>>,
    answers: Local<u32>,
    pub(super) hits: Cell,
    pub(super) opens: Cell,
    pub(super) offloads: Cell,
    held_bytes: Cell,
    held_open: Cell,
}

impl Store {
    pub(super) fn of(worker: &WorkerContext) -> Rc<Self> {
        worker.own(|worker| {
            let open_max = OPEN_FILES_MAX.min(limits::open_files_max() / OPEN_FILES_PART);
            let cell = |metric| worker.metrics.cell(metric, &[]);
            Self {
                shelf: RefCell::new(Shelf::new(MEMORY_BYTES_MAX, usize::try_from(open_max).unwrap_or(0))),
                key: RefCell::default(),
                answers: Local::new(0),
                hits: cell(HITS),
                opens: cell(OPENS),
                offloads: cell(OFFLOADS),
                held_bytes: cell(HELD_BYTES),
                held_open: cell(HELD_OPEN),
            }
        })
    }

    /// A number for an answer, under which it keeps its files.
    pub(super) fn number(&self) -> u32 {
        self.answers.replace(self.answers.get().wrapping_add(1))
    }

    /// The file that a canonical path names, if it is held.
    pub(super) fn find_path(&self, answer: u32, path: &[u8]) -> Option<Rc<Held>> {
        let mut key = self.begin_key(answer);
        if !name::decode(path, &mut key) {
            return None;
        }
        self.shelf.borrow().find(&key).cloned()
    }

    /// The file with this name, if it is held.
    pub(super) fn find(&self, answer: u32, name: &[u8]) -> Option<Rc<Held>> {
        self.shelf.borrow().find(&self.key(answer, name)).cloned()
    }

    /// Holds a file, within the limits.
    pub(super) fn hold(&self, answer: u32, name: &[u8], file: File, now: Moment) -> Rc<Held> {
        let cost = cost(&file, name);
        let held = Rc::new(Held { file, checked: Local::new(now) });
        self.shelf.borrow_mut().insert(&self.key(answer, name), Rc::clone(&held), cost);
        self.measure();
        held
    }

    /// Forgets a file.
    pub(super) fn forget(&self, answer: u32, name: &[u8]) {
        self.shelf.borrow_mut().remove(&self.key(answer, name));
        self.measure();
    }

    /// Forgets all files of an answer.
    pub(super) fn forget_all(&self, answer: u32) {
        self.shelf.borrow_mut().remove_all(&answer.to_ne_bytes());
        self.measure();
    }

    fn begin_key(&self, answer: u32) -> std::cell::RefMut<'_, Vec<u8>> {
        let mut key = self.key.borrow_mut();
        key.clear();
        key.extend_from_slice(&answer.to_ne_bytes());
        key
    }

    fn key(&self, answer: u32, name: &[u8]) -> std::cell::RefMut<'_, Vec<u8>> {
        let mut key = self.begin_key(answer);
        key.extend_from_slice(name);
        key
    }

    fn measure(&self) {
        let (bytes, open) = self.shelf.borrow().held();
        self.held_bytes.set(bytes as u64);
        self.held_open.set(open as u64);
    }
}

fn cost(file: &File, name: &[u8]) -> Cost {
    let all = || std::iter::once(&file.plain).chain(file.coded.iter().map(|(_, coded)| coded));
    let mut cost = (name.len() + ENTRY_BYTES, 0);
    for representation in all() {
        match &representation.content {
            Content::Memory(bytes) => cost.0 += bytes.len() + ENTRY_BYTES,
            Content::File(_) => cost.1 += 1,
        }
    }
    if cost.1 > 0 { Cost::Descriptors(cost.1) } else { Cost::Bytes(cost.0) }
}
