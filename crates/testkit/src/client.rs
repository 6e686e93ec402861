//! A raw client: it sends the bytes it is told to and reads replies strictly.

use std::io;
use std::net::Shutdown;
use std::time::Duration;

use crate::HOST;
use crate::reply::Reply;
use crate::stream::Stream;
use crate::wire::{Wire, show};

/// One connection to a server. Methods panic with what was seen instead when the peer does not do what the
/// test expects; those whose name starts with `try_` return the error.
#[derive(Debug)]
pub struct Client {
    wire: Wire,
    host: String,
}

impl Client {
    /// Connects to `IP:PORT` or `unix:PATH`.
    #[track_caller]
    pub fn connect(addr: &str) -> Self {
        Self::try_connect(addr).unwrap_or_else(|error| panic!("cannot connect to {addr}: {error}"))
    }

    /// Connects, or says why not.
    pub fn try_connect(addr: &str) -> io::Result<Self> {
        Ok(Self::over(Stream::connect(addr)?))
    }

    /// Connects over TCP with a receive buffer of about `bytes`, so that a server soon feels a slow reader.
    #[track_caller]
    pub fn connect_narrow(addr: &str, bytes: usize) -> Self {
        let stream = Stream::connect_narrow(addr, bytes);
        Self::over(stream.unwrap_or_else(|error| panic!("cannot connect to {addr}: {error}")))
    }

    fn over(stream: Stream) -> Self {
        Self { wire: Wire::new(stream), host: HOST.to_owned() }
    }

    /// Asks for this host in the conveniences below.
    pub fn host(mut self, host: &str) -> Self {
        host.clone_into(&mut self.host);
        self
    }

    /// Lets every single operation take this long instead of [`crate::PATIENCE`].
    pub fn patience(mut self, limit: Duration) -> Self {
        self.wire.set_patience(limit);
        self
    }

    /// The address that the server sees.
    pub fn local_addr(&self) -> String {
        self.wire.stream().local_addr().expect("a connected socket has an address")
    }

    /// Sends exactly these bytes.
    #[track_caller]
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.try_send(bytes).unwrap_or_else(|error| panic!("cannot send: {error}"));
    }

    /// Sends exactly these bytes, or says why not: the server may have closed meanwhile.
    pub fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.wire.send(bytes.as_ref())
    }

    /// Sends a request with these fields after Host, and with a Content-Length when there is a body.
    #[track_caller]
    pub fn send_request(&mut self, method: &str, target: &str, fields: &[(&str, &str)], body: &[u8]) {
        let mut head = format!("{method} {target} HTTP/1.1\r\nHost: {}\r\n", self.host);
        for (name, value) in fields {
            head += &format!("{name}: {value}\r\n");
        }
        if !body.is_empty() {
            head += &format!("Content-Length: {}\r\n", body.len());
        }
        self.send([head.as_bytes(), b"\r\n", body].concat());
    }

    /// Sends a request and reads its reply.
    #[track_caller]
    pub fn request(&mut self, method: &str, target: &str, fields: &[(&str, &str)], body: &[u8]) -> Reply {
        self.send_request(method, target, fields, body);
        self.read_reply_to(method)
    }

    /// GETs a target.
    #[track_caller]
    pub fn get(&mut self, target: &str) -> Reply {
        self.request("GET", target, &[], b"")
    }

    /// POSTs a body.
    #[track_caller]
    pub fn post(&mut self, target: &str, body: &[u8]) -> Reply {
        self.request("POST", target, &[], body)
    }

    /// Reads the reply to a GET, interim replies included.
    #[track_caller]
    pub fn read_reply(&mut self) -> Reply {
        self.read_reply_to("GET")
    }

    /// Reads the reply to a request with this method: a reply to HEAD has no body.
    #[track_caller]
    pub fn read_reply_to(&mut self, method: &str) -> Reply {
        match self.try_read_reply(method) {
            Ok(reply) => reply,
            Err(error) => panic!("no good reply: {error}; unread: {}", show(self.wire.ahead())),
        }
    }

    /// Reads the reply to a request with this method, or says what is wrong with it.
    pub fn try_read_reply(&mut self, method: &str) -> io::Result<Reply> {
        self.wire.begin();
        Reply::read(&mut self.wire, method)
    }

    /// Reads a head alone, as bytes; the body can then be read slowly or not at all.
    #[track_caller]
    pub fn read_head(&mut self) -> String {
        self.wire.begin();
        let head = self.wire.take_head().unwrap_or_else(|error| panic!("no head: {error}"));
        String::from_utf8_lossy(&head.expect("the peer closed without a reply")).into_owned()
    }

    /// Reads exactly `count` bytes.
    #[track_caller]
    pub fn read_bytes(&mut self, count: usize) -> Vec<u8> {
        self.wire.begin();
        self.wire.take(count).unwrap_or_else(|error| panic!("no {count} bytes: {error}"))
    }

    /// Reads `count` bytes as a slow reader does: at most `step` at a time, with a pause after each.
    #[track_caller]
    pub fn read_slowly(&mut self, count: usize, step: usize, pause: Duration) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(count);
        while bytes.len() < count {
            self.wire.begin();
            let some = self.wire.take_some(step.min(count - bytes.len()));
            let some = some.unwrap_or_else(|error| panic!("after {} bytes: {error}", bytes.len()));
            assert!(!some.is_empty(), "the peer closed after {} of {count} bytes", bytes.len());
            bytes.extend(some);
            std::thread::sleep(pause);
        }
        bytes
    }

    /// Reads all until the server closes in good order.
    #[track_caller]
    pub fn read_to_end(&mut self) -> Vec<u8> {
        self.try_read_to_end().unwrap_or_else(|error| panic!("no orderly end: {error}"))
    }

    /// Reads all until the server closes, or says how it ended.
    pub fn try_read_to_end(&mut self) -> io::Result<Vec<u8>> {
        self.wire.begin();
        self.wire.take_rest()
    }

    /// The server must close, by FIN or RST, without another byte.
    #[track_caller]
    pub fn expect_closed(&mut self) {
        self.wire.begin();
        match self.wire.take_rest() {
            Ok(rest) => assert!(rest.is_empty(), "before closing came {}", show(&rest)),
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => {
                assert!(self.wire.ahead().is_empty(), "before the reset came {}", show(self.wire.ahead()));
            }
            Err(error) => panic!("the connection stays open: {error}"),
        }
    }

    /// The server must keep the connection open and silent for `limit`.
    #[track_caller]
    pub fn expect_silence(&mut self, limit: Duration) {
        let before = self.wire.ahead().len();
        self.wire.begin_for(limit);
        match self.wire.fill() {
            Err(error) if error.kind() == io::ErrorKind::TimedOut => {}
            Ok(0) => panic!("the server closed"),
            Ok(_) => panic!("the server sent {}", show(&self.wire.ahead()[before..])),
            Err(error) => panic!("the connection broke: {error}"),
        }
    }

    /// Closes the sending half.
    #[track_caller]
    pub fn half_close(&mut self) {
        self.wire.shutdown(Shutdown::Write).expect("a connected socket can be shut down");
    }

    /// Goes away with RST.
    pub fn reset(self) {
        self.wire.stream().reset_on_close().expect("a socket takes SO_LINGER");
    }
}
