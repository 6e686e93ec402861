//! Reads request heads into a form that everything after it can trust.

use std::ops::Range;

use super::{BodyLength, ConnectionOptions, HeadLimits, HeadScanner, framing, lexer};
use crate::fields::{Fields, Known};
use crate::grammar;
use crate::h1::encode::write_decimal;
use crate::malformed::Malformed;
use crate::method::Method;
use crate::target::{self, Canonical, canonical_host, canonical_path};
use crate::version::Version;

/// The head of a request. Made to be used again: a cleared head keeps its memory.
#[derive(Clone, Debug, Default)]
pub struct RequestHead {
    /// The method; for [`Method::Other`] see [`RequestHead::method_text`].
    pub method: Method,
    /// The version in the request line.
    pub version: Version,
    /// The fields, hop-by-hop ones included and marked.
    pub fields: Fields,
    /// How the body is framed.
    pub body: BodyLength,
    /// What the Connection fields ask for.
    pub connection: ConnectionOptions,
    /// Whether the client waits for 100 (Continue) before it sends the body.
    pub expects_continue: bool,
    /// Whether the client asks for a WebSocket, the only upgrade that passes.
    pub upgrade_websocket: bool,
    /// Whether the target is `*`: the request is about the server itself.
    pub asterisk: bool,
    /// The request line as received, and after it whatever of the target had to be written anew.
    text: Vec<u8>,
    spans: Spans,
    port: Option<u16>,
    /// Looks for the end of a head that did not come at once.
    scanner: Option<HeadScanner>,
}

/// Where the parts of the request line stand in the text.
#[derive(Clone, Debug, Default)]
struct Spans {
    method: Range<usize>,
    raw_target: Range<usize>,
    path: Range<usize>,
    query: Option<Range<usize>>,
    host: Range<usize>,
}

impl RequestHead {
    /// An empty head, with nothing allocated yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Forgets the request and keeps the memory.
    pub fn clear(&mut self) {
        self.method = Method::default();
        self.version = Version::default();
        self.fields.clear();
        self.body = BodyLength::default();
        self.connection = ConnectionOptions::default();
        self.expects_continue = false;
        self.upgrade_websocket = false;
        self.asterisk = false;
        self.text.clear();
        self.spans = Spans::default();
        self.port = None;
        self.scanner = None;
    }

    /// Reads the head at the start of `bytes`, which are all bytes since the end of the last message.
    ///
    /// Returns where the head ends, or `None` if more bytes are needed: then call again with the same bytes and more, or
    /// clear the head first to begin anew. Every byte is looked at twice at most, however they arrive.
    pub fn read(&mut self, bytes: &[u8], limits: &HeadLimits) -> Result<Option<usize>, Malformed> {
        if let Some(mut scanner) = self.scanner.take() {
            let Some(end) = scanner.scan(bytes)? else {
                self.scanner = Some(scanner);
                return Ok(None);
            };
            return self.parse(&bytes[..end], limits).map(|()| Some(end));
        }
        self.clear();
        let end = self.lex(bytes, limits)?;
        if end.is_none() {
            self.clear();
            let mut scanner = HeadScanner::request(limits);
            let scanned = scanner.scan(bytes)?;
            debug_assert!(scanned.is_none(), "the scanner found an end where the lexer did not");
            self.scanner = Some(scanner);
        }
        Ok(end)
    }

    /// Reads a head that is known to be complete. After an error it is good for a log at most: method and target are
    /// there if the first line could be read, and everything may be asked for without harm.
    pub fn parse(&mut self, head: &[u8], limits: &HeadLimits) -> Result<(), Malformed> {
        self.clear();
        if self.lex(head, limits)? == Some(head.len()) { Ok(()) } else { Err(Malformed::Incomplete) }
    }

    /// Makes this the head of a request that came by other means: an HTTP/2 stream, or Propylon itself.
    ///
    /// `host` is the authority, with its port if there is one. Fields are added afterwards; those that frame a body or
    /// concern a connection have no meaning then, and the caller sets [`RequestHead::body`].
    pub fn compose(&mut self, method: &[u8], target: &[u8], host: &[u8]) -> Result<(), Malformed> {
        self.clear();
        if !grammar::is_token(method) {
            return Err(Malformed::StartLine);
        }
        self.text.extend_from_slice(method);
        self.text.push(b' ');
        self.text.extend_from_slice(target);
        self.method = Method::from_bytes(method);
        if matches!(self.method, Method::Connect | Method::Trace) {
            return Err(Malformed::Method);
        }
        self.spans.method = 0..method.len();
        self.spans.raw_target = method.len() + 1..self.text.len();
        self.fields.append_known(Known::Host, host);
        self.take_target(target)
    }

    /// The method as it was sent.
    #[must_use]
    pub fn method_text(&self) -> &[u8] {
        &self.text[self.spans.method.clone()]
    }

    /// The target as it was sent.
    #[must_use]
    pub fn raw_target(&self) -> &[u8] {
        &self.text[self.spans.raw_target.clone()]
    }

    /// The canonical path. It begins with `/`, unless the target is `*`.
    #[must_use]
    pub fn path(&self) -> &[u8] {
        &self.text[self.spans.path.clone()]
    }

    /// The query as it was sent, without its `?`.
    #[must_use]
    pub fn query(&self) -> Option<&[u8]> {
        self.spans.query.clone().map(|query| &self.text[query])
    }

    /// The canonical host, without port. Empty if an HTTP/1.0 client names none.
    #[must_use]
    pub fn host(&self) -> &[u8] {
        &self.text[self.spans.host.clone()]
    }

    /// The port that the client names beside the host.
    #[must_use]
    pub const fn port(&self) -> Option<u16> {
        self.port
    }

    /// Writes the canonical host, and the port if the client names one.
    pub fn write_authority(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.host());
        if let Some(port) = self.port {
            out.push(b':');
            write_decimal(out, port.into());
        }
    }

    /// Writes the canonical target: path and query, or `*`.
    pub fn write_target(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.path());
        if let Some(query) = self.query() {
            out.push(b'?');
            out.extend_from_slice(query);
        }
    }

    /// Puts another path in place. It is made canonical; on error the head is as before.
    pub fn set_path(&mut self, path: &[u8]) -> Result<(), Malformed> {
        let start = self.text.len();
        if canonical_path(path, &mut self.text)? == Canonical::Borrowed {
            self.text.extend_from_slice(path);
        }
        self.spans.path = start..self.text.len();
        self.asterisk = false;
        Ok(())
    }

    /// Puts another query in place, or none. On error the head is as before.
    pub fn set_query(&mut self, query: Option<&[u8]>) -> Result<(), Malformed> {
        let Some(query) = query else {
            self.spans.query = None;
            return Ok(());
        };
        if !target::is_query(query) {
            return Err(Malformed::TargetByte);
        }
        let start = self.text.len();
        self.text.extend_from_slice(query);
        self.spans.query = Some(start..self.text.len());
        Ok(())
    }

    /// Whether the client lets the connection serve another request after this one (RFC 9112 section 9.3).
    #[must_use]
    pub fn keep_alive(&self) -> bool {
        !self.connection.close && (self.version == Version::Http11 || self.connection.keep_alive)
    }

    /// Reads the head at the start of `bytes` into this one, which is clear, and returns where it ends.
    fn lex(&mut self, bytes: &[u8], limits: &HeadLimits) -> Result<Option<usize>, Malformed> {
        let (bytes, is_cut) = lexer::within(bytes, limits);
        // RFC 9112 section 2.2 has one empty line before a request ignored.
        let blank = if bytes.starts_with(b"\r\n") { 2 } else { 0 };
        let head = &bytes[blank..];
        if head == b"\r" && blank == 0 {
            return Ok(None);
        }
        let Some(line) = lexer::request_line(head)? else {
            return if is_cut { Err(Malformed::TargetTooLong) } else { Ok(None) };
        };
        let target = &head[line.method_end + 1..line.target_end];
        let fields = lexer::field_lines(head, line.end, limits.fields_max, &mut self.fields);
        // The request line stays behind even if the fields are refused: a log tells what was asked.
        self.version = line.version;
        self.method = Method::from_bytes(&head[..line.method_end]);
        self.text.extend_from_slice(&head[..line.target_end]);
        self.spans.method = 0..line.method_end;
        self.spans.raw_target = line.method_end + 1..line.target_end;
        let Some(end) = fields? else {
            return if is_cut { Err(Malformed::HeadTooLarge) } else { Ok(None) };
        };
        if matches!(self.method, Method::Connect | Method::Trace) {
            return Err(Malformed::Method);
        }
        if target.len() > limits.target_bytes_max {
            return Err(Malformed::TargetTooLong);
        }
        self.take_target(target)?;
        self.take_framing()?;
        Ok(Some(blank + end))
    }

    /// Finds host, path and query. `raw` is the text of `raw_target`, borrowed from elsewhere.
    fn take_target(&mut self, raw: &[u8]) -> Result<(), Malformed> {
        self.take_host()?;
        if raw == b"*" {
            if self.method != Method::Options {
                return Err(Malformed::Target);
            }
            self.asterisk = true;
            self.spans.path = self.spans.raw_target.clone();
            return Ok(());
        }
        let parts = target::split(raw)?;
        if let Some((authority, scheme_port)) = parts.authority {
            self.agree_with(authority, scheme_port)?;
        }
        let raw_start = self.spans.raw_target.start;
        if let Some(query) = parts.query {
            let end = self.spans.raw_target.end;
            self.spans.query = Some(end - query.len()..end);
        }
        if parts.path.is_empty() {
            // RFC 9112 section 3.2.4: OPTIONS for an authority alone means its server.
            self.asterisk = self.method == Method::Options && parts.query.is_none();
            let start = self.text.len();
            self.text.push(if self.asterisk { b'*' } else { b'/' });
            self.spans.path = start..start + 1;
            return Ok(());
        }
        let start = self.text.len();
        self.spans.path =
            if parts.is_plain || canonical_path(parts.path, &mut self.text)? == Canonical::Borrowed {
                let offset = parts.path.as_ptr().addr() - raw.as_ptr().addr();
                raw_start + offset..raw_start + offset + parts.path.len()
            } else {
                start..self.text.len()
            };
        Ok(())
    }

    fn take_host(&mut self) -> Result<(), Malformed> {
        match self.fields.single(Known::Host) {
            Err(_) => Err(Malformed::HostRepeated),
            Ok(None) if self.version == Version::Http10 => Ok(()),
            Ok(None) => Err(Malformed::HostMissing),
            Ok(Some(raw)) => {
                let start = self.text.len();
                let host = canonical_host(raw, &mut self.text)?;
                self.spans.host = start..start + host.len;
                self.port = host.port;
                Ok(())
            }
        }
    }

    /// Compares the authority of an absolute-form target with the Host field.
    ///
    /// RFC 9112 section 3.2.2 would let the target win; then whoever only looks at Host sees another request.
    fn agree_with(&mut self, authority: &[u8], scheme_port: u16) -> Result<(), Malformed> {
        let start = self.text.len();
        let host = canonical_host(authority, &mut self.text)?;
        if !self.fields.has(Known::Host) {
            self.spans.host = start..start + host.len;
            self.port = host.port;
            return Ok(());
        }
        let same_name = self.text[start..] == *self.host();
        let same_port = host.port.unwrap_or(scheme_port) == self.port.unwrap_or(scheme_port);
        self.text.truncate(start);
        if same_name && same_port { Ok(()) } else { Err(Malformed::HostDisagrees) }
    }

    /// Reads what the fields say about the body and the connection.
    fn take_framing(&mut self) -> Result<(), Malformed> {
        self.body = framing::announced(&self.fields, self.version)?.unwrap_or(BodyLength::None);
        self.connection = self.fields.connection_options()?;
        if self.fields.has(Known::Expect) {
            match self.fields.single(Known::Expect) {
                Ok(Some(value)) if value.eq_ignore_ascii_case(b"100-continue") => {}
                _ => return Err(Malformed::Expect),
            }
            // RFC 9110 section 10.1.1: an HTTP/1.0 client does not understand the interim reply.
            self.expects_continue = self.version == Version::Http11 && !self.body.is_empty();
        }
        self.upgrade_websocket = self.fields.has(Known::Upgrade)
            && self.connection.upgrade
            && self.method == Method::Get
            && self.version == Version::Http11
            && self.body.is_empty()
            && self.fields.single(Known::Upgrade).is_ok_and(is_websocket);
        Ok(())
    }
}

/// Whether an Upgrade field asks for, or grants, a WebSocket and nothing beside it.
pub(super) fn is_websocket(upgrade: Option<&[u8]>) -> bool {
    upgrade.is_some_and(|protocol| protocol.eq_ignore_ascii_case(b"websocket"))
}
