//! What can go wrong between us and an origin, and whether the request may have been processed.

use std::fmt;
use std::io;

use propylon_http::Malformed;

/// A failed attempt at an origin.
#[derive(Debug)]
pub struct OriginFault {
    /// What happened.
    pub kind: OriginFaultKind,
    /// The endpoint it happened with, where one had been chosen.
    pub endpoint: Option<std::sync::Arc<str>>,
}

/// What happened with an origin.
#[derive(Debug)]
pub enum OriginFaultKind {
    /// No endpoint of the group may be used.
    NoEndpoint,
    /// The endpoint's name has no address (yet).
    Unresolved,
    /// The group's connections are at their limit.
    Saturated,
    /// The connection was refused or could not be opened.
    Connect(io::Error),
    /// The connection was not open in time.
    ConnectTimeout,
    /// The connection broke before a reply came.
    Broken(io::Error),
    /// The origin ended the connection before a reply came.
    ClosedEarly,
    /// No reply came in time.
    FirstByteTimeout,
    /// Nothing of the body came, or was taken, for too long.
    IdleTimeout,
    /// The exchange took longer than it may in total.
    TotalTimeout,
    /// What came is not HTTP, or broken HTTP.
    Malformed(Malformed),
    /// More interim replies than the limit.
    TooManyInterim,
    /// The origin switched protocols unasked.
    UnexpectedUpgrade,
}

impl OriginFaultKind {
    /// The status of the reply made for it: 502, 503 or 504 (RFC 9110 section 15.6).
    pub fn status(&self) -> u16 {
        match self {
            Self::NoEndpoint | Self::Unresolved | Self::Saturated => 503,
            Self::ConnectTimeout | Self::FirstByteTimeout | Self::IdleTimeout | Self::TotalTimeout => 504,
            _ => 502,
        }
    }

    /// A short name for logs and metrics.
    pub fn name(&self) -> &'static str {
        match self {
            Self::NoEndpoint => "no-endpoint",
            Self::Unresolved => "unresolved",
            Self::Saturated => "saturated",
            Self::Connect(_) => "connect",
            Self::ConnectTimeout => "connect-timeout",
            Self::Broken(_) => "broken",
            Self::ClosedEarly => "closed-early",
            Self::FirstByteTimeout => "first-byte-timeout",
            Self::IdleTimeout => "idle-timeout",
            Self::TotalTimeout => "total-timeout",
            Self::Malformed(_) => "malformed-reply",
            Self::TooManyInterim => "too-many-interim",
            Self::UnexpectedUpgrade => "unexpected-upgrade",
        }
    }

    /// True when the request cannot have reached the origin's application: it may be sent elsewhere, whatever its
    /// method.
    pub fn is_before_sending(&self) -> bool {
        matches!(
            self,
            Self::NoEndpoint | Self::Unresolved | Self::Saturated | Self::Connect(_) | Self::ConnectTimeout
        )
    }
}

impl fmt::Display for OriginFaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect(error) | Self::Broken(error) => write!(f, "{}: {error}", self.name()),
            Self::Malformed(malformed) => write!(f, "{}: {}", self.name(), malformed.message()),
            _ => f.write_str(self.name()),
        }
    }
}
