//! How many files and sockets the process may hold open.

use std::fs;
use std::io;
use std::os::fd::{AsFd, AsRawFd};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the soft limit of open files to the hard limit and returns what holds now.
///
/// The soft limit is low (often 1024) only for the sake of programs that use `select`. A proxy needs two per exchange.
pub fn raise_open_files() -> io::Result<u64> {
    let limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum {
        setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum })?;
    }
    // `None` is "unlimited", which the kernel itself caps at `fs.nr_open`; nobody counts that far.
    Ok(getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX))
}

/// How many may be open.
pub fn open_files_max() -> u64 {
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}

/// How many are open now. Reads a directory of `/proc`: for metrics, not for a worker.
pub fn open_files() -> io::Result<usize> {
    // The directory itself is open while it is read.
    Ok(fs::read_dir("/proc/self/fd")?.count().saturating_sub(1))
}

/// The number of an open descriptor. The kernel gives out the lowest free one, so a fresh number tells how many are
/// open.
pub fn number(fd: impl AsFd) -> u64 {
    u64::try_from(fd.as_fd().as_raw_fd()).unwrap_or(0)
}

/// The lowest free number; `None` if there is none. `fd` is any open descriptor: it is duplicated for a moment.
pub fn lowest_free(fd: impl AsFd) -> Option<u64> {
    rustix::io::fcntl_dupfd_cloexec(fd, 0).ok().map(|copy| number(&copy))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn raises_to_the_hard_limit() {
        let raised = raise_open_files().unwrap();
        assert_eq!(Some(raised), getrlimit(Resource::Nofile).maximum.or(Some(u64::MAX)));
        assert_eq!(raise_open_files().unwrap(), raised);
    }

    #[test]
    fn counts_open_files() {
        let held: Vec<_> = (0..100).map(|_| fs::File::open("/dev/null").unwrap()).collect();
        assert!(open_files().unwrap() >= held.len() + 3);
    }
}
