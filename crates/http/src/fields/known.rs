//! The field names that Propylon itself reads or writes, as one table.

use std::fmt;

/// How a field takes part in forwarding.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Passes on, unless the Connection field nominates it.
    Free,
    /// Passes on, whatever the Connection field says, and is never taken from a trailer section.
    ///
    /// RFC 9110 section 7.6.1 lets a sender nominate any field; a client could then strip the fields that the
    /// next hop needs to understand, bill or distrust the message. Section 6.5.1 wants the same fields out of trailers.
    Fixed,
    /// Concerns one connection only (RFC 9110 section 7.6.1).
    Hop,
}

macro_rules! known_fields {
    ($($name:ident $text:literal $kind:ident,)*) => {
        /// A well-known field name.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum Known {
            $(#[doc = concat!("`", $text, "`")] $name,)*
        }

        const TABLE: &[(Known, &str, Kind)] = &[$((Known::$name, $text, Kind::$kind),)*];
    };
}

known_fields! {
    Accept "Accept" Free,
    AcceptEncoding "Accept-Encoding" Free,
    AcceptLanguage "Accept-Language" Free,
    AcceptRanges "Accept-Ranges" Free,
    AccessControlAllowCredentials "Access-Control-Allow-Credentials" Free,
    AccessControlAllowHeaders "Access-Control-Allow-Headers" Free,
    AccessControlAllowMethods "Access-Control-Allow-Methods" Free,
    AccessControlAllowOrigin "Access-Control-Allow-Origin" Free,
    AccessControlExposeHeaders "Access-Control-Expose-Headers" Free,
    AccessControlMaxAge "Access-Control-Max-Age" Free,
    AccessControlRequestHeaders "Access-Control-Request-Headers" Free,
    AccessControlRequestMethod "Access-Control-Request-Method" Free,
    Age "Age" Fixed,
    Allow "Allow" Free,
    AltSvc "Alt-Svc" Free,
    Authorization "Authorization" Fixed,
    CacheControl "Cache-Control" Fixed,
    CdnCacheControl "CDN-Cache-Control" Fixed,
    Connection "Connection" Hop,
    ContentDisposition "Content-Disposition" Fixed,
    ContentEncoding "Content-Encoding" Fixed,
    ContentLanguage "Content-Language" Fixed,
    ContentLength "Content-Length" Fixed,
    ContentLocation "Content-Location" Fixed,
    ContentRange "Content-Range" Fixed,
    ContentSecurityPolicy "Content-Security-Policy" Fixed,
    ContentType "Content-Type" Fixed,
    Cookie "Cookie" Fixed,
    Date "Date" Fixed,
    ETag "ETag" Free,
    Expect "Expect" Fixed,
    Expires "Expires" Fixed,
    Forwarded "Forwarded" Fixed,
    Host "Host" Fixed,
    IfMatch "If-Match" Fixed,
    IfModifiedSince "If-Modified-Since" Fixed,
    IfNoneMatch "If-None-Match" Fixed,
    IfRange "If-Range" Fixed,
    IfUnmodifiedSince "If-Unmodified-Since" Fixed,
    KeepAlive "Keep-Alive" Hop,
    LastModified "Last-Modified" Free,
    Link "Link" Free,
    Location "Location" Fixed,
    MaxForwards "Max-Forwards" Fixed,
    Origin "Origin" Fixed,
    Pragma "Pragma" Fixed,
    Priority "Priority" Free,
    ProxyAuthenticate "Proxy-Authenticate" Hop,
    ProxyAuthorization "Proxy-Authorization" Hop,
    ProxyConnection "Proxy-Connection" Hop,
    Range "Range" Fixed,
    Referer "Referer" Free,
    RetryAfter "Retry-After" Fixed,
    SecWebSocketAccept "Sec-WebSocket-Accept" Fixed,
    SecWebSocketExtensions "Sec-WebSocket-Extensions" Fixed,
    SecWebSocketKey "Sec-WebSocket-Key" Fixed,
    SecWebSocketProtocol "Sec-WebSocket-Protocol" Fixed,
    SecWebSocketVersion "Sec-WebSocket-Version" Fixed,
    Server "Server" Free,
    ServerTiming "Server-Timing" Free,
    SetCookie "Set-Cookie" Fixed,
    StrictTransportSecurity "Strict-Transport-Security" Fixed,
    SurrogateControl "Surrogate-Control" Fixed,
    SurrogateKey "Surrogate-Key" Free,
    Te "TE" Hop,
    Traceparent "Traceparent" Free,
    Tracestate "Tracestate" Free,
    Trailer "Trailer" Hop,
    TransferEncoding "Transfer-Encoding" Hop,
    Upgrade "Upgrade" Hop,
    UpgradeInsecureRequests "Upgrade-Insecure-Requests" Free,
    UserAgent "User-Agent" Free,
    Vary "Vary" Fixed,
    Via "Via" Fixed,
    WwwAuthenticate "WWW-Authenticate" Fixed,
    XAccelRedirect "X-Accel-Redirect" Fixed,
    XContentTypeOptions "X-Content-Type-Options" Fixed,
    XForwardedFor "X-Forwarded-For" Fixed,
    XForwardedHost "X-Forwarded-Host" Fixed,
    XForwardedPort "X-Forwarded-Port" Fixed,
    XForwardedProto "X-Forwarded-Proto" Fixed,
    XFrameOptions "X-Frame-Options" Fixed,
    XRealIp "X-Real-IP" Fixed,
    XRequestId "X-Request-ID" Free,
}

/// One bit per name must fit the presence mask of `Fields`.
const _: () = assert!(TABLE.len() <= 128);

impl Known {
    /// Every well-known name.
    pub fn all() -> impl Iterator<Item = Self> {
        TABLE.iter().map(|&(known, ..)| known)
    }

    /// The name, spelled as it is written on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        TABLE[self as usize].1
    }

    /// The well-known name that these bytes spell, in any case.
    #[must_use]
    pub fn from_name(name: &[u8]) -> Option<Self> {
        let spelling = Spelling::of(name)?;
        let mut slot = spelling.slot();
        loop {
            let index = SLOTS[slot];
            if index == EMPTY {
                return None;
            }
            if SPELLINGS[index as usize].is_spelled(&spelling) {
                return Some(TABLE[index as usize].0);
            }
            slot = (slot + 1) % SLOTS.len();
        }
    }

    /// Whether the field concerns one connection only and never crosses a proxy.
    #[must_use]
    pub const fn is_hop_by_hop(self) -> bool {
        matches!(TABLE[self as usize].2, Kind::Hop)
    }

    /// Whether the field may be nominated by Connection and may stand in a trailer section.
    #[must_use]
    pub const fn is_free(self) -> bool {
        matches!(TABLE[self as usize].2, Kind::Free)
    }
}

impl fmt::Debug for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The bytes of a name as words that cover it: the first, the second, the last but one and the last, which may
/// overlap. What is shorter than a word fills the first in part.
#[derive(Clone, Copy)]
struct Spelling {
    len: usize,
    words: [u64; 4],
}

/// The longest name that four words cover.
const NAME_BYTES_MAX: usize = 32;

impl Spelling {
    /// The words of a name, or `None` for one of a length that no well-known name has.
    #[inline]
    const fn of(name: &[u8]) -> Option<Self> {
        let len = name.len();
        let words = match len {
            2..=3 => [(name[0] as u64) << 16 | (name[1] as u64) << 8 | name[len - 1] as u64, 0, 0, 0],
            4..=7 => [half(name, 0) << 32 | half(name, len - 4), 0, 0, 0],
            8..=16 => [word(name, 0), 0, 0, word(name, len - 8)],
            17..=NAME_BYTES_MAX => [word(name, 0), word(name, 8), word(name, len - 16), word(name, len - 8)],
            _ => return None,
        };
        Some(Self { len, words })
    }

    /// Where the search for the name begins. Bit 5 is ignored, which is the case of a letter.
    ///
    /// The factors were found by trial: with them two names only are not where the search begins.
    #[inline]
    const fn slot(&self) -> usize {
        const CASE: u64 = u64::MAX / 255 * 0x20;
        let first = (self.words[0] | CASE).wrapping_mul(0xc965_d28a_9fd6_18d5);
        let last = (self.words[3] | CASE).wrapping_mul(0x90e1_6695_b764_458b);
        (first.wrapping_add(last) >> 55) as usize
    }
}

/// The bytes from `at` on. The caller has looked at the length.
#[inline]
const fn chunk<const N: usize>(name: &[u8], at: usize) -> [u8; N] {
    match name.split_at(at).1.first_chunk() {
        Some(chunk) => *chunk,
        None => [0; N],
    }
}

#[inline]
const fn word(name: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(chunk(name, at))
}

#[inline]
const fn half(name: &[u8], at: usize) -> u64 {
    u32::from_le_bytes(chunk(name, at)) as u64
}

/// A well-known name in lower case, and bit 5 of each byte of it that is a letter: or-ing these bits in lets a name
/// in any case compare equal, and no other byte than a letter.
#[derive(Clone, Copy)]
struct Lower {
    spelling: Spelling,
    letters: [u64; 4],
}

impl Lower {
    const fn of(name: &[u8]) -> Self {
        let mut lower = [0; NAME_BYTES_MAX];
        let mut letters = [0; NAME_BYTES_MAX];
        let mut index = 0;
        while index < name.len() {
            lower[index] = name[index].to_ascii_lowercase();
            letters[index] = if name[index].is_ascii_alphabetic() { 0x20 } else { 0 };
            index += 1;
        }
        match (Spelling::of(lower.split_at(name.len()).0), Spelling::of(letters.split_at(name.len()).0)) {
            (Some(spelling), Some(letters)) => Self { spelling, letters: letters.words },
            _ => panic!("a well-known name is too long or too short"),
        }
    }

    #[inline]
    fn is_spelled(&self, other: &Spelling) -> bool {
        let Spelling { len, words } = &self.spelling;
        let same = |index: usize| other.words[index] | self.letters[index] == words[index];
        *len == other.len && same(0) && same(3) && same(1) && same(2)
    }
}

static SPELLINGS: [Lower; TABLE.len()] = spellings();

const fn spellings() -> [Lower; TABLE.len()] {
    let mut spellings = [Lower::of(b"TE"); TABLE.len()];
    let mut index = 0;
    while index < TABLE.len() {
        spellings[index] = Lower::of(TABLE[index].1.as_bytes());
        index += 1;
    }
    spellings
}

const EMPTY: u8 = u8::MAX;

/// An open-addressed table, built at compile time. It is fixed, so no peer can make its chains longer.
static SLOTS: [u8; 512] = slots();

const fn slots() -> [u8; 512] {
    let mut slots = [EMPTY; 512];
    let spellings = spellings();
    let mut index = 0;
    while index < TABLE.len() {
        let mut slot = spellings[index].spelling.slot();
        while slots[slot] != EMPTY {
            slot = (slot + 1) % slots.len();
        }
        slots[slot] = index as u8;
        index += 1;
    }
    slots
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_found_in_any_case() {
        for known in Known::all() {
            let name = known.name();
            assert_eq!(Known::from_name(name.as_bytes()), Some(known));
            assert_eq!(Known::from_name(name.to_ascii_lowercase().as_bytes()), Some(known));
            assert_eq!(Known::from_name(name.to_ascii_uppercase().as_bytes()), Some(known));
            assert_eq!(Known::from_name(format!("{name}x").as_bytes()), None);
            for (index, byte) in name.bytes().enumerate() {
                let mut other = name.as_bytes().to_vec();
                for change in 1..=255 {
                    other[index] = byte ^ change;
                    let is_same = other[index].eq_ignore_ascii_case(&byte);
                    assert_eq!(Known::from_name(&other) == Some(known), is_same, "{name}: {other:?}");
                }
            }
        }
        for unknown in ["", "A", "X-Custom", "Sec-Fetch-Mode", "Content_Length"] {
            assert_eq!(Known::from_name(unknown.as_bytes()), None, "{unknown}");
        }
    }

    #[test]
    fn table_is_in_order_of_the_enum() {
        for (index, &(known, name, _)) in TABLE.iter().enumerate() {
            assert_eq!(known as usize, index);
            assert!(crate::grammar::is_token(name.as_bytes()));
        }
    }

    #[test]
    fn most_names_are_found_at_once() {
        let displaced = Known::all().filter(|known| {
            let slot = SPELLINGS[*known as usize].spelling.slot();
            SLOTS[slot] != *known as u8
        });
        assert!(displaced.count() <= 4, "too many names share a slot: try other factors");
    }
}
