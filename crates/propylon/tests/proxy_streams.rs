//! Bodies pass through and are never held: memory stays small whatever their size, and who is slow slows the other
//! side down.

mod gate;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use propylon_testkit::{Client, Origin, Server};

const MIB: usize = 1024 * 1024;
const BODY: usize = 64 * MIB;

/// What the kernel's buffers on the way may hold: three sockets on either side of ours, of some MiB each.
const BUFFERED_MAX: usize = 40 * MIB;

/// What a transfer may cost the server beyond what it had before.
const GROWTH_KIB_MAX: u64 = 12 * 1024;

/// Sends the body and counts what the kernel has taken.
fn sending(chunked: bool, sent: Arc<AtomicUsize>) -> Origin {
    Origin::start(move |_, conn| {
        let block = vec![b'x'; MIB / 4];
        match chunked {
            true => conn.begin_chunked(200, &[])?,
            false => conn.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {BODY}\r\n\r\n"))?,
        }
        for _ in 0..BODY / block.len() {
            if chunked {
                conn.chunk(&block)?
            } else {
                conn.send(&block)?
            }
            sent.fetch_add(block.len(), Ordering::Relaxed);
        }
        if chunked { conn.end_chunked(&[]) } else { Ok(()) }
    })
}

/// Reads slowly, and looks at each step how far the sender is ahead and how large the server has grown.
#[track_caller]
fn check_download(chunked: bool) {
    let sent = Arc::new(AtomicUsize::new(0));
    let origin = sending(chunked, Arc::clone(&sent));
    let server = gate::before(&origin);
    let mut client = Client::connect_narrow(&server.addr("web"), 64 * 1024);
    client.send_request("GET", "/", &[], b"");
    client.read_head();
    let before = server.resident_kib();
    let mut read = 0;
    while read < BODY {
        read += client.read_slowly(MIB, 64 * 1024, Duration::from_millis(1)).len();
        let ahead = sent.load(Ordering::Relaxed).saturating_sub(read);
        assert!(ahead < BUFFERED_MAX, "the origin is {ahead} bytes ahead of the client");
        let growth = server.resident_kib().saturating_sub(before);
        assert!(growth < GROWTH_KIB_MAX, "{growth} KiB more for {read} bytes read");
    }
}

#[test]
fn a_slow_reader_slows_the_origin_down() {
    check_download(false);
}

#[test]
fn a_slow_reader_slows_a_chunking_origin_down() {
    check_download(true);
}

/// The origin reads slowly; the client must not get far ahead of it.
#[track_caller]
fn check_upload(chunked: bool) {
    let read = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&read);
    let origin = Origin::raw(move |conn| {
        conn.read_request_head()?;
        while counter.load(Ordering::Relaxed) < BODY {
            let some = conn.read_some(64 * 1024)?;
            if some.is_empty() {
                return conn.close();
            }
            counter.fetch_add(some.len(), Ordering::Relaxed);
            thread::sleep(Duration::from_millis(1));
        }
        conn.reply(200, &[("Connection", "close")], b"read")?;
        conn.stall()
    });
    let server = gate::before(&origin);
    let mut client = Client::connect(&server.addr("web"));
    let framing =
        if chunked { "Transfer-Encoding: chunked".into() } else { format!("Content-Length: {BODY}") };
    client.send(format!("POST / HTTP/1.1\r\nHost: a\r\n{framing}\r\n\r\n"));
    let block = vec![b'x'; MIB / 4];
    let chunk = [b"40000\r\n", &block[..], b"\r\n"].concat();
    let before = server.resident_kib();
    for sent in 1..=BODY / block.len() {
        client.send(if chunked { &chunk } else { &block });
        let ahead = (sent * block.len()).saturating_sub(read.load(Ordering::Relaxed));
        assert!(ahead < BUFFERED_MAX, "the client is {ahead} bytes ahead of the origin");
        let growth = server.resident_kib().saturating_sub(before);
        assert!(growth < GROWTH_KIB_MAX, "{growth} KiB more for {} bytes sent", sent * block.len());
    }
    client.send(if chunked { &b"0\r\n\r\n"[..] } else { b"" });
    assert_eq!(client.read_reply().text(), "read");
}

#[test]
fn a_slow_origin_slows_the_client_down() {
    check_upload(false);
}

#[test]
fn a_slow_origin_slows_a_chunking_client_down() {
    check_upload(true);
}

/// What was sent is what arrives, in whatever pieces it travels: copied, spliced, and across buffers' ends.
#[test]
fn bytes_arrive_as_they_were_sent() {
    let origin = Origin::start(|request, conn| conn.reply(200, &[], &request.body));
    let server = gate::before(&origin);
    let mut client = Client::connect(&server.addr("web"));
    for length in [1, 100, 8191, 16_384, 16_385, 32_767, 32_768, 65_536, 65_537, 200_000, 3_000_001] {
        let body: Vec<u8> = (0..length).map(|at: usize| (at * 31 / 7) as u8).collect();
        let reply = client.post("/", &body);
        assert!(reply.body == body, "{length} bytes came back changed");
    }
    assert_eq!(origin.connections(), 1);
}

#[test]
fn a_reply_may_begin_before_the_request_ends() {
    let origin = Origin::raw(|conn| {
        conn.read_request_head()?;
        conn.begin_chunked(200, &[])?;
        for word in ["ping", "pong"] {
            conn.expect(format!("4\r\n{word}\r\n"))?;
            conn.chunk(word)?;
        }
        conn.expect("0\r\n\r\n")?;
        conn.end_chunked(&[])
    });
    let server = gate::before(&origin);
    let mut client = Client::connect(&server.addr("web"));
    client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    assert!(client.read_head().starts_with("HTTP/1.1 200 "));
    for word in ["ping", "pong"] {
        client.send(format!("4\r\n{word}\r\n"));
        assert_eq!(client.read_bytes(9), format!("4\r\n{word}\r\n").as_bytes());
    }
    client.send("0\r\n\r\n");
    assert_eq!(client.read_bytes(5), b"0\r\n\r\n");
}

/// An origin may refuse an upload it has hardly seen, and the client must be able to read why.
#[test]
fn an_early_refusal_reaches_a_client_that_is_still_sending() {
    let origin = Origin::raw(|conn| {
        conn.read_request_head()?;
        conn.reply(413, &[("Connection", "close")], b"too much")?;
        conn.close()
    });
    let server = gate::before(&origin);
    for length in [50_000, 10 * MIB] {
        let mut client = Client::connect(&server.addr("web"));
        client.send(format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n"));
        client.send(vec![b'x'; 20_000]);
        let reply = client.read_reply();
        assert_eq!((reply.status, reply.text()), (413, "too much"));
        assert!(reply.announces_close());
        client.expect_closed();
    }
    assert!(origin.requests().is_empty());
}

/// A body with a length is as long as it says, even when the origin says so after the gate's own choice of framing.
#[test]
fn many_sizes_at_once_do_not_mix() {
    let origin = Origin::start(|request, conn| {
        let length: usize = request.target[1..].parse().expect("the target is a length");
        conn.reply(200, &[], &vec![(length % 251) as u8; length])
    });
    let server: Server = gate::before(&origin);
    thread::scope(|scope| {
        for start in 0..8 {
            let addr = server.addr("web");
            scope.spawn(move || {
                let mut client = Client::connect(&addr);
                for step in 0..40 {
                    let length = start * 7919 + step * 4099;
                    let body = client.get(&format!("/{length}")).body;
                    assert!(body == vec![(length % 251) as u8; length], "{length} bytes came mixed");
                }
            });
        }
    });
}
