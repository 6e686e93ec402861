//! Entity tags (RFC 9110 section 8.8.3).

/// A validator that an origin gave a representation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EntityTag<'a> {
    /// Whether equal tags mean the same only in essence, not byte for byte.
    pub weak: bool,
    /// What stands between the quotation marks.
    pub opaque: &'a [u8],
}

impl<'a> EntityTag<'a> {
    /// Reads one entity tag and nothing else.
    #[must_use]
    pub fn parse(text: &'a [u8]) -> Option<Self> {
        let (tag, rest) = Self::parse_first(text)?;
        rest.is_empty().then_some(tag)
    }

    /// Reads the entity tag at the start of the text, and returns what follows it.
    pub(crate) fn parse_first(text: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (weak, quoted) = match text.strip_prefix(b"W/") {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let inner = quoted.strip_prefix(b"\"")?;
        let end = memchr::memchr(b'"', inner)?;
        let opaque = &inner[..end];
        opaque
            .iter()
            .all(|&byte| byte > b' ' && byte != 0x7f)
            .then_some((Self { weak, opaque }, &inner[end + 1..]))
    }

    /// Strong comparison: both are strong and equal (RFC 9110 section 8.8.3.2).
    #[must_use]
    pub fn is_same(&self, other: &EntityTag<'_>) -> bool {
        !self.weak && !other.weak && self.opaque == other.opaque
    }

    /// Weak comparison: equal, strong or not.
    #[must_use]
    pub fn is_similar(&self, other: &EntityTag<'_>) -> bool {
        self.opaque == other.opaque
    }

    /// Writes the tag as a field value.
    pub fn write_to(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(if self.weak { b"W/\"" } else { b"\"" });
        out.extend_from_slice(self.opaque);
        out.push(b'"');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_read_and_written() {
        for text in ["\"\"", "\"a\"", "W/\"a,b\"", "\"\u{e9}\"", "W/\"W/\""] {
            let mut out = Vec::new();
            EntityTag::parse(text.as_bytes()).unwrap().write_to(&mut out);
            assert_eq!(out, text.as_bytes());
        }
        for text in
            ["", "a", "\"", "\"a", "a\"", "w/\"a\"", "W\"a\"", "\"a\"b", "\"a b\"", "\"a\"\"", " \"a\"", "*"]
        {
            assert_eq!(EntityTag::parse(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn tags_are_compared_as_the_rfc_has_it() {
        let tag = |text: &'static str| EntityTag::parse(text.as_bytes()).unwrap();
        for (one, other, strong, weak) in [
            ("W/\"1\"", "W/\"1\"", false, true),
            ("W/\"1\"", "W/\"2\"", false, false),
            ("W/\"1\"", "\"1\"", false, true),
            ("\"1\"", "\"1\"", true, true),
        ] {
            assert_eq!((tag(one).is_same(&tag(other)), tag(one).is_similar(&tag(other))), (strong, weak));
        }
    }
}
