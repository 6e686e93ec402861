//! Names of origins, resolved again and again while the server runs.
//!
//! A name in an upstream is watched for as long as some plan uses it. A task on the control runtime asks for its
//! addresses when their time to live is over; workers see the result at the cost of one atomic read, and copy the
//! addresses only when they have changed. A name that stops resolving keeps its last addresses, and one that never
//! did leaves the rest of the server alone: it has none, and is tried again.

mod lookup;
mod refresh;
mod shared;

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::watch;

use shared::Registry;

/// The most addresses of one name that are used: the lowest ones, so that all workers use the same.
pub const ADDRESSES_MAX: usize = 64;

/// All names that are watched.
///
/// Any thread may use it; the work is done on the runtime on which it was made, which must be the control runtime.
#[derive(Debug)]
pub struct Names {
    registry: Registry,
    settings: watch::Sender<Arc<Settings>>,
    report: Reporter,
    runtime: Handle,
}

/// Where and how names are looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The name servers to ask. None: those of the system, with its search domains.
    pub servers: Vec<SocketAddr>,
    /// Which kinds of addresses to ask for.
    pub families: Families,
    /// The file of fixed names, which goes before the name servers.
    pub hosts: PathBuf,
    /// How often to ask.
    pub pace: Pace,
}

/// The kinds of addresses that are wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Families {
    /// Both.
    #[default]
    Both,
    /// IPv4 only.
    V4,
    /// IPv6 only.
    V6,
}

/// Bounds on how often a name is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// A shorter time to live counts as this. Default 1 s: zero would be an endless loop.
    pub ttl_min: Duration,
    /// A longer time to live counts as this. Default 1 h: who set it to a day did not foresee moving today.
    pub ttl_max: Duration,
    /// The pause after a first failure; it doubles with each further one. Default 1 s.
    pub retry_min: Duration,
    /// The longest pause between failures. Default 30 s.
    pub retry_max: Duration,
}

/// A watched name: shared by all workers, kept up to date by the control runtime.
#[derive(Debug)]
pub struct Host {
    name: Box<str>,
    generation: AtomicU64,
    state: watch::Sender<State>,
}

/// What is known of a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// Its addresses, in ascending order, at most [`ADDRESSES_MAX`]. After a failure, those of the last success.
    pub addresses: Arc<[IpAddr]>,
    /// How the last look-up went.
    pub condition: Condition,
}

/// How the last look-up of a name went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// There was none yet.
    Pending,
    /// Well.
    Resolved,
    /// Badly. Without addresses the name is unresolved, with some they are old.
    Failing(NameError),
}

/// Why a name has no addresses.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// The name server says so (`NXDOMAIN`).
    #[error("there is no such name")]
    NotFound,
    /// The name exists, without an address of the wanted kinds.
    #[error("the name has no addresses")]
    NoAddresses,
    /// The name server could not answer, or would not.
    #[error("the name server answered `{0}`")]
    Refused(String),
    /// No name server answered in time.
    #[error("no name server answered in time")]
    TimedOut,
    /// It cannot be a name.
    #[error("this is not a valid name")]
    Invalid,
    /// Anything else: the system's configuration, the network.
    #[error("{0}")]
    Other(String),
}

/// Something worth a line in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The addresses are other ones than before.
    Changed,
    /// Look-ups began to fail, or to fail in another way.
    Failing,
    /// Look-ups work again, with the addresses of before.
    Recovered,
}

/// Told about each [`Event`], with the name and its new state. It runs on the control runtime and must not block.
pub type Report = dyn Fn(&str, Event, &State) + Send + Sync;

#[derive(Clone)]
struct Reporter(Arc<Report>);

impl Names {
    /// Nothing watched yet. Call it on the control runtime.
    pub fn new(settings: Settings, report: Arc<Report>) -> Self {
        Self {
            registry: Registry::default(),
            settings: watch::Sender::new(Arc::new(settings)),
            report: Reporter(report),
            runtime: Handle::current(),
        }
    }

    /// Watches a name until the last user of the result is gone; all who watch the same name share one.
    ///
    /// IP literals and `localhost` are answered at once and never asked for.
    pub fn watch(&self, name: &str) -> Arc<Host> {
        if let Some(addresses) = without_asking(name) {
            return Arc::new(Host::fixed(name, addresses));
        }
        let name = name.to_ascii_lowercase();
        self.registry.find_or_insert(&name, || {
            let host = Arc::new(Host::pending(&name));
            let refreshing =
                refresh::keep_fresh(Arc::downgrade(&host), self.settings.subscribe(), self.report.clone());
            self.runtime.spawn(refreshing);
            host
        })
    }

    /// Changes how names are looked up. If it is a change, all names are looked up anew; their addresses stay until
    /// then.
    pub fn configure(&self, settings: Settings) {
        self.settings.send_if_modified(|current| {
            let differs = **current != settings;
            if differs {
                *current = Arc::new(settings);
            }
            differs
        });
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            servers: Vec::new(),
            families: Families::Both,
            hosts: "/etc/hosts".into(),
            pace: Pace::default(),
        }
    }
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            ttl_min: Duration::from_secs(1),
            ttl_max: Duration::from_secs(60 * 60),
            retry_min: Duration::from_secs(1),
            retry_max: Duration::from_secs(30),
        }
    }
}

impl Host {
    /// The name, in lower case.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Changes whenever the addresses do; zero while there were none yet. One atomic read, for the hot path.
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// The current addresses: at least as new as a generation read before. Takes a lock for a moment, so call it when
    /// the generation has changed.
    pub fn addresses(&self) -> Arc<[IpAddr]> {
        Arc::clone(&self.state.borrow().addresses)
    }

    /// All that is known, for logs and the admin's page.
    pub fn state(&self) -> State {
        self.state.borrow().clone()
    }

    /// Waits until the first look-up is over, well or badly, so that a start need not begin with errors.
    pub async fn settled(&self) {
        // It cannot fail: `self` holds the sender.
        let _ = self.state.subscribe().wait_for(|state| state.condition != Condition::Pending).await;
    }

    fn pending(name: &str) -> Self {
        let state = State { addresses: Arc::default(), condition: Condition::Pending };
        Self { name: name.into(), generation: AtomicU64::new(0), state: watch::Sender::new(state) }
    }

    fn fixed(name: &str, addresses: Vec<IpAddr>) -> Self {
        let state = State { addresses: addresses.into(), condition: Condition::Resolved };
        Self { name: name.into(), generation: AtomicU64::new(1), state: watch::Sender::new(state) }
    }

    /// Takes over a new state.
    fn publish(&self, state: State) {
        let is_new = self.state.borrow().addresses != state.addresses;
        self.state.send_replace(state);
        // After the addresses: whoever sees the new number finds them.
        if is_new {
            self.generation.fetch_add(1, Ordering::Release);
        }
    }
}

impl fmt::Debug for Reporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Reporter")
    }
}

/// The addresses that need no look-up: literals, and the names that never leave the machine (RFC 6761 section 6.3).
fn without_asking(name: &str) -> Option<Vec<IpAddr>> {
    let bare = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    if let Ok(address) = bare.parse() {
        return Some(vec![address]);
    }
    let name = name.strip_suffix('.').unwrap_or(name);
    let (_, last) = name.rsplit_once('.').unwrap_or(("", name));
    let loopback = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
    last.eq_ignore_ascii_case("localhost").then(|| loopback.to_vec())
}

#[cfg(test)]
mod tests;
