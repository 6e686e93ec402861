//! The plan: a whole config, compiled. Nothing in it changes; a reload makes another one.
//!
//! `text → Tree → Config per room → lints → Compiled → Plan`: each arrow is one function, in [`compile`].

pub mod compile;
pub mod config;
mod inherit;
pub mod router;
mod routes;
#[cfg(test)]
mod tests;
mod unreachable;
pub mod worker_plan;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use propylon_config::Span;
use propylon_features::proxy::upstream::Upstream;
use propylon_features::{AnswerPlan, StepPlan};
use propylon_origin::group::Target;

use crate::listen::ListenerPlan;
use router::Router;

/// A compiled config.
#[derive(Debug)]
pub struct Plan {
    /// Which config this is, counted from 1 on.
    pub generation: u64,
    /// Where connections come in.
    pub listeners: Vec<Arc<ListenerPlan>>,
    /// Which route takes which request.
    pub router: Router,
    /// The routes, by their numbers.
    pub routes: Vec<RoutePlan>,
    /// Names of the sites, by their numbers, for logs and metrics.
    pub sites: Vec<Arc<str>>,
    /// Steps for requests that no route takes.
    pub unrouted: Vec<PlacedStep>,
    /// Settings of the process.
    pub process: Process,
}

impl Plan {
    /// How many routes somebody has written: a site's last resort, which says 404, is not among them.
    pub fn answered_routes(&self) -> usize {
        self.routes.iter().filter(|route| route.answer.is_some()).count()
    }

    /// Every upstream that a route uses, each once.
    pub fn upstreams(&self) -> Vec<&Arc<Upstream>> {
        let mut known = HashSet::new();
        let answers = self.routes.iter().filter_map(|route| route.answer.as_ref());
        let used = answers.filter_map(|placed| match &placed.answer {
            AnswerPlan::Proxy(proxy) => Some(proxy.upstream()),
            _ => None,
        });
        used.filter(|upstream| known.insert(Arc::as_ptr(upstream))).collect()
    }

    /// Waits until every name has been looked up once, well or badly, or the time is over: a config need not come into
    /// force with names that nobody has had the time to look up.
    pub async fn settle_names(&self, limit: Duration) {
        let settled = async {
            for endpoint in self.upstreams().into_iter().flat_map(|upstream| upstream.endpoints()) {
                if let Target::Name(host, _) = &endpoint.target {
                    host.settled().await;
                }
            }
        };
        // Those that take longer are looked up while the server runs.
        let _ = tokio::time::timeout(limit, settled).await;
    }
}

/// A route, compiled.
#[derive(Debug)]
pub struct RoutePlan {
    /// The site it belongs to.
    pub site: u32,
    /// How messages call it: its pattern as written.
    pub pattern: Arc<str>,
    /// Its steps, in the order of the list.
    pub steps: Vec<PlacedStep>,
    /// What answers; `None` if its steps do.
    pub answer: Option<PlacedAnswer>,
    /// Where it stands.
    pub span: Span,
}

/// A step and where it was written.
#[derive(Clone, Debug)]
pub struct PlacedStep {
    /// The step.
    pub step: StepPlan,
    /// Where it stands.
    pub span: Span,
}

/// An answer and where it was written.
#[derive(Clone, Debug)]
pub struct PlacedAnswer {
    /// The answer.
    pub answer: AnswerPlan,
    /// Where it stands.
    pub span: Span,
}

/// Settings of the process.
#[derive(Clone, Debug)]
pub struct Process {
    /// Number of workers; one per core if it is not said.
    pub workers: Option<usize>,
    /// Account and group to become.
    pub user: Option<(String, Option<String>)>,
    /// The admin socket; `None` for the default one, an empty path for none.
    pub admin: Option<std::path::PathBuf>,
    /// How the server ends.
    pub shutdown_wait: Duration,
    /// How long exchanges in flight may take then.
    pub shutdown_deadline: Duration,
    /// Name servers to ask; the system's if empty.
    pub resolver: Vec<std::net::SocketAddr>,
}
