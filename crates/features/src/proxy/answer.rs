//! One request to an origin and back: choose → connect → send → read the reply's head → hand on the body.
//!
//! Retries live here. A request is sent again only when the origin cannot have processed it, or when it is safe
//! (RFC 9110 section 9.2.1) and the kept connection it went over ended before a single byte came back.

use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use propylon_base::clock::Moment;
use propylon_h1::{HeadError, Incoming, Wire};
use propylon_http::h1::head::BodyLength;
use propylon_http::{Known, Malformed, Version};
use propylon_net::buffers::Buffer;
use propylon_net::clock;
use propylon_net::proxy_protocol::Addresses;
use propylon_net::timers::Expired;
use propylon_origin::connect::Announce;
use propylon_origin::group::{Chosen, total_deadline};
use propylon_origin::upload::UploadError;
use propylon_origin::{Group, Lease, OriginBody, OriginFault, OriginFaultKind, Upload};
use propylon_pipeline::metrics::Cell;
use propylon_pipeline::reply::TunnelBody;
use propylon_pipeline::{Body, Downstream, Exchange, Fault, Reply};

use super::head::write_request_head;
use super::{ATTEMPTS, Compiled, FAILURES};
use crate::WorkerBuild;

/// Interim replies (1xx) that one exchange may bring.
const INTERIM_MAX: u32 = 32;

/// How long a client that waits for `100 Continue` may be kept waiting for the origin's word (RFC 9110 section
/// 10.1.1 lets the origin be silent).
const CONTINUE_TIME_MAX: Duration = Duration::from_secs(1);

/// How long an exchange goes on before a client on a fresh connection is watched for giving up.
const WATCH_AFTER: Duration = Duration::from_millis(100);

/// How long an interim reply may take to be handed to the kernel.
const SEND_TIME_MAX: Duration = Duration::from_secs(10);

/// The answer on one worker.
#[derive(Debug)]
pub struct Proxy {
    compiled: Arc<Compiled>,
    group: Rc<Group>,
    attempts: Cell,
    failures: Cell,
}

/// A failed attempt, and what is needed for another.
struct Failed {
    fault: Fault,
    /// The body, untouched, if the request may be sent again.
    again: Option<Option<Incoming>>,
    /// The endpoint, when a fresh connection to the same one is to be tried first.
    stale: Option<Chosen>,
}

impl Failed {
    fn for_good(fault: impl Into<Fault>) -> Self {
        Self { fault: fault.into(), again: None, stale: None }
    }
}

impl Proxy {
    /// The answer on one worker.
    pub fn new(compiled: Arc<Compiled>, build: &WorkerBuild<'_>) -> Self {
        let group = compiled.upstream().group(build);
        let labels = [("upstream", compiled.upstream().name())];
        let attempts = build.worker.metrics.cell(ATTEMPTS, &labels);
        let failures = build.worker.metrics.cell(FAILURES, &labels);
        Self { compiled, group, attempts, failures }
    }

    /// Sends the request on and returns the reply as it begins.
    ///
    /// # Errors
    /// No endpoint gave a usable reply.
    pub async fn answer(&self, x: &mut Exchange) -> Result<Reply, Fault> {
        let total = total_deadline(self.group.limits());
        let mut tried: Vec<usize> = Vec::new();
        let mut stale = None;
        let mut last = Fault::Origin(OriginFault { kind: OriginFaultKind::NoEndpoint, endpoint: None });
        loop {
            let fresh = stale.is_some();
            // With no endpoint left, what the last one did is the better reason.
            let Some(chosen) = stale.take().or_else(|| self.group.pick(&tried)) else { return Err(last) };
            let index = chosen.index();
            x.account.attempts += 1;
            self.attempts.add(1);
            let failed = match self.attempt(x, chosen, fresh, total).await {
                Ok(reply) => return Ok(reply),
                Err(failed) => failed,
            };
            self.failures.add(1);
            let Some(body) = failed.again else { return Err(failed.fault) };
            x.body = body;
            x.body_left_open = false;
            stale = failed.stale;
            if stale.is_none() {
                if tried.len() >= self.compiled.retries || tried.contains(&index) {
                    return Err(failed.fault);
                }
                tried.push(index);
            }
            last = failed.fault;
        }
    }

    async fn attempt(
        &self,
        x: &mut Exchange,
        chosen: Chosen,
        fresh: bool,
        total: Moment,
    ) -> Result<Reply, Failed> {
        x.account.endpoint = Some(Arc::clone(&chosen.endpoint().name));
        let begun = clock::now();
        let announce = self.announce(x);
        let lease = match chosen.connect(fresh, announce, &x.worker.buffers, &x.timer).await {
            Ok(lease) => lease,
            Err(fault) => {
                return Err(Failed { fault: fault.into(), again: Some(x.body.take()), stale: None });
            }
        };
        if !lease.is_reused() {
            x.account.connect_time = Some(clock::now().since(begun));
        }
        let mut head = x.worker.buffers.take();
        let chunked = write_request_head(&mut head, x, &self.compiled, lease.endpoint());
        let body = x.body.take();
        // Until the upload has proved to be complete: whatever ends it early, its rest is no next request.
        x.body_left_open = body.as_ref().is_some_and(|body| !body.is_done());
        let held = x.continue_awaited && body.is_some();
        let mut upload = Upload::new(head, body, chunked, held, Rc::clone(&x.worker.pipes));
        let begin = self.reply_head(x, &lease, &mut upload, total).await;
        x.account.received_bytes = upload.received_bytes();
        x.body_left_open &= !upload.is_done();
        match begin {
            Ok(upgraded) => self.reply(x, lease, upload, upgraded, total),
            Err(fault) => Err(Self::failed(x, lease, upload, fault)),
        }
    }

    /// Decides whether a failed attempt may be followed by another.
    fn failed(x: &Exchange, lease: Lease, upload: Upload, fault: Fault) -> Failed {
        let Fault::Origin(OriginFault { kind, .. }) = &fault else { return Failed::for_good(fault) };
        let ended = matches!(kind, OriginFaultKind::Broken(_) | OriginFaultKind::ClosedEarly);
        let unprocessed = upload.is_untouched() || x.request.method.is_safe();
        if !(ended && lease.is_reused() && unprocessed) {
            return Failed::for_good(fault);
        }
        match upload.into_unsent() {
            Some((_, body)) => Failed { fault, again: Some(body), stale: Some(lease.into_chosen()) },
            None => Failed::for_good(fault),
        }
    }

    /// Sends the request and reads until the final reply's head stands parsed in `x.origin_head`. Returns true for
    /// a switch of protocols.
    async fn reply_head(
        &self,
        x: &mut Exchange,
        lease: &Lease,
        upload: &mut Upload,
        total: Moment,
    ) -> Result<bool, Fault> {
        for _ in 0..INTERIM_MAX {
            self.wait_for_head(x, lease, upload, total).await?;
            match x.origin_head.status {
                100 => {
                    upload.release();
                    self.send_continue(x).await?;
                }
                101 if x.request.upgrade_websocket && x.origin_head.upgrades_to_websocket() => {
                    return Ok(true);
                }
                101 => return Err(lease.fault(OriginFaultKind::UnexpectedUpgrade).into()),
                102..200 => send_interim(x).await?,
                _ => return Ok(false),
            }
        }
        Err(lease.fault(OriginFaultKind::TooManyInterim).into())
    }

    /// Waits for a head from the origin, sending the request on meanwhile and watching the client.
    async fn wait_for_head(
        &self,
        x: &mut Exchange,
        lease: &Lease,
        upload: &mut Upload,
        total: Moment,
    ) -> Result<(), Fault> {
        let limits = self.group.limits();
        x.origin_head.clear();
        let mut broken = None;
        // Most replies are there before anybody could give up waiting: a client that the runtime does not watch yet
        // is put under watch only when this one is not.
        let mut unwatched = x.downstream.is_unwatched();
        loop {
            let now = clock::now();
            let (wait, late) = if upload.is_held() {
                (CONTINUE_TIME_MAX, OriginFaultKind::FirstByteTimeout)
            } else if upload.is_over() {
                (limits.first_byte_max, OriginFaultKind::FirstByteTimeout)
            } else if upload.waits_for_client() {
                (limits.idle_max.min(x.stalled_max), OriginFaultKind::IdleTimeout)
            } else {
                (limits.idle_max, OriginFaultKind::IdleTimeout)
            };
            let limit = (now + wait).min(total);
            let deadline = if unwatched { limit.min(now + WATCH_AFTER) } else { limit };
            let sent = sent_so_far(upload);
            let Exchange { downstream, origin_head, request, timer, .. } = &mut *x;
            let mut read =
                |bytes: &[u8]| origin_head.read(bytes, request.method, &self.compiled.reply_limits);
            let progress = timer
                .poll_until(deadline, |cx| {
                    let watched = (!unwatched).then_some(&*downstream);
                    poll_exchange(cx, lease.wire(), upload, watched, &mut read, &mut broken, sent)
                })
                .await;
            match progress {
                Ok(Progress::Sent) => {}
                Ok(Progress::Head(head)) => {
                    return head.map_err(|error| head_fault(lease, error, broken));
                }
                Ok(Progress::ClientGone) => return Err(Fault::ClientGone),
                Ok(Progress::ClientBody(fault)) => return Err(fault),
                Err(Expired) if deadline < limit => unwatched = false,
                Err(Expired) if upload.is_held() && clock::now() < total => {
                    upload.release();
                    self.send_continue(x).await?;
                }
                Err(Expired) if clock::now() >= total => {
                    return Err(lease.fault(OriginFaultKind::TotalTimeout).into());
                }
                Err(Expired) if upload.waits_for_client() => return Err(Fault::BodyTimeout),
                Err(Expired) => return Err(lease.fault(late).into()),
            }
        }
    }

    async fn send_continue(&self, x: &mut Exchange) -> Result<(), Fault> {
        if std::mem::take(&mut x.continue_awaited) {
            send_downstream(x, b"HTTP/1.1 100 Continue\r\n\r\n").await?;
        }
        Ok(())
    }

    /// Makes the client's reply of the origin's.
    fn reply(
        &self,
        x: &mut Exchange,
        mut lease: Lease,
        upload: Upload,
        upgraded: bool,
        total: Moment,
    ) -> Result<Reply, Failed> {
        x.account.first_byte_time = Some(clock::now().since(x.begun));
        let head = &mut x.origin_head;
        let mut reply = Reply::new(head.status);
        std::mem::swap(&mut reply.fields, &mut head.fields);
        if upgraded {
            reply.body =
                Body::Tunnel(Box::new(TunnelBody { lease, idle_max: self.compiled.tunnel_idle_max }));
            return Ok(reply);
        }
        reply.fields.remove_hop_by_hop();
        if x.request.method == propylon_http::Method::Head || head.status == 304 {
            reply.announced_bytes = reply
                .fields
                .value(Known::ContentLength)
                .and_then(|text| std::str::from_utf8(text).ok().and_then(|text| text.parse().ok()));
        }
        reply.fields.remove_known(Known::ContentLength);
        let keep_alive = head.keep_alive() && head.body != BodyLength::UntilClose;
        let incoming = Incoming::new(Rc::clone(lease.wire()), head.body);
        if incoming.is_done() && upload.is_done() {
            lease.finish(keep_alive);
            return Ok(reply);
        }
        let upload = (!upload.is_done()).then_some(upload);
        reply.body = Body::Origin(Box::new(OriginBody::new(incoming, upload, lease, keep_alive, total)));
        Ok(reply)
    }

    fn announce(&self, x: &Exchange) -> Option<Announce> {
        let version = self.group.limits().announce?;
        let source = x.client.address.map(|address| SocketAddr::new(address, x.client.port.unwrap_or(0)));
        let destination = match &x.downstream {
            Downstream::H1(wire) => x.connection.local(wire),
            Downstream::Nowhere => None,
        };
        let addresses =
            source.zip(destination).map(|(source, destination)| Addresses { source, destination });
        Some(Announce { version, addresses })
    }
}

/// What ended a wait.
enum Progress {
    /// More of the request was sent: the deadline begins anew.
    Sent,
    Head(Result<(), HeadError>),
    ClientGone,
    ClientBody(Fault),
}

fn poll_exchange(
    cx: &mut Context<'_>,
    origin: &Wire,
    upload: &mut Upload,
    watched: Option<&Downstream>,
    read: &mut impl FnMut(&[u8]) -> Result<Option<usize>, Malformed>,
    broken: &mut Option<std::io::Error>,
    sent: (bool, bool, u64),
) -> Poll<Progress> {
    if !upload.is_over() {
        match upload.poll(cx, origin) {
            Poll::Ready(Err(UploadError::Client(error))) => {
                return Poll::Ready(Progress::ClientBody(error.into()));
            }
            // The origin may have answered before it stopped listening.
            Poll::Ready(Err(UploadError::Origin(error))) => *broken = Some(error),
            Poll::Ready(Ok(())) | Poll::Pending => {}
        }
    }
    // A request just sent whole cannot have been answered yet: a look at the origin is not worth its price now.
    if upload.is_over() && sent_so_far(upload) != sent {
        return Poll::Ready(Progress::Sent);
    }
    if let Poll::Ready(head) = origin.poll_head(cx, read) {
        return Poll::Ready(Progress::Head(head));
    }
    if sent_so_far(upload) != sent {
        return Poll::Ready(Progress::Sent);
    }
    if upload.is_over() && watched.is_some_and(|downstream| client_is_gone(cx, downstream)) {
        return Poll::Ready(Progress::ClientGone);
    }
    Poll::Pending
}

/// How far the upload has got, and who has to move next: the limits depend on it.
fn sent_so_far(upload: &Upload) -> (bool, bool, u64) {
    (upload.is_over(), upload.waits_for_client(), upload.received_bytes())
}

/// True once the client has ended its connection: nobody waits for the reply any more.
fn client_is_gone(cx: &mut Context<'_>, downstream: &Downstream) -> bool {
    let Downstream::H1(wire) = downstream else { return false };
    // Bytes read ahead are the next request's: such a client is still there.
    wire.is_empty() && matches!(wire.poll_more(cx), Poll::Ready(Ok(0) | Err(_)))
}

fn head_fault(lease: &Lease, error: HeadError, broken: Option<std::io::Error>) -> Fault {
    let kind = match (error, broken) {
        (HeadError::Malformed(malformed), _) => OriginFaultKind::Malformed(malformed),
        (_, Some(error)) | (HeadError::Io(error), None) => OriginFaultKind::Broken(error),
        (HeadError::Ended | HeadError::Truncated, None) => OriginFaultKind::ClosedEarly,
    };
    lease.fault(kind).into()
}

/// Passes an interim reply on; HTTP/1.0 clients do not know them (RFC 9110 section 15.2).
async fn send_interim(x: &mut Exchange) -> Result<(), Fault> {
    if x.request.version == Version::Http10 {
        return Ok(());
    }
    let mut head: Buffer = x.worker.buffers.take();
    propylon_http::h1::encode::write_status_line(&mut head, x.origin_head.status);
    x.origin_head.fields.write_end_to_end(&mut head);
    head.extend_from_slice(b"\r\n");
    send_downstream(x, &head).await
}

async fn send_downstream(x: &Exchange, bytes: &[u8]) -> Result<(), Fault> {
    let Downstream::H1(wire) = &x.downstream else { return Ok(()) };
    let deadline = clock::now() + SEND_TIME_MAX;
    let slices = [bytes];
    let sending = std::pin::pin!(propylon_h1::send_all(wire.socket(), &slices, false));
    match x.timer.until(deadline, sending).await {
        Ok(Ok(())) => Ok(()),
        _ => Err(Fault::ClientGone),
    }
}
