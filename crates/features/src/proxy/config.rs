//! What a user can say of a proxied route, and what is made of it.

use std::sync::Arc;
use std::time::Duration;

use propylon_config::{Bytes, Spanned, directive, value_enum};
use propylon_http::h1::head::HeadLimits;

use super::upstream::{self, Upstream};
use crate::CompileContext;

value_enum! {
    /// How the client is made known to the origin.
    pub enum Style {
        /// `X-Forwarded-For`, `-Proto` and `-Host`.
        XForwarded = "x-forwarded",
        /// `Forwarded`, as RFC 7239 has it.
        Rfc7239 = "forwarded",
        /// Both.
        Both = "both",
        /// Not at all.
        Off = "off",
    }
}

value_enum! {
    /// Which form of the request target an origin gets.
    pub enum TargetForm {
        /// The form that routing used, in which equal targets look equal.
        Canonical = "canonical",
        /// The bytes that the client sent; safe, because routing used their canonical form.
        AsReceived = "as-received",
    }
}

directive! {
    /// Sends the request to an upstream.
    ///
    /// Named by an `upstream` of the config, or given as URLs in place: `proxy http://10.0.0.1:8080`.
    pub struct Config = "proxy" {
        /// Names of one upstream, or URLs of endpoints.
        positional to: Vec<Spanned<String>>,
        /// The `Host` that the origin gets: `client` for what the client sent, `origin` for the endpoint's own, or
        /// a name.
        keyword host: String = "client".to_owned(),
        /// How the client is made known to the origin. What an untrusted client says of itself is replaced.
        keyword forwarded: Style = Style::XForwarded,
        /// Which form of the request target the origin gets.
        keyword target: TargetForm = TargetForm::Canonical,
        /// How often another endpoint is tried when one cannot be reached. A request that may have been processed
        /// is never repeated.
        keyword retries: usize [0..=10] = 2,
        /// Size limit of a reply's head.
        keyword reply_head: Bytes [Bytes::kib(1)..=Bytes::kib(256)] = Bytes::kib(64),
        /// How long nothing may pass through a tunnel, such as a WebSocket, before it is closed.
        keyword tunnel_idle: Duration = Duration::from_secs(3600),
    }
}

/// Which `Host` an origin gets.
#[derive(Debug)]
pub enum HostPolicy {
    /// What the client sent.
    Client,
    /// The endpoint's own.
    Origin,
    /// A fixed one.
    Fixed(Box<[u8]>),
}

pub use Style as ForwardedStyle;

/// The settings, ready to be used.
#[derive(Debug)]
pub struct Compiled {
    pub(super) upstream: Arc<Upstream>,
    pub(super) host: HostPolicy,
    pub(super) forwarded: Style,
    pub(super) target_as_received: bool,
    pub(super) retries: usize,
    pub(super) reply_limits: HeadLimits,
    pub(super) tunnel_idle_max: Duration,
}

impl Compiled {
    /// Finds the upstream and checks what is said of it.
    pub fn compile(config: &Config, context: &mut CompileContext<'_>) -> Option<Self> {
        let upstream = upstream::named_or_inline(&config.to, config.span, context)?;
        let host = match config.host.as_str() {
            "client" => HostPolicy::Client,
            "origin" => HostPolicy::Origin,
            name => HostPolicy::Fixed(name.as_bytes().into()),
        };
        Some(Self {
            upstream,
            host,
            forwarded: config.forwarded,
            target_as_received: config.target == TargetForm::AsReceived,
            retries: config.retries,
            reply_limits: HeadLimits { bytes_max: config.reply_head.as_usize(), ..HeadLimits::default() },
            tunnel_idle_max: config.tunnel_idle,
        })
    }

    /// The upstream that answers.
    pub fn upstream(&self) -> &Arc<Upstream> {
        &self.upstream
    }
}
