//! The admin's desk: a Unix socket for its owner alone, on which plain HTTP is spoken, so that `curl --unix-socket`
//! will do.
//!
//! Connections live as tasks of the control thread. What they cannot answer by themselves they order from the control
//! loop, one closed set of orders through one channel, so that a reload by signal and one by request never meet.

mod http;
pub mod socket;
mod status;

use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;

use propylon_net::listener::Listener;
use propylon_net::runtime;
use propylon_net::socket::Socket;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::sync::{Semaphore, oneshot};

use crate::control::Control;
use crate::explain::{self, Question};
use crate::log;
use crate::shared::Shared;

/// Connections served at once; more wait in the kernel's queue.
const CONNECTIONS_MAX: usize = 32;

/// What the control loop is asked to do.
#[derive(Debug)]
pub(crate) struct Order {
    what: What,
    reply: oneshot::Sender<Said>,
}

/// Every order there is.
#[derive(Debug)]
pub(crate) enum What {
    /// Whether new work is welcome.
    Ready,
    /// How things stand.
    Status,
    /// Read the config again.
    Reload,
    /// What would happen to a request.
    Explain(Question),
}

/// An answer to whoever asked.
#[derive(Debug)]
pub(crate) struct Said {
    status: u16,
    media_type: &'static str,
    body: String,
}

/// What the tasks of connections share.
#[derive(Debug)]
pub(crate) struct Desk {
    shared: Arc<Shared>,
    orders: Sender<Order>,
}

/// The two ends of the channel through which orders go.
pub(crate) fn desk(shared: &Arc<Shared>) -> (Desk, Receiver<Order>) {
    let (orders, taken) = channel(CONNECTIONS_MAX);
    (Desk { shared: Arc::clone(shared), orders }, taken)
}

/// Serves the socket from now on, and returns where it is.
pub(crate) fn serve(bound: socket::Bound, desk: Desk) -> PathBuf {
    let socket::Bound { fd, path } = bound;
    match Ok::<_, std::io::Error>(Listener::new(fd)) {
        Ok(listener) => runtime::spawn(accept(listener, Rc::new(desk))),
        Err(error) => log::error(&format!("the admin socket cannot be watched: {error}")),
    }
    path
}

async fn accept(listener: Listener, desk: Rc<Desk>) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    // The semaphore is never closed.
    while let Ok(place) = Arc::clone(&places).acquire_owned().await {
        match listener.accept().await.map(|(fd, _)| Socket::new(fd)) {
            Ok(socket) => {
                let desk = Rc::clone(&desk);
                runtime::spawn(async move {
                    http::live(socket, &desk).await;
                    drop(place);
                });
            }
            // Out of descriptors: what is open must end first.
            Err(_) => tokio::time::sleep(http::TIME_MAX / 10).await,
        }
    }
}

/// Does what was ordered.
pub(crate) async fn carry_out(control: &mut Control, order: Order) {
    let said = match order.what {
        What::Ready if control.is_ready() => Said::text(200, "ready\n"),
        What::Ready => Said::text(503, "ending\n"),
        What::Status => Said::json(200, format!("{:#}\n", status::status(control))),
        What::Reload => reload(control).await,
        What::Explain(question) => match explain::live(control, &question).await {
            Ok(text) => Said::text(200, text),
            Err(why) => Said::text(400, format!("{why}\n")),
        },
    };
    // Whoever asked may be gone.
    let _ = order.reply.send(said);
}

async fn reload(control: &mut Control) -> Said {
    match control.reload().await {
        Ok(reloaded) => {
            let json =
                serde_json::json!({ "generation": reloaded.generation, "warnings": reloaded.warnings });
            Said::json(200, format!("{json}\n"))
        }
        Err(lines) => Said::text(422, lines.join("\n") + "\n"),
    }
}

impl Said {
    fn text(status: u16, body: impl Into<String>) -> Self {
        Self { status, media_type: "text/plain; charset=utf-8", body: body.into() }
    }

    fn json(status: u16, body: String) -> Self {
        Self { status, media_type: "application/json", body }
    }
}
