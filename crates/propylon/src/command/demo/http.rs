//! As much HTTP as the demo's servers need: their only client is our own proxy, which speaks it strictly.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// What a request's head may have; the proxy allows less.
const HEAD_BYTES_MAX: u64 = 128 * 1024;

/// Connections served at once, by each of the demo's servers.
const CONNECTIONS_MAX: usize = 128;

/// How long a connection may be idle. Longer than the proxy keeps one, so that it is the proxy who closes.
const IDLE_MAX: Duration = Duration::from_secs(90);

/// A request, without its body.
#[derive(Debug)]
pub(super) struct Request {
    /// The first line.
    pub(super) line: String,
    /// The fields, as they came.
    pub(super) fields: Vec<(String, String)>,
}

/// A reply.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: &'static str,
    pub(super) media_type: &'static str,
    pub(super) body: Vec<u8>,
}

impl Request {
    /// The method, and the target in its two parts.
    pub(super) fn parts(&self) -> (&str, &str, &str) {
        let mut words = self.line.split(' ');
        let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        (method, path, query)
    }

    /// The value of a field.
    pub(super) fn field(&self, name: &str) -> Option<&str> {
        self.fields
            .iter()
            .find(|(other, _)| other.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    fn has_body(&self) -> bool {
        self.field("transfer-encoding").is_some()
            || self.field("content-length").is_some_and(|length| length != "0")
    }
}

impl Reply {
    pub(super) fn json(status: &'static str, value: &serde_json::Value) -> Self {
        Self { status, media_type: "application/json", body: format!("{value:#}\n").into_bytes() }
    }
}

/// Accepts until `go_on` says no, and gives each connection a thread, in which `answer` takes its requests; `None`
/// closes the connection.
pub(super) fn serve<A>(listener: &TcpListener, go_on: impl Fn() -> bool, answer: &Arc<A>)
where
    A: Fn(&Request) -> Option<Reply> + Send + Sync + 'static,
{
    let open = Arc::new(AtomicUsize::new(0));
    while let Ok((stream, _)) = listener.accept() {
        if !go_on() {
            return;
        }
        if open.fetch_add(1, Ordering::Relaxed) >= CONNECTIONS_MAX {
            open.fetch_sub(1, Ordering::Relaxed);
            continue;
        }
        let (answer, open) = (Arc::clone(answer), Arc::clone(&open));
        std::thread::spawn(move || {
            // A proxy that is gone needs no answer.
            let _ = connection(stream, &*answer);
            open.fetch_sub(1, Ordering::Relaxed);
        });
    }
}

fn connection(stream: TcpStream, answer: &dyn Fn(&Request) -> Option<Reply>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(IDLE_MAX))?;
    stream.set_write_timeout(Some(IDLE_MAX))?;
    let mut writer = stream.try_clone()?;
    let mut reader = BufReader::new(stream);
    while let Some(request) = read(&mut reader)? {
        let Some(reply) = answer(&request) else { return Ok(()) };
        // A body is not read: the connection ends with the reply.
        let last = request.has_body();
        writer.write_all(&write(&reply, last))?;
        if last {
            return Ok(());
        }
    }
    Ok(())
}

fn read(reader: &mut impl BufRead) -> io::Result<Option<Request>> {
    let mut head = reader.take(HEAD_BYTES_MAX);
    let mut line = String::new();
    if head.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let mut fields = Vec::new();
    loop {
        let mut field = Vec::new();
        if head.read_until(b'\n', &mut field)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let field = String::from_utf8_lossy(&field);
        match field.trim_end().split_once(':') {
            Some((name, value)) => fields.push((name.to_owned(), value.trim().to_owned())),
            None => return Ok(Some(Request { line: line.trim_end().to_owned(), fields })),
        }
    }
}

fn write(reply: &Reply, last: bool) -> Vec<u8> {
    let Reply { status, media_type, body } = reply;
    let close = if last { "Connection: close\r\n" } else { "" };
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {media_type}\r\nContent-Length: {}\r\nCache-Control: no-store\r\n{close}\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}
