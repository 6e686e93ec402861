//! The directives that belong to no room: listeners, sites, routes and the process.

use std::path::PathBuf;
use std::time::Duration;

use propylon_config::value::ListenAddress;
use propylon_config::{Bytes, Name, Node, Spanned, directive};

directive! {
    /// An address to listen on.
    pub struct Listen = "listen" {
        /// `:80`, `127.0.0.1:80`, `[::1]:80` or `unix:PATH`.
        positional address: Spanned<ListenAddress>,
        /// A name for `on NAME` in a site, and for logs. The address, if it is not said.
        keyword name: Option<Spanned<Name>>,
        /// Expects a PROXY header (version 1 or 2) first on each connection; a connection without one is closed.
        flag proxy_protocol: bool,
        /// Limits for this listener's connections, in place of the common ones.
        child limits: Option<Limits>,
    }
}

directive! {
    /// What clients' connections may take and how long they may last.
    pub struct Limits = "limits" {
        /// Size of a request's head. Browsers send a few KiB; single sign-on tokens need more.
        keyword head: Bytes [Bytes::kib(1)..=Bytes::kib(256)] = Bytes::kib(32),
        /// Number of fields in a head.
        keyword fields: usize [1..=128] = 100,
        /// Length of a request target.
        keyword target: Bytes [Bytes(64)..=Bytes::kib(64)] = Bytes::kib(8),
        /// Size of a request's body, for routes that do not say otherwise.
        keyword body: Bytes = Bytes::gib(1),
        /// Time for a request's head to arrive whole.
        keyword head_time: Duration = Duration::from_secs(10),
        /// Time that a connection may wait for its next request.
        keyword idle: Duration = Duration::from_secs(60),
        /// Time in which a client must take, or send, something.
        keyword stalled: Duration = Duration::from_secs(60),
        /// Time for reading on after the last reply, so that a client still sending can read it.
        keyword linger: Duration = Duration::from_secs(2),
        /// Requests on one connection before it is closed.
        keyword requests: u64 [1..=u64::MAX] = 1_000_000_000,
    }
}

directive! {
    /// Names, and the routes under them.
    pub struct Site = "site" {
        /// Host names, such as `example.com`, `*.example.com`, or `*` for every host without a site.
        positional names: Vec<Spanned<String>>,
        /// Names of the listeners it serves on; all if it is not said.
        keyword "on" listeners: Vec<Spanned<Name>> = vec![],
        /// A part of the site.
        child routes: Vec<Route> = vec![],
        /// Rooms for all routes, and an answer for what no route takes.
        rest lines: Vec<Node>,
    }
}

directive! {
    /// A match, its steps and its answer.
    pub struct Route = "route" {
        /// Methods, if not all; then a path such as `/`, `/about` or `/api/*`, or `~` and a regular expression.
        positional pattern: Vec<Spanned<String>>,
        /// Orders regular expressions of one site: the highest first.
        keyword priority: u32 = 0,
        /// A field that the request must have, perhaps with this value.
        child fields: Vec<WhenHeader> = vec![],
        /// A parameter that the query must have, perhaps with this value.
        child parameters: Vec<WhenQuery> = vec![],
        /// Rooms and the answer.
        rest lines: Vec<Node>,
    }
}

directive! {
    /// Takes only requests with this field.
    pub struct WhenHeader = "when-header" {
        /// The field's name.
        positional name: String,
        /// The value it must have; any, if it is not said.
        positional value: Option<String>,
    }
}

directive! {
    /// Takes only requests with this parameter in the query.
    pub struct WhenQuery = "when-query" {
        /// The parameter's name.
        positional name: String,
        /// The value it must have, as it is sent; any, if it is not said.
        positional value: Option<String>,
    }
}

directive! {
    /// How many workers there are.
    pub struct Workers = "workers" {
        /// Their number; one for each core that the process may use, if it is not said.
        positional count: usize [1..=1024],
    }
}

directive! {
    /// Whom the process becomes once everything that needs root is open.
    pub struct User = "user" {
        /// The account's name.
        positional name: Spanned<String>,
        /// The group's name; the account's own, if it is not said.
        positional group: Option<Spanned<String>>,
    }
}

directive! {
    /// Where the running server takes commands.
    pub struct Admin = "admin" {
        /// A Unix socket, readable and writable by its owner alone; `off` for none.
        positional socket: Spanned<String>,
    }
}

directive! {
    /// How the server ends when it is asked to.
    pub struct Shutdown = "shutdown" {
        /// Time between saying that it is not ready any more and taking no more connections: what load balancers
        /// before us need to notice.
        keyword wait: Duration = Duration::ZERO,
        /// Time for exchanges in flight; what is left after it is cut.
        keyword deadline: Duration = Duration::from_secs(30),
    }
}

directive! {
    /// Who resolves the names of endpoints.
    pub struct Resolver = "resolver" {
        /// Addresses of name servers, with ports; the system's own, if it is not said.
        positional servers: Vec<std::net::SocketAddr>,
    }
}

directive! {
    /// What stands for a file of its own: its lines take this line's place.
    pub struct Include = "include" {
        /// A path, relative to this file, in which `*` and `?` stand for anything.
        positional path: PathBuf,
    }
}
