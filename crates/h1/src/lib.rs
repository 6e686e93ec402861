//! HTTP/1 connections: the codec of `http` driven over the sockets of `net`, in both roles.
//!
//! A [`Wire`] is a socket with the bytes that were read ahead; an [`Incoming`] body reads on from there. Neither
//! knows a configuration: limits and deadlines are the caller's.

mod incoming;
mod send;
mod tunnel;
mod wire;

pub use incoming::{BodyError, Incoming};
pub use send::{Sending, send_all};
pub use tunnel::{Passed, Pools, TunnelEnd, tunnel};
pub use wire::{HeadError, Wire};
