//! A scripted origin: it listens, does what the test says, and remembers what it was asked.

use std::collections::HashMap;
use std::io;
use std::net::{Shutdown, TcpListener};
use std::os::unix::net::UnixListener;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use crate::origin_conn::OriginConn;
use crate::request::Request;
use crate::stream::Stream;
use crate::watched::Watched;
use crate::{PATIENCE, behave};

/// What an origin remembers; shared by its threads and the test.
#[derive(Debug, Default)]
pub(crate) struct Record {
    pub(crate) requests: Vec<Request>,
    pub(crate) problems: Vec<String>,
    connections: usize,
    /// The connections now open, so that the origin can end them all.
    open: HashMap<usize, Stream>,
    panics: Vec<String>,
    stopping: bool,
}

type Script = dyn Fn(&mut OriginConn) -> io::Result<()> + Send + Sync;

/// An origin on an ephemeral loopback port or a Unix socket, with a thread per connection. Dropping it closes
/// every connection, and panics when a script panicked, so that an assertion inside a script fails its test.
#[derive(Debug)]
pub struct Origin {
    addr: String,
    record: Arc<Watched<Record>>,
    acceptor: Option<JoinHandle<()>>,
}

impl Origin {
    /// Starts an origin that calls `answer` with each request, wholly read, until the answer closes the
    /// connection. It answers `Expect: 100-continue` with a 100 by itself.
    pub fn start(
        answer: impl Fn(Request, &mut OriginConn) -> io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        Self::raw(move |conn| conn.serve(&answer))
    }

    /// The same on a Unix socket.
    pub fn start_unix(
        path: &Path,
        answer: impl Fn(Request, &mut OriginConn) -> io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        let listener = UnixListener::bind(path).expect("a Unix socket can be bound in the test's directory");
        let accept = move || listener.accept().map(|(stream, _)| Stream::Unix(stream));
        let script = move |conn: &mut OriginConn| conn.serve(&answer);
        Self::listen(format!("unix:{}", path.display()), accept, Arc::new(script))
    }

    /// Starts an origin whose script plays each connection byte by byte. The connection closes when the script
    /// returns.
    pub fn raw(script: impl Fn(&mut OriginConn) -> io::Result<()> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
        let addr = listener.local_addr().expect("a bound socket has an address").to_string();
        let accept = move || listener.accept().map(|(stream, _)| Stream::Tcp(stream));
        Self::listen(addr, accept, Arc::new(script))
    }

    /// Answers every request with this.
    pub fn fixed(status: u16, fields: &[(&str, &str)], body: &[u8]) -> Self {
        Self::start(behave::fixed(status, fields, body))
    }

    /// Answers with what it got: the head as the first part of the body, then the body.
    pub fn echo() -> Self {
        Self::start(behave::echo)
    }

    /// Reads a request and resets the connection.
    pub fn reset() -> Self {
        Self::start(|_, conn| conn.reset())
    }

    /// Reads a request and never answers.
    pub fn stall() -> Self {
        Self::start(|_, conn| conn.stall())
    }

    /// Answers with bytes that are no HTTP.
    pub fn garbage() -> Self {
        Self::start(behave::garbage)
    }

    /// Announces more body than it sends, then closes.
    pub fn short_body() -> Self {
        Self::start(behave::short_body)
    }

    /// Sends more than it announced: the surplus looks like a second reply.
    pub fn long_body() -> Self {
        Self::start(behave::long_body)
    }

    /// Reads a request and closes without a reply.
    pub fn close_early() -> Self {
        Self::start(|_, conn| conn.close())
    }

    /// Answers in these chunks, with these trailers after them.
    pub fn chunked(chunks: &[&str], trailers: &[(&str, &str)]) -> Self {
        Self::start(behave::chunked(chunks, trailers))
    }

    /// Sends a 103 with a Link field, then a 200.
    pub fn early_hints() -> Self {
        Self::start(behave::early_hints)
    }

    /// Answers an upgrade with 101 and then sends back every byte; anything else gets a 426.
    pub fn upgrade_echo() -> Self {
        Self::start(behave::upgrade_echo)
    }

    /// `IP:PORT` or `unix:PATH`.
    pub fn addr(&self) -> &str {
        &self.addr
    }

    /// The origin as a config names it.
    pub fn url(&self) -> String {
        if self.addr.starts_with("unix:") { self.addr.clone() } else { format!("http://{}", self.addr) }
    }

    /// Every request received so far, in the order in which they were complete.
    pub fn requests(&self) -> Vec<Request> {
        self.record.read(|record| record.requests.clone())
    }

    /// Method and target of every request received so far.
    pub fn lines(&self) -> Vec<String> {
        self.record.read(|record| record.requests.iter().map(Request::line).collect())
    }

    /// How many connections were ever accepted.
    pub fn connections(&self) -> usize {
        self.record.read(|record| record.connections)
    }

    /// How many connections are open now.
    pub fn open_connections(&self) -> usize {
        self.record.read(|record| record.open.len())
    }

    /// What the peers did wrong: broken messages, connections cut in the middle of one.
    pub fn problems(&self) -> Vec<String> {
        self.record.read(|record| record.problems.clone())
    }

    /// Waits for the nth request and returns all.
    #[track_caller]
    pub fn wait_for_requests(&self, count: usize) -> Vec<Request> {
        self.wait(&format!("{count} requests"), |record| record.requests.len() >= count);
        self.requests()
    }

    /// Waits until this many connections were accepted.
    #[track_caller]
    pub fn wait_for_connections(&self, count: usize) {
        self.wait(&format!("{count} connections"), |record| record.connections >= count);
    }

    /// Waits until no more than this many connections are open: how a test sees that an abort reached the
    /// origin.
    #[track_caller]
    pub fn wait_for_open(&self, at_most: usize) {
        self.wait(&format!("{at_most} open connections"), |record| record.open.len() <= at_most);
    }

    #[track_caller]
    fn wait(&self, what: &str, done: impl Fn(&Record) -> bool) {
        let came = self.record.wait(PATIENCE, |record| done(record).then_some(()));
        assert!(
            came.is_some(),
            "the origin waited in vain for {what}; it saw {:?} on {} connections, {} of them open; problems: {:?}",
            self.lines(),
            self.connections(),
            self.open_connections(),
            self.problems()
        );
    }

    fn listen(
        addr: String,
        accept: impl Fn() -> io::Result<Stream> + Send + 'static,
        script: Arc<Script>,
    ) -> Self {
        let record = Arc::<Watched<Record>>::default();
        let shared = record.clone();
        let acceptor = thread::spawn(move || {
            while let Ok(stream) = accept() {
                if shared.read(|record| record.stopping) {
                    break;
                }
                // A peer that is already gone is a connection all the same.
                let Ok(handle) = stream.prepare().and_then(|stream| Ok((stream.try_clone()?, stream))) else {
                    continue;
                };
                let (shared, script) = (shared.clone(), script.clone());
                thread::spawn(move || play(handle, &shared, &*script));
            }
        });
        Self { addr, record, acceptor: Some(acceptor) }
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        self.record.update(|record| {
            record.stopping = true;
            for stream in record.open.values() {
                let _ = stream.shutdown(Shutdown::Both);
            }
        });
        // The acceptor sleeps in accept: a connection wakes it, and it sees that it must stop.
        if Stream::connect(&self.addr).is_ok()
            && let Some(acceptor) = self.acceptor.take()
        {
            let _ = acceptor.join();
        }
        let panics = self.record.read(|record| record.panics.clone());
        assert!(panics.is_empty() || thread::panicking(), "an origin's script panicked: {panics:?}");
    }
}

/// Runs the script on one connection, in its own thread.
fn play((handle, stream): (Stream, Stream), record: &Arc<Watched<Record>>, script: &Script) {
    let number = record.update(|record| {
        let number = record.connections;
        record.connections += 1;
        record.open.insert(number, handle);
        number
    });
    let mut conn = OriginConn::new(stream, number, record.clone());
    let result = catch_unwind(AssertUnwindSafe(|| script(&mut conn)));
    // The verdict comes before the close, so that whoever saw the close can ask for it; and the duplicate is closed
    // before the original, because only the last close of a socket sends the RST that a script asked for.
    record.update(|record| {
        match result {
            Ok(Ok(())) => {}
            Ok(Err(error)) => record.problems.push(format!("connection {number}: {error}")),
            Err(panic) => record.panics.push(message(&*panic)),
        }
        record.open.remove(&number);
    });
}

fn message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message").to_owned()
}
