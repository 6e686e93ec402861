//! What ends an exchange early, and the one function that makes a reply of it.

use std::fmt;

use propylon_h1::{BodyError, HeadError};
use propylon_http::{Known, Malformed};
use propylon_origin::OriginFault;

use crate::reply::Reply;

/// Why an exchange has no ordinary reply.
#[derive(Debug)]
pub enum Fault {
    /// The request's head or body is not what the RFCs allow.
    Malformed(Malformed),
    /// The request's head did not arrive in time.
    HeadTimeout,
    /// The request's body is larger than its limit.
    BodyTooLarge,
    /// The request's body did not arrive in time.
    BodyTimeout,
    /// The client is gone: nobody is left to reply to.
    ClientGone,
    /// No site answers to the request's host.
    UnknownHost,
    /// The site has no route for the request.
    NoRoute,
    /// The route exists, but not for this method. The text is the `Allow` field.
    MethodNotAllowed(&'static str),
    /// What was asked for does not exist, or is not shown.
    NotFound,
    /// What was asked for may not be read.
    Forbidden,
    /// A file is there and cannot be served; the text is for the log.
    Unreadable(Box<str>),
    /// An origin failed.
    Origin(OriginFault),
    /// The server has no room for it now.
    Overloaded,
    /// A disk or the system failed us; the text is for the log.
    Internal(Box<str>),
}

impl From<OriginFault> for Fault {
    fn from(fault: OriginFault) -> Self {
        Self::Origin(fault)
    }
}

impl From<HeadError> for Fault {
    fn from(error: HeadError) -> Self {
        match error {
            HeadError::Malformed(malformed) => Self::Malformed(malformed),
            HeadError::Ended | HeadError::Truncated | HeadError::Io(_) => Self::ClientGone,
        }
    }
}

impl From<BodyError> for Fault {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::Malformed(malformed) => Self::Malformed(malformed),
            BodyError::TooLarge => Self::BodyTooLarge,
            BodyError::Truncated | BodyError::Io(_) => Self::ClientGone,
        }
    }
}

impl Fault {
    /// Status of the reply (RFC 9110 section 15); 0 when there is nobody to reply to.
    pub fn status(&self) -> u16 {
        match self {
            Self::Malformed(malformed) => malformed.status(),
            Self::HeadTimeout | Self::BodyTimeout => 408,
            Self::BodyTooLarge => 413,
            Self::ClientGone => 0,
            Self::UnknownHost | Self::NoRoute | Self::NotFound => 404,
            Self::Forbidden | Self::Unreadable(_) => 403,
            Self::MethodNotAllowed(_) => 405,
            Self::Origin(fault) => fault.kind.status(),
            Self::Overloaded => 503,
            Self::Internal(_) => 500,
        }
    }

    /// A short name for logs and metrics.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Malformed(_) => "malformed-request",
            Self::HeadTimeout => "head-timeout",
            Self::BodyTooLarge => "body-too-large",
            Self::BodyTimeout => "body-timeout",
            Self::ClientGone => "client-gone",
            Self::UnknownHost => "unknown-host",
            Self::NoRoute => "no-route",
            Self::MethodNotAllowed(_) => "method-not-allowed",
            Self::NotFound => "not-found",
            Self::Forbidden => "forbidden",
            Self::Unreadable(_) => "unreadable",
            Self::Origin(fault) => fault.kind.name(),
            Self::Overloaded => "overloaded",
            Self::Internal(_) => "internal",
        }
    }

    /// True when what follows on the connection cannot be trusted to be the next request.
    pub fn ends_connection(&self) -> bool {
        matches!(
            self,
            Self::Malformed(_)
                | Self::HeadTimeout
                | Self::BodyTooLarge
                | Self::BodyTimeout
                | Self::ClientGone
        )
    }

    /// The reply the client gets: it tells the client's own mistakes, and nothing of what is behind us.
    pub fn into_reply(self) -> Reply {
        let status = self.status();
        let mut text = format!("{status} {}\n", propylon_http::status::reason(status));
        if let Self::Malformed(malformed) = &self {
            text.push_str(malformed.message());
            text.push('\n');
        }
        let mut reply = Reply::text(status, text);
        if let Self::MethodNotAllowed(allow) = &self {
            reply.fields.set_known(Known::Allow, allow.as_bytes());
        }
        reply.fault = Some(self);
        reply
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(malformed) => f.write_str(malformed.message()),
            Self::Origin(fault) => match &fault.endpoint {
                Some(endpoint) => write!(f, "{endpoint}: {}", fault.kind),
                None => fault.kind.fmt(f),
            },
            Self::Unreadable(detail) | Self::Internal(detail) => f.write_str(detail),
            other => f.write_str(other.name()),
        }
    }
}
