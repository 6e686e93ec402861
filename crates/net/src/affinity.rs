//! Which CPUs this process may use, and the binding of a thread to one of them.

use std::io;

use rustix::process::getpid;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// The CPUs the process may run on, as `taskset`, a cgroup or systemd left them.
///
/// It is read from the main thread, which is never pinned, so any thread gets the same answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cpus {
    numbers: Vec<usize>,
}

impl Cpus {
    /// Reads the set.
    pub fn allowed() -> io::Result<Self> {
        let set = sched_getaffinity(Some(getpid()))?;
        Ok(Self { numbers: (0..CpuSet::MAX_CPU).filter(|&number| set.is_set(number)).collect() })
    }

    /// How many there are: the default number of workers.
    pub fn count(&self) -> usize {
        self.numbers.len()
    }

    /// Binds the current thread to the CPU of worker `index` and returns its number; worker ids beyond the count wrap.
    pub fn pin(&self, index: usize) -> io::Result<usize> {
        let number = index
            .checked_rem(self.numbers.len())
            .and_then(|index| self.numbers.get(index))
            .ok_or(io::ErrorKind::NotFound)?;
        let mut set = CpuSet::new();
        set.set(*number);
        sched_setaffinity(None, &set)?;
        Ok(*number)
    }
}

/// Lets the current thread run wherever the main thread may. A thread inherits the CPU of the one that started it,
/// which is wrong for a helper that a pinned worker starts.
pub fn follow_main_thread() -> io::Result<()> {
    let set = sched_getaffinity(Some(getpid()))?;
    sched_setaffinity(None, &set)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pins_and_frees_a_thread() {
        std::thread::spawn(|| {
            let cpus = Cpus::allowed().unwrap();
            assert!(cpus.count() >= 1);
            for index in 0..cpus.count() * 2 {
                let number = cpus.pin(index).unwrap();
                assert_eq!(number, cpus.numbers[index % cpus.count()]);
                assert_eq!(rustix::thread::sched_getcpu(), number);
                assert_eq!(Cpus::allowed().unwrap(), cpus);
            }
            follow_main_thread().unwrap();
            assert_eq!(sched_getaffinity(None).unwrap().count() as usize, cpus.count());
        })
        .join()
        .unwrap();
    }
}
