//! A worker: one core and all it owns. It accepts, serves, takes over new plans, and drains.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::io;
use std::ops::Deref;
use std::os::fd::{AsFd, OwnedFd};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use propylon_base::clock::Moment;
use propylon_h1::Wire;
use propylon_net::clock;
use propylon_net::listener::Listener;
use propylon_net::runners::{Runners, Running};
use propylon_net::runtime;
use propylon_net::socket::{Address, Socket};
use propylon_net::timers::{Timer, Timers};
use propylon_pipeline::{ConnectionFacts, Exchange, Fault, Scheme, WorkerContext};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};
use tokio::sync::oneshot;

use crate::counters::Counters;
use crate::life::http::{End, Job};
use crate::life::{Accepted, http, live};
use crate::listen::ListenerPlan;
use crate::plan::Plan;
use crate::plan::worker_plan::{WorkerPlan, WorkerRoute};
use crate::shared::Shared;

/// How often idle connections to origins are looked through.
const SWEEP_EVERY: Duration = Duration::from_secs(5);

/// How long accepting pauses when file descriptors run out, before it looks again.
const PAUSE: Duration = Duration::from_millis(100);

/// How long a connection that has not asked anything yet may still do so while the worker drains.
const DRAIN_GRACE: Duration = Duration::from_secs(1);

/// What the control thread tells a worker.
#[derive(Debug)]
pub enum Command {
    /// Another plan is in force; with the sockets of listeners that were not there before.
    Plan {
        /// The plan.
        plan: Arc<Plan>,
        /// Bound sockets, by the addresses they are configured with.
        sockets: Vec<(Address, OwnedFd)>,
        /// Told when the worker has taken over.
        done: oneshot::Sender<()>,
    },
    /// A connection that another worker has accepted.
    Connection {
        /// The socket.
        fd: OwnedFd,
        /// Who connected.
        peer: Address,
        /// The listener it came to.
        listener: Arc<ListenerPlan>,
    },
    /// No more connections; idle ones are closed, the others after their exchange.
    Drain,
    /// Everything ends now.
    Stop,
}

/// A worker's way to the others and to control.
#[derive(Debug)]
pub struct Links {
    /// All workers' mailboxes, by their numbers.
    pub workers: Vec<UnboundedSender<Command>>,
    /// Told when the worker has no connection left after a drain.
    pub drained: UnboundedSender<usize>,
}

/// One worker.
#[derive(Debug)]
pub struct Worker {
    /// What it lends to exchanges.
    pub context: Rc<WorkerContext>,
    /// What it counts.
    pub counters: Counters,
    shared: Arc<Shared>,
    links: Links,
    plan: RefCell<Rc<WorkerPlan>>,
    runners: RefCell<Option<Rc<Runners<Job, End>>>>,
    draining: Cell<Option<Moment>>,
}

/// Runs a worker on the calling thread until it is told to stop.
///
/// # Errors
/// The system grants no epoll instance or timer.
pub fn run(
    index: usize,
    seed: u64,
    shared: Arc<Shared>,
    links: Links,
    plan: Arc<Plan>,
    commands: UnboundedReceiver<Command>,
) -> io::Result<()> {
    runtime::run_worker(async move {
        let timers = Timers::new()?;
        let context = WorkerContext::new(index, timers, Arc::clone(&shared.metrics), seed);
        let counters = Counters::new(&shared.metrics);
        let plan = RefCell::new(Rc::new(WorkerPlan::new(plan, Rc::clone(&context))));
        let (runners, draining) = (RefCell::default(), Cell::new(None));
        let worker = Rc::new(Worker { context, counters, shared, links, plan, runners, draining });
        let serving = Rc::clone(&worker);
        *worker.runners.borrow_mut() =
            Some(Rc::new(Runners::new(move |mailbox| http::serve(Rc::clone(&serving), mailbox))));
        let ticking = Rc::clone(&worker.context.timers);
        runtime::spawn(async move {
            let _ = ticking.run().await;
        });
        runtime::spawn(Rc::clone(&worker).sweep());
        worker.command_loop(commands).await;
        Ok(())
    })?
}

impl Worker {
    /// The plan in force.
    pub fn plan(&self) -> Rc<WorkerPlan> {
        Rc::clone(&self.plan.borrow())
    }

    /// The route for a request.
    ///
    /// # Errors
    /// No site answers to its host, or no route of the site to it.
    pub fn route(&self, x: &mut Exchange) -> Result<Rc<WorkerRoute>, Fault> {
        let plan = self.plan.borrow();
        let found = plan.plan.router.find(x)?;
        if let Some(routes) = plan.plan.router.routes(found.site) {
            routes.note(x, found.matched);
        }
        let route = plan.route(found.route).ok_or(Fault::NoRoute)?;
        route.requests.add(1);
        Ok(Rc::clone(route))
    }

    /// What a request without a route goes through.
    pub fn unrouted(&self) -> Rc<WorkerRoute> {
        Rc::clone(self.plan.borrow().unrouted())
    }

    /// Whether connections should end.
    pub fn is_draining(&self) -> bool {
        self.draining.get().is_some()
    }

    /// Has one exchange served.
    pub fn run_exchange(&self, job: Job) -> Option<Running<Job, End>> {
        let runners = self.runners.borrow().as_ref().map(Rc::clone);
        runners.map(|runners| runners.run(job))
    }

    /// Stands for a connection while an exchange has none.
    pub fn no_connection(&self) -> Rc<ConnectionFacts> {
        Rc::new(ConnectionFacts::new(Address::Unix(Default::default()), None, Scheme::Http, "".into()))
    }

    /// Counts a connection for as long as the result lives; it gives access to the worker meanwhile.
    pub fn count_connection(self: Rc<Self>) -> Counted {
        self.counters.connections.add(1);
        self.counters.connections_open.raise();
        self.shared.set_load(self.context.index, self.counters.connections_open.count());
        Counted(self)
    }

    /// Ready with true when the first bytes of the next request are there, with false when there will be none: the
    /// client is gone, or the worker drains.
    pub fn poll_next_request(
        &self,
        cx: &mut Context<'_>,
        wire: &Wire,
        timer: &Timer,
        served: u64,
    ) -> Poll<bool> {
        if !wire.is_empty() {
            return Poll::Ready(true);
        }
        let more = wire.poll_more(cx).map(|more| matches!(more, Ok(1..)));
        match self.draining.get() {
            // One that has just been accepted may have a request on its way.
            Some(since) if more.is_pending() => match timer.poll_deadline(cx, since + DRAIN_GRACE) {
                Ok(()) if served == 0 => Poll::Pending,
                _ => Poll::Ready(false),
            },
            _ => more,
        }
    }

    async fn command_loop(self: Rc<Self>, mut commands: UnboundedReceiver<Command>) {
        let mut accepting: HashMap<Address, tokio::task::JoinHandle<()>> = HashMap::new();
        while let Some(command) = commands.recv().await {
            match command {
                Command::Plan { plan, sockets, done } => {
                    let fresh = Rc::new(WorkerPlan::new(plan, Rc::clone(&self.context)));
                    // The plan itself is held by the control thread for as long as any worker uses it, and dropped
                    // there: a large one takes a while.
                    self.plan.replace(Rc::clone(&fresh));
                    for (address, fd) in sockets {
                        let accept = Rc::clone(&self).accept(Listener::new(fd), address.clone());
                        accepting.insert(address, tokio::task::spawn_local(accept));
                    }
                    accepting.retain(|address, task| {
                        let wanted = fresh.plan.listeners.iter().any(|listener| listener.address == *address);
                        if !wanted {
                            task.abort();
                        }
                        wanted
                    });
                    let _ = done.send(());
                }
                Command::Connection { fd, peer, listener } => self.serve(fd, peer, listener),
                Command::Drain => {
                    accepting.drain().for_each(|(_, task)| task.abort());
                    self.draining.set(Some(clock::now()));
                    self.context.timers.wake_all();
                    runtime::spawn(Rc::clone(&self).report_drained());
                }
                Command::Stop => return,
            }
        }
    }

    async fn report_drained(self: Rc<Self>) {
        let timer = self.context.timers.timer();
        while self.counters.connections_open.count() > 0 {
            timer.sleep_until(clock::exact() + propylon_net::timers::TICK).await;
        }
        let _ = self.links.drained.send(self.context.index);
    }

    async fn sweep(self: Rc<Self>) {
        let timer = self.context.timers.timer();
        loop {
            timer.sleep_until(clock::exact() + SWEEP_EVERY).await;
            self.context.pools.sweep(clock::exact());
        }
    }

    /// Accepts on one listener for as long as it is configured.
    async fn accept(self: Rc<Self>, listener: Listener, address: Address) {
        let timer = self.context.timers.timer();
        loop {
            let accepted = listener.accept().await;
            let plan = self.plan();
            let Some(configured) = plan.plan.listeners.iter().find(|listener| listener.address == address)
            else {
                return;
            };
            match accepted {
                Ok((fd, peer)) => {
                    let scarce = self.is_scarce(&fd);
                    self.place(fd, peer, Arc::clone(configured));
                    if scarce {
                        self.pause(&listener, &timer, "nine tenths of the file descriptors are in use").await;
                    }
                }
                Err(error) => self.pause(&listener, &timer, &error.to_string()).await,
            }
        }
    }

    /// The kernel gives out the lowest free number, so the number tells how many are in use.
    fn is_scarce(&self, fd: &OwnedFd) -> bool {
        propylon_net::limits::number(fd) >= self.shared.descriptors_max / 10 * 9
    }

    async fn pause(&self, listener: &Listener, timer: &Timer, why: &str) {
        self.counters.accept_pauses.add(1);
        crate::log::warn(&format!(
            "accepting is paused: {why}; raise the limit (LimitNOFILE=, ulimit -n) or find what holds them"
        ));
        loop {
            timer.sleep_until(clock::exact() + PAUSE).await;
            let free = propylon_net::limits::lowest_free(listener.as_fd());
            if free.is_some_and(|number| number < self.shared.descriptors_max / 100 * 85) {
                break;
            }
        }
        crate::log::warn("accepting goes on");
    }

    /// Keeps the connection, or gives it to the least busy worker when this one has far more than its share.
    fn place(self: &Rc<Self>, fd: OwnedFd, peer: Address, listener: Arc<ListenerPlan>) {
        if let Some(other) = self.shared.relief_for(self.context.index)
            && let Some(mailbox) = self.links.workers.get(other)
        {
            self.counters.handed_over.add(1);
            let _ = mailbox.send(Command::Connection { fd, peer, listener });
            return;
        }
        self.serve(fd, peer, listener);
    }

    fn serve(self: &Rc<Self>, fd: OwnedFd, peer: Address, listener: Arc<ListenerPlan>) {
        runtime::spawn(live(Rc::clone(self), Accepted { socket: Socket::new(fd), peer, listener }));
    }
}

/// A worker with one connection more; see [`Worker::count_connection`].
#[derive(Debug)]
pub struct Counted(Rc<Worker>);

impl Deref for Counted {
    type Target = Rc<Worker>;

    fn deref(&self) -> &Rc<Worker> {
        &self.0
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.counters.connections_open.lower();
        self.shared.set_load(self.context.index, self.counters.connections_open.count());
        if std::thread::panicking() {
            self.counters.panics.add(1);
        }
    }
}
