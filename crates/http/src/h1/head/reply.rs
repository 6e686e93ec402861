//! Reads reply heads. An origin is trusted no more than a client: what is ambiguous is refused.

use std::mem::MaybeUninit;

use super::diagnose::{Kind, diagnose};
use super::request::is_websocket;
use super::{BodyLength, ConnectionOptions, FIELDS_MAX, HeadLimits, check_line_ends, framing};
use crate::fields::{Fields, Known};
use crate::malformed::Malformed;
use crate::method::Method;
use crate::version::Version;

/// The head of a reply. Made to be used again: a cleared head keeps its memory.
#[derive(Clone, Debug, Default)]
pub struct ReplyHead {
    /// The status code, from 100 to 599.
    pub status: u16,
    /// The version in the status line.
    pub version: Version,
    /// The fields, hop-by-hop ones included and marked.
    pub fields: Fields,
    /// How the body is framed, given the method that was asked with.
    pub body: BodyLength,
    /// What the Connection fields ask for.
    pub connection: ConnectionOptions,
    reason: Vec<u8>,
}

impl ReplyHead {
    /// An empty head, with nothing allocated yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Forgets the reply and keeps the memory.
    pub fn clear(&mut self) {
        self.status = 0;
        self.version = Version::default();
        self.fields.clear();
        self.body = BodyLength::default();
        self.connection = ConnectionOptions::default();
        self.reason.clear();
    }

    /// Reads a complete head, as [`super::HeadScanner`] delimits it. After an error the head means nothing.
    pub fn parse(
        &mut self,
        head: &[u8],
        request_method: Method,
        limits: &HeadLimits,
    ) -> Result<(), Malformed> {
        self.clear();
        if head.len() > limits.bytes_max {
            return Err(Malformed::HeadTooLarge);
        }
        // `httparse` would skip any number of empty lines.
        if head.first() != Some(&b'H') {
            return Err(Malformed::StartLine);
        }
        let mut slots = [const { MaybeUninit::uninit() }; FIELDS_MAX];
        let mut parsed = httparse::Response::new(&mut []);
        let config = httparse::ParserConfig::default();
        let slots = &mut slots[..limits.fields_max.min(FIELDS_MAX)];
        match config.parse_response_with_uninit_headers(&mut parsed, head, slots) {
            Ok(httparse::Status::Complete(len)) if len == head.len() => {}
            Ok(_) => return Err(diagnose(head, Kind::Reply, None)),
            Err(error) => return Err(diagnose(head, Kind::Reply, Some(error))),
        }
        let (Some(status), Some(minor)) = (parsed.code, parsed.version) else {
            return Err(Malformed::StartLine);
        };
        if !(100..=599).contains(&status) {
            return Err(Malformed::Status);
        }
        let fields_start = check_line_ends(head, parsed.headers)?;
        self.status = status;
        self.version = if minor == 0 { Version::Http10 } else { Version::Http11 };
        self.reason.extend_from_slice(parsed.reason.unwrap_or_default().as_bytes());
        self.fields.receive(&head[fields_start..], parsed.headers)?;
        self.connection = self.fields.connection_options()?;
        self.take_framing(request_method)
    }

    /// The reason phrase. Empty if there is none, or if it is not plain ASCII.
    #[must_use]
    pub fn reason(&self) -> &[u8] {
        &self.reason
    }

    /// Whether a final reply is yet to come. 101 (Switching Protocols) is final: no other follows it.
    #[must_use]
    pub const fn is_interim(&self) -> bool {
        self.status < 200 && self.status != 101
    }

    /// Whether the connection becomes a WebSocket after this head.
    #[must_use]
    pub fn upgrades_to_websocket(&self) -> bool {
        self.status == 101
            && self.connection.upgrade
            && self.fields.single(Known::Upgrade).is_ok_and(is_websocket)
    }

    /// Whether the connection can serve another request after this reply (RFC 9112 section 9.3).
    #[must_use]
    pub fn keep_alive(&self) -> bool {
        !self.connection.close
            && (self.version == Version::Http11 || self.connection.keep_alive)
            && self.body != BodyLength::UntilClose
            && self.status != 101
    }

    /// RFC 9112 section 6.3, in its order. What the fields announce is checked even where it does not apply.
    fn take_framing(&mut self, request_method: Method) -> Result<(), Malformed> {
        let announced = framing::announced(&self.fields, self.version)?;
        let is_headless = self.status < 200 || self.status == 204;
        self.body = if is_headless || self.status == 304 || request_method == Method::Head {
            BodyLength::None
        } else {
            announced.unwrap_or(BodyLength::UntilClose)
        };
        if is_headless {
            // RFC 9110 section 8.6 forbids it here, and a client that obeys it would wait for a body.
            self.fields.remove_known(Known::ContentLength);
        }
        Ok(())
    }
}
