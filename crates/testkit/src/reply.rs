//! A reply as a test sees it.

use std::io;

use crate::body::Framing;
use crate::field::{Fields, parse_head};
use crate::wire::{Wire, show, wrong};

/// An interim (1xx) reply that came before the final one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interim {
    /// 100, 103 and so on.
    pub status: u16,
    /// Its fields.
    pub fields: Fields,
}

/// A final reply, wholly read.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The minor version: 1 for HTTP/1.1.
    pub minor_version: u8,
    /// The status code.
    pub status: u16,
    /// The reason phrase.
    pub reason: String,
    /// The header fields.
    pub fields: Fields,
    /// The content, chunks joined.
    pub body: Vec<u8>,
    /// The fields after the last chunk.
    pub trailers: Fields,
    /// The interim replies that came before, in order.
    pub interim: Vec<Interim>,
}

impl Reply {
    /// The value of the only field with this name.
    #[track_caller]
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.get(name)
    }

    /// The body, which must be UTF-8.
    #[track_caller]
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("a body in UTF-8")
    }

    /// Whether the sender said that it will close.
    pub fn announces_close(&self) -> bool {
        self.fields.lists("connection", "close")
    }

    /// Reads interim replies and the final one. A 101 is final: what follows it is no longer HTTP.
    pub(crate) fn read(wire: &mut Wire, method: &str) -> io::Result<Self> {
        let mut interim = Vec::new();
        loop {
            let mut reply = Self::read_head(wire)?;
            if (100..200).contains(&reply.status) && reply.status != 101 {
                interim.push(Interim { status: reply.status, fields: reply.fields });
                continue;
            }
            let (body, trailers) = reply.framing(method)?.read(wire)?;
            (reply.body, reply.trailers, reply.interim) = (body, trailers, interim);
            return Ok(reply);
        }
    }

    fn read_head(wire: &mut Wire) -> io::Result<Self> {
        let head = wire.take_head()?;
        let head = head
            .ok_or_else(|| io::Error::new(io::ErrorKind::UnexpectedEof, "the peer closed without a reply"))?;
        let (line, fields) = parse_head(&head)?;
        let bad = || wrong(&format!("the status line {}", show(line.as_bytes())));
        let (minor_version, rest) = match line.strip_prefix("HTTP/1.").ok_or_else(bad)?.split_at_checked(2) {
            Some(("1 ", rest)) => (1, rest),
            Some(("0 ", rest)) => (0, rest),
            _ => return Err(bad()),
        };
        // RFC 9112 section 4: the space after the code is there even when the phrase is empty.
        let (code, reason) = rest.split_once(' ').ok_or_else(bad)?;
        let status = code.parse().ok().filter(|status| (100..=599).contains(status)).ok_or_else(bad)?;
        Ok(Self {
            minor_version,
            status,
            reason: reason.to_owned(),
            fields,
            body: Vec::new(),
            trailers: Fields::default(),
            interim: Vec::new(),
        })
    }

    /// RFC 9112 section 6.3, which lets the request's method and the status decide first.
    fn framing(&self, method: &str) -> io::Result<Framing> {
        let framing = Framing::of(&self.fields, Framing::UntilClose)?;
        let bodiless = method == "HEAD" || matches!(self.status, 101 | 204 | 304);
        let tunnel = method == "CONNECT" && (200..300).contains(&self.status);
        Ok(if bodiless || tunnel { Framing::None } else { framing })
    }
}
