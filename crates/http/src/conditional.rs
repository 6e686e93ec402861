//! Conditional requests: whether what the client holds is still current (RFC 9110 section 13).

use crate::date::HttpDate;
use crate::etag::EntityTag;
use crate::fields::{Fields, Known};
use crate::grammar;
use crate::method::Method;

/// The most entity tags that one list is read for. A longer list is treated as if no tag matched.
pub const TAGS_MAX: usize = 64;

/// What is known about the current representation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Validators<'a> {
    /// Its ETag.
    pub etag: Option<EntityTag<'a>>,
    /// Its Last-Modified.
    pub last_modified: Option<HttpDate>,
}

/// What becomes of a conditional request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Serve it as if it were unconditional.
    Proceed,
    /// Reply 304 (Not Modified).
    NotModified,
    /// Reply 412 (Precondition Failed).
    PreconditionFailed,
}

/// Evaluates the preconditions in the order of RFC 9110 section 13.2.2, for a resource that has a representation.
///
/// `now` only serves to read dates with two digits of year. If-Range is for [`crate::range::applies`].
#[must_use]
pub fn evaluate(method: Method, request: &Fields, current: &Validators<'_>, now: HttpDate) -> Verdict {
    if request.has(Known::IfMatch) {
        let matches = |tag: &EntityTag<'_>| current.etag.is_some_and(|etag| etag.is_same(tag));
        if !any_listed(request, Known::IfMatch, matches) {
            return Verdict::PreconditionFailed;
        }
    } else if let (Some(since), Some(modified)) =
        (date(request, Known::IfUnmodifiedSince, now), current.last_modified)
        && modified > since
    {
        return Verdict::PreconditionFailed;
    }
    let is_read = matches!(method, Method::Get | Method::Head);
    if request.has(Known::IfNoneMatch) {
        let matches = |tag: &EntityTag<'_>| current.etag.is_some_and(|etag| etag.is_similar(tag));
        match (any_listed(request, Known::IfNoneMatch, matches), is_read) {
            (false, _) => {}
            (true, true) => return Verdict::NotModified,
            (true, false) => return Verdict::PreconditionFailed,
        }
    } else if is_read
        && let (Some(since), Some(modified)) =
            (date(request, Known::IfModifiedSince, now), current.last_modified)
        && modified <= since
    {
        return Verdict::NotModified;
    }
    Verdict::Proceed
}

/// A date field that stands once and is a date; RFC 9110 has any other ignored.
fn date(request: &Fields, known: Known, now: HttpDate) -> Option<HttpDate> {
    HttpDate::parse(request.single(known).ok().flatten()?, now)
}

/// Whether the field is `*`, or one of the tags listed matches. A list that breaks the grammar ends where it does.
fn any_listed(request: &Fields, known: Known, matches: impl Fn(&EntityTag<'_>) -> bool) -> bool {
    let mut budget = TAGS_MAX;
    for value in request.values(known) {
        let mut rest = value;
        if rest == b"*" {
            return true;
        }
        loop {
            // Empty elements are read over (RFC 9110 section 5.6.1.2).
            while let [b' ' | b'\t' | b',', next @ ..] = rest {
                rest = next;
            }
            let Some((tag, after)) = EntityTag::parse_first(rest) else { break };
            if budget == 0 {
                return false;
            }
            budget -= 1;
            rest = grammar::trim(after);
            if !rest.is_empty() && !rest.starts_with(b",") {
                break;
            }
            if matches(&tag) {
                return true;
            }
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "Sun, 06 Nov 1994 08:49:36 GMT";
    const SAME: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
    const NEW: &str = "Sun, 06 Nov 1994 08:49:38 GMT";

    #[track_caller]
    fn check(method: Method, fields: &[(&str, &str)], expected: Verdict) {
        let mut request = Fields::new();
        for (name, value) in fields {
            request.append(name.as_bytes(), value.as_bytes()).unwrap();
        }
        let etag = EntityTag::parse(b"\"b\"");
        let current = Validators { etag, last_modified: Some(HttpDate(784_111_777)) };
        assert_eq!(evaluate(method, &request, &current, HttpDate(0)), expected, "{fields:?}");
    }

    #[test]
    fn single_conditions() {
        use Verdict::{NotModified, PreconditionFailed, Proceed};
        check(Method::Get, &[], Proceed);
        for (name, value, expected) in [
            ("If-Match", "*", Proceed),
            ("If-Match", "\"a\", \"b\"", Proceed),
            ("If-Match", ",, \"b\"", Proceed),
            ("If-Match", "W/\"b\"", PreconditionFailed),
            ("If-Match", "\"a\"", PreconditionFailed),
            ("If-Match", "b", PreconditionFailed),
            ("If-None-Match", "\"b\"", NotModified),
            ("If-None-Match", "W/\"b\"", NotModified),
            ("If-None-Match", "\"a\"\t,W/\"b\"", NotModified),
            ("If-None-Match", "*", NotModified),
            ("If-None-Match", "\"a\"", Proceed),
            ("If-None-Match", "\"b\" x", Proceed),
            ("If-Modified-Since", OLD, Proceed),
            ("If-Modified-Since", SAME, NotModified),
            ("If-Modified-Since", NEW, NotModified),
            ("If-Modified-Since", "yesterday", Proceed),
            ("If-Unmodified-Since", OLD, PreconditionFailed),
            ("If-Unmodified-Since", SAME, Proceed),
            ("If-Unmodified-Since", "tomorrow", Proceed),
        ] {
            check(Method::Get, &[(name, value)], expected);
        }
    }

    #[test]
    fn conditions_have_an_order() {
        use Verdict::{NotModified, PreconditionFailed, Proceed};
        check(Method::Get, &[("If-Match", "\"b\""), ("If-Unmodified-Since", OLD)], Proceed);
        check(Method::Get, &[("If-None-Match", "\"a\""), ("If-Modified-Since", SAME)], Proceed);
        check(Method::Get, &[("If-None-Match", "\"a\""), ("If-None-Match", "\"b\"")], NotModified);
        check(Method::Get, &[("If-Match", "\"a\""), ("If-None-Match", "\"b\"")], PreconditionFailed);
        check(Method::Put, &[("If-None-Match", "*")], PreconditionFailed);
        check(Method::Put, &[("If-Modified-Since", SAME)], Proceed);
    }

    #[test]
    fn long_lists_end() {
        let list = format!("{}\"b\"", "\"a\",".repeat(TAGS_MAX - 1));
        check(Method::Get, &[("If-None-Match", &list)], Verdict::NotModified);
        let list = format!("{}\"b\"", "\"a\",".repeat(TAGS_MAX));
        check(Method::Get, &[("If-None-Match", &list)], Verdict::Proceed);
    }

    #[test]
    fn without_validators_nothing_matches() {
        let mut request = Fields::new();
        request.append_known(Known::IfNoneMatch, b"\"b\"");
        request.append_known(Known::IfModifiedSince, SAME.as_bytes());
        let verdict = evaluate(Method::Get, &request, &Validators::default(), HttpDate(0));
        assert_eq!(verdict, Verdict::Proceed);
    }
}
