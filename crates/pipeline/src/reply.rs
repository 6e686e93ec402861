//! A reply on its way to the client.

use std::time::Duration;

use propylon_http::{Fields, Known};
use propylon_origin::Lease;

use crate::body::Body;
use crate::fault::Fault;

/// A reply: its status, its fields but for those of framing, and its body.
#[derive(Debug)]
pub struct Reply {
    /// Status code.
    pub status: u16,
    /// Fields. Framing and connection fields are the connection's business and are not among them.
    pub fields: Fields,
    /// What follows the head.
    pub body: Body,
    /// Length to announce when it is known but the body is not sent (HEAD, 304), or not counted by it.
    pub announced_bytes: Option<u64>,
    /// What went wrong, if this reply tells of it.
    pub fault: Option<Fault>,
}

/// What a switch of protocols leads to: the origin's connection, to be joined with the client's.
#[derive(Debug)]
pub struct TunnelBody {
    /// The origin's connection.
    pub lease: Lease,
    /// How long nothing may pass before the tunnel is closed.
    pub idle_max: Duration,
}

impl Reply {
    /// A reply without fields or body.
    pub fn new(status: u16) -> Self {
        Self { status, fields: Fields::new(), body: Body::Empty, announced_bytes: None, fault: None }
    }

    /// A reply that says `text`.
    pub fn text(status: u16, text: impl Into<Vec<u8>>) -> Self {
        let mut reply = Self::new(status);
        reply.fields.append_known(Known::ContentType, b"text/plain; charset=utf-8");
        reply.body = Body::owned(text.into());
        reply
    }

    /// A reply that sends the client to `location`, which must be a valid field value.
    pub fn redirect(status: u16, location: &[u8]) -> Self {
        let mut reply = Self::new(status);
        reply.fields.append_known(Known::Location, location);
        reply
    }

    /// The reply to `OPTIONS *`: we speak HTTP, and here is nothing more to know (RFC 9110 section 9.3.7).
    pub fn options() -> Self {
        let mut reply = Self::new(204);
        reply.fields.append_known(Known::Allow, b"GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
        reply
    }
}
