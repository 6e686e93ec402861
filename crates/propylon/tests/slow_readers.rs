//! Thousands of clients that take their reply slowly, or not at all for the time being: each costs the server little,
//! with pipes to move the bytes or, when those are used up, without.

mod gate;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

use propylon_testkit::{Client, PATIENCE, Server};
use rustix::net::sockopt;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use socket2::{Domain, Socket, Type};

const BODY: usize = 1_000_000;

/// What one reader may cost the server, in KiB, kernel buffers not counted: a buffer of 16 KiB, its task, its exchange.
const KIB_EACH_MAX: u64 = 32;

/// Raises the limit of open files and returns how many readers it allows: each takes two here and two in the server,
/// which stops accepting before it runs out.
fn affordable(wanted: u64) -> usize {
    let maximum = getrlimit(Resource::Nofile).maximum;
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).expect("the soft limit may be raised");
    let count = wanted.min((maximum.unwrap_or(u64::MAX) / 10 * 8).saturating_sub(700) / 2);
    if count < wanted {
        eprintln!("only {count} readers instead of {wanted}: the limit of open files allows no more");
    }
    usize::try_from(count).expect("a few thousand fit")
}

/// An origin with small threads and small buffers: the kit's own is not made for thousands of connections.
fn origin() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
    sockopt::set_socket_send_buffer_size(&listener, 16 * 1024).expect("a socket takes a buffer size");
    rustix::net::listen(&listener, 4096).expect("a listener's queue may grow");
    let addr = listener.local_addr().expect("a bound socket has an address");
    let body: Arc<[u8]> = body().into();
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let body = Arc::clone(&body);
            let serving = thread::Builder::new().stack_size(64 * 1024).spawn(move || serve(stream, &body));
            serving.expect("a thread can be started");
        }
    });
    addr
}

/// One request on each connection: `/small` or the whole body.
fn serve(mut stream: TcpStream, body: &[u8]) {
    let mut head = [0; 2048];
    let got = stream.read(&mut head).unwrap_or(0);
    let length = if head[..got].starts_with(b"GET /small ") { 5 } else { BODY };
    let told = write!(stream, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n");
    // A reader that has seen enough resets.
    let _ = told.and_then(|()| stream.write_all(&body[..length]));
}

/// No block of it is like the next.
fn body() -> Vec<u8> {
    (0..BODY).map(|place| (place / 7 % 251) as u8).collect()
}

/// Connects with a small receive buffer and asks for the body.
fn reader(addr: SocketAddr) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    socket.set_recv_buffer_size(4096).expect("a socket takes a buffer size");
    // As over a network. With the segments of loopback the kernel would hold half of each body at once, and run
    // against its own limit for all sockets.
    socket.set_tcp_mss(1400).expect("a socket takes a segment size");
    socket.connect(&addr.into()).expect("the kernel takes the connection");
    let mut stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout can be set");
    stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").expect("a fresh connection takes bytes");
    stream
}

/// Reads the head and returns what came of the body with it.
fn begin(stream: &mut TcpStream) -> Vec<u8> {
    let mut got = Vec::new();
    let mut block = [0; 512];
    loop {
        let count = stream.read(&mut block).expect("the reply begins");
        assert!(count > 0, "closed after {}", got.escape_ascii());
        got.extend_from_slice(&block[..count]);
        if let Some(end) = got.windows(4).position(|window| window == b"\r\n\r\n") {
            assert!(got.starts_with(b"HTTP/1.1 200 "), "{}", got.escape_ascii());
            return got.split_off(end + 4);
        }
    }
}

#[test]
fn thousands_of_slow_readers_cost_little() {
    let config = format!("listen {{ADDR:web}}\n{}", gate::behind("", ""));
    let server = Server::setup(&config).set("ORIGIN", origin()).start();
    let addr = server.addr("web").parse().expect("an address");
    let all = body();
    let mut good = Client::connect(&server.addr("web"));
    assert_eq!(good.get("/small").body, all[..5]);
    let before = server.resident_kib();
    let count = affordable(4000);
    let mut readers: Vec<TcpStream> = (0..count).map(|_| reader(addr)).collect();
    let mut begun: Vec<Vec<u8>> = readers.iter_mut().map(begin).collect();
    for _ in 0..20 {
        assert_eq!(good.get("/small").body, all[..5]);
    }
    let growth = server.resident_kib().saturating_sub(before);
    assert!(growth < KIB_EACH_MAX * count as u64, "{growth} KiB for {count} readers");
    // The first have the pipes, the last have none; both get what was sent.
    for place in (0..count).step_by(count / 20) {
        let (stream, body) = (&readers[place], &mut begun[place]);
        sockopt::set_socket_recv_buffer_size(stream, BODY).expect("a socket takes a buffer size");
        let left = (BODY - body.len()) as u64;
        Read::take(stream, left).read_to_end(body).expect("the rest comes");
        assert!(*body == all, "reader {place} got other bytes");
    }
    drop(readers);
    assert_eq!(good.get("/small").body, all[..5]);
}
