//! One connection at an origin, as its script sees it.

use std::io;
use std::net::Shutdown;
use std::sync::Arc;
use std::time::Duration;

use crate::body::chunk;
use crate::origin::Record;
use crate::request::Request;
use crate::stream::Stream;
use crate::watched::Watched;
use crate::wire::{Wire, show};

/// How long a stalling script holds a connection that nobody closes.
const STALL: Duration = Duration::from_secs(120);

/// A connection to play on. What fails because the peer went away is an error, which ends the script and is
/// found in [`crate::Origin::problems`]; what contradicts the script panics.
#[derive(Debug)]
pub struct OriginConn {
    wire: Wire,
    number: usize,
    record: Arc<Watched<Record>>,
    open: bool,
}

impl OriginConn {
    pub(crate) fn new(stream: Stream, number: usize, record: Arc<Watched<Record>>) -> Self {
        Self { wire: Wire::new(stream), number, record, open: true }
    }

    /// Calls `answer` with request after request.
    pub(crate) fn serve(&mut self, answer: &dyn Fn(Request, &mut Self) -> io::Result<()>) -> io::Result<()> {
        while let Some(request) = self.read_request()? {
            let last = request.is_last();
            answer(request, self)?;
            if last || !self.open {
                break;
            }
        }
        Ok(())
    }

    /// Which connection this is, counted from 0.
    pub fn number(&self) -> usize {
        self.number
    }

    /// Waits for the next request and reads it wholly; `None` when the peer closed instead. It is recorded.
    pub fn read_request(&mut self) -> io::Result<Option<Request>> {
        let Some(request) = self.read_request_head()? else { return Ok(None) };
        if request.expects_continue() {
            self.send("HTTP/1.1 100 Continue\r\n\r\n")?;
        }
        self.finish_request(request).map(Some)
    }

    /// Waits for the next request's head, not yet recorded: a script can answer early, or not read the body.
    pub fn read_request_head(&mut self) -> io::Result<Option<Request>> {
        // A kept connection may idle as long as the test runs.
        self.wire.begin_for(STALL);
        match Request::read_head(&mut self.wire, self.number) {
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset && self.wire.ahead().is_empty() => {
                Ok(None)
            }
            other => other,
        }
    }

    /// Reads the body that belongs to a head, and records the request.
    pub fn finish_request(&mut self, mut request: Request) -> io::Result<Request> {
        self.wire.begin();
        (request.body, request.trailers) = request.framing()?.read(&mut self.wire)?;
        self.record.update(|record| record.requests.push(request.clone()));
        Ok(request)
    }

    /// The next bytes must be these.
    #[track_caller]
    pub fn expect(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        let bytes = bytes.as_ref();
        self.wire.begin();
        let got = self.wire.take(bytes.len())?;
        assert_eq!(show(&got), show(bytes), "the origin expected other bytes");
        Ok(())
    }

    /// Reads whatever comes next, at most `max` bytes; empty when the peer closed.
    pub fn read_some(&mut self, max: usize) -> io::Result<Vec<u8>> {
        self.wire.begin();
        self.wire.take_some(max)
    }

    /// Reads all until the peer closes.
    pub fn read_to_end(&mut self) -> io::Result<Vec<u8>> {
        self.wire.begin();
        self.wire.take_rest()
    }

    /// Sends exactly these bytes.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.wire.send(bytes.as_ref())
    }

    /// Sends a reply of known length. The request was a HEAD when the body is to be left out; then use
    /// [`Self::send`].
    pub fn reply(&mut self, status: u16, fields: &[(&str, &str)], body: &[u8]) -> io::Result<()> {
        let mut head = head(status, fields);
        // RFC 9110 section 8.6: these two have no Content-Length.
        if status >= 200 && status != 204 {
            head += &format!("Content-Length: {}\r\n", body.len());
        }
        self.send([head.as_bytes(), b"\r\n", body].concat())
    }

    /// Sends the head of a chunked reply; chunks and their end follow.
    pub fn begin_chunked(&mut self, status: u16, fields: &[(&str, &str)]) -> io::Result<()> {
        self.send(head(status, fields) + "Transfer-Encoding: chunked\r\n\r\n")
    }

    /// Sends one chunk.
    pub fn chunk(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.send(chunk(bytes.as_ref()))
    }

    /// Sends the last chunk and the trailers.
    pub fn end_chunked(&mut self, trailers: &[(&str, &str)]) -> io::Result<()> {
        let lines: String = trailers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        self.send(format!("0\r\n{lines}\r\n"))
    }

    /// Sends back every byte until the peer closes.
    pub fn echo_bytes(&mut self) -> io::Result<()> {
        loop {
            self.wire.begin_for(STALL);
            let bytes = self.wire.take_some(64 * 1024)?;
            if bytes.is_empty() {
                return self.close();
            }
            self.send(bytes)?;
        }
    }

    /// Does nothing until the peer goes away or the origin is dropped.
    pub fn stall(&mut self) -> io::Result<()> {
        self.open = false;
        self.wire.begin_for(STALL);
        // How the peer leaves is its own affair.
        let _ = self.wire.take_rest();
        Ok(())
    }

    /// Closes the sending half; the peer's bytes still arrive.
    pub fn half_close(&mut self) -> io::Result<()> {
        self.wire.shutdown(Shutdown::Write)
    }

    /// Closes in good order.
    pub fn close(&mut self) -> io::Result<()> {
        self.open = false;
        Ok(())
    }

    /// Closes with RST.
    pub fn reset(&mut self) -> io::Result<()> {
        self.open = false;
        self.wire.stream().reset_on_close()
    }
}

fn head(status: u16, fields: &[(&str, &str)]) -> String {
    let lines: String = fields.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    format!("HTTP/1.1 {status} Scripted\r\n{lines}")
}
