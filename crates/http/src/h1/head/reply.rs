//! Reads reply heads. An origin is trusted no more than a client: what is ambiguous is refused.

use super::request::is_websocket;
use super::{BodyLength, ConnectionOptions, HeadLimits, HeadScanner, framing, lexer};
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
    /// Looks for the end of a head that did not come at once.
    scanner: Option<HeadScanner>,
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
        self.scanner = None;
    }

    /// Reads the head at the start of `bytes`, which are all bytes since the end of the last message.
    ///
    /// Returns where the head ends, or `None` if more bytes are needed: then call again with the same bytes and more, or
    /// clear the head first to begin anew. Every byte is looked at twice at most, however they arrive.
    pub fn read(
        &mut self,
        bytes: &[u8],
        request_method: Method,
        limits: &HeadLimits,
    ) -> Result<Option<usize>, Malformed> {
        if let Some(mut scanner) = self.scanner.take() {
            let Some(end) = scanner.scan(bytes)? else {
                self.scanner = Some(scanner);
                return Ok(None);
            };
            return self.parse(&bytes[..end], request_method, limits).map(|()| Some(end));
        }
        self.clear();
        let end = self.lex(bytes, request_method, limits)?;
        if end.is_none() {
            self.clear();
            let mut scanner = HeadScanner::reply(limits);
            let scanned = scanner.scan(bytes)?;
            debug_assert!(scanned.is_none(), "the scanner found an end where the lexer did not");
            self.scanner = Some(scanner);
        }
        Ok(end)
    }

    /// Reads a head that is known to be complete. After an error it means nothing.
    pub fn parse(
        &mut self,
        head: &[u8],
        request_method: Method,
        limits: &HeadLimits,
    ) -> Result<(), Malformed> {
        self.clear();
        let end = self.lex(head, request_method, limits)?;
        if end == Some(head.len()) { Ok(()) } else { Err(Malformed::Incomplete) }
    }

    /// The reason phrase as it was sent. Empty if there is none.
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

    /// Reads the head at the start of `bytes` into this one, which is clear, and returns where it ends.
    fn lex(
        &mut self,
        bytes: &[u8],
        request_method: Method,
        limits: &HeadLimits,
    ) -> Result<Option<usize>, Malformed> {
        let (head, is_cut) = lexer::within(bytes, limits);
        let too_large = || if is_cut { Err(Malformed::HeadTooLarge) } else { Ok(None) };
        let Some(line) = lexer::status_line(head)? else { return too_large() };
        let fields = lexer::field_lines(head, line.end, limits.fields_max, &mut self.fields)?;
        let Some(end) = fields else { return too_large() };
        if !(100..=599).contains(&line.status) {
            return Err(Malformed::Status);
        }
        self.status = line.status;
        self.version = line.version;
        self.reason.extend_from_slice(&head[line.reason_start..line.reason_end]);
        self.connection = self.fields.connection_options()?;
        self.take_framing(request_method)?;
        Ok(Some(end))
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
