//! A reload: read the config again and put it into force, or leave everything as it is and say why.

use propylon_config::Loaded;
use propylon_features::access_log;
use propylon_net::systemd::Notice;

use crate::check::load_and_compile;
use crate::control::{Control, NAMES_MAX, resolver_settings};
use crate::plan::Process;
use crate::{log, sockets};

/// What a reload brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reloaded {
    /// The config now in force.
    pub(crate) generation: u64,
    /// What its owner should know of it.
    pub(crate) warnings: Vec<String>,
}

impl Control {
    /// Reads the config again and puts it into force, or leaves everything as it is.
    ///
    /// # Errors
    /// What is wrong, a line each.
    pub(crate) async fn reload(&mut self) -> Result<Reloaded, Vec<String>> {
        if !self.is_ready() {
            log::warn("no reload: the server is ending");
            return Err(vec!["the server is ending".to_owned()]);
        }
        self.tell(&[Notice::Reloading, Notice::Status("reloading")]);
        let outcome = self.try_reload().await;
        let status = match &outcome {
            Ok(reloaded) => format!("config {} is in force", reloaded.generation),
            Err(_) => format!("a reload was refused; config {} stays in force", self.plan().generation),
        };
        match &outcome {
            Ok(_) => log::info(&status),
            Err(why) => {
                self.count_refusal();
                log::error(&format!("{status}: {}", why.join("; ")));
            }
        }
        self.tell(&[Notice::Ready, Notice::Status(&status)]);
        outcome
    }

    async fn try_reload(&mut self) -> Result<Reloaded, Vec<String>> {
        let generation = self.plan().generation + 1;
        let (loaded, plan) = load_and_compile(self.source(), &self.names, generation);
        log::diagnostics(&loaded);
        let lines = lines(&loaded);
        let Some(plan) = plan else { return Err(lines) };
        let unopened = access_log::open_all(None);
        if !unopened.is_empty() {
            return Err(unopened);
        }
        let workers = self.workers();
        let before = std::sync::Arc::clone(self.plan());
        let bound = sockets::bind_new(&plan, Some(&before), workers, &mut self.passed);
        let fresh = bound.map_err(|errors| errors.iter().map(ToString::to_string).collect::<Vec<_>>())?;
        let mut warnings = lines;
        for warning in needs_restart(&before.process, &plan.process) {
            log::warn(&warning);
            warnings.push(warning);
        }
        drop(before);
        self.names.configure(resolver_settings(&plan));
        plan.settle_names(NAMES_MAX).await;
        self.replace(plan, loaded, fresh).await;
        Ok(Reloaded { generation, warnings })
    }
}

/// All diagnostics, a line each, with the remedy.
fn lines(loaded: &Loaded) -> Vec<String> {
    let line = |one: &&propylon_config::Diagnostic| match &one.help {
        Some(help) => format!("{}; {help}", one.to_line(&loaded.sources)),
        None => one.to_line(&loaded.sources),
    };
    loaded.diagnostics.sorted().iter().map(line).collect()
}

/// Settings that a running process cannot change.
fn needs_restart(before: &Process, after: &Process) -> Vec<String> {
    let changed = [
        ("workers", before.workers != after.workers),
        ("user", before.user != after.user),
        ("admin", before.admin != after.admin),
    ];
    let changed = changed.iter().filter(|(_, changed)| *changed);
    changed.map(|(name, _)| format!("`{name}` has changed, which takes a restart")).collect()
}
