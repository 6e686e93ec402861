//! Blocking work, away from the workers.
//!
//! A worker must never block, yet some calls do: a cold page, a directory on disk, a slow password hash. Such work is
//! handed to a few threads that all workers share, and the worker awaits its result. The pool is bounded on purpose:
//! when it is full the work is refused at once, and the caller answers 503 rather than queueing without end.
//!
//! Not the runtime's own blocking pool: there would be one of those per worker, each growing to hundreds of threads.

mod shared;

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, OnceLock};
use std::thread;

use tokio::sync::oneshot;

use crate::affinity;
use shared::Queue;

/// How much the pool may take on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Threads at most. Disks serve a few requests at once, and more threads would compete with the workers.
    pub threads: usize,
    /// Jobs that wait for a thread, at most.
    pub queue: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { threads: 4, queue: 1024 }
    }
}

/// Why there is no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The queue is full (or no thread could be started); the work was not begun.
    Overloaded,
    /// The work panicked.
    Panicked,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Overloaded => "too much blocking work is waiting",
            Self::Panicked => "blocking work panicked",
        })
    }
}

impl std::error::Error for Failure {}

type Job = Box<dyn FnOnce() + Send>;

/// Threads for blocking work. Clones share them. They start when work comes and end when the last clone is dropped.
#[derive(Clone)]
pub struct Pool {
    handle: Arc<Handle>,
}

struct Handle {
    queue: Arc<Queue<Job>>,
}

impl Pool {
    /// An empty pool; a limit of zero counts as one.
    pub fn new(limits: Limits) -> Self {
        let queue = Queue::new(Limits { threads: limits.threads.max(1), queue: limits.queue.max(1) });
        Self { handle: Arc::new(Handle { queue: Arc::new(queue) }) }
    }

    /// Hands `work` to the pool now, whether or not the returned future is polled.
    ///
    /// Dropping the future gives up the result; work that has not begun by then is skipped.
    pub fn run<T, F>(&self, work: F) -> impl Future<Output = Result<T, Failure>> + use<T, F>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        let (sender, receiver) = oneshot::channel();
        let submitted = self.submit(Box::new(move || {
            if !sender.is_closed() {
                let result = catch_unwind(AssertUnwindSafe(work));
                // The receiver may have gone meanwhile; then nobody wants the result.
                let _ = sender.send(result.map_err(|_| Failure::Panicked));
            }
        }));
        async move {
            submitted?;
            // A sender that vanished without a word can only have been unwound.
            receiver.await.unwrap_or(Err(Failure::Panicked))
        }
    }

    /// Jobs waiting for a thread, for metrics.
    pub fn waiting(&self) -> usize {
        self.handle.queue.waiting()
    }

    fn submit(&self, job: Job) -> Result<(), Failure> {
        let wants_thread = self.handle.queue.push(job).map_err(|_| Failure::Overloaded)?;
        if let Some(number) = wants_thread {
            let queue = Arc::clone(&self.handle.queue);
            let name = format!("offload-{number}");
            let started = thread::Builder::new().name(name).spawn(move || serve(&queue));
            if started.is_err() && self.handle.queue.thread_failed() {
                return Err(Failure::Overloaded);
            }
        }
        Ok(())
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.queue.close();
    }
}

/// Runs `work` on the pool that the whole process shares, made with the default [`Limits`] on first use.
///
/// See [`Pool::run`].
pub fn run<T, F>(work: F) -> impl Future<Output = Result<T, Failure>> + use<T, F>
where
    T: Send + 'static,
    F: FnOnce() -> T + Send + 'static,
{
    process_pool().run(work)
}

/// The pool that [`run`] uses.
pub fn process_pool() -> &'static Pool {
    static POOL: OnceLock<Pool> = OnceLock::new();
    POOL.get_or_init(|| Pool::new(Limits::default()))
}

/// A pool thread's life.
fn serve(queue: &Queue<Job>) {
    // The thread was started by a worker and inherited its single CPU, which it must not compete for. If the mask
    // cannot be widened the work is still done, only later.
    let _ = affinity::follow_main_thread();
    while let Some(job) = queue.pop() {
        job();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::mpsc;
    use std::task::{Context, Poll, Waker};

    use super::*;

    fn block_on<F: Future>(future: F) -> F::Output {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
    }

    /// Occupies every thread of a pool until the returned sender is dropped.
    fn stall(pool: &Pool, threads: usize) -> Vec<mpsc::Sender<()>> {
        let (begun, begins) = mpsc::channel();
        (0..threads)
            .map(|_| {
                let (release, wait) = mpsc::channel::<()>();
                let begun = begun.clone();
                drop(pool.run(move || ()));
                let mut job = Box::pin(pool.run(move || {
                    begun.send(()).unwrap();
                    let _ = wait.recv();
                }));
                assert!(job.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
                begins.recv().unwrap();
                std::mem::forget(job);
                release
            })
            .collect()
    }

    #[test]
    fn gives_the_result_from_another_thread() {
        let here = thread::current().id();
        let there = block_on(run(|| thread::current().id())).unwrap();
        assert_ne!(here, there);
    }

    #[test]
    fn survives_panics() {
        let pool = Pool::new(Limits { threads: 1, queue: 4 });
        for _ in 0..3 {
            assert_eq!(block_on(pool.run(|| panic!("on purpose"))), Err::<(), _>(Failure::Panicked));
        }
        assert_eq!(block_on(pool.run(|| 5)), Ok(5));
    }

    #[test]
    fn refuses_beyond_its_limits() {
        let pool = Pool::new(Limits { threads: 1, queue: 2 });
        let release = stall(&pool, 1);
        let first = pool.run(|| 1);
        let second = pool.run(|| 2);
        assert_eq!(block_on(pool.run(|| 3)), Err(Failure::Overloaded));
        assert_eq!(pool.waiting(), 2);
        drop(release);
        assert_eq!(block_on(async { (first.await, second.await) }), (Ok(1), Ok(2)));
        assert_eq!(block_on(pool.run(|| 4)), Ok(4));
    }

    #[test]
    fn uses_all_threads_it_may() {
        let pool = Pool::new(Limits { threads: 3, queue: 8 });
        let release = stall(&pool, 3);
        let mut last = Box::pin(pool.run(|| ()));
        assert_eq!(last.as_mut().poll(&mut Context::from_waker(Waker::noop())), Poll::Pending);
        drop(release);
        assert_eq!(block_on(last), Ok(()));
    }

    #[test]
    fn skips_work_that_nobody_awaits() {
        static RAN: AtomicBool = AtomicBool::new(false);
        let pool = Pool::new(Limits { threads: 1, queue: 8 });
        let release = stall(&pool, 1);
        drop(pool.run(|| RAN.store(true, Ordering::SeqCst)));
        drop(release);
        block_on(pool.run(|| ())).unwrap();
        assert!(!RAN.load(Ordering::SeqCst));
    }
}
