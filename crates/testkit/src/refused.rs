//! The one question of the hostile-request suite: was it refused, and did nothing slip past?

use std::io;

use crate::client::Client;
use crate::origin::Origin;
use crate::reply::Reply;
use crate::wire::show;
use crate::{HOST, PATIENCE};

/// What an attacker would have the origin see.
const SMUGGLED: &str = "/smuggled";
/// What proves that the origin would have seen it by now.
const FENCE: &str = "/fence";

/// Sends `raw` and at once an innocuous second request to the server at `addr`. The reply must have this status,
/// must announce the close and be followed by it, and the origin must have seen neither request. Returns the reply.
///
/// The server must pass `GET /fence` for [`HOST`] on to the origin: that request, sent afterwards, is how a
/// late arrival is noticed without waiting for silence.
#[track_caller]
pub fn check_refused(addr: &str, origin: &Origin, raw: impl AsRef<[u8]>, status: u16) -> Reply {
    let raw = raw.as_ref();
    let before = origin.requests().len();
    let problems = origin.problems().len();
    let mut client = Client::connect(addr);
    let second = format!("GET {SMUGGLED} HTTP/1.1\r\nHost: {HOST}\r\n\r\n");
    client.send([raw, second.as_bytes()].concat());
    let reply = client.try_read_reply("GET");
    let reply = reply.unwrap_or_else(|error| panic!("to {} came no good reply: {error}", show(raw)));
    assert_eq!(reply.status, status, "to {} came {reply:?}", show(raw));
    assert!(reply.announces_close(), "to {} came no `Connection: close`: {reply:?}", show(raw));
    if let Err(what) = closed(&mut client) {
        panic!("after {} the connection {what}", show(raw));
    }

    let fence = Client::connect(addr).patience(PATIENCE).get(FENCE);
    let seen: Vec<String> = origin.lines().split_off(before);
    assert_eq!(seen, [format!("GET {FENCE}")], "{} got past, or the fence did not: {fence:?}", show(raw));
    let problems = origin.problems().split_off(problems);
    assert!(problems.is_empty(), "{} reached the origin: {problems:?}", show(raw));
    reply
}

/// The server may reset after its reply: it need not read what it will not answer.
fn closed(client: &mut Client) -> Result<(), String> {
    match client.try_read_to_end() {
        Ok(rest) if rest.is_empty() => Ok(()),
        Ok(rest) => Err(format!("brought {}", show(&rest))),
        Err(error) if error.kind() == io::ErrorKind::ConnectionReset => Ok(()),
        Err(error) => Err(format!("did not close: {error}")),
    }
}
