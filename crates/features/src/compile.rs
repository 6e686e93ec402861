//! What a room gets when a config is compiled, and when a worker builds its copy.

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;

use propylon_config::{Diagnostics, Doc, Node};
use propylon_origin::Group;
use propylon_origin::names::Names;
use propylon_pipeline::WorkerContext;
use propylon_pipeline::metrics::Metric;

use crate::StepPlan;
use crate::proxy::upstream::Upstream;

/// What a room may use while its settings are compiled, off the workers.
#[derive(Debug)]
pub struct CompileContext<'a> {
    /// Where problems are reported.
    pub diagnostics: &'a mut Diagnostics,
    /// The config's named upstreams.
    pub upstreams: &'a HashMap<String, Arc<Upstream>>,
    /// Who resolves names while the server runs.
    pub names: &'a Names,
    /// Folder of the config file: relative paths begin there.
    pub folder: PathBuf,
}

/// How the settings of one room on several levels (all sites, the site, the route) come together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Merge {
    /// The innermost replaces the others wholly.
    Replace,
    /// All of them work, the outermost first.
    Add,
}

/// What is known of a room without a config.
#[derive(Debug)]
pub struct RoomDoc {
    /// Its directive.
    pub doc: &'static Doc,
    /// How several levels come together.
    pub merge: Merge,
    /// The metrics it keeps.
    pub metrics: &'static [Metric],
    /// Reads and compiles one directive; problems are reported, and end in `None`.
    pub compile: fn(&Node, &mut CompileContext<'_>) -> Option<StepPlan>,
}

/// What a worker lends while it builds its copy of a route.
#[derive(Debug)]
pub struct WorkerBuild<'a> {
    /// The core's own things.
    pub worker: &'a Rc<WorkerContext>,
    /// The groups built so far: routes that name the same upstream share one, or balancing would be per route.
    pub groups: &'a RefCell<HashMap<usize, Rc<Group>>>,
}
