//! A reply's body as it comes from an origin. While it is read, what is left of the request is sent on.

use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use propylon_base::clock::Moment;
use propylon_h1::{BodyError, Incoming, Wire};
use propylon_http::Fields;

use crate::group::Lease;
use crate::upload::{Upload, UploadError};

/// The body of an origin's reply, with the connection it comes over.
///
/// Dropped early, it takes the connection with it; read to its end, it gives the connection back to its pool.
#[derive(Debug)]
pub struct OriginBody {
    incoming: Incoming,
    /// What is still to be sent of the request, for a reply that came early.
    upload: Option<Box<Upload>>,
    lease: Option<Lease>,
    /// The origin's word on whether the connection goes on.
    keep_alive: bool,
    /// How long nothing may come of it.
    idle_max: Duration,
    /// When all of it must have come and gone.
    deadline: Moment,
}

impl OriginBody {
    /// The body that follows a reply's head, and when it must be over.
    pub fn new(
        incoming: Incoming,
        upload: Option<Upload>,
        lease: Lease,
        keep_alive: bool,
        deadline: Moment,
    ) -> Self {
        let (upload, idle_max) = (upload.map(Box::new), lease.limits().idle_max);
        let mut body = Self { incoming, upload, lease: Some(lease), keep_alive, idle_max, deadline };
        body.give_back_when_done();
        body
    }

    /// The next piece; see [`Incoming::poll_piece`].
    ///
    /// # Errors
    /// The origin's body is broken or cut short.
    pub fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Result<usize, BodyError>> {
        self.poll_upload(cx);
        let piece = self.incoming.poll_piece(cx);
        if matches!(piece, Poll::Ready(Ok(0))) {
            self.give_back_when_done();
        }
        piece
    }

    /// Sends on what is left of the request. It may fail without harm to the reply: an origin need not read a
    /// request that it has answered, but the connection cannot be used again then.
    pub fn poll_upload(&mut self, cx: &mut Context<'_>) {
        let Some(upload) = &mut self.upload else { return };
        match upload.poll(cx, self.incoming.wire()) {
            Poll::Pending => {}
            Poll::Ready(Ok(())) if upload.is_done() => self.upload = None,
            Poll::Ready(Ok(()) | Err(UploadError::Client(_) | UploadError::Origin(_))) => {
                self.keep_alive = false
            }
        }
    }

    /// Sees the body that is being read.
    pub fn incoming(&self) -> &Incoming {
        &self.incoming
    }

    /// Marks bytes of the piece as used.
    pub fn consume(&mut self, count: usize) {
        self.incoming.consume(count);
        self.give_back_when_done();
    }

    /// Bytes that may be spliced from [`OriginBody::wire`]'s socket now.
    pub fn raw_bytes(&self) -> Option<u64> {
        self.incoming.raw_bytes()
    }

    /// The connection, for splicing.
    pub fn wire(&self) -> &Rc<Wire> {
        self.incoming.wire()
    }

    /// Tells that bytes were spliced; see [`Incoming::moved`].
    ///
    /// # Errors
    /// The end came too early.
    pub fn moved(&mut self, count: u64) -> Result<(), BodyError> {
        self.incoming.moved(count)?;
        self.give_back_when_done();
        Ok(())
    }

    /// How long nothing may come of it.
    pub fn idle_max(&self) -> Duration {
        self.idle_max
    }

    /// When the exchange must be over.
    pub fn deadline(&self) -> Moment {
        self.deadline
    }

    /// True when all of it has been taken.
    pub fn is_done(&self) -> bool {
        self.incoming.is_done()
    }

    /// Fields behind a chunked body.
    pub fn trailers(&self) -> Option<&Fields> {
        self.incoming.trailers()
    }

    /// As soon as the last byte is taken the next exchange may use the connection: before this one's client has it.
    fn give_back_when_done(&mut self) {
        if self.incoming.is_done()
            && let Some(mut lease) = self.lease.take()
        {
            lease.finish(self.keep_alive && self.upload.is_none());
        }
    }
}
