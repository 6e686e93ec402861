//! The life of one connection: PROXY header → exchange after exchange → close, or a tunnel.
//!
//! Between exchanges it holds no buffer and next to no state: what an exchange needs is lent by the worker.

use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;

use propylon_h1::{Pools, Wire, tunnel};
use propylon_net::clock;
use propylon_net::proxy_protocol::{self, Progress};
use propylon_net::socket::{Address, Socket};
use propylon_net::timers::Timer;
use propylon_pipeline::reply::TunnelBody;
use propylon_pipeline::{ConnectionFacts, Scheme};

use super::http::{End, Job};
use crate::listen::ListenerPlan;
use crate::worker::Worker;

/// Bytes read and thrown away after the last reply, so that a client still sending reads it before it meets a reset
/// (RFC 9112 section 9.6).
const LINGER_BYTES_MAX: usize = 256 * 1024;

/// A connection as it was accepted.
#[derive(Debug)]
pub struct Accepted {
    /// The socket.
    pub socket: Socket,
    /// Who connected.
    pub peer: Address,
    /// The listener it came to.
    pub listener: Arc<ListenerPlan>,
}

/// Serves a connection until it ends.
///
/// Set up before the future begins: what an `async fn` takes apart stands in its future twice, and there is one for
/// each idle connection. For the same reason its rare lives are boxed.
pub fn live(worker: Rc<Worker>, accepted: Accepted) -> impl Future<Output = ()> + 'static {
    let Accepted { socket, peer, listener } = accepted;
    let wire = Rc::new(Wire::new(socket, Rc::clone(&worker.context.buffers)));
    let timer = worker.context.timers.timer();
    let mut facts = Rc::new(ConnectionFacts::new(peer, None, Scheme::Http, Arc::clone(&listener.name)));
    let worker = worker.count_connection();
    let mut served = 0;
    async move {
        if listener.proxy_protocol {
            match Box::pin(announced(&wire, &timer, &listener, &facts)).await {
                Some(announced) => facts = announced,
                None => return worker.counters.bad_proxy_headers.add(1),
            }
        }
        loop {
            let limits = &listener.limits;
            let wait = if served == 0 { limits.head_time_max } else { limits.idle_max };
            let arrived = timer
                .poll_until(clock::now() + wait, |cx| worker.poll_next_request(cx, &wire, &timer, served));
            if !arrived.await.unwrap_or(false) {
                return;
            }
            served += 1;
            let last = served >= limits.requests_max;
            let (wire_of_job, facts, listener_of_job) =
                (Rc::clone(&wire), Rc::clone(&facts), Arc::clone(&listener));
            let Some(running) =
                worker.run_exchange(Job { wire: wire_of_job, facts, listener: listener_of_job, last })
            else {
                return;
            };
            match running.await {
                End::Keep => {}
                End::Close => return,
                End::Reset => return wire.socket().reset_on_close(),
                End::Linger => return Box::pin(linger(&worker, &wire, &timer, &listener)).await,
                End::Tunnel(body) => return Box::pin(join(&worker, &wire, &timer, *body)).await,
            }
        }
    }
}

/// The connection as its PROXY header tells it; `None` when there is no proper one in time.
async fn announced(
    wire: &Wire,
    timer: &Timer,
    listener: &ListenerPlan,
    facts: &ConnectionFacts,
) -> Option<Rc<ConnectionFacts>> {
    let proxied = read_proxy_header(wire, timer, listener).await?;
    let listener = Arc::clone(&facts.listener);
    Some(Rc::new(ConnectionFacts::new(facts.peer.clone(), proxied, facts.scheme, listener)))
}

/// The two ends a PROXY header names; `None` when there is no proper one in time.
async fn read_proxy_header(
    wire: &Wire,
    timer: &Timer,
    listener: &ListenerPlan,
) -> Option<Option<(SocketAddr, SocketAddr)>> {
    let deadline = clock::now() + listener.limits.head_time_max;
    loop {
        let progress = proxy_protocol::parse(&wire.unread());
        match progress {
            Progress::Complete { consumed, header } => {
                wire.consume(consumed);
                return Some(header.addresses.map(|addresses| (addresses.source, addresses.destination)));
            }
            Progress::Malformed(_) => return None,
            Progress::Partial => match timer.poll_until(deadline, |cx| wire.poll_more(cx)).await {
                Ok(Ok(count)) if count > 0 => {}
                _ => return None,
            },
        }
    }
}

/// Ends our direction and reads on for a while.
async fn linger(worker: &Worker, wire: &Wire, timer: &Timer, listener: &ListenerPlan) {
    wire.socket().shutdown_write();
    let deadline = clock::now() + listener.limits.linger_time_max;
    let mut left = LINGER_BYTES_MAX;
    let unread = wire.unread().len();
    wire.consume(unread);
    while let Ok(Ok(count)) = timer.poll_until(deadline, |cx| wire.poll_more(cx)).await {
        if count == 0 || count >= left {
            break;
        }
        left -= count;
        wire.consume(count);
    }
    worker.counters.lingered.add(1);
}

/// Joins the client with the origin after a switch of protocols.
async fn join(worker: &Worker, client: &Wire, timer: &Timer, body: TunnelBody) {
    let _counted = worker.counters.tunnels.hold();
    let pools = Pools { buffers: &worker.context.buffers, pipes: &worker.context.pipes };
    let (passed, _) = tunnel(client, body.lease.wire(), pools, timer, body.idle_max).await;
    worker.counters.tunnel_bytes.add(passed.up_bytes + passed.down_bytes);
}
