//! Writes a few slices to a socket as one message, however few of them the kernel takes at a time.

use std::io::{self, IoSlice};
use std::task::{Context, Poll, ready};

use propylon_net::socket::Socket;

/// The slices of one write: head, chunk size, data, line end, and one to spare.
const SLICES_MAX: usize = 5;

/// How far a gathered write has got. The slices are given anew on each poll and must be the same.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sending {
    sent: usize,
}

impl Sending {
    /// Bytes the kernel has taken so far.
    pub fn sent(&self) -> usize {
        self.sent
    }

    /// Writes on until all of `slices` has been taken. `more` says that further bytes follow at once.
    ///
    /// # Errors
    /// What the kernel says of the connection.
    pub fn poll_all(
        &mut self,
        cx: &mut Context<'_>,
        socket: &Socket,
        slices: &[&[u8]],
        more: bool,
    ) -> Poll<io::Result<()>> {
        debug_assert!(slices.len() <= SLICES_MAX);
        let total: usize = slices.iter().map(|slice| slice.len()).sum();
        while self.sent < total {
            let mut skip = self.sent;
            let mut gathered = [IoSlice::new(&[]); SLICES_MAX];
            let mut count = 0;
            for slice in slices {
                let skipped = skip.min(slice.len());
                skip -= skipped;
                if skipped < slice.len() {
                    gathered[count] = IoSlice::new(&slice[skipped..]);
                    count += 1;
                }
            }
            self.sent += ready!(socket.poll_write(cx, &gathered[..count], more))?;
        }
        Poll::Ready(Ok(()))
    }
}

/// Writes all of `slices`.
///
/// # Errors
/// What the kernel says of the connection.
pub async fn send_all(socket: &Socket, slices: &[&[u8]], more: bool) -> io::Result<()> {
    let mut sending = Sending::default();
    std::future::poll_fn(|cx| sending.poll_all(cx, socket, slices, more)).await
}
