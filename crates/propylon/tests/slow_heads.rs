//! Slowloris: thousands of clients that send their request's head a byte at a time, for ever if they may.

mod gate;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use propylon_testkit::{Client, Origin, PATIENCE, Server};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// As many clients as asked for, or as the limit of open files lets us have on either side.
fn affordable(wanted: u64) -> u64 {
    let maximum = getrlimit(Resource::Nofile).maximum;
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).expect("the soft limit may be raised");
    let count = wanted.min(maximum.unwrap_or(u64::MAX) / 2 - 100);
    if count < wanted {
        eprintln!("only {count} clients instead of {wanted}: the limit of open files allows no more");
    }
    count
}

/// What one connection that has begun a request may cost the server, in KiB: its buffer and its task.
const KIB_EACH_MAX: u64 = 24;

#[test]
#[expect(clippy::disallowed_methods, reason = "the test is about time")]
fn slow_heads_cost_little_and_end_in_time() {
    let origin = Origin::fixed(200, &[], b"served");
    let server: Server = gate::with(&origin, "limits head-time 4s", "").start();
    let addr = server.addr("web");
    let mut good = Client::connect(&addr);
    assert_eq!(good.get("/").text(), "served");
    let count = affordable(10_000);
    let before = server.resident_kib();
    let begun = Instant::now();
    let mut slow: Vec<TcpStream> = Vec::new();
    for _ in 0..count {
        let mut stream = TcpStream::connect(&addr).expect("the kernel takes the connection");
        stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\nX-Slow: ").expect("a fresh connection takes bytes");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout can be set");
        slow.push(stream);
    }
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            // The drip that would keep a limit between bytes from ever ending.
            while !stop.load(Ordering::Relaxed) {
                slow.iter().step_by(10).for_each(|mut stream| drop(stream.write(b"x")));
                thread::sleep(Duration::from_millis(100));
            }
        });
        // A good client does not notice them.
        let mut worst = Duration::ZERO;
        for _ in 0..200 {
            let asked = Instant::now();
            assert_eq!(good.get("/").text(), "served");
            worst = worst.max(asked.elapsed());
        }
        assert!(worst < Duration::from_secs(1), "a good client waited {worst:?}");
        let growth = server.resident_kib().saturating_sub(before);
        assert!(growth < count * KIB_EACH_MAX, "{growth} KiB for {count} connections");
        for mut stream in &slow {
            let mut reply = Vec::new();
            // A reset is as good an end: bytes may have been on their way.
            let ended = stream.read_to_end(&mut reply).map_err(|error| error.kind());
            assert!(ended.is_ok() || ended == Err(std::io::ErrorKind::ConnectionReset), "{ended:?}");
            assert!(reply.is_empty() || reply.starts_with(b"HTTP/1.1 408 "), "{}", reply.escape_ascii());
        }
        stop.store(true, Ordering::Relaxed);
    });
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    assert_eq!(good.get("/").text(), "served");
}
