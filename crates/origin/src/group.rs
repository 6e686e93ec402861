//! A group of endpoints on one worker: which one gets the next exchange, and the connection to it.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use propylon_balance::{Candidate, Policy};
use propylon_base::random::Random;
use propylon_h1::Wire;
use propylon_net::buffers::Buffers;
use propylon_net::clock;
use propylon_net::proxy_protocol::Version;
use propylon_net::socket::Address;
use propylon_net::timers::Timer;

use crate::connect::{Announce, connect};
use crate::fault::{OriginFault, OriginFaultKind};
use crate::names::Host;
use crate::pool::{OpenGuard, Place, Pool, Pools};

/// Where an endpoint is.
#[derive(Clone, Debug)]
pub enum Target {
    /// An address that never changes.
    Fixed(Address),
    /// A name, resolved while we run, and a port.
    Name(Arc<Host>, u16),
}

/// One member of a group.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// How logs and metrics call it: its URL as written.
    pub name: Arc<str>,
    /// Where it is.
    pub target: Target,
    /// Its share, against the others' shares. 0 gets nothing.
    pub weight: u16,
    /// Its own name and port, for a `Host` field that names the endpoint.
    pub authority: Box<[u8]>,
}

/// What a group's connections may take and how long they may last.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Time to open a connection.
    pub connect_max: Duration,
    /// Time from the request's last byte to the reply's first.
    pub first_byte_max: Duration,
    /// Time without a byte in either direction.
    pub idle_max: Duration,
    /// Time for the whole exchange, if it is limited.
    pub total_max: Option<Duration>,
    /// Connections per worker and endpoint.
    pub connections_max: usize,
    /// Idle connections kept per worker and endpoint.
    pub keepalive_max: usize,
    /// How long an idle connection is kept.
    pub keepalive_time_max: Duration,
    /// A PROXY header to send on each connection; such a connection serves one client and is not kept.
    pub announce: Option<Version>,
}

/// A group as one worker sees it.
#[derive(Debug)]
pub struct Group {
    name: Arc<str>,
    endpoints: Vec<Member>,
    limits: Limits,
    choice: RefCell<Choice>,
    pools: Rc<Pools>,
}

#[derive(Debug)]
struct Choice {
    policy: Policy,
    candidates: Vec<Candidate>,
    random: Random,
}

#[derive(Debug)]
struct Member {
    endpoint: Endpoint,
    /// The addresses of the last look, and the pools of the connections to them.
    routes: RefCell<Routes>,
    /// Whose turn it is of several addresses.
    next: Cell<usize>,
}

#[derive(Debug, Default)]
struct Routes {
    generation: u64,
    pools: Vec<Rc<Pool>>,
}

impl Group {
    /// The group's view on one worker. `seed` need not be secret, but should differ between workers.
    pub fn new(
        name: Arc<str>,
        endpoints: &[Endpoint],
        policy: Policy,
        limits: Limits,
        pools: Rc<Pools>,
        seed: u64,
    ) -> Self {
        let candidates = endpoints
            .iter()
            .map(|endpoint| Candidate { weight: endpoint.weight, in_flight: 0, available: true })
            .collect();
        let member = |endpoint: &Endpoint| Member {
            endpoint: endpoint.clone(),
            routes: RefCell::default(),
            next: Cell::default(),
        };
        let choice = RefCell::new(Choice { policy, candidates, random: Random::seeded(seed) });
        Self { name, endpoints: endpoints.iter().map(member).collect(), limits, choice, pools }
    }

    /// The group's name, for logs.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// Time limits and bounds.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Number of endpoints.
    pub fn len(&self) -> usize {
        self.endpoints.len()
    }

    /// True for a group without endpoints.
    pub fn is_empty(&self) -> bool {
        self.endpoints.is_empty()
    }

    /// The endpoint at `index`.
    pub fn endpoint(&self, index: usize) -> &Endpoint {
        &self.endpoints[index].endpoint
    }

    /// Chooses the endpoint for an attempt, leaving out those in `tried`.
    pub fn pick(self: &Rc<Self>, tried: &[usize]) -> Option<Chosen> {
        let mut choice = self.choice.borrow_mut();
        let Choice { policy, candidates, random } = &mut *choice;
        let index = policy.pick(candidates, tried, random.next_u64())?;
        candidates[index].in_flight += 1;
        Some(Chosen { group: Rc::clone(self), index })
    }
}

/// An endpoint with one exchange more in flight, for as long as this lives.
#[derive(Debug)]
pub struct Chosen {
    group: Rc<Group>,
    index: usize,
}

impl Drop for Chosen {
    fn drop(&mut self) {
        self.group.choice.borrow_mut().candidates[self.index].in_flight -= 1;
    }
}

impl Chosen {
    /// The endpoint's place in its group.
    pub fn index(&self) -> usize {
        self.index
    }

    /// The endpoint.
    pub fn endpoint(&self) -> &Endpoint {
        self.group.endpoint(self.index)
    }

    /// A fault that names this endpoint.
    pub fn fault(&self, kind: OriginFaultKind) -> OriginFault {
        OriginFault { kind, endpoint: Some(Arc::clone(&self.endpoint().name)) }
    }

    /// A connection to the endpoint: a kept one, unless `fresh` asks for a new one. A name's addresses are tried one
    /// after the other, each with its share of the time that is left.
    ///
    /// # Errors
    /// No address, no room, or no connection in time.
    pub async fn connect(
        self,
        fresh: bool,
        announce: Option<Announce>,
        buffers: &Rc<Buffers>,
        timer: &Timer,
    ) -> Result<Lease, OriginFault> {
        let limits = &self.group.limits;
        let deadline = clock::now() + limits.connect_max;
        let keep = announce.is_none();
        let first = self.turn();
        let mut tried = 0;
        loop {
            let Some((pool, addresses)) = self.route(first.wrapping_add(tried)) else {
                return Err(self.fault(OriginFaultKind::Unresolved));
            };
            tried += 1;
            if keep
                && !fresh
                && let Some((wire, guard)) = pool.take()
            {
                return Ok(Lease { chosen: self, pool, wire, guard: Some(guard), reused: true, keep });
            }
            let Some(guard) = pool.reserve(limits.connections_max) else {
                return Err(self.fault(OriginFaultKind::Saturated));
            };
            let shares = addresses.saturating_sub(tried) + 1;
            let share = deadline.since(clock::now()) / u32::try_from(shares).unwrap_or(u32::MAX);
            match connect(&pool.place().address, announce, buffers, timer, share).await {
                Ok(wire) => {
                    let (wire, guard) = (Rc::new(wire), Some(guard));
                    return Ok(Lease { chosen: self, pool, wire, guard, reused: false, keep });
                }
                Err(_) if shares > 1 => {}
                Err(kind) => return Err(self.fault(kind)),
            }
        }
    }

    /// Whose turn it is of the endpoint's addresses.
    fn turn(&self) -> usize {
        let next = &self.group.endpoints[self.index].next;
        next.replace(next.get().wrapping_add(1))
    }

    /// The pool of the connections to the address whose turn it is, and how many addresses there are.
    fn route(&self, turn: usize) -> Option<(Rc<Pool>, usize)> {
        let member = &self.group.endpoints[self.index];
        let pool_of = |address| self.group.pools.pool(&Place { address });
        let mut routes = member.routes.borrow_mut();
        match &member.endpoint.target {
            Target::Fixed(address) if routes.pools.is_empty() => routes.pools.push(pool_of(address.clone())),
            Target::Fixed(_) => {}
            Target::Name(host, port) => {
                let generation = host.generation();
                if routes.generation != generation {
                    let addresses = host.addresses();
                    let address = |&ip| Address::Ip(SocketAddr::new(ip, *port));
                    routes.pools = addresses.iter().map(|ip| pool_of(address(ip))).collect();
                    routes.generation = generation;
                }
            }
        }
        let count = routes.pools.len();
        routes.pools.get(turn.checked_rem(count)?).map(|pool| (Rc::clone(pool), count))
    }
}

/// A connection to an endpoint, for one exchange.
#[derive(Debug)]
pub struct Lease {
    chosen: Chosen,
    pool: Rc<Pool>,
    wire: Rc<Wire>,
    guard: Option<OpenGuard>,
    reused: bool,
    keep: bool,
}

impl Lease {
    /// The connection.
    pub fn wire(&self) -> &Rc<Wire> {
        &self.wire
    }

    /// True for a connection that served before: it may have been closed at the other end a moment ago.
    pub fn is_reused(&self) -> bool {
        self.reused
    }

    /// The endpoint.
    pub fn endpoint(&self) -> &Endpoint {
        self.chosen.endpoint()
    }

    /// What the group's connections may take and how long they may last.
    pub fn limits(&self) -> &Limits {
        &self.chosen.group.limits
    }

    /// A fault that names the endpoint.
    pub fn fault(&self, kind: OriginFaultKind) -> OriginFault {
        self.chosen.fault(kind)
    }

    /// Gives the endpoint back, to try the same one again.
    pub fn into_chosen(self) -> Chosen {
        self.chosen
    }

    /// Ends the exchange. A `reusable` connection goes back to its pool; any other is closed with its last user.
    pub fn finish(&mut self, reusable: bool) {
        if let Some(guard) = self.guard.take()
            && reusable
            && self.keep
        {
            let limits = &self.chosen.group.limits;
            self.pool.put(Rc::clone(&self.wire), guard, limits.keepalive_max, limits.keepalive_time_max);
        }
    }
}

/// When an exchange that began now must be over.
pub fn total_deadline(limits: &Limits) -> propylon_base::clock::Moment {
    limits.total_max.map_or(propylon_base::clock::Moment::NEVER, |total| clock::now() + total)
}
