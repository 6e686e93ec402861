//! One request with its reply, as every room sees it, whatever protocol carries it.

use std::cell::OnceCell;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use propylon_base::clock::Moment;
use propylon_h1::{Incoming, Wire};
use propylon_http::h1::head::{ReplyHead, RequestHead};
use propylon_http::target::strip_segments;
use propylon_http::{Fields, Malformed};
use propylon_net::socket::Address;
use propylon_net::timers::Timer;

use crate::account::Account;
use crate::request_id::RequestId;
use crate::worker::WorkerContext;

/// Memory of a reply's fields that is kept for the next one: a reply with huge fields must not be remembered so.
const FIELDS_BYTES_KEPT_MAX: usize = 16 * 1024;

/// How the client speaks to us, or to the trusted proxy before us.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scheme {
    /// In clear.
    #[default]
    Http,
    /// Over TLS.
    Https,
}

impl Scheme {
    /// As it stands in a URL.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    /// The port that need not be said.
    pub const fn default_port(self) -> u64 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

/// What is known of a connection; the same for all exchanges on it.
#[derive(Debug)]
pub struct ConnectionFacts {
    /// Who connected: the other end of the socket.
    pub peer: Address,
    /// The two ends as a PROXY header gave them: source and destination. Boxed, for few connections have them.
    pub proxied: Option<Box<(SocketAddr, SocketAddr)>>,
    /// Whether the listener speaks TLS.
    pub scheme: Scheme,
    /// Name of the listener.
    pub listener: Arc<str>,
    /// This end of the socket, looked up when first asked for.
    local: OnceCell<Option<Box<SocketAddr>>>,
}

impl ConnectionFacts {
    /// A connection from `peer` on the listener called `listener`.
    pub fn new(
        peer: Address,
        proxied: Option<(SocketAddr, SocketAddr)>,
        scheme: Scheme,
        listener: Arc<str>,
    ) -> Self {
        let proxied = proxied.map(Box::new);
        Self { peer, proxied, scheme, listener, local: OnceCell::new() }
    }

    /// The address the client connected to.
    pub fn local(&self, wire: &Wire) -> Option<SocketAddr> {
        match &self.proxied {
            Some(ends) => Some(ends.1),
            None => self.local.get_or_init(|| wire.socket().local().map(Box::new)).as_deref().copied(),
        }
    }

    /// The client as the connection alone tells: by the PROXY header if there was one, else by the socket.
    pub fn source(&self) -> Option<SocketAddr> {
        match (&self.proxied, &self.peer) {
            (Some(ends), _) => Some(ends.0),
            (None, Address::Ip(peer)) => Some(*peer),
            (None, Address::Unix(_)) => None,
        }
    }
}

/// Who asks, as far as we believe it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Client {
    /// Its address; `None` for one on a Unix socket.
    pub address: Option<IpAddr>,
    /// Its port, where known.
    pub port: Option<u16>,
    /// How it speaks to the first server on its way.
    pub scheme: Scheme,
    /// Whether the peer of the connection is a proxy whose word counts.
    pub peer_is_trusted: bool,
}

/// The way back to the client, for what goes ahead of the reply.
#[derive(Clone, Debug)]
pub enum Downstream {
    /// An HTTP/1 connection.
    H1(Rc<Wire>),
    /// None: the exchange is only thought through, for `explain`.
    Nowhere,
}

impl Downstream {
    /// Whether watching the client would cost a call first: it is on a fresh connection that never had to be waited
    /// for.
    pub fn is_unwatched(&self) -> bool {
        match self {
            Self::H1(wire) => !wire.socket().is_watched(),
            Self::Nowhere => false,
        }
    }
}

/// One request with its reply.
#[derive(Debug)]
pub struct Exchange {
    /// What the core lends.
    pub worker: Rc<WorkerContext>,
    /// The connection it came over.
    pub connection: Rc<ConnectionFacts>,
    /// The way back.
    pub downstream: Downstream,
    /// The request's head; rooms may change it.
    pub request: RequestHead,
    /// The request's body, until an answer takes it.
    pub body: Option<Incoming>,
    /// True once an answer has taken the body and has not read all of it: the connection cannot go on.
    pub body_left_open: bool,
    /// How long the client may send nothing of its body.
    pub stalled_max: Duration,
    /// True while the client waits for `100 Continue` before it sends the body.
    pub continue_awaited: bool,
    /// Who asks.
    pub client: Client,
    /// The exchange's name.
    pub id: RequestId,
    /// When the head had arrived.
    pub begun: Moment,
    /// What the route's `*` matched.
    pub rest: Vec<u8>,
    /// What the route's regular expression captured: the groups from 1 on.
    pub captures: Vec<Vec<u8>>,
    /// Figures for the log.
    pub account: Account,
    /// This task's deadline.
    pub timer: Timer,
    /// An origin's reply head is parsed here; kept for its memory.
    pub origin_head: ReplyHead,
}

impl Exchange {
    /// An exchange to be used again and again on `worker`.
    pub fn new(worker: Rc<WorkerContext>, connection: Rc<ConnectionFacts>) -> Self {
        let timer = worker.timers.timer();
        Self {
            worker,
            connection,
            downstream: Downstream::Nowhere,
            request: RequestHead::new(),
            body: None,
            body_left_open: false,
            stalled_max: Duration::MAX,
            continue_awaited: false,
            client: Client::default(),
            id: RequestId::default(),
            begun: Moment::default(),
            rest: Vec::new(),
            captures: Vec::new(),
            account: Account::default(),
            timer,
            origin_head: ReplyHead::new(),
        }
    }

    /// Makes it ready for the next request on `connection`.
    pub fn begin(&mut self, connection: Rc<ConnectionFacts>, downstream: Downstream, now: Moment) {
        let source = connection.source();
        self.client = Client {
            address: source.map(|source| source.ip()),
            port: source.map(|source| source.port()),
            scheme: connection.scheme,
            peer_is_trusted: false,
        };
        self.connection = connection;
        self.downstream = downstream;
        self.request.clear();
        self.body = None;
        self.body_left_open = false;
        self.continue_awaited = false;
        self.begun = now;
        self.rest.clear();
        self.captures.clear();
        self.account.clear();
    }

    /// Puts `to` in the place of the path's leading segments `from`, if it begins with them; both are canonical, and `to`
    /// has no `/` at its end. `scratch` is kept by the caller for its memory.
    ///
    /// # Errors
    /// The new path would not be canonical; the request is as before.
    pub fn replace_segments(
        &mut self,
        from: &[u8],
        to: &[u8],
        scratch: &mut Vec<u8>,
    ) -> Result<(), Malformed> {
        let Some(rest) = strip_segments(self.request.path(), from) else { return Ok(()) };
        scratch.clear();
        scratch.extend_from_slice(to);
        scratch.extend_from_slice(rest);
        if scratch.is_empty() {
            scratch.push(b'/');
        }
        self.request.set_path(scratch)
    }

    /// Takes back the memory of a reply's fields, for the next reply's.
    pub fn recycle(&mut self, mut fields: Fields) {
        if fields.capacity() <= FIELDS_BYTES_KEPT_MAX {
            fields.clear();
            self.origin_head.fields = fields;
        }
    }

    /// Lets go of the connection, so that an idle exchange holds none.
    pub fn end(&mut self, nowhere: &Rc<ConnectionFacts>) {
        self.body = None;
        self.downstream = Downstream::Nowhere;
        self.connection = Rc::clone(nowhere);
    }
}
