//! The start, in the one order that is safe: everything that needs root is opened, then root is given up, and only
//! then is there a second thread.
//!
//! signals → inherited sockets and limits → config → listeners → logs → admin socket → another user → workers → ready.

use std::sync::Arc;
use std::thread::JoinHandle;

use propylon_features::access_log;
use propylon_net::affinity::Cpus;
use propylon_net::signals::{self, Signals};
use propylon_net::systemd::{self, Notice, Notifier};
use propylon_net::{clock, limits, runtime};
use propylon_origin::names::{self, Names};
use rustix::fs::Mode;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::check::load_and_compile;
use crate::control::{Control, Ended, NAMES_MAX, resolver_settings};
use crate::plan::Plan;
use crate::shared::Shared;
use crate::sockets::{self, BindError};
use crate::source::ConfigSource;
use crate::worker::{self, Command, Links};
use crate::{admin, log, panics, rights};

/// How the server is to be run.
#[derive(Clone, Debug)]
pub struct Options {
    /// The config.
    pub config: ConfigSource,
}

/// Why the server did not start.
#[derive(Debug)]
pub enum StartError {
    /// The config has errors, which have been shown.
    Config,
    /// Listeners could not be bound.
    Bind(Vec<BindError>),
    /// The system refused something else.
    System(String),
}

impl std::fmt::Display for StartError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Config => f.write_str("the config has errors"),
            Self::Bind(errors) => {
                let errors: Vec<String> = errors.iter().map(BindError::to_string).collect();
                f.write_str(&errors.join("\n"))
            }
            Self::System(what) => f.write_str(what),
        }
    }
}

/// Runs the server until it is told to end.
///
/// # Errors
/// It could not start.
pub fn run(options: Options) -> Result<Ended, StartError> {
    run_with(options, || ())
}

/// As [`run`]; `beside` is called once root has been given up, and may start threads of its own.
///
/// # Errors
/// It could not start.
pub fn run_with(options: Options, beside: impl FnOnce()) -> Result<Ended, StartError> {
    // Before the first thread: every thread inherits the mask.
    signals::block().map_err(system("cannot block signals"))?;
    panics::log_them();
    // Whatever is written from now on, logs above all, is for its owner alone.
    rustix::process::umask(Mode::RWXG | Mode::RWXO);
    let running = async move {
        let signals = Signals::new().map_err(system("cannot watch signals"))?;
        let mut control = start(options)?;
        beside();
        control.begin().await;
        Ok(control.serve(signals).await)
    };
    runtime::run_control(running).map_err(system("cannot start a runtime"))?
}

/// Everything up to the workers. It never waits: a wait could start a thread while we are still root.
fn start(options: Options) -> Result<Control, StartError> {
    let descriptors_max =
        limits::raise_open_files().map_err(system("cannot raise the limit of open files"))?;
    let notifier = Notifier::from_environment().map_err(system("cannot reach the service manager"))?;
    let inherited = systemd::take_inherited().map_err(system("cannot take the inherited sockets"))?;
    let mut passed = sockets::Passed::new(inherited);
    let names = Names::new(names::Settings::default(), Arc::new(report_name));
    let (loaded, plan) = load_and_compile(&options.config, &names, 1);
    log::diagnostics(&loaded);
    let plan = Arc::new(plan.ok_or(StartError::Config)?);
    names.configure(resolver_settings(&plan));
    let cpus = Cpus::allowed().map_err(system("cannot tell the CPUs"))?;
    let workers = plan.process.workers.unwrap_or_else(|| cpus.count());
    let rights =
        rights::choose(plan.process.user.as_ref()).map_err(|error| StartError::System(error.to_string()))?;
    let fresh = sockets::bind_new(&plan, None, workers, &mut passed).map_err(StartError::Bind)?;
    for left in &passed.left {
        let name = left.name.as_deref().unwrap_or("without a name");
        log::warn(&format!("no listener is for the inherited socket {name}: see `listen ADDRESS name NAME`"));
    }
    let owner = rights.account().map(|account| (account.user, account.group));
    let unopened = access_log::open_all(owner);
    if !unopened.is_empty() {
        return Err(StartError::System(unopened.join("\n")));
    }
    let admin =
        admin::socket::open(plan.process.admin.as_deref(), rights.account()).map_err(StartError::System)?;
    rights.take().map_err(|error| StartError::System(error.to_string()))?;
    let shared = Shared::new(workers, descriptors_max);
    let (drained_tell, drained) = unbounded_channel();
    let (mailboxes, threads) = start_workers(&plan, &shared, &cpus, &drained_tell)?;
    let parts = Parts {
        options,
        names,
        shared,
        plan,
        loaded,
        mailboxes,
        threads,
        drained,
        notifier,
        passed,
        fresh,
        admin,
    };
    Ok(Control::new(parts))
}

/// What the start hands to the control thread.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) options: Options,
    pub(crate) names: Names,
    pub(crate) shared: Arc<Shared>,
    pub(crate) plan: Arc<Plan>,
    pub(crate) loaded: propylon_config::Loaded,
    pub(crate) mailboxes: Vec<UnboundedSender<Command>>,
    pub(crate) threads: Vec<JoinHandle<()>>,
    pub(crate) drained: UnboundedReceiver<usize>,
    pub(crate) notifier: Notifier,
    pub(crate) passed: sockets::Passed,
    pub(crate) fresh: sockets::Fresh,
    pub(crate) admin: Option<admin::socket::Bound>,
}

type Workers = (Vec<UnboundedSender<Command>>, Vec<JoinHandle<()>>);

fn start_workers(
    plan: &Arc<Plan>,
    shared: &Arc<Shared>,
    cpus: &Cpus,
    drained: &UnboundedSender<usize>,
) -> Result<Workers, StartError> {
    let (mailboxes, receivers): (Vec<_>, Vec<_>) = (0..shared.workers()).map(|_| unbounded_channel()).unzip();
    let mut threads = Vec::new();
    for (index, commands) in receivers.into_iter().enumerate() {
        let links = Links { workers: mailboxes.clone(), drained: drained.clone() };
        let (shared, plan, cpus) = (Arc::clone(shared), Arc::clone(plan), cpus.clone());
        let seed = clock::exact().as_nanos() ^ clock::wall().secs << 20 ^ (index as u64) << 56;
        let work = move || {
            // Without a core of its own a worker still works.
            let _ = cpus.pin(index);
            if let Err(error) = worker::run(index, seed, shared, links, plan, commands) {
                log::error(&format!("worker {index} ended: {error}"));
            }
        };
        let thread = std::thread::Builder::new().name(format!("worker-{index}")).spawn(work);
        threads.push(thread.map_err(system("cannot start a worker"))?);
    }
    Ok((mailboxes, threads))
}

impl Control {
    /// Puts the first plan into force and tells everybody.
    async fn begin(&mut self) {
        self.plan().settle_names(NAMES_MAX).await;
        self.put_into_force().await;
        let listening: Vec<String> =
            self.plan().listeners.iter().map(|one| one.address.to_string()).collect();
        let on = if listening.is_empty() { "nothing".to_owned() } else { listening.join(", ") };
        log::info(&format!("propylon {} listens on {on}", env!("CARGO_PKG_VERSION")));
        self.tell(&[Notice::Ready]);
    }
}

fn system(what: &'static str) -> impl Fn(std::io::Error) -> StartError {
    move |error| StartError::System(format!("{what}: {error}"))
}

fn report_name(name: &str, event: names::Event, state: &names::State) {
    match event {
        names::Event::Changed => {}
        names::Event::Failing => {
            let why = match &state.condition {
                names::Condition::Failing(error) => error.to_string(),
                names::Condition::Pending | names::Condition::Resolved => "no reason is known".to_owned(),
            };
            let then =
                if state.addresses.is_empty() { "it has no address yet" } else { "its last addresses stay" };
            log::warn(&format!("{name} does not resolve: {why}; {then}"));
        }
        names::Event::Recovered => log::info(&format!("{name} resolves again")),
    }
}
