//! Puts the page in place of the error's body.

use std::sync::Arc;

use propylon_http::{Fields, Known};
use propylon_pipeline::body::Memory;
use propylon_pipeline::variables::Text;
use propylon_pipeline::{Body, Exchange, Hooks, Reply};

use super::config::{Compiled, Content};
use crate::WorkerBuild;

/// Fields that describe the body that goes. All others stay, such as Retry-After, Allow and WWW-Authenticate, which the
/// client needs to do better.
const OF_THE_BODY: [Known; 11] = [
    Known::AcceptRanges,
    Known::ContentDisposition,
    Known::ContentEncoding,
    Known::ContentLanguage,
    Known::ContentLength,
    Known::ContentLocation,
    Known::ContentRange,
    Known::ContentType,
    Known::ETag,
    Known::LastModified,
    Known::Trailer,
];

/// The room on one worker.
#[derive(Debug)]
pub struct Step {
    compiled: Arc<Compiled>,
}

impl Step {
    /// One worker's copy.
    pub fn new(compiled: &Arc<Compiled>, _: &WorkerBuild<'_>) -> Self {
        Self { compiled: Arc::clone(compiled) }
    }
}

impl Hooks for Step {
    fn on_reply(&self, x: &mut Exchange, reply: &mut Reply) {
        if reply.status < 400 || !(self.compiled.all || reply.fault.is_some()) {
            return;
        }
        let Some(page) = self.compiled.page(reply.status) else { return };
        let mut location = Vec::new();
        if let Content::Redirect(to) = &page.content {
            to.write_location(&mut location, x, Some(reply));
            if Fields::new().append(b"Location", &location).is_err() || location.is_empty() {
                // A client that cannot be sent anywhere is better told what went wrong.
                return;
            }
        }
        let body = match &page.content {
            Content::File { bytes, .. } => Body::Memory(Memory::Shared(Arc::clone(bytes)), 0),
            Content::Text { text, html, .. } => Body::owned(filled(text, *html, x, reply)),
            Content::Redirect(_) => Body::Empty,
        };
        reply.body = body;
        reply.announced_bytes = None;
        OF_THE_BODY.iter().for_each(|known| reply.fields.remove_known(*known));
        match &page.content {
            Content::File { media_type, .. } | Content::Text { media_type, .. } => {
                reply.fields.set_known(Known::ContentType, media_type);
            }
            Content::Redirect(_) => reply.fields.set_known(Known::Location, &location),
        }
        reply.status = page.status.unwrap_or(reply.status);
    }
}

/// The text; in HTML no value can bring an element or end an attribute.
fn filled(text: &Text, html: bool, x: &Exchange, reply: &Reply) -> Vec<u8> {
    let (mut out, mut value) = (Vec::new(), Vec::new());
    text.for_each_part(|part| match part {
        Ok(literal) => out.extend_from_slice(literal),
        Err(variable) if !html => variable.write(&mut out, x, Some(reply)),
        Err(variable) => {
            value.clear();
            variable.write(&mut value, x, Some(reply));
            for byte in &value {
                match byte {
                    b'<' => out.extend_from_slice(b"&lt;"),
                    b'>' => out.extend_from_slice(b"&gt;"),
                    b'&' => out.extend_from_slice(b"&amp;"),
                    b'"' => out.extend_from_slice(b"&quot;"),
                    b'\'' => out.extend_from_slice(b"&#39;"),
                    byte => out.push(*byte),
                }
            }
        }
    });
    out
}
