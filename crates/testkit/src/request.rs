//! A request as an origin received it.

use std::io;

use crate::body::Framing;
use crate::field::{Fields, parse_head};
use crate::wire::{Wire, show, wrong};

/// A request, wholly read.
#[derive(Clone, Debug)]
pub struct Request {
    /// The connection it came on, counted from 0 in the order of acceptance.
    pub connection: usize,
    /// GET and so on.
    pub method: String,
    /// The target as sent.
    pub target: String,
    /// The minor version: 1 for HTTP/1.1.
    pub minor_version: u8,
    /// The header fields.
    pub fields: Fields,
    /// The head as it came, from the first byte to the empty line.
    pub head: Vec<u8>,
    /// The content, chunks joined.
    pub body: Vec<u8>,
    /// The fields after the last chunk.
    pub trailers: Fields,
}

impl Request {
    /// The value of the only field with this name.
    #[track_caller]
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.get(name)
    }

    /// The method and target, as tests compare them.
    pub fn line(&self) -> String {
        format!("{} {}", self.method, self.target)
    }

    /// Reads a head; `None` when the peer closed between requests.
    pub(crate) fn read_head(wire: &mut Wire, connection: usize) -> io::Result<Option<Self>> {
        let Some(head) = wire.take_head()? else { return Ok(None) };
        let (line, fields) = parse_head(&head)?;
        let bad = || wrong(&format!("the request line {}", show(line.as_bytes())));
        let words: Vec<&str> = line.split(' ').collect();
        let &[method, target, version] = &words[..] else { return Err(bad()) };
        let minor_version = match version {
            "HTTP/1.1" => 1,
            "HTTP/1.0" => 0,
            _ => return Err(bad()),
        };
        if fields.all("host").len() != 1 && minor_version == 1 {
            return Err(wrong(&format!("{} Host fields", fields.all("host").len())));
        }
        let (method, target) = (method.to_owned(), target.to_owned());
        let (body, trailers) = (Vec::new(), Fields::default());
        Ok(Some(Self { connection, method, target, minor_version, fields, head, body, trailers }))
    }

    pub(crate) fn framing(&self) -> io::Result<Framing> {
        Framing::of(&self.fields, Framing::None)
    }

    /// RFC 9110 section 10.1.1: the sender waits for a 100 before it sends the body.
    pub(crate) fn expects_continue(&self) -> bool {
        self.fields.lists("expect", "100-continue")
    }

    /// Whether the connection ends with this request.
    pub(crate) fn is_last(&self) -> bool {
        let stays = self.minor_version == 1 || self.fields.lists("connection", "keep-alive");
        !stays || self.fields.lists("connection", "close")
    }
}
