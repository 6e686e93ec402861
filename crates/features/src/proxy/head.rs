//! The request's head as the origin gets it: one canonical target, one Host, no hop-by-hop field, and our word on
//! who the client is.

use propylon_http::forwarded;
use propylon_http::h1::encode;
use propylon_http::h1::head::BodyLength;
use propylon_http::{Field, Known, Version};
use propylon_origin::Endpoint;
use propylon_pipeline::{Exchange, Scheme};

use super::{Compiled, ForwardedStyle, HostPolicy};

/// Writes the head; returns whether the body goes in chunks.
pub(super) fn write_request_head(
    out: &mut Vec<u8>,
    x: &Exchange,
    compiled: &Compiled,
    endpoint: &Endpoint,
) -> bool {
    let request = &x.request;
    let query = request.query();
    let target = if compiled.target_as_received { request.raw_target() } else { request.path() };
    encode::write_request_line(
        out,
        request.method_text(),
        target,
        if compiled.target_as_received { None } else { query },
    );
    out.extend_from_slice(b"Host: ");
    match &compiled.host {
        HostPolicy::Client => request.write_authority(out),
        HostPolicy::Origin => out.extend_from_slice(&endpoint.authority),
        HostPolicy::Fixed(name) => out.extend_from_slice(name),
    }
    out.extend_from_slice(b"\r\n");
    for field in request.fields.iter() {
        if crosses(&field, x) {
            encode::write_field(out, field.name, field.value);
        }
    }
    write_forwarding(out, x, compiled);
    write_framing(out, x)
}

/// Whether a field of the client's goes on to the origin.
fn crosses(field: &Field<'_>, x: &Exchange) -> bool {
    match field.known {
        _ if field.hop_by_hop => false,
        // Said anew, in our words.
        Some(Known::Host | Known::ContentLength | Known::Via | Known::XRequestId) => false,
        Some(
            Known::Forwarded
            | Known::XForwardedFor
            | Known::XForwardedProto
            | Known::XForwardedHost
            | Known::XForwardedPort
            | Known::XRealIp,
        ) => false,
        // Only sent on while the client still waits: after `100 Continue` the origin need not be asked.
        Some(Known::Expect) => x.continue_awaited && x.body.is_some(),
        Some(_) => true,
        None => !is_disguised(field.name),
    }
}

/// True for a name that becomes one of those we set or trust once `_` is read as `-`, as CGI-like origins do.
fn is_disguised(name: &[u8]) -> bool {
    const OURS: [&[u8]; 9] = [
        b"forwarded",
        b"x-forwarded-for",
        b"x-forwarded-proto",
        b"x-forwarded-host",
        b"x-forwarded-port",
        b"x-real-ip",
        b"x-request-id",
        b"content-length",
        b"transfer-encoding",
    ];
    let folded = |byte: &u8| if *byte == b'_' { b'-' } else { byte.to_ascii_lowercase() };
    name.contains(&b'_')
        && OURS
            .iter()
            .any(|ours| ours.len() == name.len() && name.iter().map(folded).eq(ours.iter().copied()))
}

/// RFC 7239 and its forerunners, RFC 9110 section 7.6.3, and the request's id.
fn write_forwarding(out: &mut Vec<u8>, x: &Exchange, compiled: &Compiled) {
    let via = if x.request.version == Version::Http10 { &b"1.0 propylon"[..] } else { b"1.1 propylon" };
    match x.request.fields.value(Known::Via) {
        None => encode::write_field(out, b"Via", via),
        Some(_) => write_list(out, b"Via", x, Known::Via, via),
    }
    encode::write_field(out, b"X-Request-Id", x.id.as_bytes());
    if matches!(compiled.forwarded, ForwardedStyle::XForwarded | ForwardedStyle::Both) {
        write_x_forwarded(out, x);
    }
    if matches!(compiled.forwarded, ForwardedStyle::Rfc7239 | ForwardedStyle::Both) {
        let (mut element, mut authority) = (Vec::with_capacity(96), Vec::new());
        x.request.write_authority(&mut authority);
        match x.connection.source() {
            Some(peer) => forwarded::write_element(&mut element, peer, &authority, x.client.scheme.as_str()),
            None => element.extend_from_slice(b"for=unknown"),
        }
        if x.client.peer_is_trusted {
            write_list(out, b"Forwarded", x, Known::Forwarded, &element);
        } else {
            encode::write_field(out, b"Forwarded", &element);
        }
    }
}

fn write_x_forwarded(out: &mut Vec<u8>, x: &Exchange) {
    // The peer of the connection is what this hop can vouch for; earlier hops stand before it.
    out.extend_from_slice(b"X-Forwarded-For: ");
    if x.client.peer_is_trusted {
        write_earlier(out, x, Known::XForwardedFor);
    }
    match x.connection.source() {
        Some(peer) => encode::write_address(out, peer.ip()),
        None => out.extend_from_slice(b"unknown"),
    }
    out.extend_from_slice(b"\r\n");
    let proto: &[u8] = match x.client.scheme {
        Scheme::Http => b"http",
        Scheme::Https => b"https",
    };
    encode::write_field(out, b"X-Forwarded-Proto", proto);
    out.extend_from_slice(b"X-Forwarded-Host: ");
    match x.request.fields.value(Known::XForwardedHost).filter(|_| x.client.peer_is_trusted) {
        Some(told) => out.extend_from_slice(told),
        None => x.request.write_authority(out),
    }
    out.extend_from_slice(b"\r\n");
}

/// A list field with our element behind the values that came.
fn write_list(out: &mut Vec<u8>, name: &[u8], x: &Exchange, known: Known, element: &[u8]) {
    out.extend_from_slice(name);
    out.extend_from_slice(b": ");
    write_earlier(out, x, known);
    out.extend_from_slice(element);
    out.extend_from_slice(b"\r\n");
}

/// The values that came, each with the comma before the next.
fn write_earlier(out: &mut Vec<u8>, x: &Exchange, known: Known) {
    for value in x.request.fields.values(known) {
        out.extend_from_slice(value);
        out.extend_from_slice(b", ");
    }
}

/// The framing and connection fields, and the end of the head.
fn write_framing(out: &mut Vec<u8>, x: &Exchange) -> bool {
    let body = x.request.body;
    match body {
        BodyLength::Length(length) => encode::write_content_length(out, length),
        BodyLength::Chunked => out.extend_from_slice(b"Transfer-Encoding: chunked\r\n"),
        BodyLength::None | BodyLength::UntilClose => {}
    }
    if x.request.upgrade_websocket {
        out.extend_from_slice(b"Connection: Upgrade\r\nUpgrade: websocket\r\n");
    }
    out.extend_from_slice(b"\r\n");
    body == BodyLength::Chunked
}
