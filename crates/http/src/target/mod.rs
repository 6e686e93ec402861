//! Request targets and hosts in their one canonical form.
//!
//! Routing, policy, cache keys, logs and the upstream all see the same bytes, so that no two of them can disagree
//! about what was asked for. What has no unambiguous canonical form is refused.

mod host;
mod path;

use crate::grammar::{self, QUERY};
use crate::malformed::Malformed;
use crate::words;

pub use host::{HOST_BYTES_MAX, Host, LABEL_BYTES_MAX, canonical_host};
pub use path::{Canonical, canonical_path, strip_segments};

/// A request target taken apart, still as it was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Parts<'a> {
    /// The authority of an absolute-form target and the default port of its scheme.
    pub(crate) authority: Option<(&'a [u8], u16)>,
    /// The path. Empty for an absolute-form target without one.
    pub(crate) path: &'a [u8],
    /// Whether the path surely is canonical.
    pub(crate) is_plain: bool,
    /// The query without its `?`, checked.
    pub(crate) query: Option<&'a [u8]>,
}

/// Takes an origin-form or absolute-form target apart (RFC 9112 section 3.2).
pub(crate) fn split(raw: &[u8]) -> Result<Parts<'_>, Malformed> {
    let (authority, rest) = match raw {
        [b'/', ..] => (None, raw),
        _ => {
            let (port, rest) = strip_scheme(raw).ok_or(Malformed::Target)?;
            let end = memchr::memchr2(b'/', b'?', rest).unwrap_or(rest.len());
            (Some((&rest[..end], port)), &rest[end..])
        }
    };
    let plain_len = path::plain_len(rest);
    let path_len = words::find_byte(rest, plain_len, b'?');
    let is_plain = plain_len == path_len && rest.starts_with(b"/");
    let (path, query) = (&rest[..path_len], rest.get(path_len + 1..));
    if !grammar::all(query.unwrap_or_default(), QUERY) {
        return Err(Malformed::TargetByte);
    }
    Ok(Parts { authority, path, is_plain, query })
}

/// Whether `query` may stand in a target as it is.
pub(crate) fn is_query(query: &[u8]) -> bool {
    grammar::all(query, QUERY)
}

/// The default port of an `http` or `https` scheme and what follows `://`.
fn strip_scheme(raw: &[u8]) -> Option<(u16, &[u8])> {
    for (scheme, port) in [(&b"http://"[..], 80), (&b"https://"[..], 443)] {
        if let Some((start, rest)) = raw.split_at_checked(scheme.len())
            && start.eq_ignore_ascii_case(scheme)
        {
            return Some((port, rest));
        }
    }
    None
}
