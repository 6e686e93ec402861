//! How large a request's body may be.
//!
//! Stands before every step and answer that reads a body.

use std::sync::Arc;

use propylon_config::value::{Problem, Value};
use propylon_config::{Bytes, Json, Word, directive};
use propylon_pipeline::metrics::Metric;
use propylon_pipeline::{Exchange, Fault, Flow, Hooks};

use crate::compile::Merge;
use crate::{CompileContext, WorkerBuild};

directive! {
    /// Limits the size of request bodies, in place of the listener's limit: it may be smaller, or larger.
    pub struct Config = "body-limit" {
        /// The size, or `unlimited`.
        positional size: Size,
    }
}

/// A size, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size(Option<Bytes>);

impl Value for Size {
    const KIND: &'static str = "a size such as `10MiB`, or `unlimited`";

    fn parse(word: &Word) -> Result<Self, Problem> {
        if word.text == "unlimited" { Ok(Self(None)) } else { Bytes::parse(word).map(Some).map(Self) }
    }

    fn to_text(&self) -> String {
        self.0.map_or_else(|| "unlimited".to_owned(), |size| size.to_text())
    }

    fn schema() -> Json {
        let any_of = Json::Array(vec![
            Bytes::schema(),
            [("const".to_owned(), Json::from("unlimited"))].into_iter().collect(),
        ]);
        [("anyOf".to_owned(), any_of)].into_iter().collect()
    }
}

/// A level's setting takes the place of the outer one's.
pub const MERGE: Merge = Merge::Replace;

/// Refused requests are counted by their status.
pub const METRICS: &[Metric] = &[];

/// The settings, ready to be used.
#[derive(Debug)]
pub struct Compiled {
    bytes_max: u64,
}

impl Compiled {
    /// Nothing can be wrong with a size.
    pub fn compile(config: &Config, _: &mut CompileContext<'_>) -> Option<Self> {
        Some(Self { bytes_max: config.size.0.map_or(u64::MAX, |size| size.0) })
    }
}

/// The room on one worker.
#[derive(Debug)]
pub struct Step {
    compiled: Arc<Compiled>,
}

impl Step {
    /// One worker's copy.
    pub fn new(compiled: &Arc<Compiled>, _: &WorkerBuild<'_>) -> Self {
        Self { compiled: Arc::clone(compiled) }
    }
}

impl Hooks for Step {
    fn on_request(&self, x: &mut Exchange) -> Flow {
        let bytes_max = self.compiled.bytes_max;
        let Some(body) = &mut x.body else { return Flow::Continue };
        // For a body of unknown length, which is refused half-way.
        body.limit(bytes_max);
        if body.is_too_large() {
            return Flow::Reply(Box::new(Fault::BodyTooLarge.into_reply()));
        }
        Flow::Continue
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use propylon_h1::{BodyError, Incoming, Wire};
    use propylon_http::h1::head::BodyLength;
    use propylon_net::socket::Socket;

    use crate::tests::{Lab, down};

    /// The status of a request with this body, the body being read if it is not refused at once.
    #[track_caller]
    fn check(config: &str, length: BodyLength, sent: &'static [u8], expected: u16) {
        Lab::run(async |lab| {
            let steps = lab.steps(config);
            let (mut far, near) = std::os::unix::net::UnixStream::pair().unwrap();
            near.set_nonblocking(true).unwrap();
            std::io::Write::write_all(&mut far, sent).unwrap();
            let wire = Rc::new(Wire::new(Socket::new(near.into()), Rc::clone(&lab.worker.buffers)));
            let mut x = lab.get("/", &[]);
            x.body = Some(Incoming::new(wire, length));
            let status = match down(&steps, &mut x) {
                Some(reply) => reply.status,
                None => loop {
                    let body = x.body.as_mut().unwrap();
                    match std::future::poll_fn(|cx| body.poll_piece(cx)).await {
                        Ok(0) => break 200,
                        Ok(count) => body.consume(count),
                        Err(BodyError::TooLarge) => break 413,
                        Err(error) => panic!("{error}"),
                    }
                },
            };
            assert_eq!(status, expected, "{config}: {length:?}");
        });
    }

    #[test]
    fn larger_bodies_are_refused_up_front_or_half_way() {
        let chunks = b"3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n";
        check("body-limit 6B", BodyLength::Length(6), b"abcdef", 200);
        check("body-limit 5B", BodyLength::Length(6), b"", 413);
        check("body-limit 6B", BodyLength::Chunked, chunks, 200);
        check("body-limit 5B", BodyLength::Chunked, chunks, 413);
        check("body-limit 0B", BodyLength::None, b"", 200);
        check("body-limit unlimited", BodyLength::Length(6), b"abcdef", 200);
    }

    #[test]
    fn mistakes_are_told() {
        Lab::run(async |lab| {
            lab.check_said("body-limit", &["lacks its size"]);
            lab.check_said("body-limit 10", &["write `10B`"]);
        });
    }
}
