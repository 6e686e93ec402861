//! The life of an exchange, read aloud: read head → canonical target → choose route → the list down → answer → the
//! list back up → write → account → keep or close.
//!
//! No room is known here, and only the list of rooms decides their order.

use std::convert::Infallible;
use std::mem::discriminant;
use std::rc::Rc;
use std::sync::Arc;

use propylon_h1::{Incoming, Wire};
use propylon_http::Method;
use propylon_net::clock;
use propylon_net::runners::Mailbox;
use propylon_pipeline::reply::TunnelBody;
use propylon_pipeline::{ConnectionFacts, Downstream, Exchange, Fault, Flow, Hooks, Reply};

use super::account::account;
use super::write::{Then, Written, write_reply};
use crate::listen::ListenerPlan;
use crate::plan::worker_plan::WorkerRoute;
use crate::worker::Worker;

/// A request that has begun to arrive on a connection.
#[derive(Debug)]
pub struct Job {
    /// The connection.
    pub wire: Rc<Wire>,
    /// What is known of it.
    pub facts: Rc<ConnectionFacts>,
    /// The listener it came to.
    pub listener: Arc<ListenerPlan>,
    /// Whether this is the last exchange that the connection may carry.
    pub last: bool,
}

/// What becomes of a connection after an exchange.
#[derive(Debug)]
pub enum End {
    /// It waits for the next request.
    Keep,
    /// It is closed.
    Close,
    /// It is closed so that the client sees the reply cut short.
    Reset,
    /// It is closed for writing, and read from for a while.
    Linger,
    /// It becomes a tunnel.
    Tunnel(Box<TunnelBody>),
}

/// Serves one exchange after the other, for whichever connection has one; see `net::runners`.
pub async fn serve(worker: Rc<Worker>, mailbox: Mailbox<Job, End>) -> Infallible {
    let nowhere = worker.no_connection();
    let mut x = Exchange::new(Rc::clone(&worker.context), Rc::clone(&nowhere));
    loop {
        let job = mailbox.take().await;
        let end = exchange(&worker, &mut x, job).await;
        x.end(&nowhere);
        mailbox.finish(end);
    }
}

/// One request with its reply.
async fn exchange(worker: &Rc<Worker>, x: &mut Exchange, job: Job) -> End {
    let read = read_head(x, &job).await;
    let mut route = None;
    let mut reply = match read {
        Ok(()) => match worker.route(x) {
            Ok(found) => answer(x, route.insert(found)).await,
            Err(fault) => fault.into_reply(),
        },
        Err(Fault::ClientGone) => return End::Close,
        Err(fault) => fault.into_reply(),
    };
    let route = route.unwrap_or_else(|| worker.unrouted());
    up(x, &route, &mut reply);
    let close = job.last || worker.is_draining();
    let written = write_reply(x, &job.wire, &mut reply, close, &job.listener.limits).await;
    account(worker, x, &reply, &written);
    for step in &route.steps {
        step.on_done(x);
    }
    x.recycle(reply.fields);
    match written {
        Written::Whole { then: Then::Keep } => End::Keep,
        Written::Whole { then: Then::Close } => End::Close,
        Written::Whole { then: Then::Linger } => End::Linger,
        Written::Tunnel(body) => End::Tunnel(body),
        Written::Cut => End::Reset,
        Written::ClientGone => End::Close,
    }
}

/// Reads the head into the exchange, within its limits of size and time.
async fn read_head(x: &mut Exchange, job: &Job) -> Result<(), Fault> {
    let limits = &job.listener.limits;
    x.begin(Rc::clone(&job.facts), Downstream::H1(Rc::clone(&job.wire)), clock::now());
    x.id = x.worker.request_id();
    x.stalled_max = limits.stalled_max;
    let deadline = x.begun + limits.head_time_max;
    let request = &mut x.request;
    let reading =
        x.timer.poll_until(deadline, |cx| job.wire.poll_head(cx, |bytes| request.read(bytes, &limits.head)));
    match reading.await {
        Ok(read) => read?,
        Err(_) => return Err(Fault::HeadTimeout),
    }
    let mut body = Incoming::new(Rc::clone(&job.wire), x.request.body);
    body.limit(limits.body_bytes_max);
    x.continue_awaited = x.request.expects_continue && !body.is_done();
    x.body = Some(body);
    Ok(())
}

/// The list down, and the answer at its end.
async fn answer(x: &mut Exchange, route: &WorkerRoute) -> Reply {
    for step in &route.steps {
        if let Flow::Reply(reply) = step.on_request(x) {
            return *reply;
        }
    }
    // Only now: a step may have set another limit.
    if x.body.as_ref().is_some_and(Incoming::is_too_large) {
        return Fault::BodyTooLarge.into_reply();
    }
    if x.request.asterisk && x.request.method == Method::Options {
        return Reply::options();
    }
    match &route.answer {
        Some(answer) => answer.answer(x).await.unwrap_or_else(Fault::into_reply),
        None => Fault::NoRoute.into_reply(),
    }
}

/// The list back up. All of a route's hooks run, also those of steps that an early reply skipped. Where a room adds up
/// over the levels, the innermost still comes last and has the last word, as on the way down.
fn up(x: &mut Exchange, route: &WorkerRoute, reply: &mut Reply) {
    let rooms = route.steps.chunk_by(|step, next| discriminant(step) == discriminant(next));
    for step in rooms.rev().flatten() {
        step.on_reply(x, reply);
    }
}
