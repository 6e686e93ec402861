//! The runtimes: one current-thread runtime per worker, and one for control.

use std::future::Future;
use std::io;

use tokio::runtime::{Builder, LocalOptions};

use crate::clock;

/// Runs `main` and what it spawns on the calling thread, which becomes a worker: no work is ever stolen from it.
///
/// # Errors
/// When the system grants no epoll instance.
pub fn run_worker<T>(main: impl Future<Output = T>) -> io::Result<T> {
    // Without the runtime's own timers: a worker's deadlines live in `timers`, and each park is cheaper.
    let runtime = Builder::new_current_thread()
        .enable_io()
        .on_thread_unpark(clock::forget)
        .build_local(LocalOptions::default())?;
    Ok(runtime.block_on(main))
}

/// Runs `main` on the calling thread with a full runtime: reloads, admin, name lookups, signals.
///
/// # Errors
/// When the system grants no epoll instance.
pub fn run_control<T>(main: impl Future<Output = T>) -> io::Result<T> {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .on_thread_unpark(clock::forget)
        .build_local(LocalOptions::default())?;
    Ok(runtime.block_on(main))
}

/// Starts a task on the current worker.
pub fn spawn(task: impl Future<Output = ()> + 'static) {
    tokio::task::spawn_local(task);
}

/// Lets the other tasks of this worker have their turn.
pub async fn yield_now() {
    tokio::task::yield_now().await;
}
