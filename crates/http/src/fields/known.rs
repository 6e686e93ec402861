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
        if name.len() < 2 {
            return None;
        }
        let mut slot = hash(name);
        loop {
            let index = SLOTS[slot];
            if index == EMPTY {
                return None;
            }
            let (known, text, _) = TABLE[index as usize];
            if text.len() == name.len() && text.as_bytes().eq_ignore_ascii_case(name) {
                return Some(known);
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

const EMPTY: u8 = u8::MAX;

/// An open-addressed table, built at compile time. It is fixed, so no peer can make its chains longer.
static SLOTS: [u8; 512] = slots();

const fn slots() -> [u8; 512] {
    let mut slots = [EMPTY; 512];
    let mut index = 0;
    while index < TABLE.len() {
        let mut slot = hash(TABLE[index].1.as_bytes());
        while slots[slot] != EMPTY {
            slot = (slot + 1) % slots.len();
        }
        slots[slot] = index as u8;
        index += 1;
    }
    slots
}

/// Mixes length, first, middle and last byte, ignoring case. The name has two bytes at least.
const fn hash(name: &[u8]) -> usize {
    let length = name.len();
    let first = (name[0] | 0x20) as usize;
    let middle = (name[length / 2] | 0x20) as usize;
    let last = (name[length - 1] | 0x20) as usize;
    (length.wrapping_mul(101) + first.wrapping_mul(29) + middle.wrapping_mul(5) + last.wrapping_mul(67)) % 512
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
            assert_eq!(Known::from_name(name.replace('-', "\r").as_bytes()).is_some(), !name.contains('-'));
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
    fn chains_stay_short() {
        let crowded = SLOTS.split(|&slot| slot == EMPTY).map(<[u8]>::len).max();
        assert!(crowded <= Some(5), "{crowded:?} neighbours: choose other factors");
    }
}
