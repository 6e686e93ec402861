//! A plan as one worker sees it: routes are built on their first use, so that a worker takes over a config of any
//! size in an instant.

use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use propylon_features::{Answer, Step, WorkerBuild};
use propylon_origin::Group;
use propylon_pipeline::WorkerContext;
use propylon_pipeline::metrics::Cell;

use super::{PlacedStep, Plan};
use crate::counters::SITE_REQUESTS;

/// The plan on one worker.
#[derive(Debug)]
pub struct WorkerPlan {
    /// The plan itself.
    pub plan: Arc<Plan>,
    worker: Rc<WorkerContext>,
    routes: Vec<OnceCell<Rc<WorkerRoute>>>,
    unrouted: OnceCell<Rc<WorkerRoute>>,
    groups: RefCell<HashMap<usize, Rc<Group>>>,
    sites: RefCell<HashMap<u32, Cell>>,
}

/// A route on one worker.
#[derive(Debug)]
pub struct WorkerRoute {
    /// Its steps, in the order of the list.
    pub steps: Vec<Step>,
    /// What answers.
    pub answer: Option<Answer>,
    /// Counts the requests of the route's site.
    pub requests: Cell,
}

impl WorkerPlan {
    /// The plan on `worker`, with nothing built yet.
    pub fn new(plan: Arc<Plan>, worker: Rc<WorkerContext>) -> Self {
        let routes = (0..plan.routes.len()).map(|_| OnceCell::new()).collect();
        let (groups, sites) = (RefCell::default(), RefCell::default());
        Self { plan, worker, routes, unrouted: OnceCell::new(), groups, sites }
    }

    /// The route with this number.
    pub fn route(&self, index: u32) -> Option<&Rc<WorkerRoute>> {
        let route = self.plan.routes.get(index as usize)?;
        let built = self.routes.get(index as usize)?;
        Some(built.get_or_init(|| {
            let build = WorkerBuild { worker: &self.worker, groups: &self.groups };
            let answer = route.answer.as_ref().map(|placed| placed.answer.build(&build));
            let requests = self.site_requests(route.site);
            Rc::new(WorkerRoute { steps: steps(&route.steps, &build), answer, requests })
        }))
    }

    /// What requests without a route go through.
    pub fn unrouted(&self) -> &Rc<WorkerRoute> {
        self.unrouted.get_or_init(|| {
            let build = WorkerBuild { worker: &self.worker, groups: &self.groups };
            let requests = self.worker.metrics.cell(SITE_REQUESTS, &[("site", "")]);
            Rc::new(WorkerRoute { steps: steps(&self.plan.unrouted, &build), answer: None, requests })
        })
    }

    fn site_requests(&self, site: u32) -> Cell {
        let name = self.plan.sites.get(site as usize).map_or("", |name| name);
        let make = || self.worker.metrics.cell(SITE_REQUESTS, &[("site", name)]);
        self.sites.borrow_mut().entry(site).or_insert_with(make).clone()
    }
}

fn steps(placed: &[PlacedStep], build: &WorkerBuild<'_>) -> Vec<Step> {
    placed.iter().map(|placed| placed.step.build(build)).collect()
}
