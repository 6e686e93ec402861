//! Placeholders: what `{name}` in a config stands for, in one table.

use std::io::Write;

use propylon_config::value::Part;
use propylon_config::{Diagnostics, Template};
use propylon_http::h1::encode::{self, write_decimal};

use crate::exchange::Exchange;
use crate::reply::Reply;

macro_rules! variables {
    ($($variant:ident $name:literal $doc:literal,)*) => {
        /// A value of the exchange that a text may name.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum Variable {
            $(#[doc = $doc] $variant,)*
            /// A field of the request.
            RequestField(Box<[u8]>),
            /// A field of the reply, once there is one.
            ReplyField(Box<[u8]>),
            /// A cookie of the request.
            Cookie(Box<[u8]>),
            /// A parameter of the query, as it was sent.
            QueryParameter(Box<[u8]>),
            /// What a group of the route's regular expression matched, from 1 on.
            Capture(usize),
        }

        /// Every placeholder with its meaning, for the reference.
        pub const VARIABLES: &[(&str, &str)] = &[
            $(($name, $doc),)*
            ("header.", "The request's field of that name; several values are joined by `, `."),
            ("reply.", "The reply's field of that name, once there is a reply."),
            ("cookie.", "The request's cookie of that name."),
            ("query.", "The query's first parameter of that name, as it was sent."),
            ("1", "What the first group of the route's regular expression matched; `{2}` to `{9}` likewise."),
            ("2", ""), ("3", ""), ("4", ""), ("5", ""), ("6", ""), ("7", ""), ("8", ""), ("9", ""),
        ];

        fn plain(name: &str) -> Option<Variable> {
            match name {
                $($name => Some(Variable::$variant),)*
                _ => None,
            }
        }
    };
}

variables! {
    Method "method" "The request's method.",
    Scheme "scheme" "`http` or `https`, as the client speaks to the first server on its way.",
    Host "host" "The request's canonical host, without a port.",
    Port "port" "The port that the request's host names, or the scheme's own.",
    Path "path" "The request's canonical path.",
    Query "query" "The query as it was sent, without `?`.",
    Uri "uri" "Path and query.",
    Target "target" "The request target as it was sent.",
    Protocol "protocol" "`HTTP/1.0` or `HTTP/1.1`.",
    Rest "rest" "What the `*` of the route's path matched.",
    Client "client" "The client's address.",
    ClientPort "client-port" "The client's port.",
    Peer "peer" "The address of the other end of the connection: the client, or the proxy before us.",
    Listener "listener" "The listener's name.",
    Id "id" "The request's id.",
    Status "status" "The reply's status.",
    ReceivedBytes "received" "Bytes of the request's body.",
    SentBytes "sent" "Bytes sent, head and framing included.",
    BodyBytes "body-bytes" "Bytes of the reply's body.",
    Endpoint "endpoint" "The origin's endpoint that answered, or failed last.",
    Attempts "attempts" "Attempts made at origins.",
    Fault "fault" "Why it went wrong, if it did: a short name.",
    Duration "duration" "Seconds from the request's head to the reply's last byte, with microseconds.",
    FirstByte "first-byte" "Seconds until the origin's reply began.",
    Connect "connect" "Seconds until the origin's connection stood; empty for a kept one.",
    Time "time" "The time of the log entry, RFC 3339 in UTC.",
    ClfTime "clf-time" "The time of the log entry as the combined format has it.",
}

/// A text with placeholders, ready to be filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    parts: Vec<TextPart>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum TextPart {
    Literal(Box<[u8]>),
    Variable(Variable),
}

impl Variable {
    /// The variable called `name`.
    pub fn parse(name: &str) -> Option<Self> {
        if let Some(variable) = plain(name) {
            return Some(variable);
        }
        if let Ok(group @ 1..=9) = name.parse() {
            return Some(Self::Capture(group));
        }
        let (family, rest) = name.split_once('.')?;
        let rest: Box<[u8]> = Some(rest).filter(|rest| !rest.is_empty())?.as_bytes().into();
        match family {
            "header" => Some(Self::RequestField(rest)),
            "reply" => Some(Self::ReplyField(rest)),
            "cookie" => Some(Self::Cookie(rest)),
            "query" => Some(Self::QueryParameter(rest)),
            _ => None,
        }
    }

    /// Writes its value; nothing when the exchange has none.
    pub fn write(&self, out: &mut Vec<u8>, x: &Exchange, reply: Option<&Reply>) {
        let request = &x.request;
        match self {
            Self::Method => out.extend_from_slice(request.method_text()),
            Self::Scheme => out.extend_from_slice(x.client.scheme.as_str().as_bytes()),
            Self::Host => out.extend_from_slice(request.host()),
            Self::Port => {
                write_decimal(out, request.port().map_or(x.client.scheme.default_port(), u64::from))
            }
            Self::Path => out.extend_from_slice(request.path()),
            Self::Query => out.extend_from_slice(request.query().unwrap_or_default()),
            Self::Uri => request.write_target(out),
            Self::Target => out.extend_from_slice(request.raw_target()),
            Self::Protocol => out.extend_from_slice(request.version.text().as_bytes()),
            Self::Rest => out.extend_from_slice(&x.rest),
            Self::Client => write_address(out, x.client.address),
            Self::ClientPort => write_display(out, x.client.port),
            Self::Peer => write_address(out, x.connection.source().map(|source| source.ip())),
            Self::Listener => out.extend_from_slice(x.connection.listener.as_bytes()),
            Self::Id => out.extend_from_slice(x.id.as_bytes()),
            Self::Status => {
                write_decimal(out, u64::from(reply.map_or(x.account.status, |reply| reply.status)))
            }
            Self::ReceivedBytes => write_decimal(out, x.account.received_bytes),
            Self::SentBytes => write_decimal(out, x.account.sent_bytes),
            Self::BodyBytes => write_decimal(out, x.account.body_bytes),
            Self::Endpoint => {
                out.extend_from_slice(x.account.endpoint.as_deref().unwrap_or_default().as_bytes())
            }
            Self::Attempts => write_decimal(out, u64::from(x.account.attempts)),
            Self::Fault => out.extend_from_slice(x.account.fault.unwrap_or_default().as_bytes()),
            Self::Duration => write_seconds(out, Some(x.account.total_time)),
            Self::FirstByte => write_seconds(out, x.account.first_byte_time),
            Self::Connect => write_seconds(out, x.account.connect_time),
            Self::Time => crate::dates::write_rfc3339(out, propylon_net::clock::wall()),
            Self::ClfTime => crate::dates::write_clf(out, propylon_net::clock::wall()),
            Self::RequestField(name) => write_joined(out, request.fields.values_named(name)),
            Self::ReplyField(name) => {
                if let Some(reply) = reply {
                    write_joined(out, reply.fields.values_named(name));
                }
            }
            Self::Cookie(name) => out.extend_from_slice(cookie(x, name).unwrap_or_default()),
            Self::QueryParameter(name) => out.extend_from_slice(parameter(x, name).unwrap_or_default()),
            Self::Capture(group) => {
                out.extend_from_slice(x.captures.get(group - 1).map(Vec::as_slice).unwrap_or_default());
            }
        }
    }
}

impl Text {
    /// Makes a template ready; unknown placeholders are reported.
    pub fn compile(template: &Template, diagnostics: &mut Diagnostics) -> Self {
        let known: Vec<&str> = VARIABLES.iter().map(|(name, _)| *name).collect();
        template.check(&known, diagnostics);
        let part = |part: &Part| match part {
            Part::Literal(text) => Some(TextPart::Literal(text.as_bytes().into())),
            Part::Placeholder(name, _) => Variable::parse(name).map(TextPart::Variable),
        };
        Self { parts: template.parts.iter().filter_map(part).collect() }
    }

    /// The text, if it is always the same.
    pub fn as_literal(&self) -> Option<&[u8]> {
        match self.parts.as_slice() {
            [] => Some(b""),
            [TextPart::Literal(text)] => Some(text),
            _ => None,
        }
    }

    /// Writes the text with the exchange's values in their places.
    pub fn write(&self, out: &mut Vec<u8>, x: &Exchange, reply: Option<&Reply>) {
        for part in &self.parts {
            match part {
                TextPart::Literal(text) => out.extend_from_slice(text),
                TextPart::Variable(variable) => variable.write(out, x, reply),
            }
        }
    }

    /// Writes the text as a `Location`.
    ///
    /// What begins as a path stays a path on this host: a value that begins with `/` cannot make `//elsewhere` of it,
    /// nor one with what browsers read as `/` or pass over.
    pub fn write_location(&self, out: &mut Vec<u8>, x: &Exchange, reply: Option<&Reply>) {
        let start = out.len();
        self.write(out, x, reply);
        let is_meant = matches!(self.parts.first(), Some(TextPart::Literal(text)) if text.starts_with(b"//"));
        if !is_meant && out.get(start) == Some(&b'/') {
            let slashes =
                out[start + 1..].iter().take_while(|byte| matches!(byte, b'/' | b'\\' | b'\t')).count();
            out.drain(start + 1..start + 1 + slashes);
        }
    }

    /// Runs `each` over the parts: literal bytes, or a variable. For writers that must escape values but not the
    /// text around them.
    pub fn for_each_part(&self, mut each: impl FnMut(Result<&[u8], &Variable>)) {
        for part in &self.parts {
            match part {
                TextPart::Literal(text) => each(Ok(text)),
                TextPart::Variable(variable) => each(Err(variable)),
            }
        }
    }
}

/// The value of a cookie of the request (RFC 6265 section 5.4).
pub fn cookie<'x>(x: &'x Exchange, name: &[u8]) -> Option<&'x [u8]> {
    x.request
        .fields
        .values(propylon_http::Known::Cookie)
        .flat_map(|value| value.split(|byte| *byte == b';'))
        .find_map(|pair| {
            let pair = pair.trim_ascii();
            let equals = pair.iter().position(|byte| *byte == b'=')?;
            (&pair[..equals] == name).then(|| &pair[equals + 1..])
        })
}

/// The value of the query's first parameter of that name, undecoded.
pub fn parameter<'x>(x: &'x Exchange, name: &[u8]) -> Option<&'x [u8]> {
    x.request.query()?.split(|byte| *byte == b'&').find_map(|pair| {
        match pair.iter().position(|byte| *byte == b'=') {
            Some(equals) => (&pair[..equals] == name).then(|| &pair[equals + 1..]),
            None => (pair == name).then_some(&[][..]),
        }
    })
}

fn write_joined<'a>(out: &mut Vec<u8>, values: impl Iterator<Item = &'a [u8]>) {
    for (index, value) in values.enumerate() {
        if index > 0 {
            out.extend_from_slice(b", ");
        }
        out.extend_from_slice(value);
    }
}

fn write_address(out: &mut Vec<u8>, address: Option<std::net::IpAddr>) {
    if let Some(address) = address {
        encode::write_address(out, address);
    }
}

fn write_display(out: &mut Vec<u8>, value: Option<impl std::fmt::Display>) {
    if let Some(value) = value {
        // Writing to memory cannot fail.
        let _ = write!(out, "{value}");
    }
}

fn write_seconds(out: &mut Vec<u8>, time: Option<std::time::Duration>) {
    if let Some(time) = time {
        let _ = write!(out, "{}.{:06}", time.as_secs(), time.subsec_micros());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_in_the_table_is_understood() {
        for (name, _) in VARIABLES {
            let name = if name.ends_with('.') { format!("{name}x") } else { (*name).to_owned() };
            assert!(Variable::parse(&name).is_some(), "{name}");
        }
        assert_eq!(Variable::parse("header."), None);
        assert_eq!(Variable::parse("0"), None);
    }
}
