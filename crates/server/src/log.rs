//! The diagnostic log: what the process has to say of itself, a line each on standard error.

use std::io::Write;

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

fn line(level: &str, message: &str) {
    let mut text = Vec::with_capacity(message.len() + 48);
    propylon_pipeline::dates::write_rfc3339(&mut text, propylon_net::clock::wall());
    // Messages quote names and errors from outside: none of them may forge a line.
    let message = message.replace(|c: char| c.is_control(), " ");
    let _ = writeln!(text, " {level:5} {message}");
    // There is nobody left to tell if this fails.
    let _ = std::io::stderr().write_all(&text);
}
