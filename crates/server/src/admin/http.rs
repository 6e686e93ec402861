//! One connection to the admin's desk: requests without bodies, small replies, and a limit to everything.

use std::time::Duration;

use propylon_h1::{HeadError, Wire};
use propylon_http::h1::encode::{write_content_length, write_field, write_status_line};
use propylon_http::h1::head::{HeadLimits, RequestHead};
use propylon_http::{Known, Method};
use propylon_net::buffers::Buffers;
use propylon_net::socket::Socket;
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::{Desk, Order, Said, What};
use crate::explain::Question;

/// Time for a request to arrive, for a reply to be taken, and between the two of a connection.
pub(super) const TIME_MAX: Duration = Duration::from_secs(10);

/// An admin's requests are short; what `explain` is asked about stands in the target.
const LIMITS: HeadLimits = HeadLimits { bytes_max: 32 * 1024, target_bytes_max: 16 * 1024, fields_max: 64 };

/// Serves a connection until it ends.
pub(super) async fn live(socket: Socket, desk: &Desk) {
    let wire = Wire::new(socket, Buffers::new());
    let mut head = RequestHead::new();
    loop {
        head.clear();
        let reading = std::future::poll_fn(|cx| wire.poll_head(cx, |bytes| head.read(bytes, &LIMITS)));
        let (said, keep) = match timeout(TIME_MAX, reading).await {
            Ok(Ok(())) => (answer(&head, desk).await, head.keep_alive() && head.body.is_empty()),
            Ok(Err(HeadError::Malformed(malformed))) => {
                (Said::text(malformed.status(), format!("{malformed}\n")), false)
            }
            Ok(Err(_)) | Err(_) => return,
        };
        let reply = write(&said, head.method == Method::Head, keep);
        let slices = [&reply[..]];
        let sending = propylon_h1::send_all(wire.socket(), &slices, false);
        if !matches!(timeout(TIME_MAX, sending).await, Ok(Ok(()))) || !keep {
            return;
        }
    }
}

/// Every request there is.
async fn answer(head: &RequestHead, desk: &Desk) -> Said {
    if head.fields.named(b"Origin").is_some() {
        return Said::text(403, "a page in a browser has no business here\n");
    }
    if !head.body.is_empty() {
        return Said::text(413, "no request here has a body\n");
    }
    let reads = matches!(head.method, Method::Get | Method::Head);
    match head.path() {
        b"/ready" if reads => order(desk, What::Ready).await,
        b"/status" if reads => order(desk, What::Status).await,
        b"/metrics" if reads => metrics(desk),
        b"/explain" if reads => match Question::from_query(head.query().unwrap_or_default()) {
            Ok(question) => order(desk, What::Explain(question)).await,
            Err(why) => Said::text(400, format!("{why}\n")),
        },
        b"/reload" if head.method == Method::Post => order(desk, What::Reload).await,
        b"/ready" | b"/status" | b"/metrics" | b"/explain" => Said::text(405, "use GET\n"),
        b"/reload" => Said::text(405, "use POST\n"),
        _ => Said::text(
            404,
            "there are: GET /ready, /status, /metrics, /explain?method=…&url=…; POST /reload\n",
        ),
    }
}

fn metrics(desk: &Desk) -> Said {
    let media_type = "text/plain; version=0.0.4; charset=utf-8";
    Said { status: 200, media_type, body: desk.shared.metrics.render() }
}

async fn order(desk: &Desk, what: What) -> Said {
    let (reply, said) = oneshot::channel();
    let gone = || Said::text(503, "the server has ended\n");
    if desk.orders.send(Order { what, reply }).await.is_err() {
        return gone();
    }
    said.await.unwrap_or_else(|_| gone())
}

fn write(said: &Said, head_only: bool, keep: bool) -> Vec<u8> {
    let mut reply = Vec::with_capacity(256 + said.body.len());
    write_status_line(&mut reply, said.status);
    write_field(&mut reply, Known::ContentType.name().as_bytes(), said.media_type.as_bytes());
    // Neither a cache nor a browser should keep what is true now.
    write_field(&mut reply, b"Cache-Control", b"no-store");
    if !keep {
        write_field(&mut reply, b"Connection", b"close");
    }
    write_content_length(&mut reply, said.body.len() as u64);
    reply.extend_from_slice(b"\r\n");
    if !head_only {
        reply.extend_from_slice(said.body.as_bytes());
    }
    reply
}
