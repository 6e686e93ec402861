//! The control thread: it starts the workers, compiles configs off them, and ends them in order.

use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;

use propylon_config::{Diagnostics, Environment, Loaded, Sources, load_file};
use propylon_net::affinity::Cpus;
use propylon_net::signals::{self, Signal, Signals};
use propylon_net::socket::Address;
use propylon_net::systemd::{self, Notice, Notifier};
use propylon_net::{clock, limits, runtime};
use propylon_origin::names::{self, Names};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;

use crate::counters::{GENERATION, RELOADS_REFUSED};
use crate::log;
use crate::plan::Plan;
use crate::plan::compile::compile;
use crate::shared::Shared;
use crate::sockets::{BindError, sockets};
use crate::worker::{self, Command, Links};

/// How the server is to be run.
#[derive(Clone, Debug)]
pub struct Options {
    /// The config.
    pub config: ConfigSource,
}

/// Where a config comes from.
#[derive(Clone, Debug)]
pub enum ConfigSource {
    /// A file, read again at each reload.
    File(PathBuf),
    /// A text made by a command.
    Text(String),
}

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

/// Why the server did not start.
#[derive(Debug)]
pub enum StartError {
    /// The config has errors, which have been printed.
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

impl ConfigSource {
    /// Reads the config.
    pub fn load(&self) -> Loaded {
        match self {
            Self::File(path) => load_file(path, &Environment::Process),
            Self::Text(text) => propylon_config::parse_text("command".as_ref(), text, &Environment::empty()),
        }
    }

    /// The file, or a name for messages.
    pub fn path(&self) -> PathBuf {
        match self {
            Self::File(path) => path.clone(),
            Self::Text(_) => PathBuf::new(),
        }
    }
}

/// Runs the server until it is told to end.
///
/// # Errors
/// It could not start.
pub fn run(options: Options) -> Result<Ended, StartError> {
    let system = |what: &'static str| move |error| StartError::System(format!("{what}: {error}"));
    // Before the first thread: every thread inherits the mask.
    signals::block().map_err(system("cannot block signals"))?;
    runtime::run_control(async move {
        let signals = Signals::new().map_err(system("cannot watch signals"))?;
        let mut control = Control::start(options).await?;
        Ok(control.serve(signals).await)
    })
    .map_err(system("cannot start a runtime"))?
}

/// The running server, as the control thread holds it.
pub struct Control {
    options: Options,
    names: Names,
    shared: Arc<Shared>,
    plan: Arc<Plan>,
    mailboxes: Vec<UnboundedSender<Command>>,
    threads: Vec<JoinHandle<()>>,
    retired: std::sync::mpsc::Receiver<Arc<Plan>>,
    drained: UnboundedReceiver<usize>,
    notifier: Notifier,
    inherited: Vec<systemd::Inherited>,
}

impl Control {
    async fn start(options: Options) -> Result<Self, StartError> {
        let system = |what: &'static str| move |error| StartError::System(format!("{what}: {error}"));
        let descriptors_max =
            limits::raise_open_files().map_err(system("cannot raise the limit of open files"))?;
        let notifier = Notifier::from_environment().map_err(system("cannot reach the service manager"))?;
        let mut inherited = systemd::take_inherited().map_err(system("cannot take the inherited sockets"))?;
        let names = Names::new(names::Settings::default(), Arc::new(report_name));
        let mut loaded = options.config.load();
        let plan = compile(&mut loaded, &options.config.path(), &names, 1);
        print_diagnostics(&loaded.diagnostics, &loaded.sources);
        let plan = Arc::new(plan.ok_or(StartError::Config)?);
        let cpus = Cpus::allowed().map_err(system("cannot tell the CPUs"))?;
        let count = plan.process.workers.unwrap_or_else(|| cpus.count());
        let shared = Shared::new(count, descriptors_max);
        let fresh = bind_new(&plan, None, count, &mut inherited).map_err(StartError::Bind)?;
        let (mailboxes, receivers): (Vec<_>, Vec<_>) = (0..count).map(|_| unbounded_channel()).unzip();
        let (retire, retired) = std::sync::mpsc::channel();
        let (drained_tell, drained) = unbounded_channel();
        let mut threads = Vec::new();
        for (index, commands) in receivers.into_iter().enumerate() {
            let links =
                Links { workers: mailboxes.clone(), retired: retire.clone(), drained: drained_tell.clone() };
            let (shared, plan, cpus) = (Arc::clone(&shared), Arc::clone(&plan), cpus.clone());
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
        let control =
            Self { options, names, shared, plan, mailboxes, threads, retired, drained, notifier, inherited };
        control.publish(fresh).await;
        control.shared.metrics.cell(GENERATION, &[]).set(1);
        let _ = control.notifier.tell(&[Notice::Ready]);
        Ok(control)
    }

    /// Hands the plan in force, and the new sockets, to all workers, and waits until they have taken over.
    async fn publish(&self, mut fresh: Vec<(Address, Vec<std::os::fd::OwnedFd>)>) {
        let mut taken = Vec::new();
        for mailbox in &self.mailboxes {
            let sockets =
                fresh.iter_mut().filter_map(|(address, fds)| Some((address.clone(), fds.pop()?))).collect();
            let (done, told) = oneshot::channel();
            let _ = mailbox.send(Command::Plan { plan: Arc::clone(&self.plan), sockets, done });
            taken.push(told);
        }
        for told in taken {
            let _ = told.await;
        }
    }

    /// Waits for signals and acts on them, until the end.
    async fn serve(&mut self, mut signals: Signals) -> Ended {
        loop {
            match signals.next().await {
                Ok(Signal::HangUp) => {
                    let _ = self.reload().await;
                }
                Ok(Signal::User1) => {}
                Ok(Signal::Terminate | Signal::Interrupt | Signal::Quit) => return self.end(signals).await,
                Ok(_) => {}
                Err(error) => {
                    log::error(&format!("signals cannot be read: {error}"));
                    return self.end(signals).await;
                }
            }
        }
    }

    /// Reads the config again and puts it into force, or leaves everything as it is.
    ///
    /// # Errors
    /// The diagnostics or bind errors as text.
    pub async fn reload(&mut self) -> Result<u64, String> {
        let _ = self.notifier.tell(&[Notice::Reloading]);
        let outcome = self.try_reload().await;
        match &outcome {
            Ok(generation) => log::info(&format!("config {generation} is in force")),
            Err(why) => {
                self.shared.metrics.cell(RELOADS_REFUSED, &[]).add(1);
                log::error(&format!("the reload is refused and the old config stays in force: {why}"));
            }
        }
        let _ = self.notifier.tell(&[Notice::Ready]);
        outcome
    }

    async fn try_reload(&mut self) -> Result<u64, String> {
        let mut loaded = self.options.config.load();
        let generation = self.plan.generation + 1;
        let plan = compile(&mut loaded, &self.options.config.path(), &self.names, generation);
        print_diagnostics(&loaded.diagnostics, &loaded.sources);
        let plan = plan.ok_or_else(|| loaded.diagnostics.to_lines(&loaded.sources).join("\n"))?;
        let fresh = bind_new(&plan, Some(&self.plan), self.mailboxes.len(), &mut self.inherited)
            .map_err(|errors| StartError::Bind(errors).to_string())?;
        let old = std::mem::replace(&mut self.plan, Arc::new(plan));
        self.publish(fresh).await;
        self.shared.metrics.cell(GENERATION, &[]).set(generation);
        drop(old);
        // Workers let go of plans when their last exchange has ended; here they are dropped.
        while self.retired.try_recv().is_ok() {}
        Ok(generation)
    }

    /// Says goodbye in order: not ready any more, a wait, no more connections, a deadline.
    async fn end(&mut self, mut signals: Signals) -> Ended {
        let _ = self.notifier.tell(&[Notice::Stopping]);
        let process = self.plan.process.clone();
        log::info("the end begins; a second signal ends everything at once");
        let drained = async {
            tokio::time::sleep(process.shutdown_wait).await;
            for mailbox in &self.mailboxes {
                let _ = mailbox.send(Command::Drain);
            }
            for _ in 0..self.mailboxes.len() {
                let _ = self.drained.recv().await;
            }
        };
        let limit = process.shutdown_wait + process.shutdown_deadline;
        let again = async {
            loop {
                if matches!(
                    signals.next().await,
                    Ok(Signal::Terminate | Signal::Interrupt | Signal::Quit) | Err(_)
                ) {
                    return;
                }
            }
        };
        let ended = tokio::select! {
            () = drained => Ended::Drained,
            () = tokio::time::sleep(limit) => Ended::DeadlinePassed,
            () = again => Ended::Forced,
        };
        for mailbox in &self.mailboxes {
            let _ = mailbox.send(Command::Stop);
        }
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
        ended
    }
}

/// Binds what `plan` listens on and `before` did not.
fn bind_new(
    plan: &Plan,
    before: Option<&Plan>,
    workers: usize,
    inherited: &mut Vec<systemd::Inherited>,
) -> Result<Vec<(Address, Vec<std::os::fd::OwnedFd>)>, Vec<BindError>> {
    let (mut bound, mut failed) = (Vec::new(), Vec::new());
    for listener in &plan.listeners {
        let known = before
            .is_some_and(|before| before.listeners.iter().any(|other| other.address == listener.address));
        if known {
            continue;
        }
        match sockets(&listener.address, workers, inherited) {
            Ok(sockets) => bound.push((listener.address.clone(), sockets)),
            Err(error) => failed.push(error),
        }
    }
    if failed.is_empty() { Ok(bound) } else { Err(failed) }
}

/// Prints what is wrong with a config, as people read it.
fn print_diagnostics(diagnostics: &Diagnostics, sources: &Sources) {
    if !diagnostics.is_empty() {
        eprintln!("{}", diagnostics.render(sources, std::io::IsTerminal::is_terminal(&std::io::stderr())));
    }
}

fn report_name(name: &str, event: names::Event, state: &names::State) {
    match event {
        names::Event::Changed => {}
        names::Event::Failing => log::warn(&format!(
            "{name} does not resolve: {:?}; the last good addresses stay",
            state.condition
        )),
        names::Event::Recovered => log::info(&format!("{name} resolves again")),
    }
}
