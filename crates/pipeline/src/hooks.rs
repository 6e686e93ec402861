//! Where a room can take part in an exchange. All of it is synchronous; only gates and answers wait.

use crate::exchange::Exchange;
use crate::reply::Reply;

/// What a step decides on the way down.
#[derive(Debug)]
pub enum Flow {
    /// The exchange goes on.
    Continue,
    /// This is the reply: no further step, no answer.
    Reply(Box<Reply>),
}

/// A step's part in an exchange. The fourth hook of the design, a filter of bodies, comes with the first room that
/// needs one.
pub trait Hooks {
    /// On the way down, once the route is chosen.
    fn on_request(&self, exchange: &mut Exchange) -> Flow {
        let _ = exchange;
        Flow::Continue
    }

    /// On the way back up, in reverse order. May put another reply in its place.
    fn on_reply(&self, exchange: &mut Exchange, reply: &mut Reply) {
        let _ = (exchange, reply);
    }

    /// When all is over: the reply has been written, or never will be.
    fn on_done(&self, exchange: &Exchange) {
        let _ = exchange;
    }
}
