//! The control thread: it serves signals and the admin socket, compiles configs off the workers, and ends them in
//! order. One loop takes one closed set of events.

use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use propylon_base::clock::Moment;
use propylon_config::Loaded;
use propylon_features::access_log;
use propylon_net::clock;
use propylon_net::signals::{Signal, Signals};
use propylon_net::systemd::{Notice, Notifier};
use propylon_origin::names::{self, Names};
use propylon_pipeline::metrics::Cell;
use tokio::sync::mpsc::{Receiver, UnboundedReceiver, UnboundedSender};
use tokio::sync::oneshot;
use tokio::time::{Interval, MissedTickBehavior, Sleep};

use crate::admin::{self, Order};
use crate::counters::{GENERATION, RELOADS_REFUSED};
use crate::plan::Plan;
use crate::shared::Shared;
use crate::source::ConfigSource;
use crate::start::{Options, Parts};
use crate::worker::Command;
use crate::{log, sockets};

/// How often it is looked whether an old plan is out of use.
const RETIRE_EVERY: Duration = Duration::from_secs(1);

/// How long names may take to be looked up before a config comes into force without them.
pub(crate) const NAMES_MAX: Duration = Duration::from_secs(1);

/// How long a worker may take to change over before signals are served again without it.
const TAKE_OVER_MAX: Duration = Duration::from_secs(5);

/// How the server ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Every exchange was completed.
    Drained,
    /// The deadline cut some.
    DeadlinePassed,
    /// A second signal ended everything at once.
    Forced,
}

/// The running server, as the control thread holds it.
#[derive(Debug)]
pub struct Control {
    options: Options,
    pub(crate) names: Names,
    shared: Arc<Shared>,
    plan: Arc<Plan>,
    /// The text of the config in force, for places in messages.
    loaded: Loaded,
    /// Plans that workers may still use. Here is always one reference to each, so that the last one is dropped on this
    /// thread and no worker stalls on a big config.
    retiring: Vec<Arc<Plan>>,
    mailboxes: Vec<UnboundedSender<Command>>,
    threads: Vec<JoinHandle<()>>,
    drained: UnboundedReceiver<usize>,
    pub(crate) passed: sockets::Passed,
    fresh: sockets::Fresh,
    notifier: Notifier,
    orders: Receiver<Order>,
    admin: Option<PathBuf>,
    phase: Phase,
    ticks: Interval,
    begun: Moment,
    generation: Cell,
    reloads_refused: Cell,
}

/// How far the server is on its way.
#[derive(Debug)]
enum Phase {
    Serving,
    /// Not ready any more, but taking connections for a while: those before us need to notice.
    Waiting(Pin<Box<Sleep>>),
    /// Taking no more connections; `left` workers still have some.
    Draining {
        left: usize,
        deadline: Pin<Box<Sleep>>,
    },
}

/// What the control thread waits for.
#[derive(Debug)]
enum Event {
    Signal(Signal),
    SignalsLost(std::io::Error),
    Order(Order),
    /// A worker has no connection left.
    Drained,
    /// The time of the phase is over.
    PhaseOver,
    /// Time to tell the service manager that we live, and to look after old plans.
    Tick,
}

/// The resolver's settings in a plan.
pub(crate) fn resolver_settings(plan: &Plan) -> names::Settings {
    names::Settings { servers: plan.process.resolver.clone(), ..names::Settings::default() }
}

impl Control {
    pub(crate) fn new(parts: Parts) -> Self {
        let watchdog = parts.notifier.watchdog().map_or(RETIRE_EVERY, |limit| RETIRE_EVERY.min(limit / 2));
        let mut ticks = tokio::time::interval(watchdog.max(Duration::from_millis(10)));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (desk, orders) = admin::desk(&parts.shared);
        let admin = parts.admin.map(|bound| admin::serve(bound, desk));
        let metrics = &parts.shared.metrics;
        Self {
            generation: metrics.cell(GENERATION, &[]),
            reloads_refused: metrics.cell(RELOADS_REFUSED, &[]),
            options: parts.options,
            names: parts.names,
            plan: parts.plan,
            loaded: parts.loaded,
            retiring: Vec::new(),
            mailboxes: parts.mailboxes,
            threads: parts.threads,
            drained: parts.drained,
            passed: parts.passed,
            fresh: parts.fresh,
            notifier: parts.notifier,
            orders,
            admin,
            phase: Phase::Serving,
            ticks,
            begun: clock::exact(),
            shared: parts.shared,
        }
    }

    /// The plan in force.
    pub(crate) fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    /// The text of the config in force.
    pub(crate) fn loaded(&self) -> &Loaded {
        &self.loaded
    }

    /// What all workers share.
    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Where the config comes from.
    pub(crate) fn source(&self) -> &ConfigSource {
        &self.options.config
    }

    /// Whether new work is welcome.
    pub(crate) fn is_ready(&self) -> bool {
        matches!(self.phase, Phase::Serving)
    }

    /// Since when the server runs.
    pub(crate) fn begun(&self) -> Moment {
        self.begun
    }

    /// Counts a reload that was refused.
    pub(crate) fn count_refusal(&self) {
        self.reloads_refused.add(1);
    }

    /// Tells the service manager, which may be gone: that is its own affair.
    pub(crate) fn tell(&self, notices: &[Notice<'_>]) {
        let _ = self.notifier.tell(notices);
    }

    /// Puts another plan in the place of the one in force, with the sockets it needs.
    pub(crate) async fn replace(&mut self, plan: Plan, loaded: Loaded, fresh: sockets::Fresh) {
        let old = std::mem::replace(&mut self.plan, Arc::new(plan));
        self.loaded = loaded;
        self.fresh = fresh;
        self.put_into_force().await;
        sockets::remove_gone(&old, Some(&self.plan), &self.passed);
        self.retiring.push(old);
        self.drop_unused_plans();
    }

    /// Hands the plan, and the new sockets, to all workers, and waits until they have taken over.
    pub(crate) async fn put_into_force(&mut self) {
        let mut fresh = std::mem::take(&mut self.fresh);
        let mut taken = Vec::new();
        for mailbox in &self.mailboxes {
            let sockets =
                fresh.iter_mut().filter_map(|(address, fds)| Some((address.clone(), fds.pop()?))).collect();
            let (done, told) = oneshot::channel();
            let _ = mailbox.send(Command::Plan { plan: Arc::clone(&self.plan), sockets, done });
            taken.push(told);
        }
        for (worker, told) in taken.into_iter().enumerate() {
            // One that is gone has taken over nothing, and said so in the log.
            if tokio::time::timeout(TAKE_OVER_MAX, told).await.is_err() {
                log::warn(&format!("worker {worker} is busy and takes over the config later"));
            }
        }
        self.generation.set(self.plan.generation);
    }

    fn drop_unused_plans(&mut self) {
        self.retiring.retain(|plan| Arc::strong_count(plan) > 1);
    }

    /// Serves until the end.
    pub(crate) async fn serve(&mut self, mut signals: Signals) -> Ended {
        let ended = loop {
            let event = self.next_event(&mut signals).await;
            if let Some(ended) = self.act(event).await {
                break ended;
            }
        };
        self.finish();
        ended
    }

    async fn next_event(&mut self, signals: &mut Signals) -> Event {
        let ticking = self.notifier.watchdog().is_some() || !self.retiring.is_empty();
        let Self { orders, drained, phase, ticks, .. } = self;
        tokio::select! {
            signal = signals.next() => signal.map_or_else(Event::SignalsLost, Event::Signal),
            Some(order) = orders.recv() => Event::Order(order),
            Some(_) = drained.recv() => Event::Drained,
            () = phase.over() => Event::PhaseOver,
            _ = ticks.tick(), if ticking => Event::Tick,
        }
    }

    async fn act(&mut self, event: Event) -> Option<Ended> {
        match event {
            Event::Signal(Signal::HangUp) => {
                // The outcome is in the log.
                let _ = self.reload().await;
            }
            Event::Signal(Signal::User1) => self.reopen_logs(),
            Event::Signal(Signal::User2) => {}
            Event::Signal(Signal::Terminate | Signal::Interrupt | Signal::Quit) => return self.begin_end(),
            Event::SignalsLost(error) => {
                log::error(&format!("signals cannot be read: {error}"));
                return self.begin_end();
            }
            Event::Order(order) => admin::carry_out(self, order).await,
            Event::Drained => return self.worker_drained(),
            Event::PhaseOver => return self.phase_over(),
            Event::Tick => {
                self.tell(&[Notice::Watchdog]);
                self.drop_unused_plans();
            }
        }
        None
    }

    /// Not ready any more; asked a second time, everything ends at once.
    fn begin_end(&mut self) -> Option<Ended> {
        if !self.is_ready() {
            log::warn("a second signal: everything ends now");
            return Some(Ended::Forced);
        }
        self.tell(&[Notice::Stopping, Notice::Status("ending")]);
        log::info("the end begins; a second signal ends everything at once");
        self.phase = Phase::Waiting(Box::pin(tokio::time::sleep(self.plan.process.shutdown_wait)));
        None
    }

    fn phase_over(&mut self) -> Option<Ended> {
        match self.phase {
            Phase::Serving => None,
            Phase::Waiting(_) => {
                for mailbox in &self.mailboxes {
                    let _ = mailbox.send(Command::Drain);
                }
                let deadline = Box::pin(tokio::time::sleep(self.plan.process.shutdown_deadline));
                self.phase = Phase::Draining { left: self.mailboxes.len(), deadline };
                None
            }
            Phase::Draining { .. } => {
                log::warn("the deadline has passed: exchanges in flight are cut");
                Some(Ended::DeadlinePassed)
            }
        }
    }

    fn worker_drained(&mut self) -> Option<Ended> {
        let Phase::Draining { left, .. } = &mut self.phase else { return None };
        *left = left.saturating_sub(1);
        (*left == 0).then_some(Ended::Drained)
    }

    /// Ends the workers, writes what is left to write, and removes what others might take for a living server.
    fn finish(&mut self) {
        for mailbox in &self.mailboxes {
            let _ = mailbox.send(Command::Stop);
        }
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
        access_log::flush_all();
        sockets::remove_gone(&self.plan, None, &self.passed);
        if let Some(path) = &self.admin {
            // Its folder may belong to somebody else; the next start replaces a stale socket.
            let _ = std::fs::remove_file(path);
        }
    }

    /// Opens the logs again, after they were rotated away.
    fn reopen_logs(&self) {
        access_log::reopen_all();
        log::info("logs are opened again");
    }

    /// How many workers there are.
    pub(crate) fn workers(&self) -> usize {
        self.mailboxes.len()
    }
}

impl Phase {
    async fn over(&mut self) {
        match self {
            Self::Serving => std::future::pending().await,
            Self::Waiting(until) | Self::Draining { deadline: until, .. } => until.as_mut().await,
        }
    }
}
