//! The binary under test, and running one of its commands to its end.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::PATIENCE;
use crate::server::{Server, Started};

/// The binary under test: `PROPYLON_BIN`, else the one that Cargo built beside the tests.
pub fn propylon() -> PathBuf {
    if let Some(path) = std::env::var_os("PROPYLON_BIN") {
        return path.into();
    }
    let test = std::env::current_exe().expect("a running test has a path");
    // Tests stand in `deps/` (doc tests in a directory of their own); the binary stands above.
    let found = test.ancestors().skip(1).take(3).map(|dir| dir.join("propylon")).find(|path| path.is_file());
    found.unwrap_or_else(|| {
        let near = test.parent().unwrap_or(Path::new("."));
        panic!("no `propylon` near {}: run `cargo build` first, or set PROPYLON_BIN", near.display())
    })
}

/// Runs `propylon` with these arguments to its end, which must come in time.
#[track_caller]
pub fn run(args: &[&str]) -> Output {
    let mut command = Command::new(propylon());
    command.args(args).stdin(Stdio::null());
    let mut started = Started::spawn(command).unwrap_or_else(|error| panic!("cannot start: {error}"));
    let Some(status) = started.wait_for_exit(PATIENCE) else {
        panic!("`propylon {}` does not end:\n{}", args.join(" "), started.said());
    };
    let (stdout, stderr) = started.take_output();
    Output { status, stdout, stderr }
}

impl Server {
    /// Starts the binary with this config and waits until it is ready. Placeholders as in [`crate::Setup`].
    #[track_caller]
    pub fn start(config: &str) -> Self {
        Self::setup(config).start()
    }
}
