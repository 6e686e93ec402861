//! Writes a reply over HTTP/1: its head, and its body by the cheapest way it allows.

use std::task::{Context, Poll, ready};

use propylon_base::clock::Moment;
use propylon_h1::{BodyError, Sending, Wire};
use propylon_http::h1::encode::{self, ChunkHead};
use propylon_http::{Known, Method, Version};
use propylon_net::clock;
use propylon_net::pipes::Pipe;
use propylon_origin::upload::SPLICE_BYTES_MIN;
use propylon_pipeline::reply::TunnelBody;
use propylon_pipeline::{Body, Exchange, Fault, Reply};

use crate::listen::ConnectionLimits;

/// Unread body bytes that are read and thrown away to keep the connection.
const DRAIN_BYTES_MAX: u64 = 64 * 1024;

/// Pieces written before other tasks get their turn.
const TURNS_MAX: u32 = 16;

/// How the writing of a reply ended.
#[derive(Debug)]
pub enum Written {
    /// All of it is with the kernel.
    Whole {
        /// Whether the connection may carry another exchange.
        keep: bool,
    },
    /// Its head is, and the connection now speaks another protocol.
    Tunnel(Box<TunnelBody>),
    /// Its source failed half-way: the client must see that it is not whole.
    Cut,
    /// The client took no more.
    ClientGone,
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
pub async fn write_reply(
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
    let mut writer = Writer {
        head: &head,
        framing,
        sending: Sending::default(),
        state: State::Piece,
        pipe: None,
        body_bytes: 0,
    };
    let written = writer.run(x, wire, &mut reply.body, limits).await;
    x.account.body_bytes = writer.body_bytes;
    x.account.sent_bytes += head.len() as u64 + writer.body_bytes;
    match (written, std::mem::replace(&mut reply.body, Body::Empty)) {
        (Ok(()), Body::Tunnel(body)) => Written::Tunnel(body),
        (Ok(()), _) => Written::Whole { keep },
        (Err(Failure::Source), _) => Written::Cut,
        (Err(Failure::Client), _) => Written::ClientGone,
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

struct Writer<'h> {
    head: &'h [u8],
    framing: Framing,
    sending: Sending,
    state: State,
    pipe: Option<Pipe>,
    body_bytes: u64,
}

/// What is written next. The head goes with the first of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Waits for the next piece.
    Piece,
    /// Writes the head alone: the body is not there yet, or goes another way.
    Head,
    /// Writes a piece of this length.
    Sending(usize),
    /// Moves the body from socket to socket.
    Splice,
    /// Sends a file.
    File,
    /// Writes the last chunk.
    End,
    Done,
}

impl Writer<'_> {
    async fn run(
        &mut self,
        x: &Exchange,
        wire: &Wire,
        body: &mut Body,
        limits: &ConnectionLimits,
    ) -> Result<(), Failure> {
        loop {
            let before = (self.body_bytes, self.sending.sent());
            let deadline: Moment = clock::now() + limits.stalled_max;
            let done = x.timer.poll_until(deadline, |cx| self.poll(cx, x, wire, body, before)).await;
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

    fn waits_for_source(&self) -> bool {
        match self.state {
            State::Piece => true,
            State::Splice => self.pipe.is_none(),
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
            State::Piece => self.poll_piece(cx, x, body),
            State::Head => {
                let more = matches!(body, Body::File(_));
                ready!(self.poll_slices(cx, wire, &[self.head], more))?;
                self.state = match body {
                    Body::Tunnel(_) => State::Done,
                    Body::File(_) => State::File,
                    _ => State::Piece,
                };
                self.head = &[];
                Poll::Ready(Ok(()))
            }
            State::Sending(length) => self.poll_sending(cx, wire, body, length),
            State::Splice => self.poll_splice(cx, x, wire, body),
            State::File => {
                let Body::File(file) = body else { return Poll::Ready(Err(Failure::Source)) };
                self.body_bytes += ready!(file.poll_send(cx, wire.socket())).map_err(|_| Failure::Source)?;
                if file.left_bytes() == 0 {
                    self.state = State::Done;
                }
                Poll::Ready(Ok(()))
            }
            State::End => {
                let mut end = Vec::new();
                write_last_chunk(&mut end, body);
                ready!(self.poll_slices(cx, wire, &[self.head, &end], false))?;
                self.state = State::Done;
                Poll::Ready(Ok(()))
            }
            State::Done => Poll::Ready(Ok(())),
        }
    }

    fn poll_slices(
        &mut self,
        cx: &mut Context<'_>,
        wire: &Wire,
        slices: &[&[u8]],
        more: bool,
    ) -> Poll<Result<(), Failure>> {
        ready!(self.sending.poll_all(cx, wire.socket(), slices, more)).map_err(|_| Failure::Client)?;
        self.sending = Sending::default();
        Poll::Ready(Ok(()))
    }

    /// Decides how the next bytes of the body travel.
    fn poll_piece(
        &mut self,
        cx: &mut Context<'_>,
        x: &Exchange,
        body: &mut Body,
    ) -> Poll<Result<(), Failure>> {
        match body {
            Body::Tunnel(_) => {
                self.state = State::Head;
                return Poll::Ready(Ok(()));
            }
            Body::File(_) if self.framing != Framing::None => {
                self.state = State::Head;
                return Poll::Ready(Ok(()));
            }
            Body::Origin(origin) if self.framing != Framing::Chunked => {
                let large = origin.raw_bytes().is_some_and(|left| left >= SPLICE_BYTES_MIN);
                if large && self.pipe.is_none() {
                    self.pipe = x.worker.pipes.take();
                }
                if large && self.pipe.is_some() {
                    self.state = if self.head.is_empty() { State::Splice } else { State::Head };
                    return Poll::Ready(Ok(()));
                }
            }
            _ => {}
        }
        let length = match body.poll_piece(cx) {
            Poll::Ready(Ok(length)) => length,
            Poll::Ready(Err(_)) => return Poll::Ready(Err(Failure::Source)),
            Poll::Pending if self.head.is_empty() => return Poll::Pending,
            // The head does not wait for the body.
            Poll::Pending => {
                self.state = State::Head;
                return Poll::Ready(Ok(()));
            }
        };
        self.state = match length {
            0 if self.framing == Framing::Chunked => State::End,
            0 if self.head.is_empty() => State::Done,
            length => State::Sending(length),
        };
        Poll::Ready(Ok(()))
    }

    fn poll_sending(
        &mut self,
        cx: &mut Context<'_>,
        wire: &Wire,
        body: &mut Body,
        length: usize,
    ) -> Poll<Result<(), Failure>> {
        let piece = body.piece();
        let (size, end): (ChunkHead, &[u8]) = match self.framing {
            Framing::Chunked => (ChunkHead::new(length as u64), b"\r\n"),
            _ => (ChunkHead::NONE, b""),
        };
        let slices = [self.head, size.as_bytes(), &piece[..length], end];
        let sent = self.sending.poll_all(cx, wire.socket(), &slices, false);
        drop(piece);
        ready!(sent).map_err(|_| Failure::Client)?;
        self.sending = Sending::default();
        self.head = &[];
        self.body_bytes += length as u64;
        body.consume(length);
        let over = self.framing != Framing::Chunked && body.is_done();
        self.state = if over { State::Done } else { State::Piece };
        Poll::Ready(Ok(()))
    }

    fn poll_splice(
        &mut self,
        cx: &mut Context<'_>,
        x: &Exchange,
        wire: &Wire,
        body: &mut Body,
    ) -> Poll<Result<(), Failure>> {
        let Body::Origin(origin) = body else { return Poll::Ready(Err(Failure::Source)) };
        let pipe = match &mut self.pipe {
            Some(pipe) => pipe,
            none => match x.worker.pipes.take() {
                Some(pipe) => none.insert(pipe),
                None => {
                    self.state = State::Piece;
                    return Poll::Ready(Ok(()));
                }
            },
        };
        if pipe.filled() > 0 {
            let left = origin.raw_bytes().unwrap_or(0) > 0;
            let count = ready!(pipe.poll_drain(cx, wire.socket(), left)).map_err(|_| Failure::Client)?;
            self.body_bytes += count as u64;
            if pipe.filled() == 0 && origin.is_done() {
                self.state = State::Done;
            }
            return Poll::Ready(Ok(()));
        }
        origin.poll_upload(cx);
        let Some(left) = origin.raw_bytes() else {
            self.state = if origin.is_done() { State::Done } else { State::Piece };
            return Poll::Ready(Ok(()));
        };
        let source = std::rc::Rc::clone(origin.wire());
        let filled = ready!(pipe.poll_fill(cx, source.socket(), left)).map_err(|_| Failure::Source)?;
        origin.moved(filled as u64).map_err(|_: BodyError| Failure::Source)?;
        if filled == 0 {
            self.state = State::Done;
        }
        Poll::Ready(Ok(()))
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
