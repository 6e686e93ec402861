//! The HTTP/1 codec (RFC 9112): heads, chunked bodies, and how to write them.

pub mod chunked;
pub mod encode;
pub mod head;
