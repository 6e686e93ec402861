//! What the core itself counts.

use std::cell::Cell as StdCell;
use std::rc::Rc;

use propylon_pipeline::Account;
use propylon_pipeline::metrics::{Cell, Metric, MetricKind};
use propylon_pipeline::shared::Registry;

macro_rules! metrics {
    ($($name:ident $kind:ident $text:literal $help:literal;)*) => {
        $(#[doc = $help] pub const $name: Metric = Metric { name: $text, kind: MetricKind::$kind, help: $help };)*
        /// Every metric of the core, for the reference.
        pub const METRICS: &[Metric] = &[$($name),*];
    };
}

metrics! {
    CONNECTIONS Counter "propylon_connections_total" "Client connections accepted.";
    CONNECTIONS_OPEN Gauge "propylon_connections_open" "Client connections open now.";
    HANDED_OVER Counter "propylon_connections_handed_over_total" "Connections given to a less busy worker.";
    ACCEPT_PAUSES Counter "propylon_accept_pauses_total" "Times that accepting was paused for want of file descriptors.";
    BAD_PROXY_HEADERS Counter "propylon_bad_proxy_headers_total" "Connections closed for want of a proper PROXY header.";
    LINGERED Counter "propylon_connections_lingered_total" "Connections read on after their last reply.";
    REQUESTS Counter "propylon_requests_total" "Requests, by the class of their reply's status; 0xx for clients that were gone.";
    SITE_REQUESTS Counter "propylon_site_requests_total" "Requests, by site; an empty name counts those without one.";
    FAULTS Counter "propylon_faults_total" "Replies that tell of a fault, ours or an origin's, and replies cut short.";
    RECEIVED_BYTES Counter "propylon_received_body_bytes_total" "Bytes of request bodies.";
    SENT_BYTES Counter "propylon_sent_bytes_total" "Bytes of replies.";
    TUNNELS_OPEN Gauge "propylon_tunnels_open" "Upgraded connections open now.";
    TUNNEL_BYTES Counter "propylon_tunnel_bytes_total" "Bytes that passed through tunnels, both ways.";
    PANICS Counter "propylon_panics_total" "Connections ended by a fault in the program itself.";
    GENERATION Gauge "propylon_config_generation" "Number of the config in force, counted from the start.";
    RELOADS_REFUSED Counter "propylon_reloads_refused_total" "Reloads refused for an invalid config.";
}

/// One worker's counters.
#[derive(Debug)]
pub struct Counters {
    /// See [`CONNECTIONS`].
    pub connections: Cell,
    /// See [`CONNECTIONS_OPEN`].
    pub connections_open: Held,
    /// See [`HANDED_OVER`].
    pub handed_over: Cell,
    /// See [`ACCEPT_PAUSES`].
    pub accept_pauses: Cell,
    /// See [`BAD_PROXY_HEADERS`].
    pub bad_proxy_headers: Cell,
    /// See [`LINGERED`].
    pub lingered: Cell,
    /// See [`TUNNELS_OPEN`].
    pub tunnels: Held,
    /// See [`TUNNEL_BYTES`].
    pub tunnel_bytes: Cell,
    /// See [`PANICS`].
    pub panics: Cell,
    requests: [Cell; 6],
    faults: Cell,
    received_bytes: Cell,
    sent_bytes: Cell,
}

impl Counters {
    /// Cells of all metrics, for one worker.
    pub fn new(registry: &Registry) -> Self {
        let cell = |metric| registry.cell(metric, &[]);
        let class = |class: &str| registry.cell(REQUESTS, &[("status", class)]);
        Self {
            connections: cell(CONNECTIONS),
            connections_open: Held::new(cell(CONNECTIONS_OPEN)),
            handed_over: cell(HANDED_OVER),
            accept_pauses: cell(ACCEPT_PAUSES),
            bad_proxy_headers: cell(BAD_PROXY_HEADERS),
            lingered: cell(LINGERED),
            tunnels: Held::new(cell(TUNNELS_OPEN)),
            tunnel_bytes: cell(TUNNEL_BYTES),
            panics: cell(PANICS),
            requests: ["0xx", "1xx", "2xx", "3xx", "4xx", "5xx"].map(class),
            faults: cell(FAULTS),
            received_bytes: cell(RECEIVED_BYTES),
            sent_bytes: cell(SENT_BYTES),
        }
    }

    /// Counts an exchange that is over.
    pub fn count(&self, account: &Account) {
        let class = usize::from(account.status / 100).min(self.requests.len() - 1);
        self.requests[class].add(1);
        self.sent_bytes.add(account.sent_bytes);
        if account.received_bytes > 0 {
            self.received_bytes.add(account.received_bytes);
        }
        if account.fault.is_some() {
            self.faults.add(1);
        }
    }
}

/// A gauge of things held: each is counted for as long as its guard lives.
#[derive(Clone, Debug)]
pub struct Held {
    cell: Cell,
    count: Rc<StdCell<usize>>,
}

impl Held {
    fn new(cell: Cell) -> Self {
        Self { cell, count: Rc::default() }
    }

    /// How many are held now.
    pub fn count(&self) -> usize {
        self.count.get()
    }

    /// Counts one more until the guard is dropped.
    pub fn hold(&self) -> Guard {
        self.raise();
        Guard(self.clone())
    }

    /// Counts one more; [`Held::lower`] must follow.
    pub fn raise(&self) {
        self.count.set(self.count.get() + 1);
        self.cell.set(self.count.get() as u64);
    }

    /// Counts one less.
    pub fn lower(&self) {
        self.count.set(self.count.get() - 1);
        self.cell.set(self.count.get() as u64);
    }
}

/// See [`Held::hold`].
#[derive(Debug)]
pub struct Guard(Held);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.lower();
    }
}
