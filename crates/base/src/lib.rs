//! What every crate may use: moments in time, ids and small pure helpers for bytes. Only `std`, no clock, no I/O.

pub mod clock;
pub mod random;
