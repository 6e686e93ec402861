//! One of the demo's three servers: it tells who it is and what it was asked, and it can be made to fail.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::Thread;
use std::time::Duration;

use serde_json::{Value, json};

use super::http::{Reply, Request, serve};

/// How long a slow server thinks.
const SLOWNESS: Duration = Duration::from_millis(1500);

/// How long a server that is back waits for its port, should somebody have it.
const AGAIN: Duration = Duration::from_millis(200);

/// How a server does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// As it should.
    Well,
    /// It takes its time.
    Slow,
    /// It answers that it failed.
    Error,
    /// It cannot be reached: nothing listens on its port.
    Down,
}

impl Mode {
    const ALL: [(Self, &str); 4] =
        [(Self::Well, "well"), (Self::Slow, "slow"), (Self::Error, "error"), (Self::Down, "down")];

    pub(super) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(_, known)| *known == name).map(|(mode, _)| mode)
    }

    fn name(self) -> &'static str {
        Self::ALL[self as usize].1
    }
}

/// A server.
#[derive(Debug)]
pub(super) struct Origin {
    number: usize,
    name: &'static str,
    address: SocketAddr,
    mode: AtomicU8,
    served: AtomicU64,
    /// The thread that accepts, to be woken when it is to listen again.
    accepting: OnceLock<Thread>,
}

impl Origin {
    pub(super) fn new(number: usize, name: &'static str, address: SocketAddr) -> Self {
        let (mode, served, accepting) = (AtomicU8::new(Mode::Well as u8), AtomicU64::new(0), OnceLock::new());
        Self { number, name, address, mode, served, accepting }
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// What the page shows of it.
    pub(super) fn state(&self) -> Value {
        json!({
            "number": self.number,
            "name": self.name,
            "address": self.address.to_string(),
            "mode": self.mode().name(),
            "served": self.served.load(Ordering::Relaxed),
        })
    }

    /// Serves from now on, in threads of its own.
    pub(super) fn start(self: &Arc<Self>, listener: Option<TcpListener>) {
        let own = Arc::clone(self);
        let thread = std::thread::spawn(move || own.live(listener));
        // It is started once.
        let _ = self.accepting.set(thread.thread().clone());
    }

    pub(super) fn set_mode(&self, mode: Mode) {
        self.mode.store(mode as u8, Ordering::Relaxed);
        // It waits either in `accept` or for this.
        if let Some(thread) = self.accepting.get() {
            thread.unpark();
        }
        let _ = TcpStream::connect_timeout(&self.address, AGAIN);
    }

    fn mode(&self) -> Mode {
        let number = self.mode.load(Ordering::Relaxed);
        Mode::ALL.get(usize::from(number)).map_or(Mode::Well, |(mode, _)| *mode)
    }

    /// Listens while it is not down. The port is free meanwhile, so that connections are refused, as by a machine on
    /// which the program has ended.
    fn live(self: &Arc<Self>, mut listener: Option<TcpListener>) {
        let own = Arc::clone(self);
        let answer = Arc::new(move |request: &Request| own.answer(request));
        loop {
            if self.mode() == Mode::Down {
                drop(listener.take());
                std::thread::park();
                continue;
            }
            match listener.take().map_or_else(|| TcpListener::bind(self.address), Ok) {
                Ok(listening) => serve(&listening, || self.mode() != Mode::Down, &answer),
                Err(_) => std::thread::sleep(AGAIN),
            }
        }
    }

    fn answer(&self, request: &Request) -> Option<Reply> {
        match self.mode() {
            Mode::Well => {}
            Mode::Slow => std::thread::sleep(SLOWNESS),
            Mode::Error => {
                return Some(Reply::json("500 Internal Server Error", &json!({ "origin": self.name })));
            }
            Mode::Down => return None,
        }
        let served = self.served.fetch_add(1, Ordering::Relaxed) + 1;
        let said = json!({
            "origin": self.name,
            "served": served,
            "line": request.line,
            "fields": request.fields,
        });
        Some(Reply::json("200 OK", &said))
    }
}
