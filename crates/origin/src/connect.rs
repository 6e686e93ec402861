//! Opens a connection to an endpoint within its time limit.

use std::rc::Rc;
use std::time::Duration;

use propylon_h1::{Wire, send_all};
use propylon_net::buffers::Buffers;
use propylon_net::clock;
use propylon_net::proxy_protocol::{self, Addresses};
use propylon_net::socket::{Address, Socket};
use propylon_net::timers::Timer;

use crate::fault::OriginFaultKind;

/// The PROXY header to send first, and the two ends it speaks of.
#[derive(Clone, Copy, Debug)]
pub struct Announce {
    /// Version 1 is text, version 2 binary.
    pub version: proxy_protocol::Version,
    /// The client's address, and the one it connected to; `None` for a client without one (a Unix socket's).
    pub addresses: Option<Addresses>,
}

/// Opens a connection, and says on it on whose behalf if the endpoint wants to know.
///
/// # Errors
/// Refused, unreachable or too slow.
pub async fn connect(
    address: &Address,
    announce: Option<Announce>,
    buffers: &Rc<Buffers>,
    timer: &Timer,
    connect_max: Duration,
) -> Result<Wire, OriginFaultKind> {
    let deadline = clock::now() + connect_max;
    let connecting = std::pin::pin!(Socket::connect(address));
    let socket = timer
        .until(deadline, connecting)
        .await
        .map_err(|_| OriginFaultKind::ConnectTimeout)?
        .map_err(OriginFaultKind::Connect)?;
    if let Some(Announce { version, addresses }) = announce {
        let mut header = Vec::with_capacity(proxy_protocol::V1_BYTES_MAX);
        proxy_protocol::write(version, addresses, &mut header);
        let slices = [header.as_slice()];
        let sending = std::pin::pin!(send_all(&socket, &slices, true));
        timer
            .until(deadline, sending)
            .await
            .map_err(|_| OriginFaultKind::ConnectTimeout)?
            .map_err(OriginFaultKind::Connect)?;
    }
    Ok(Wire::new(socket, Rc::clone(buffers)))
}
