//! The protocol versions that an HTTP/1 message can have.

/// The version in a start line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Version {
    /// HTTP/1.0: closes by default, knows no transfer codings.
    Http10,
    /// HTTP/1.1: keeps the connection by default.
    #[default]
    Http11,
}

impl Version {
    /// The version as a start line spells it.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Http10 => "HTTP/1.0",
            Self::Http11 => "HTTP/1.1",
        }
    }
}
