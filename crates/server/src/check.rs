//! Judges a config without putting it into force.

use std::sync::Arc;

use propylon_config::{Diagnostic, Loaded, Span};
use propylon_net::runtime;
use propylon_origin::names::{self, Names};

use crate::codes::INTERNAL;
use crate::plan::Plan;
use crate::plan::compile::compile;
use crate::source::ConfigSource;

/// A config, read and judged.
#[derive(Debug)]
pub struct Checked {
    /// Files and diagnostics.
    pub loaded: Loaded,
    /// What it holds; `None` if it has errors.
    pub summary: Option<Summary>,
}

/// How much a good config holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Listeners.
    pub listeners: usize,
    /// Sites.
    pub sites: usize,
    /// Routes, those that only say 404 left out.
    pub routes: usize,
}

/// Reads a config and finds everything that is wrong with it.
///
/// # Errors
/// The system grants no runtime.
pub fn check(source: &ConfigSource) -> std::io::Result<Checked> {
    runtime::run_control(async {
        let names = Names::new(names::Settings::default(), Arc::new(|_, _, _| {}));
        let (loaded, plan) = load_and_compile(source, &names, 1);
        let summary = plan.map(|plan| Summary {
            listeners: plan.listeners.len(),
            sites: plan.sites.len(),
            routes: plan.answered_routes(),
        });
        Checked { loaded, summary }
    })
}

/// Reads and compiles; a fault in the program while it does so is a diagnostic, not the end of a running server.
pub(crate) fn load_and_compile(
    source: &ConfigSource,
    names: &Names,
    generation: u64,
) -> (Loaded, Option<Plan>) {
    let mut loaded = Loaded::default();
    let work = std::panic::AssertUnwindSafe(|| {
        loaded = source.load();
        compile(&mut loaded, source.path(), names, generation)
    });
    let plan = std::panic::catch_unwind(work).unwrap_or_else(|_| {
        let title = "this config meets a fault in the program itself";
        let diagnostic = Diagnostic::error(INTERNAL, Span::NONE, title);
        loaded
            .diagnostics
            .push(diagnostic.help("report it, with the config; the log tells where it happened"));
        None
    });
    (loaded, plan)
}
