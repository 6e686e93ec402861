//! The one queue between the workers and the pool's threads. The lock is held for a push or a pop, never during work.

#![expect(clippy::disallowed_types, reason = "shared.rs is where locks stand")]

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::Limits;

pub(super) struct Queue<T> {
    state: Mutex<State<T>>,
    work: Condvar,
    limits: Limits,
}

struct State<T> {
    jobs: VecDeque<T>,
    threads: usize,
    /// Threads inside [`Queue::pop`] with nothing to do.
    idle: usize,
    closed: bool,
}

impl<T> Queue<T> {
    pub(super) fn new(limits: Limits) -> Self {
        let state = State { jobs: VecDeque::new(), threads: 0, idle: 0, closed: false };
        Self { state: Mutex::new(state), work: Condvar::new(), limits }
    }

    /// Queues a job, or gives it back when the queue is full. `Some(number)` asks the caller to start that thread.
    pub(super) fn push(&self, job: T) -> Result<Option<usize>, T> {
        let mut state = self.lock();
        // A thread that idles will take a job shortly; only jobs beyond those wait.
        if state.jobs.len() >= self.limits.queue + state.idle {
            return Err(job);
        }
        state.jobs.push_back(job);
        let wants_thread = state.jobs.len() > state.idle && state.threads < self.limits.threads;
        if wants_thread {
            state.threads += 1;
        }
        let number = state.threads;
        drop(state);
        self.work.notify_one();
        Ok(wants_thread.then_some(number))
    }

    /// Takes back the promise of a thread. `true` if no thread is left, and with it every queued job dropped.
    pub(super) fn thread_failed(&self) -> bool {
        let mut state = self.lock();
        state.threads -= 1;
        let orphaned = state.threads == 0;
        let jobs = if orphaned { std::mem::take(&mut state.jobs) } else { VecDeque::new() };
        drop(state);
        // Dropped outside the lock: a job's destructor is foreign code.
        drop(jobs);
        orphaned
    }

    /// Waits for a job; `None` once the queue is closed and empty.
    pub(super) fn pop(&self) -> Option<T> {
        let mut state = self.lock();
        loop {
            if let Some(job) = state.jobs.pop_front() {
                return Some(job);
            }
            if state.closed {
                return None;
            }
            state.idle += 1;
            state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.idle -= 1;
        }
    }

    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.work.notify_all();
    }

    pub(super) fn waiting(&self) -> usize {
        self.lock().jobs.len()
    }

    /// No code under the lock can panic and leave the state torn, so a poisoned lock is as good as any.
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
