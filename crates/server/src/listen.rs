//! A listener as the plan has it: its name, its address and the limits of its connections.

use std::sync::Arc;
use std::time::Duration;

use propylon_config::value::ListenAddress;
use propylon_http::h1::head::HeadLimits;
use propylon_net::socket::Address;

use crate::plan::config;

/// A listener, compiled.
#[derive(Debug)]
pub struct ListenerPlan {
    /// Its name, or else its address.
    pub name: Arc<str>,
    /// What it binds: what tells listeners apart over a reload.
    pub address: Address,
    /// Whether a PROXY header comes first.
    pub proxy_protocol: bool,
    /// The limits of its connections.
    pub limits: ConnectionLimits,
}

/// What a client's connection may take, and how long.
#[derive(Clone, Debug)]
pub struct ConnectionLimits {
    /// Sizes of a request's head.
    pub head: HeadLimits,
    /// Bytes of a request's body.
    pub body_bytes_max: u64,
    /// Time for a head to arrive whole.
    pub head_time_max: Duration,
    /// Time between requests.
    pub idle_max: Duration,
    /// Time in which the client must take or send something.
    pub stalled_max: Duration,
    /// Time for reading on after the last reply.
    pub linger_time_max: Duration,
    /// Exchanges on one connection.
    pub requests_max: u64,
}

impl ConnectionLimits {
    /// The limits as a config says them.
    pub fn compile(config: &config::Limits) -> Self {
        Self {
            head: HeadLimits {
                bytes_max: config.head.as_usize(),
                target_bytes_max: config.target.as_usize(),
                fields_max: config.fields,
            },
            body_bytes_max: config.body.0,
            head_time_max: config.head_time,
            idle_max: config.idle,
            stalled_max: config.stalled,
            linger_time_max: config.linger,
            requests_max: config.requests,
        }
    }
}

/// The socket address that a config's address means.
pub fn address(listen: &ListenAddress) -> Address {
    match listen {
        ListenAddress::Any(port) => {
            Address::Ip(std::net::SocketAddr::new(std::net::Ipv6Addr::UNSPECIFIED.into(), *port))
        }
        ListenAddress::Tcp(address) => Address::Ip(*address),
        ListenAddress::Unix(path) => Address::Unix(path.clone()),
    }
}
