//! Proactive negotiation: which coding and which media type the client likes best (RFC 9110 section 12).

use crate::grammar;

/// The most elements of an Accept or Accept-Encoding list that are read. What comes later is not considered.
pub const ELEMENTS_MAX: usize = 64;

/// A content coding that Propylon can produce.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Coding {
    /// No coding.
    Identity,
    /// RFC 1952.
    Gzip,
    /// RFC 1950.
    Deflate,
    /// RFC 7932.
    Brotli,
    /// RFC 8878.
    Zstd,
}

impl Coding {
    /// The name, as Content-Encoding spells it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Gzip => "gzip",
            Self::Deflate => "deflate",
            Self::Brotli => "br",
            Self::Zstd => "zstd",
        }
    }

    /// The coding of this name, in any case.
    #[must_use]
    pub fn from_name(name: &[u8]) -> Option<Self> {
        let all = [Self::Gzip, Self::Brotli, Self::Zstd, Self::Deflate, Self::Identity];
        // RFC 9110 section 8.4.1.3 keeps this alias alive.
        let name = if name.eq_ignore_ascii_case(b"x-gzip") { b"gzip" } else { name };
        all.into_iter().find(|coding| coding.name().as_bytes().eq_ignore_ascii_case(name))
    }
}

/// A quality value in thousandths.
type Quality = u16;

/// The coding of those offered that an Accept-Encoding field likes best; of equals, the first one offered.
///
/// [`Coding::Identity`] if the client wants none of them, even where it refuses that too: RFC 9110 section 12.5.3 lets
/// a server send the plain representation rather than 415. An empty field asks for identity; for a missing one, do
/// not call this.
#[must_use]
pub fn best(accept: &[u8], offered: &[Coding]) -> Coding {
    let mut wildcard = None;
    let mut listed: [Option<Quality>; 5] = [None; 5];
    for element in grammar::elements(accept).take(ELEMENTS_MAX) {
        let Some((name, quality)) = weighted(element) else { continue };
        if name == b"*" {
            wildcard = Some(quality);
        } else if let Some(coding) = Coding::from_name(name) {
            listed[coding as usize] = Some(quality);
        }
    }
    let quality = |coding: Coding| listed[coding as usize].or(wildcard).unwrap_or(0);
    let identity = listed[Coding::Identity as usize].unwrap_or(0);
    let mut best = (Coding::Identity, identity);
    for &coding in offered {
        // A coding is worth its work when the client does not like the plain bytes better.
        let quality = quality(coding);
        if quality > best.1 || (quality == best.1 && quality > 0 && best.0 == Coding::Identity) {
            best = (coding, quality);
        }
    }
    best.0
}

/// The index of the media type offered (`type/subtype`, lower case) that an Accept field likes best; of equals, the
/// first. `None` if it accepts none of them.
#[must_use]
pub fn best_media(accept: &[u8], offered: &[&str]) -> Option<usize> {
    let mut best = None;
    for (index, media_type) in offered.iter().enumerate() {
        let quality = media_quality(accept, media_type.as_bytes());
        if quality > best.map_or(0, |(_, quality)| quality) {
            best = Some((index, quality));
        }
    }
    best.map(|(index, _)| index)
}

/// The quality that the most specific matching range gives a media type. Ranges with parameters match none.
fn media_quality(accept: &[u8], media_type: &[u8]) -> Quality {
    let main_type = media_type.split_inclusive(|&byte| byte == b'/').next().unwrap_or_default();
    let mut found = (0, 0);
    for element in grammar::elements(accept).take(ELEMENTS_MAX) {
        let Some((range, quality)) = weighted(element) else { continue };
        let specificity = if range.eq_ignore_ascii_case(media_type) {
            3
        } else if range.strip_suffix(b"*").is_some_and(|start| start.eq_ignore_ascii_case(main_type)) {
            2
        } else if range == b"*/*" {
            1
        } else {
            continue;
        };
        if specificity > found.0 {
            found = (specificity, quality);
        }
    }
    found.1
}

/// Takes `name [OWS ";" OWS "q=" qvalue]` apart. `None` for an empty element, other parameters or a bad weight.
fn weighted(element: &[u8]) -> Option<(&[u8], Quality)> {
    let mut parts = element.split(|&byte| byte == b';').map(grammar::trim);
    let name = parts.next().filter(|name| !name.is_empty())?;
    let mut quality = 1000;
    for parameter in parts {
        let (start, value) = parameter.split_at_checked(2)?;
        if !start.eq_ignore_ascii_case(b"q=") {
            return None;
        }
        quality = parse_quality(value)?;
    }
    Some((name, quality))
}

/// `0[.ddd]` or `1[.000]`
fn parse_quality(text: &[u8]) -> Option<Quality> {
    let (whole, fraction) = match text {
        [whole] | [whole, b'.'] => (whole, &[][..]),
        [whole, b'.', fraction @ ..] if fraction.len() <= 3 => (whole, fraction),
        _ => return None,
    };
    let mut thousandths = match whole {
        b'0' => 0,
        b'1' => 1000,
        _ => return None,
    };
    let mut unit = 100;
    for digit in fraction {
        if !digit.is_ascii_digit() {
            return None;
        }
        thousandths += Quality::from(digit - b'0') * unit;
        unit /= 10;
    }
    (thousandths <= 1000).then_some(thousandths)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codings_are_chosen() {
        use Coding::{Brotli, Gzip, Identity, Zstd};
        let offered = [Zstd, Brotli, Gzip];
        for (accept, expected) in [
            ("gzip, deflate, br, zstd", Zstd),
            ("gzip, deflate, br", Brotli),
            ("GZIP", Gzip),
            ("x-gzip", Gzip),
            ("gzip;q=1.0, br;q=0.9", Gzip),
            ("br;q=0.001, gzip;q=0", Brotli),
            ("br ; q=0.5 , gzip; Q=0.8", Gzip),
            ("*", Zstd),
            ("*;q=0.5, gzip", Gzip),
            ("zstd;q=0, *", Brotli),
            ("", Identity),
            ("identity", Identity),
            ("identity, gzip;q=0.5", Identity),
            ("identity, gzip", Gzip),
            ("identity;q=0.5, gzip;q=0.4", Identity),
            ("gzip;q=0", Identity),
            ("*;q=0", Identity),
            ("deflate", Identity),
            ("gzip;q=2", Identity),
            ("gzip;q=0.1234", Identity),
            ("gzip;q=", Identity),
            ("gzip;level=9", Identity),
            ("bro, zstandard", Identity),
        ] {
            assert_eq!(best(accept.as_bytes(), &offered), expected, "{accept}");
        }
        assert_eq!(best(b"gzip", &[]), Identity);
    }

    #[test]
    fn media_types_are_chosen() {
        let offered = ["text/html", "application/json", "text/plain"];
        for (accept, expected) in [
            ("text/html,application/xhtml+xml,*/*;q=0.8", Some(0)),
            ("application/json", Some(1)),
            ("application/*", Some(1)),
            ("*/*", Some(0)),
            ("text/*, text/html;q=0", Some(2)),
            ("text/plain;q=0.5, application/json;q=0.6", Some(1)),
            ("image/png", None),
            ("", None),
            ("*/*;q=0", None),
            ("TEXT/HTML", Some(0)),
            ("text/html;level=1", None),
        ] {
            assert_eq!(best_media(accept.as_bytes(), &offered), expected, "{accept}");
        }
    }
}
