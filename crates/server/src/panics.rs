//! A fault in the program itself ends one connection, never the process, and leaves one line in the log.

use crate::log;

/// Has every panic logged with its place. What it ends is for the one who catches it to count.
pub(crate) fn log_them() {
    std::panic::set_hook(Box::new(|panic| {
        let said = panic.payload_as_str().unwrap_or("without a word");
        let place = panic.location().map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
        let thread = std::thread::current();
        let name = thread.name().unwrap_or("unnamed");
        log::error(&format!("a fault in the program, please report it: thread {name}, {place}: {said}"));
    }));
}
