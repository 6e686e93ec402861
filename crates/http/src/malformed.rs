//! The one list of what can be wrong with a message, with the status that a client gets for it.

use std::fmt;

macro_rules! malformed {
    ($($(#[$doc:meta])* $name:ident $status:literal $message:literal,)*) => {
        /// Why a message, or a part of one, is refused.
        ///
        /// The status is meant for requests; the same fault in a reply is the origin's, and its reader makes 502
        /// of it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Malformed {
            $(#[doc = concat!($message, ".")] $(#[$doc])* $name,)*
        }

        impl Malformed {
            /// The status to answer a request with.
            #[must_use]
            pub const fn status(self) -> u16 {
                match self { $(Self::$name => $status,)* }
            }

            /// What is wrong, as a phrase for logs and error pages. It never quotes the message.
            #[must_use]
            pub const fn message(self) -> &'static str {
                match self { $(Self::$name => $message,)* }
            }

            /// Every variant, for tests and for the reference.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];
        }
    };
}

malformed! {
    Incomplete 400 "the head is not complete",
    BareLineFeed 400 "a line ends in LF without CR",
    BareCarriageReturn 400 "a CR stands without LF",
    Nul 400 "the head contains NUL",
    StartLine 400 "the first line does not follow the grammar",
    Status 400 "the status code is not a number from 100 to 599",
    VersionText 400 "the protocol version does not follow the grammar",
    Version 505 "the protocol version is not HTTP/1.0 or HTTP/1.1",
    HeadTooLarge 431 "the head is too large",
    TooManyFields 431 "the head has too many fields",
    TargetTooLong 414 "the request target is too long",
    FieldName 400 "a field name is not a token",
    FieldValue 400 "a field value contains a control character",
    SpaceBeforeColon 400 "white space stands before the colon of a field",
    LineFolding 400 "a field is folded over several lines",
    MissingColon 400 "a field line has no colon",
    Method 405 "the method is not served here",
    Target 400 "the request target does not follow the grammar",
    TargetByte 400 "the request target contains a character that is not allowed",
    PathEscape 400 "the path contains a percent sign without two hexadecimal digits",
    PathNul 400 "the path contains an encoded NUL",
    PathBackslash 400 "the path contains a backslash",
    PathEscapesRoot 400 "the path leaves the root by dot segments",
    PathHiddenDots 400 "the path hides a dot segment",
    Host 400 "the host does not follow the grammar",
    HostMissing 400 "the Host field is missing",
    HostRepeated 400 "the Host field stands more than once",
    HostDisagrees 400 "the request target names another host than the Host field",
    Port 400 "the port is not a number from 1 to 65535",
    ForwardedChain 400 "Forwarded or X-Forwarded-For does not follow the grammar",
    Connection 400 "the Connection field does not follow the grammar",
    ContentLength 400 "the Content-Length is not one decimal number",
    ContentLengthRepeated 400 "the Content-Length stands more than once",
    TransferEncoding 400 "the Transfer-Encoding does not end in one chunked",
    TransferEncodingUnknown 501 "the Transfer-Encoding has a coding other than chunked",
    TransferEncodingWithLength 400 "Transfer-Encoding and Content-Length stand in one head",
    TransferEncodingVersion 400 "Transfer-Encoding stands in an HTTP/1.0 message",
    Expect 417 "the Expect field asks for something other than 100-continue",
    ChunkSize 400 "a chunk size does not follow the grammar",
    ChunkSizeTooLarge 400 "a chunk size has more than 16 digits",
    ChunkExtension 400 "a chunk extension does not follow the grammar",
    ChunkExtensionTooLong 400 "the chunk extensions are too long",
    ChunkEnd 400 "a chunk does not end in CRLF",
    TrailersTooLarge 431 "the trailer section is too large",
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())
    }
}

impl std::error::Error for Malformed {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_are_client_errors_or_unimplemented() {
        for fault in Malformed::ALL {
            assert!(
                (400..=431).contains(&fault.status()) || [501, 505].contains(&fault.status()),
                "{fault:?}"
            );
            assert!(!fault.message().is_empty());
        }
    }
}
