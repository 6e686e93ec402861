//! The diagnostic log: what the process has to say of itself, on standard error.

use std::io::{IsTerminal, Write};

use propylon_config::{Loaded, Severity};

/// Something an operator may like to know.
pub fn info(message: &str) {
    line("info", message);
}

/// Something an operator should look at.
pub fn warn(message: &str) {
    line("warn", message);
}

/// Something that failed.
pub fn error(message: &str) {
    line("error", message);
}

/// Shows what is wrong with a config, as people read it: each message with the lines it speaks of, then their number.
pub fn diagnostics(loaded: &Loaded) {
    if loaded.diagnostics.is_empty() {
        return;
    }
    let text = loaded.diagnostics.render(&loaded.sources, is_coloured());
    say(format!("{text}\n\n{}\n", count(loaded)).as_bytes());
}

/// How many errors and warnings there are, in words; empty if there are none.
pub fn count(loaded: &Loaded) -> String {
    let of = |severity| loaded.diagnostics.sorted().iter().filter(|one| one.severity == severity).count();
    let number = |count: usize, word: &str| match count {
        0 => None,
        1 => Some(format!("1 {word}")),
        _ => Some(format!("{count} {word}s")),
    };
    // Those beyond the limit are counted without their kind; the rendered text says how many there are.
    let parts = [number(of(Severity::Error), "error"), number(of(Severity::Warning), "warning")];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// Whether people read standard error and like colours (<https://no-color.org>).
fn is_coloured() -> bool {
    let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let dumb = std::env::var_os("TERM").is_some_and(|value| value == "dumb");
    !unwanted && !dumb && std::io::stderr().is_terminal()
}

fn line(level: &str, message: &str) {
    let mut text = Vec::with_capacity(message.len() + 48);
    propylon_pipeline::dates::write_rfc3339(&mut text, propylon_net::clock::wall());
    // Messages quote names and errors from outside: none of them may forge a line.
    let message = message.replace(|c: char| c.is_control(), " ");
    let _ = writeln!(text, " {level:5} {message}");
    say(&text);
}

fn say(text: &[u8]) {
    // There is nobody left to tell if this fails.
    let _ = std::io::stderr().write_all(text);
}
