//! The real binary as a child of the test: started, watched, signalled and reaped.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use crate::PATIENCE;
use crate::files::Tree;
use crate::port::Port;
use crate::setup::Setup;
use crate::watched::Watched;

/// A running server. Dropping it kills this one child and reaps it.
#[derive(Debug)]
pub struct Server {
    started: Started,
    setup: Setup,
    tree: Tree,
    ports: BTreeMap<String, Port>,
    notify: UnixDatagram,
}

impl Server {
    pub(crate) fn when_ready(
        setup: Setup,
        started: Started,
        tree: Tree,
        ports: BTreeMap<String, Port>,
        notify: UnixDatagram,
    ) -> Result<Self, String> {
        let mut server = Self { started, setup, tree, ports, notify };
        match server.wait_for_notice("READY=1") {
            Ok(()) => Ok(server),
            Err(why) => Err(format!("the server is not ready: {why}\n{}", server.started.said())),
        }
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.started.child.id()
    }

    /// `IP:PORT` of the config's `{ADDR:name}` or `{PORT:name}`.
    #[track_caller]
    pub fn addr(&self, name: &str) -> String {
        let port = self.ports.get(name);
        let port = port.unwrap_or_else(|| panic!("the config has no {{ADDR:{name}}} or {{PORT:{name}}}"));
        format!("127.0.0.1:{}", port.number())
    }

    /// The path that stands for `{ADMIN}` in the config.
    pub fn admin_socket(&self) -> PathBuf {
        self.tree.path("admin.sock")
    }

    /// The config file it was started with.
    pub fn config_file(&self) -> PathBuf {
        self.tree.path("propylon.conf")
    }

    /// The server's own directory, `{DIR}` in the config.
    pub fn dir(&self) -> &Tree {
        &self.tree
    }

    /// Replaces the config file, placeholders filled as at the start; the server is not told.
    pub fn rewrite_config(&mut self, config: &str) {
        let text = self.setup.fill(config, &self.tree, &mut self.ports);
        self.tree.write("propylon.conf", text);
    }

    /// Sends a signal to this process, and to none that may have inherited its number.
    #[track_caller]
    pub fn signal(&self, signal: Signal) {
        self.started.signal(signal).unwrap_or_else(|error| panic!("cannot signal: {error}"));
    }

    /// What it wrote to stderr so far.
    pub fn stderr(&self) -> String {
        self.started.said.read(|said| String::from_utf8_lossy(&said.stderr).into_owned())
    }

    /// What it wrote to stdout so far.
    pub fn stdout(&self) -> String {
        self.started.said.read(|said| String::from_utf8_lossy(&said.stdout).into_owned())
    }

    /// Waits until `text` stands in what it wrote to stderr or stdout, and returns that line.
    #[track_caller]
    pub fn wait_for_log(&self, text: &str) -> String {
        let line = self.started.said.wait(PATIENCE, |said| said.line_with(text));
        line.unwrap_or_else(|| panic!("the server did not say {text:?}; it said:\n{}", self.started.said()))
    }

    /// Waits for the next systemd notification that holds this line, such as `STOPPING=1`.
    pub fn wait_for_notice(&mut self, line: &str) -> Result<(), String> {
        let deadline = Instant::now() + PATIENCE;
        let mut message = [0; 4096];
        loop {
            self.notify.set_nonblocking(true).expect("a socket can be made non-blocking");
            while let Ok(got) = self.notify.recv(&mut message) {
                let text = String::from_utf8_lossy(&message[..got]);
                if text.lines().any(|have| have == line) {
                    return Ok(());
                }
            }
            if let Some(status) = self.started.exited() {
                return Err(format!("it ended with {status}"));
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(format!("no `{line}` on NOTIFY_SOCKET within {PATIENCE:?}"));
            }
            wait_for_any(&[self.notify.as_fd(), self.started.pidfd.as_fd()], left);
        }
    }

    /// Waits until it ends by itself.
    #[track_caller]
    pub fn wait_for_exit(&mut self) -> ExitStatus {
        let status = self.started.wait_for_exit(PATIENCE);
        status.unwrap_or_else(|| panic!("the server does not end; it said:\n{}", self.started.said()))
    }

    /// Asks it to stop with SIGTERM and waits for its end.
    #[track_caller]
    pub fn stop(&mut self) -> ExitStatus {
        self.signal(Signal::TERM);
        self.wait_for_exit()
    }

    /// Its resident memory in KiB, as the kernel counts it.
    pub fn resident_kib(&self) -> u64 {
        let status = std::fs::read_to_string(Path::new("/proc").join(self.pid().to_string()).join("status"));
        let status = status.expect("a running child has a status");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
        number.expect("the kernel tells the resident size")
    }
}

/// A child whose output is gathered by threads.
#[derive(Debug)]
pub(crate) struct Started {
    child: Child,
    /// Refers to this process and to no later one of the same number.
    pidfd: OwnedFd,
    said: Arc<Watched<Said>>,
}

#[derive(Debug, Default)]
struct Said {
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    /// How many of the two pipes were read to their end.
    ended: usize,
}

impl Said {
    fn line_with(&self, text: &str) -> Option<String> {
        let both = [&self.stderr, &self.stdout].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
        both.iter().flat_map(|said| said.lines()).find(|line| line.contains(text)).map(str::to_owned)
    }
}

impl Started {
    pub(crate) fn spawn(mut command: Command) -> io::Result<Self> {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        let pidfd = pidfd_open(Pid::from_child(&child), PidfdFlags::empty())?;
        let said = Arc::<Watched<Said>>::default();
        let stdout = child.stdout.take().expect("stdout was piped");
        let stderr = child.stderr.take().expect("stderr was piped");
        gather(stdout, said.clone(), |said| &mut said.stdout);
        gather(stderr, said.clone(), |said| &mut said.stderr);
        Ok(Self { child, pidfd, said })
    }

    fn signal(&self, signal: Signal) -> io::Result<()> {
        Ok(pidfd_send_signal(&self.pidfd, signal)?)
    }

    fn exited(&mut self) -> Option<ExitStatus> {
        let status = self.child.try_wait().expect("our own child can be waited for");
        if status.is_some() {
            // Its last words may still be in the pipe. Bounded, because a grandchild can hold the pipe open.
            self.said.wait(Duration::from_secs(1), |said| (said.ended == 2).then_some(()));
        }
        status
    }

    pub(crate) fn wait_for_exit(&mut self, limit: Duration) -> Option<ExitStatus> {
        wait_for_any(&[self.pidfd.as_fd()], limit);
        self.exited()
    }

    /// All that was said, for a report.
    pub(crate) fn said(&self) -> String {
        self.said.read(|said| {
            let mut text = String::new();
            for (name, bytes) in [("stderr", &said.stderr), ("stdout", &said.stdout)] {
                let _ = writeln!(text, "--- {name}:\n{}", String::from_utf8_lossy(bytes).trim_end());
            }
            text
        })
    }

    /// Everything that an ended child wrote: stdout and stderr.
    pub(crate) fn take_output(&mut self) -> (Vec<u8>, Vec<u8>) {
        self.said.update(|said| (std::mem::take(&mut said.stdout), std::mem::take(&mut said.stderr)))
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        // `Child::kill` does nothing once the child was reaped.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn gather(
    mut pipe: impl Read + Send + 'static,
    said: Arc<Watched<Said>>,
    part: fn(&mut Said) -> &mut Vec<u8>,
) {
    thread::spawn(move || {
        let mut block = [0; 8192];
        while let Ok(got @ 1..) = pipe.read(&mut block) {
            said.update(|said| part(said).extend_from_slice(&block[..got]));
        }
        said.update(|said| said.ended += 1);
    });
}

/// Sleeps until one of these can be read; an ended process's pidfd can.
fn wait_for_any(fds: &[std::os::fd::BorrowedFd<'_>], limit: Duration) {
    let deadline = Instant::now() + limit;
    let mut fds: Vec<PollFd<'_>> =
        fds.iter().map(|fd| PollFd::from_borrowed_fd(*fd, PollFlags::IN)).collect();
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let left = rustix::time::Timespec::try_from(left).expect("a bounded wait fits");
        if poll(&mut fds, Some(&left)) != Err(rustix::io::Errno::INTR) {
            return;
        }
    }
}
