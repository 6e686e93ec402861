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
pub async fn live(worker: Rc<Worker>, accepted: Accepted) {
    let _counted = worker.count_connection();
    let Accepted { socket, peer, listener } = accepted;
    let wire = Rc::new(Wire::new(socket, Rc::clone(&worker.context.buffers)));
    let timer = worker.context.timers.timer();
    let mut proxied = None;
    if listener.proxy_protocol {
        match Box::pin(read_proxy_header(&wire, &timer, &listener)).await {
            Some(addresses) => proxied = addresses,
            None => return worker.counters.bad_proxy_headers.add(1),
        }
    }
    let facts = Rc::new(ConnectionFacts::new(peer, proxied, Scheme::Http, Arc::clone(&listener.name)));
    let mut served = 0;
    loop {
        let idle = worker.next_request(&wire, &timer, &listener, served).await;
        if !idle {
            return;
        }
        served += 1;
        let last = served >= listener.limits.requests_max;
        let job =
            Job { wire: Rc::clone(&wire), facts: Rc::clone(&facts), listener: Arc::clone(&listener), last };
        match worker.run_exchange(job).await {
            End::Keep => {}
            End::Close => return,
            End::Reset => return wire.socket().reset_on_close(),
            // Boxed, or every idle connection would have room for them.
            End::Linger => return Box::pin(linger(&worker, &wire, &timer, &listener)).await,
            End::Tunnel(body) => return Box::pin(join(&worker, &wire, &timer, *body)).await,
        }
    }
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
