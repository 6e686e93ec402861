//! HTTP as bytes: the HTTP/1 codec, fields, targets, dates, ranges, conditions and negotiation.
//!
//! Everything here takes bytes and returns values. Nothing reads a clock, a socket, a file or the environment,
//! so that all of it can be fuzzed and tested without a server around it. Where the RFCs allow leniency this
//! crate is strict: a message that two parties could read differently is refused with a [`Malformed`].

pub mod conditional;
pub mod date;
pub mod etag;
pub mod fields;
pub mod forwarded;
mod grammar;
pub mod h1;
mod malformed;
pub mod media_type;
pub mod method;
pub mod negotiate;
pub mod range;
pub mod status;
pub mod target;
pub mod version;
mod words;

pub use fields::{Field, Fields, InvalidField, Known};
pub use malformed::Malformed;
pub use method::Method;
pub use version::Version;
