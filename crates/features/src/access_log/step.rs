//! Puts lines together, without a lock and, in the long run, without an allocation.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use propylon_net::timers::Timers;
use propylon_net::{clock, runtime};
use propylon_pipeline::metrics::Cell as Counter;
use propylon_pipeline::{Exchange, Hooks};

use super::config::Compiled;
use super::shared::Sink;
use super::writer::{Lines, hand_on};
use super::{DROPPED, LINES};
use crate::WorkerBuild;

/// Bytes of a buffer.
const BUFFER_BYTES: usize = 64 * 1024;

/// With so many bytes it is handed on: a further line would often not fit.
const FULL_BYTES: usize = BUFFER_BYTES - 4 * 1024;

/// How old a line grows before it is handed on.
const AGE_MAX: Duration = Duration::from_millis(500);

/// Empty buffers that are kept.
const SPARE_MAX: usize = 2;

thread_local! {
    /// A place of the thread's own rather than of the worker's: whatever is still alive when a worker ends, and keeps its
    /// buffers alive, this is dropped before the thread is gone.
    static LOGS: Logs = Logs::default();
}

/// This worker's buffers: routes with the same log share one, or each of many would hold its own.
#[derive(Debug, Default)]
struct Logs(RefCell<Vec<Weak<WorkerLog>>>);

impl Logs {
    fn of(&self, sink: &Arc<Sink>, build: &WorkerBuild<'_>) -> Rc<WorkerLog> {
        let mut logs = self.0.borrow_mut();
        logs.retain(|log| log.strong_count() > 0);
        if let Some(known) = logs.iter().filter_map(Weak::upgrade).find(|log| Arc::ptr_eq(&log.sink, sink)) {
            return known;
        }
        let log = Rc::new(WorkerLog::new(sink, build));
        logs.push(Rc::downgrade(&log));
        log
    }
}

impl Drop for Logs {
    fn drop(&mut self) {
        self.0.borrow().iter().filter_map(Weak::upgrade).for_each(|log| log.hand_on());
    }
}

/// The room on one worker.
#[derive(Debug)]
pub struct Step {
    compiled: Arc<Compiled>,
    log: Rc<WorkerLog>,
    /// Lines left out since the last one, when only some are wanted.
    skipped: Cell<u64>,
}

impl Step {
    /// One worker's copy.
    pub fn new(compiled: &Arc<Compiled>, build: &WorkerBuild<'_>) -> Self {
        let log = LOGS.with(|logs| logs.of(&compiled.sink, build));
        Self { compiled: Arc::clone(compiled), log, skipped: Cell::new(0) }
    }

    fn is_skipped(&self) -> bool {
        let skipped = self.skipped.get() + 1;
        let wanted = skipped >= self.compiled.one_in;
        self.skipped.set(if wanted { 0 } else { skipped });
        !wanted
    }
}

impl Hooks for Step {
    fn on_done(&self, x: &Exchange) {
        if !self.compiled.wants(x.account.status) || self.is_skipped() {
            return;
        }
        self.log.line(|out, value| self.compiled.format.write(out, value, x));
    }
}

/// One worker's part of a log.
struct WorkerLog {
    sink: Arc<Sink>,
    timers: Rc<Timers>,
    buffer: RefCell<Vec<u8>>,
    /// Values are put together here before they are escaped.
    value: RefCell<Vec<u8>>,
    lines: Cell<u64>,
    /// A task waits to hand the buffer on.
    is_timed: Cell<bool>,
    spare: Receiver<Vec<u8>>,
    back: SyncSender<Vec<u8>>,
    written: Counter,
    dropped: Counter,
}

impl WorkerLog {
    fn new(sink: &Arc<Sink>, build: &WorkerBuild<'_>) -> Self {
        let (back, spare) = sync_channel(SPARE_MAX);
        Self {
            sink: Arc::clone(sink),
            timers: Rc::clone(&build.worker.timers),
            buffer: RefCell::default(),
            value: RefCell::default(),
            lines: Cell::new(0),
            is_timed: Cell::new(false),
            spare,
            back,
            written: build.worker.metrics.cell(LINES, &[]),
            dropped: build.worker.metrics.cell(DROPPED, &[]),
        }
    }

    /// Adds the line that `write` writes.
    fn line(self: &Rc<Self>, write: impl FnOnce(&mut Vec<u8>, &mut Vec<u8>)) {
        let mut buffer = self.buffer.borrow_mut();
        if buffer.capacity() == 0 {
            *buffer = self.spare.try_recv().unwrap_or_else(|_| Vec::with_capacity(BUFFER_BYTES));
        }
        write(&mut buffer, &mut self.value.borrow_mut());
        self.lines.set(self.lines.get() + 1);
        let is_full = buffer.len() >= FULL_BYTES;
        drop(buffer);
        if is_full {
            self.hand_on();
        } else if !self.is_timed.replace(true) {
            let log = Rc::clone(self);
            runtime::spawn(async move {
                log.timers.timer().sleep_until(clock::now() + AGE_MAX).await;
                log.is_timed.set(false);
                log.hand_on();
            });
        }
    }

    /// Hands the buffer on to the writer.
    fn hand_on(&self) {
        let count = self.lines.take();
        if count == 0 {
            return;
        }
        let bytes = self.buffer.take();
        let lines = Lines { sink: Arc::clone(&self.sink), bytes, count, back: self.back.clone() };
        match hand_on(lines) {
            Ok(()) => self.written.add(count),
            Err(mut bytes) => {
                self.dropped.add(count);
                bytes.clear();
                self.buffer.replace(bytes);
            }
        }
        self.dropped.add(self.sink.take_lost());
    }
}

impl Drop for WorkerLog {
    fn drop(&mut self) {
        self.hand_on();
    }
}

impl fmt::Debug for WorkerLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WorkerLog")
            .field("sink", &self.sink)
            .field("lines", &self.lines)
            .finish_non_exhaustive()
    }
}
