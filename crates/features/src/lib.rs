//! The rooms: what a user can configure, in one list, in the order in which they work.
//!
//! A room is a module with a `Config` (declared by `directive!`), a `Compiled` made from it once and shared by all
//! workers, and a `Step` that is one worker's copy and hangs into the exchange by [`Hooks`]. Rooms never name each
//! other. Adding one touches its own folder and two lines here.

pub mod access_log;
pub mod answer;
pub mod body_limit;
pub mod compile;
pub mod error_pages;
pub mod files;
pub mod headers;
mod list;
pub mod proxy;
pub mod real_ip;
pub mod redirect;
pub mod replace_prefix;
pub mod respond;
pub mod rewrite;
pub mod strip_prefix;
#[cfg(test)]
mod tests;

pub use answer::{ANSWERS, Answer, AnswerPlan};
pub use compile::{CompileContext, RoomDoc, WorkerBuild};

list::rooms! {
    // Order = the way down; replies pass in reverse.
    /// Writes when all is over, whatever the others did.
    AccessLog access_log,
    /// Before all that look at the client.
    RealIp real_ip,
    /// Before anybody reads a body.
    BodyLimit body_limit,
    /// Sees the path as the client asked for it, and on the way back also changes what the error pages made.
    Headers headers,
    /// Above all that may fail.
    ErrorPages error_pages,
    /// Paths are changed last, for the answer alone: first the plain ways.
    StripPrefix strip_prefix,
    /// See `strip_prefix`.
    ReplacePrefix replace_prefix,
    /// After the prefixes, so that expressions see what is left of the path.
    Rewrite rewrite,
}
