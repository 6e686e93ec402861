//! What an exchange leaves behind for logs and metrics.

use std::sync::Arc;
use std::time::Duration;

/// Figures and facts gathered on an exchange's way.
#[derive(Clone, Debug, Default)]
pub struct Account {
    /// Status of the reply; 0 when the client was gone before one was made.
    pub status: u16,
    /// Why it went wrong, if it did: a short name for the log.
    pub fault: Option<&'static str>,
    /// More on the fault, for the log alone: never shown to the client.
    pub fault_detail: Option<Box<str>>,
    /// Request body bytes received.
    pub received_bytes: u64,
    /// Reply bytes handed to the kernel, the head included.
    pub sent_bytes: u64,
    /// Reply body bytes among them, framing not counted.
    pub body_bytes: u64,
    /// The endpoint that answered, or that failed last.
    pub endpoint: Option<Arc<str>>,
    /// Attempts made at origins.
    pub attempts: u32,
    /// Time until the origin's connection stood; zero for a kept one.
    pub connect_time: Option<Duration>,
    /// Time from the request's arrival to the reply's first byte.
    pub first_byte_time: Option<Duration>,
    /// Time for the whole exchange.
    pub total_time: Duration,
}

impl Account {
    /// Forgets everything, for the next exchange.
    pub fn clear(&mut self) {
        *self = Self::default();
    }
}
