//! Writes a reply over HTTP/1: its head, and its body by the cheapest way it allows.

use std::rc::Rc;
use std::task::{Context, Poll, ready};

use propylon_base::clock::Moment;
use propylon_h1::{BodyError, Incoming, Sending, Wire};
use propylon_http::h1::encode;
use propylon_http::{Known, Method, Version};
use propylon_net::buffers::Buffer;
use propylon_net::clock;
use propylon_net::pipes::Pipe;
use propylon_origin::OriginBody;
use propylon_origin::upload::SPLICE_BYTES_MIN;
use propylon_pipeline::reply::TunnelBody;
use propylon_pipeline::{Body, Exchange, Fault, Reply};

use crate::listen::ConnectionLimits;

/// A first piece of at most this size is copied behind the head: one plain write costs less than a gathered one.
const JOIN_BYTES_MAX: usize = 2 * 1024;

/// Unread body bytes that are read and thrown away to keep the connection.
const DRAIN_BYTES_MAX: u64 = 64 * 1024;

/// Pieces written before other tasks get their turn.
const TURNS_MAX: u32 = 16;

/// How the writing of a reply ended.
#[derive(Debug)]
pub(super) enum Written {
    /// All of it is with the kernel.
    Whole {
        /// What the connection may do now.
        then: Then,
    },
    /// Its head is, and the connection now speaks another protocol.
    Tunnel(Box<TunnelBody>),
    /// Its source failed half-way: the client must see that it is not whole.
    Cut,
    /// The client took no more.
    ClientGone,
}

/// What a connection may do after a whole reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then {
    /// Carry another exchange.
    Keep,
    /// End.
    Close,
    /// End, but the client may still be sending, and closing at once would reset the reply away from it
    /// (RFC 9112 section 9.6).
    Linger,
}

/// How the end of the body is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Framing {
    None,
    Length(u64),
    Chunked,
    UntilClose,
}

/// Writes the reply; `close` says that the connection ends after it.
pub(super) async fn write_reply(
    x: &mut Exchange,
    wire: &Wire,
    reply: &mut Reply,
    close: bool,
    limits: &ConnectionLimits,
) -> Written {
    if matches!(reply.fault, Some(Fault::ClientGone)) {
        return Written::ClientGone;
    }
    let framing = framing(x, reply);
    let ends = reply.fault.as_ref().is_some_and(Fault::ends_connection) || framing == Framing::UntilClose;
    let keep = !close && !ends && x.request.keep_alive() && drain_small(x, limits).await;
    let mut head = x.worker.buffers.take();
    write_head(&mut head, x, reply, framing, keep);
    if framing == Framing::None {
        reply.body = match std::mem::replace(&mut reply.body, Body::Empty) {
            body @ Body::Tunnel(_) => body,
            _ => Body::Empty,
        };
    }
    let head_bytes = head.len() as u64;
    let mut writer = Writer {
        front: head,
        framing,
        sending: Sending::default(),
        state: State::Next,
        pipe: None,
        body_bytes: 0,
    };
    let written = writer.run(x, wire, &mut reply.body, limits).await;
    x.account.body_bytes = writer.body_bytes;
    x.account.sent_bytes += head_bytes + writer.body_bytes;
    match (written, std::mem::replace(&mut reply.body, Body::Empty)) {
        (Ok(()), Body::Tunnel(body)) => Written::Tunnel(body),
        (Ok(()), _) => Written::Whole { then: then(x, wire, keep, ends) },
        (Err(Failure::Source), _) => Written::Cut,
        (Err(Failure::Client), _) => Written::ClientGone,
    }
}

fn then(x: &Exchange, wire: &Wire, keep: bool, ends: bool) -> Then {
    let read = !x.body_left_open && x.body.as_ref().is_none_or(Incoming::is_done);
    match () {
        () if keep => Then::Keep,
        () if read && !ends && wire.is_empty() => Then::Close,
        () => Then::Linger,
    }
}

/// What is left of a small request body is read, so that the connection can go on.
async fn drain_small(x: &mut Exchange, limits: &ConnectionLimits) -> bool {
    let Some(body) = &mut x.body else { return !x.body_left_open };
    if body.is_done() {
        return true;
    }
    // The client has not begun to send: it will not, once it has its reply.
    if x.continue_awaited || body.left_bytes().is_none_or(|left| left > DRAIN_BYTES_MAX) {
        return false;
    }
    let deadline = clock::now() + limits.linger_time_max;
    loop {
        match x.timer.poll_until(deadline, |cx| body.poll_piece(cx)).await {
            Ok(Ok(0)) => return true,
            Ok(Ok(count)) => body.consume(count),
            _ => return false,
        }
    }
}

/// How this reply's body is framed for this client (RFC 9112 section 6.3).
fn framing(x: &Exchange, reply: &Reply) -> Framing {
    let bodyless = matches!(reply.status, 100..200 | 204 | 304) || x.request.method == Method::Head;
    match reply.body.length() {
        _ if bodyless => Framing::None,
        Some(length) => Framing::Length(length),
        None if x.request.version == Version::Http11 => Framing::Chunked,
        None => Framing::UntilClose,
    }
}

fn write_head(head: &mut Vec<u8>, x: &Exchange, reply: &Reply, framing: Framing, keep: bool) {
    encode::write_status_line(head, reply.status);
    reply.fields.write_end_to_end(head);
    if !reply.fields.has(Known::Date) {
        encode::write_field(head, b"Date", &x.worker.date());
    }
    let announced = reply.announced_bytes.or_else(|| match x.request.method {
        Method::Head if reply.status != 304 => {
            reply.body.length().filter(|_| !matches!(reply.body, Body::Origin(_)))
        }
        _ => None,
    });
    match framing {
        Framing::Length(length) => encode::write_content_length(head, length),
        Framing::Chunked => head.extend_from_slice(b"Transfer-Encoding: chunked\r\n"),
        Framing::None if !matches!(reply.status, 100..200 | 204) => {
            if let Some(length) = announced {
                encode::write_content_length(head, length);
            }
        }
        Framing::None | Framing::UntilClose => {}
    }
    if matches!(reply.body, Body::Tunnel(_)) {
        head.extend_from_slice(b"Connection: Upgrade\r\nUpgrade: websocket\r\n");
    } else if !keep {
        head.extend_from_slice(b"Connection: close\r\n");
    } else if x.request.version == Version::Http10 {
        head.extend_from_slice(b"Connection: keep-alive\r\n");
    }
    head.extend_from_slice(b"\r\n");
}

enum Failure {
    /// The body cannot be completed.
    Source,
    /// The client is gone or too slow.
    Client,
}

struct Writer {
    /// Bytes to be written before the body goes on: the head, the size of a chunk, the last chunk.
    front: Buffer,
    framing: Framing,
    sending: Sending,
    state: State,
    pipe: Option<Pipe>,
    body_bytes: u64,
}

/// What happens next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The next bytes of the body are waited for.
    Next,
    /// The front is written alone: the body is not there yet, or goes another way.
    Front(After),
    /// The front and a piece of this length are written.
    Piece(usize),
    /// The body moves from socket to socket.
    Splice,
    /// A file is sent.
    File,
    Done,
}

/// What follows the front.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum After {
    Next,
    Splice,
    File,
    Done,
}

impl Writer {
    async fn run(
        &mut self,
        x: &Exchange,
        wire: &Wire,
        body: &mut Body,
        limits: &ConnectionLimits,
    ) -> Result<(), Failure> {
        loop {
            let before = (self.body_bytes, self.sending.sent());
            let now = clock::now();
            let moving = std::future::poll_fn(|cx| match self.poll(cx, x, wire, body, before) {
                Poll::Ready(done) => Poll::Ready(Ok(done)),
                Poll::Pending => match x.timer.poll_deadline(cx, self.deadline(now, body, limits)) {
                    Ok(()) => Poll::Pending,
                    Err(expired) => Poll::Ready(Err(expired)),
                },
            });
            let done = moving.await;
            match done {
                Ok(Ok(true)) => return Ok(()),
                // Something moved: the deadline begins anew.
                Ok(Ok(false)) => {}
                Ok(Err(failure)) => return Err(failure),
                Err(_) => {
                    return Err(if self.waits_for_source() { Failure::Source } else { Failure::Client });
                }
            }
        }
    }

    /// Until when something must move: the limit of whoever is waited for, and an origin's limit for the whole.
    fn deadline(&self, now: Moment, body: &Body, limits: &ConnectionLimits) -> Moment {
        match body {
            Body::Origin(origin) if self.waits_for_source() => {
                (now + origin.idle_max()).min(origin.deadline())
            }
            Body::Origin(origin) => (now + limits.stalled_max).min(origin.deadline()),
            _ => now + limits.stalled_max,
        }
    }

    fn waits_for_source(&self) -> bool {
        match self.state {
            State::Next => true,
            State::Splice => self.pipe.as_ref().is_none_or(|pipe| pipe.filled() == 0),
            _ => false,
        }
    }

    /// True when all is written, false when something moved and the deadline should be set anew.
    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        x: &Exchange,
        wire: &Wire,
        body: &mut Body,
        before: (u64, usize),
    ) -> Poll<Result<bool, Failure>> {
        for _ in 0..TURNS_MAX {
            if self.state == State::Done {
                return Poll::Ready(Ok(true));
            }
            match self.poll_step(cx, x, wire, body) {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(failure)) => return Poll::Ready(Err(failure)),
                Poll::Pending if (self.body_bytes, self.sending.sent()) != before => {
                    return Poll::Ready(Ok(false));
                }
                Poll::Pending => return Poll::Pending,
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn poll_step(
        &mut self,
        cx: &mut Context<'_>,
        x: &Exchange,
        wire: &Wire,
        body: &mut Body,
    ) -> Poll<Result<(), Failure>> {
        match self.state {
            State::Next => self.poll_next(cx, x, body),
            State::Front(after) => {
                let more = after == After::File;
                ready!(self.sending.poll_all(cx, wire.socket(), &[&self.front], more))
                    .map_err(|_| Failure::Client)?;
                self.front_is_sent();
                self.state = match after {
                    After::Next => State::Next,
                    After::Splice => State::Splice,
                    After::File => State::File,
                    After::Done => State::Done,
                };
                Poll::Ready(Ok(()))
            }
            State::Piece(length) => self.poll_piece(cx, wire, body, length),
            State::Splice => match body {
                Body::Origin(origin) => self.poll_splice(cx, x, wire, origin),
                _ => Poll::Ready(Err(Failure::Source)),
            },
            State::File => {
                let Body::File(file) = body else { return Poll::Ready(Err(Failure::Source)) };
                self.body_bytes +=
                    ready!(file.poll_send(cx, wire.socket())).map_err(|error| failure(&error))?;
                if file.left_bytes() == 0 {
                    self.state = State::Done;
                }
                Poll::Ready(Ok(()))
            }
            State::Done => Poll::Ready(Ok(())),
        }
    }

    fn front_is_sent(&mut self) {
        self.sending = Sending::default();
        self.front.clear();
    }

    /// Decides how the next bytes of the body travel.
    fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
        x: &Exchange,
        body: &mut Body,
    ) -> Poll<Result<(), Failure>> {
        if let Some(state) = self.by_kernel(x, body) {
            self.state = state;
            return Poll::Ready(Ok(()));
        }
        let length = match body.poll_piece(cx) {
            Poll::Ready(Ok(length)) => length,
            Poll::Ready(Err(_)) => return Poll::Ready(Err(Failure::Source)),
            Poll::Pending if self.front.is_empty() => return Poll::Pending,
            // The head does not wait for the body.
            Poll::Pending => {
                self.state = State::Front(After::Next);
                return Poll::Ready(Ok(()));
            }
        };
        self.state = match (length, self.framing) {
            (0, Framing::Chunked) => {
                write_last_chunk(&mut self.front, body);
                State::Front(After::Done)
            }
            (0, _) if self.front.is_empty() => State::Done,
            (0, _) => State::Front(After::Done),
            (length, Framing::Chunked) => {
                encode::write_chunk_head(&mut self.front, length as u64);
                State::Piece(length)
            }
            (length, _) if !self.front.is_empty() && length <= JOIN_BYTES_MAX => {
                self.front.extend_from_slice(&body.piece());
                self.used(body, length);
                State::Front(if body.is_done() { After::Done } else { After::Next })
            }
            (length, _) => State::Piece(length),
        };
        Poll::Ready(Ok(()))
    }

    /// The way for a body whose bytes need not enter user space.
    fn by_kernel(&mut self, x: &Exchange, body: &Body) -> Option<State> {
        let after = match body {
            Body::Tunnel(_) => After::Done,
            Body::File(_) if self.framing != Framing::None => After::File,
            Body::Origin(origin) if self.framing != Framing::Chunked => {
                origin.raw_bytes().filter(|left| *left >= SPLICE_BYTES_MIN)?;
                if self.pipe.is_none() {
                    self.pipe = x.worker.pipes.take();
                }
                self.pipe.as_ref()?;
                After::Splice
            }
            _ => return None,
        };
        Some(State::Front(after))
    }

    fn used(&mut self, body: &mut Body, length: usize) {
        self.body_bytes += length as u64;
        body.consume(length);
    }

    fn poll_piece(
        &mut self,
        cx: &mut Context<'_>,
        wire: &Wire,
        body: &mut Body,
        length: usize,
    ) -> Poll<Result<(), Failure>> {
        let chunked = self.framing == Framing::Chunked;
        let piece = body.piece();
        let tail: &[u8] = if chunked { b"\r\n" } else { b"" };
        let sent = self.sending.poll_all(cx, wire.socket(), &[&self.front, &piece[..length], tail], false);
        drop(piece);
        ready!(sent).map_err(|_| Failure::Client)?;
        self.front_is_sent();
        self.used(body, length);
        self.state = if !chunked && body.is_done() { State::Done } else { State::Next };
        Poll::Ready(Ok(()))
    }

    fn poll_splice(
        &mut self,
        cx: &mut Context<'_>,
        x: &Exchange,
        wire: &Wire,
        origin: &mut OriginBody,
    ) -> Poll<Result<(), Failure>> {
        let Some(pipe) = self.pipe.as_mut() else {
            // Held only while bytes move; without one to be had the rest is copied.
            self.pipe = x.worker.pipes.take();
            self.state = if self.pipe.is_some() { State::Splice } else { State::Next };
            return Poll::Ready(Ok(()));
        };
        if pipe.filled() > 0 {
            let count = ready!(pipe.poll_drain(cx, wire.socket())).map_err(|_| Failure::Client)?;
            self.body_bytes += count as u64;
            if pipe.filled() == 0 && origin.is_done() {
                self.state = State::Done;
            }
            return Poll::Ready(Ok(()));
        }
        origin.poll_upload(cx);
        let Some(left) = origin.raw_bytes() else {
            self.state = if origin.is_done() { State::Done } else { State::Next };
            return Poll::Ready(Ok(()));
        };
        let source = Rc::clone(origin.wire());
        let filled = ready!(pipe.poll_fill(cx, source.socket(), left)).map_err(|_| Failure::Source)?;
        origin.moved(filled as u64).map_err(|_| Failure::Source)?;
        if filled == 0 {
            self.state = State::Done;
        }
        Poll::Ready(Ok(()))
    }
}

/// Sending a file fails by the file's fault or by the client's.
fn failure(error: &BodyError) -> Failure {
    let gone =
        [std::io::ErrorKind::BrokenPipe, std::io::ErrorKind::ConnectionReset, std::io::ErrorKind::TimedOut];
    match error {
        BodyError::Io(error) if gone.contains(&error.kind()) => Failure::Client,
        _ => Failure::Source,
    }
}

fn write_last_chunk(out: &mut Vec<u8>, body: &Body) {
    out.extend_from_slice(b"0\r\n");
    if let Body::Origin(origin) = body
        && let Some(trailers) = origin.trailers()
    {
        trailers.write_end_to_end(out);
    }
    out.extend_from_slice(b"\r\n");
}
