//! Makes a reply of a file: the coding that the client likes best, conditions, ranges.

use std::sync::Arc;

use propylon_http::conditional::{self, Validators, Verdict};
use propylon_http::date::HttpDate;
use propylon_http::etag::EntityTag;
use propylon_http::negotiate::{self, Coding};
use propylon_http::range::{self, ByteRange, Ranges};
use propylon_http::{Fields, Known, Method};
use propylon_net::clock;
use propylon_pipeline::body::Memory;
use propylon_pipeline::file_body::{FileBody, Segment};
use propylon_pipeline::{Body, Exchange, Reply};

use super::load::{Content, File, Representation};
use super::multipart::Multipart;

/// Fields that make a request other than "send it all".
const SPECIAL: [Known; 5] =
    [Known::IfNoneMatch, Known::IfModifiedSince, Known::Range, Known::IfMatch, Known::IfUnmodifiedSince];

/// Fields of a 200 that have no place in a 304 (RFC 9110 section 15.4.5).
const OF_CONTENT: [Known; 3] = [Known::ContentType, Known::ContentEncoding, Known::AcceptRanges];

/// The reply that serves `file`, or the part of it that is asked for.
pub(super) fn reply(x: &Exchange, file: &File) -> Reply {
    let chosen = choose(&x.request.fields, file);
    if SPECIAL.iter().any(|known| x.request.fields.has(*known)) {
        return special(x, chosen);
    }
    whole(chosen)
}

/// The representation that the client likes best.
fn choose<'f>(request: &Fields, file: &'f File) -> &'f Representation {
    if file.coded.is_empty() || !request.has(Known::AcceptEncoding) {
        return &file.plain;
    }
    let mut offered = [Coding::Identity; 4];
    let offered = &mut offered[..file.coded.len().min(4)];
    for (offer, (coding, _)) in offered.iter_mut().zip(&file.coded) {
        *offer = *coding;
    }
    let best = match request.single(Known::AcceptEncoding) {
        Ok(accept) => negotiate::best(accept.unwrap_or_default(), offered),
        // Several fields are one list (RFC 9110 section 5.3).
        Err(_) => {
            let values: Vec<&[u8]> = request.values(Known::AcceptEncoding).collect();
            negotiate::best(&values.join(&b','), offered)
        }
    };
    file.coded.iter().find(|(coding, _)| *coding == best).map_or(&file.plain, |(_, coded)| coded)
}

fn whole(chosen: &Representation) -> Reply {
    let mut reply = Reply::new(200);
    reply.fields.clone_from(&chosen.fields);
    reply.body = match &chosen.content {
        Content::Memory(bytes) => Body::Memory(Memory::Shared(Arc::clone(bytes)), 0),
        Content::File(file) => {
            let span = Segment::Span { offset: 0, length: chosen.length };
            Body::File(Box::new(FileBody::new(Arc::clone(file), [span])))
        }
    };
    reply
}

/// The reply to a request with conditions or ranges.
fn special(x: &Exchange, chosen: &Representation) -> Reply {
    let request = &x.request.fields;
    let now = HttpDate(clock::wall().secs);
    let etag = chosen.etag.as_deref().and_then(EntityTag::parse);
    let current = Validators { etag, last_modified: chosen.last_modified };
    match conditional::evaluate(x.request.method, request, &current, now) {
        Verdict::NotModified => return not_modified(chosen),
        Verdict::PreconditionFailed => return Reply::text(412, "412 Precondition Failed\n"),
        Verdict::Proceed => {}
    }
    // Ranges are defined for GET alone (RFC 9110 section 14.2).
    if x.request.method != Method::Get {
        return whole(chosen);
    }
    let Ok(Some(asked)) = request.single(Known::Range) else { return whole(chosen) };
    // The date of a file that changed just now is no strong validator (RFC 9110 section 8.8.2.2).
    let last_modified = chosen.last_modified.filter(|_| !chosen.young);
    let applies = match request.single(Known::IfRange) {
        Ok(if_range) => range::applies(if_range, &Validators { etag, last_modified }, now),
        Err(_) => false,
    };
    if !applies {
        return whole(chosen);
    }
    match range::parse(asked, chosen.length) {
        Ranges::Ignore => whole(chosen),
        Ranges::Unsatisfiable => unsatisfiable(chosen.length),
        Ranges::Parts(parts) => match parts.as_slice() {
            [range] => single(chosen, *range),
            ranges => multiple(x, chosen, ranges),
        },
    }
}

fn not_modified(chosen: &Representation) -> Reply {
    let mut reply = Reply::new(304);
    reply.fields.clone_from(&chosen.fields);
    for known in OF_CONTENT {
        reply.fields.remove_known(known);
    }
    reply
}

fn unsatisfiable(complete: u64) -> Reply {
    let mut reply = Reply::text(416, "416 Range Not Satisfiable\n");
    let mut value = Vec::new();
    range::write_unsatisfied(complete, &mut value);
    reply.fields.append_known(Known::ContentRange, &value);
    reply
}

fn single(chosen: &Representation, range: ByteRange) -> Reply {
    let mut reply = Reply::new(206);
    reply.fields.clone_from(&chosen.fields);
    let mut value = Vec::new();
    range.write_content_range(chosen.length, &mut value);
    reply.fields.append_known(Known::ContentRange, &value);
    let segment = Segment::Span { offset: range.first, length: range.len() };
    reply.body = match &chosen.content {
        Content::Memory(bytes) => {
            let part = usize::try_from(range.first).ok().zip(usize::try_from(range.last).ok());
            Body::owned(part.and_then(|(first, last)| bytes.get(first..=last)).unwrap_or_default().to_vec())
        }
        Content::File(file) => Body::File(Box::new(FileBody::new(Arc::clone(file), [segment]))),
    };
    reply
}

fn multiple(x: &Exchange, chosen: &Representation, ranges: &[ByteRange]) -> Reply {
    let mut reply = Reply::new(206);
    reply.fields.clone_from(&chosen.fields);
    let media_type = chosen.fields.value(Known::ContentType).unwrap_or_default();
    let multipart = Multipart::new(ranges, chosen.length, media_type, [x.worker.random(), x.worker.random()]);
    reply.fields.set_known(Known::ContentType, &multipart.media_type);
    reply.body = match &chosen.content {
        Content::Memory(bytes) => Body::owned(multipart.gather(bytes)),
        Content::File(file) => Body::File(Box::new(FileBody::new(Arc::clone(file), multipart.segments))),
    };
    reply
}
