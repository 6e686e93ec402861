//! Joins two connections after an upgrade: bytes pass both ways, unseen, until both sides have ended.

use std::io;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use propylon_base::clock::Moment;
use propylon_net::buffers::{Buffer, Buffers};
use propylon_net::clock;
use propylon_net::pipes::{PIPE_BYTES, Pipe, Pipes};
use propylon_net::timers::Timer;

use crate::send::Sending;
use crate::wire::Wire;

/// Bytes that passed each way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Passed {
    /// From the client to the origin.
    pub up_bytes: u64,
    /// From the origin to the client.
    pub down_bytes: u64,
}

/// Why a tunnel ended, when not by both sides' will.
#[derive(Debug)]
pub enum TunnelEnd {
    /// Both directions have ended.
    Ended,
    /// Nothing passed for as long as was allowed.
    Idle,
    /// One of the connections failed.
    Io(io::Error),
}

/// What a worker lends to the tunnels on it.
#[derive(Clone, Copy, Debug)]
pub struct Pools<'a> {
    /// For copying, when no pipe is to be had.
    pub buffers: &'a Rc<Buffers>,
    /// For moving without copying.
    pub pipes: &'a Rc<Pipes>,
}

/// Passes bytes between `client` and `origin` until both have ended, or none passed for `idle_max`. An end in one
/// direction is passed on as such; the other goes on.
pub async fn tunnel(
    client: &Wire,
    origin: &Wire,
    pools: Pools<'_>,
    timer: &Timer,
    idle_max: Duration,
) -> (Passed, TunnelEnd) {
    let (mut up, mut down) = (Direction::new(), Direction::new());
    let mut seen = (0, clock::now());
    let end = std::future::poll_fn(|cx| {
        let ended = match (up.poll(cx, client, origin, &pools), down.poll(cx, origin, client, &pools)) {
            (Poll::Ready(Ok(())), Poll::Ready(Ok(()))) => Some(TunnelEnd::Ended),
            (Poll::Ready(Err(error)), _) | (_, Poll::Ready(Err(error))) => Some(TunnelEnd::Io(error)),
            _ => None,
        };
        if let Some(end) = ended {
            return Poll::Ready(end);
        }
        let moved = up.moved + down.moved;
        if moved != seen.0 {
            seen = (moved, clock::now());
        }
        let deadline: Moment = seen.1 + idle_max;
        match timer.poll_deadline(cx, deadline) {
            Ok(()) => Poll::Pending,
            Err(_) => Poll::Ready(TunnelEnd::Idle),
        }
    })
    .await;
    (Passed { up_bytes: up.moved, down_bytes: down.moved }, end)
}

/// Chunks that one direction moves before the other gets its turn.
const TURNS_MAX: u32 = 16;

#[derive(Debug)]
struct Direction {
    /// Held only while bytes move: an idle tunnel holds neither a pipe nor a buffer.
    by: Option<Carrier>,
    moved: u64,
    state: State,
}

#[derive(Debug)]
enum Carrier {
    Pipe(Pipe),
    /// Without a pipe to be had, the bytes are copied.
    Buffer(Buffer, Sending),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    /// Bytes read ahead by the head's parser go first.
    Ahead(usize),
    Moving,
    Ended,
}

impl Direction {
    const fn new() -> Self {
        Self { by: None, moved: 0, state: State::Ahead(0) }
    }

    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        from: &Wire,
        to: &Wire,
        pools: &Pools<'_>,
    ) -> Poll<io::Result<()>> {
        for _ in 0..TURNS_MAX {
            let step = match self.state {
                State::Ended => return Poll::Ready(Ok(())),
                State::Ahead(sent) => self.poll_ahead(cx, from, to, sent),
                State::Moving => self.poll_move(cx, from, to, pools),
            };
            ready!(step)?;
            if self.state == State::Ended {
                to.socket().shutdown_write();
                return Poll::Ready(Ok(()));
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn poll_ahead(
        &mut self,
        cx: &mut Context<'_>,
        from: &Wire,
        to: &Wire,
        sent: usize,
    ) -> Poll<io::Result<()>> {
        let unread = from.unread();
        if sent < unread.len() {
            let slice = [io::IoSlice::new(&unread[sent..])];
            let count = ready!(to.socket().poll_write(cx, &slice, false))?;
            self.moved += count as u64;
            self.state = State::Ahead(sent + count);
            return Poll::Ready(Ok(()));
        }
        drop(unread);
        from.consume(sent);
        self.state = State::Moving;
        Poll::Ready(Ok(()))
    }

    fn poll_move(
        &mut self,
        cx: &mut Context<'_>,
        from: &Wire,
        to: &Wire,
        pools: &Pools<'_>,
    ) -> Poll<io::Result<()>> {
        let carrier = match &mut self.by {
            Some(carrier) => carrier,
            none => {
                ready!(from.socket().poll_readable(cx))?;
                let copied = || Carrier::Buffer(pools.buffers.take(), Sending::default());
                none.insert(pools.pipes.take().map_or_else(copied, Carrier::Pipe))
            }
        };
        if carrier.is_empty() {
            match carrier.poll_fill(cx, from) {
                Poll::Ready(Ok(0)) => self.state = State::Ended,
                Poll::Ready(Ok(_)) => return Poll::Ready(Ok(())),
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => {
                    self.by = None;
                    return Poll::Pending;
                }
            }
            return Poll::Ready(Ok(()));
        }
        self.moved += ready!(carrier.poll_drain(cx, to))? as u64;
        Poll::Ready(Ok(()))
    }
}

impl Carrier {
    fn is_empty(&self) -> bool {
        match self {
            Self::Pipe(pipe) => pipe.filled() == 0,
            Self::Buffer(bytes, _) => bytes.is_empty(),
        }
    }

    fn poll_fill(&mut self, cx: &mut Context<'_>, from: &Wire) -> Poll<io::Result<usize>> {
        match self {
            Self::Pipe(pipe) => pipe.poll_fill(cx, from.socket(), PIPE_BYTES as u64),
            Self::Buffer(bytes, _) => from.socket().poll_read(cx, bytes),
        }
    }

    fn poll_drain(&mut self, cx: &mut Context<'_>, to: &Wire) -> Poll<io::Result<usize>> {
        match self {
            Self::Pipe(pipe) => pipe.poll_drain(cx, to.socket()),
            Self::Buffer(bytes, sending) => {
                ready!(sending.poll_all(cx, to.socket(), &[bytes], false))?;
                let count = bytes.len();
                bytes.clear();
                *sending = Sending::default();
                Poll::Ready(Ok(count))
            }
        }
    }
}
