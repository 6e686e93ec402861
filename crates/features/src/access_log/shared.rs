//! What all workers share: the logs.
#![expect(clippy::disallowed_types, reason = "this is a shared.rs")]

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use propylon_net::{clock, log_file};
use propylon_pipeline::dates;

/// Where a log goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Target {
    Stdout,
    Stderr,
    File(PathBuf),
}

/// A log. Plans that name the same target share one, so that a reload opens nothing twice.
#[derive(Debug)]
pub(super) struct Sink {
    target: Target,
    /// Held while a line is written: by the writer's thread, and at start-up by the one that opens.
    state: Mutex<State>,
    /// The file has been moved away, and another is to be written to from now on.
    stale: AtomicBool,
    /// Lines that could not be written, until a worker counts them.
    lost: AtomicU64,
}

#[derive(Debug, Default)]
struct State {
    file: Option<File>,
    /// The last attempt failed, and this was said.
    failing: bool,
    /// The last line may not be whole.
    torn: bool,
}

/// All logs that some plan names.
static SINKS: Mutex<Vec<Weak<Sink>>> = Mutex::new(Vec::new());

/// The log of this target.
pub(super) fn sink(target: Target) -> Arc<Sink> {
    let mut sinks = SINKS.lock().unwrap_or_else(PoisonError::into_inner);
    sinks.retain(|sink| sink.strong_count() > 0);
    if let Some(known) = sinks.iter().filter_map(Weak::upgrade).find(|sink| sink.target == target) {
        return known;
    }
    let sink = Arc::new(Sink {
        target,
        state: Mutex::default(),
        stale: AtomicBool::new(false),
        lost: AtomicU64::new(0),
    });
    sinks.push(Arc::downgrade(&sink));
    sink
}

/// All logs that are in use.
pub(super) fn sinks() -> Vec<Arc<Sink>> {
    let sinks = SINKS.lock().unwrap_or_else(PoisonError::into_inner);
    sinks.iter().filter_map(Weak::upgrade).collect()
}

impl Sink {
    /// Opens the log if it is not open; says why not.
    pub(super) fn open(&self, owner: Option<(u32, u32)>) -> Result<(), String> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.file.is_none() {
            state.file =
                Some(self.target.open(owner).map_err(|error| {
                    format!("access log {} cannot be opened: {error}", self.target.name())
                })?);
        }
        Ok(())
    }

    /// Has the file opened anew before the next line is written.
    pub(super) fn reopen(&self) {
        self.stale.store(true, Ordering::Release);
    }

    /// Opens the file anew if it is time to. When that fails, the old one is written on to.
    pub(super) fn refresh(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if self.stale.swap(false, Ordering::AcqRel) && matches!(self.target, Target::File(_)) {
            match self.target.open(None) {
                Ok(file) => state.file = Some(file),
                Err(error) => self.target.report(&format!("cannot be opened anew: {error}")),
            }
        }
    }

    /// Writes whole lines. What cannot be written is lost, and said once.
    pub(super) fn write(&self, bytes: &[u8], lines: u64) {
        self.refresh();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match self.try_write(&mut state, bytes) {
            Ok(()) if std::mem::take(&mut state.failing) => {
                self.target.report("can be written to again");
            }
            Ok(()) => {}
            Err(error) => {
                self.lost.fetch_add(lines, Ordering::Relaxed);
                if !std::mem::replace(&mut state.failing, true) {
                    self.target.report(&format!("cannot be written to: {error}"));
                }
            }
        }
    }

    fn try_write(&self, state: &mut State, bytes: &[u8]) -> io::Result<()> {
        let file = match &mut state.file {
            Some(file) => file,
            none => none.insert(self.target.open(None)?),
        };
        if state.torn {
            file.write_all(b"\n")?;
        }
        state.torn = true;
        file.write_all(bytes)?;
        state.torn = false;
        Ok(())
    }

    /// Lines lost since this was last asked.
    pub(super) fn take_lost(&self) -> u64 {
        if self.lost.load(Ordering::Relaxed) == 0 { 0 } else { self.lost.swap(0, Ordering::Relaxed) }
    }
}

impl Target {
    fn open(&self, owner: Option<(u32, u32)>) -> io::Result<File> {
        match self {
            Self::Stdout => Ok(io::stdout().as_fd().try_clone_to_owned()?.into()),
            Self::Stderr => Ok(io::stderr().as_fd().try_clone_to_owned()?.into()),
            Self::File(path) => log_file::open(path, owner),
        }
    }

    /// Says on standard error what became of the log, as the server says what becomes of itself.
    fn report(&self, what: &str) {
        let mut line = Vec::new();
        dates::write_rfc3339(&mut line, clock::wall());
        // There is nobody left to tell if this fails.
        let _ = writeln!(line, " warn  access log {} {what}", self.name());
        let _ = io::stderr().write_all(&line);
    }

    fn name(&self) -> String {
        match self {
            Self::Stdout => "stdout".to_owned(),
            Self::Stderr => "stderr".to_owned(),
            Self::File(path) => path.display().to_string(),
        }
    }
}
