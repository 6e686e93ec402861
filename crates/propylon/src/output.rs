//! What commands say: results on standard output, everything else on standard error.

use std::fmt::Display;
use std::io::Write;

use crate::exit::Exit;

/// Says a result. A reader that has gone, such as `head`, has seen enough.
pub(crate) fn say(text: &str) -> Exit {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Exit::Done,
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Exit::Done,
        Err(error) => fail(format!("cannot write: {error}")),
    }
}

/// Remarks something that is not the result.
pub(crate) fn remark(text: impl Display) {
    // There is nobody left to tell if this fails.
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Says why it could not be done.
pub(crate) fn fail(why: impl Display) -> Exit {
    remark(format!("propylon: {why}"));
    Exit::Failed
}
