//! A small client of the admin socket: one request, one reply, all of it within a time limit.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use propylon_server::admin::socket::default_paths;

/// A reload of a very large config takes seconds; what takes longer has failed.
const TIME_MAX: Duration = Duration::from_secs(60);

/// What a reply may have at most.
const REPLY_BYTES_MAX: u64 = 64 << 20;

/// Which server is meant.
#[derive(Args, Clone, Debug)]
pub(crate) struct Socket {
    /// The running server's admin socket [default: the system's, then the user's own]
    #[arg(long = "admin", value_name = "SOCKET")]
    path: Option<PathBuf>,
}

/// What the server said.
#[derive(Debug)]
pub(crate) struct Reply {
    /// The status code.
    pub(crate) status: u16,
    /// What follows the head.
    pub(crate) body: String,
}

impl Socket {
    /// Asks the server.
    pub(crate) fn ask(&self, method: &str, target: &str) -> Result<Reply, String> {
        let (path, stream) = self.connect()?;
        exchange(stream, method, target)
            .map_err(|error| format!("no answer from {}: {error}", path.display()))
    }

    fn connect(&self) -> Result<(PathBuf, UnixStream), String> {
        let paths = self.path.as_ref().map_or_else(default_paths, |path| vec![path.clone()]);
        let mut reasons = Vec::new();
        for path in paths {
            match UnixStream::connect(&path) {
                Ok(stream) => return Ok((path, stream)),
                Err(error) => reasons.push(reason(&path, &error)),
            }
        }
        Err(reasons.join("\n"))
    }
}

fn reason(path: &Path, error: &io::Error) -> String {
    let remedy = match error.kind() {
        io::ErrorKind::NotFound => {
            "; no server runs with this socket: see `admin` in its config, or use --admin"
        }
        io::ErrorKind::ConnectionRefused => "; the server that made it is gone",
        io::ErrorKind::PermissionDenied => "; ask as the server's user, or as root",
        _ => "",
    };
    format!("cannot reach {}: {error}{remedy}", path.display())
}

fn exchange(mut stream: UnixStream, method: &str, target: &str) -> io::Result<Reply> {
    stream.set_read_timeout(Some(TIME_MAX))?;
    stream.set_write_timeout(Some(TIME_MAX))?;
    let request = format!("{method} {target} HTTP/1.1\r\nHost: admin\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut reply = String::new();
    stream.take(REPLY_BYTES_MAX).read_to_string(&mut reply)?;
    parse(&reply).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "this is no reply"))
}

/// The server closes after its reply, so the body is all that follows the head.
fn parse(reply: &str) -> Option<Reply> {
    let (head, body) = reply.split_once("\r\n\r\n")?;
    let status = head.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()?;
    Some(Reply { status, body: body.to_owned() })
}
