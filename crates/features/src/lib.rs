//! The rooms: what a user can configure, in one list, in the order in which they work.
//!
//! A room is a module with a `Config` (declared by `directive!`), a `Compiled` made from it once and shared by all
//! workers, and a `Step` that is one worker's copy and hangs into the exchange by [`Hooks`]. Rooms never name each
//! other. Adding one touches its own folder and two lines here.

pub mod answer;
pub mod compile;
mod list;
pub mod proxy;
pub mod redirect;
pub mod respond;

pub use answer::{ANSWERS, Answer, AnswerPlan};
pub use compile::{CompileContext, RoomDoc, WorkerBuild};

list::rooms! {
    // Order = the way down; replies pass in reverse.
}
