//! From a tree to a plan. Every problem of the whole config is reported in one go; with an error there is no plan.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use propylon_config::value::Value;
use propylon_config::{Diagnostic, Diagnostics, Directive, Loaded, Node, suggest};
use propylon_features::proxy::upstream::{self, Upstream, Upstreams};
use propylon_features::{ANSWERS, CompileContext, ROOMS};
use propylon_origin::names::Names;

use super::inherit::{Level, Scope};
use super::routes::Builder;
use super::{Plan, Process, config};
use crate::listen::{ConnectionLimits, ListenerPlan, address};

/// Compiles what was loaded, whose tree is used up. Problems are added to its diagnostics; `None` if there is an error
/// among them.
pub fn compile(loaded: &mut Loaded, path: &Path, names: &Names, generation: u64) -> Option<Plan> {
    let tree = std::mem::take(&mut loaded.tree);
    let diagnostics = &mut loaded.diagnostics;
    let top = Top::decode(&tree, diagnostics);
    // Of a large config the tree is the larger half: the rest of the compiling, and the server, go without it.
    drop(tree);
    let listeners = listeners(&top, diagnostics);
    let upstreams = upstreams(&top, names, diagnostics);
    let folder = path.parent().unwrap_or(Path::new("")).to_owned();
    let mut context = CompileContext { diagnostics, upstreams: &upstreams, names, folder };
    let outer = Level::read(&top.lines, Scope::Top, None, &mut context);
    let mut builder = Builder::new(&outer, &listeners);
    for site in &top.sites {
        builder.site(site, &mut context);
    }
    let (router, routes, sites) = builder.finish();
    let process = top.process();
    let failed = loaded.diagnostics.has_errors();
    let unrouted = outer.steps();
    (!failed).then_some(Plan { generation, listeners, router, routes, sites, unrouted, process })
}

/// The top level, sorted by kind.
#[derive(Default)]
struct Top {
    listens: Vec<config::Listen>,
    upstreams: Vec<upstream::Config>,
    sites: Vec<config::Site>,
    limits: Option<config::Limits>,
    workers: Option<config::Workers>,
    user: Option<config::User>,
    admin: Option<config::Admin>,
    shutdown: Option<config::Shutdown>,
    resolver: Option<config::Resolver>,
    /// Rooms for all sites.
    lines: Vec<Node>,
}

impl Top {
    fn decode(tree: &[Node], diagnostics: &mut Diagnostics) -> Self {
        let mut top = Self::default();
        for node in tree {
            match node.name.text.as_str() {
                "listen" => top.listens.extend(config::Listen::decode(node, diagnostics)),
                "upstream" => top.upstreams.extend(upstream::Config::decode(node, diagnostics)),
                "site" => top.sites.extend(config::Site::decode(node, diagnostics)),
                "limits" => once(&mut top.limits, node, diagnostics),
                "workers" => once(&mut top.workers, node, diagnostics),
                "user" => once(&mut top.user, node, diagnostics),
                "admin" => once(&mut top.admin, node, diagnostics),
                "shutdown" => once(&mut top.shutdown, node, diagnostics),
                "resolver" => once(&mut top.resolver, node, diagnostics),
                name if ROOMS.iter().any(|room| room.doc.name == name) => top.lines.push(node.clone()),
                _ => unknown(node, "at the top of a config", &TOP_NAMES, diagnostics),
            }
        }
        top
    }

    fn process(&self) -> Process {
        let shutdown = self.shutdown.as_ref();
        Process {
            workers: self.workers.as_ref().map(|workers| workers.count),
            user: self
                .user
                .as_ref()
                .map(|user| (user.name.value.clone(), user.group.as_ref().map(|group| group.value.clone()))),
            admin: self.admin.as_ref().map(|admin| match admin.socket.as_str() {
                "off" => Default::default(),
                path => path.strip_prefix("unix:").unwrap_or(path).into(),
            }),
            shutdown_wait: shutdown.map_or(Duration::ZERO, |shutdown| shutdown.wait),
            shutdown_deadline: shutdown.map_or(Duration::from_secs(30), |shutdown| shutdown.deadline),
            resolver: self.resolver.as_ref().map(|resolver| resolver.servers.clone()).unwrap_or_default(),
        }
    }
}

/// Directives that may stand at the top besides rooms.
const TOP_NAMES: [&str; 10] =
    ["listen", "upstream", "site", "limits", "workers", "user", "admin", "shutdown", "resolver", "include"];

fn once<T: Directive>(slot: &mut Option<T>, node: &Node, diagnostics: &mut Diagnostics) {
    let before = slot.is_some();
    if before {
        let title = format!("`{}` is said twice", node.name.text);
        let diagnostic = Diagnostic::error("duplicate-directive", node.head_span(), title);
        diagnostics.push(diagnostic.help("say it once"));
    }
    if let Some(decoded) = T::decode(node, diagnostics) {
        *slot = Some(decoded);
    }
}

/// Reports a directive that has no meaning where it stands.
pub(super) fn unknown(node: &Node, place: &str, names: &[&str], diagnostics: &mut Diagnostics) {
    let name = node.name.text.as_str();
    let rooms = ROOMS.iter().map(|room| room.doc.name);
    let answers =
        ANSWERS.iter().map(|answer| answer.doc.name).filter(|_| names.contains(&"route") || names.is_empty());
    let candidates: Vec<&str> = names.iter().copied().chain(rooms).chain(answers).collect();
    let elsewhere = TOP_NAMES.contains(&name)
        || ["route", "site"].contains(&name)
        || ANSWERS.iter().any(|answer| answer.doc.name == name);
    let (title, help) = if elsewhere {
        (format!("`{name}` cannot stand {place}"), Some(home(name).to_owned()))
    } else {
        (format!("there is no directive `{name}` {place}"), suggest::did_you_mean(name, candidates))
    };
    let diagnostic = Diagnostic::error("unknown-directive", node.name.span, title);
    diagnostics.push(diagnostic.maybe_help(help));
}

fn home(name: &str) -> &'static str {
    match name {
        "route" => "put it into a `site`",
        _ if TOP_NAMES.contains(&name) => "put it at the top of the config",
        _ => "put it into a `site` or a `route`",
    }
}

fn listeners(top: &Top, diagnostics: &mut Diagnostics) -> Vec<Arc<ListenerPlan>> {
    let common = top.limits.clone().or_else(|| config::Limits::decode(&Node::new("limits"), diagnostics));
    let mut listeners: Vec<Arc<ListenerPlan>> = Vec::new();
    for listen in &top.listens {
        let address = address(&listen.address.value);
        let name: Arc<str> = listen
            .name
            .as_ref()
            .map_or_else(|| listen.address.value.to_text().into(), |name| name.as_str().into());
        let clash = listeners.iter().find_map(|other| match () {
            () if other.address == address => {
                Some(format!("`listen {}` is said twice", listen.address.value.to_text()))
            }
            () if other.name == name => Some(format!("two listeners are called `{name}`")),
            () => None,
        });
        if let Some(title) = clash {
            diagnostics
                .push(Diagnostic::error("duplicate-listener", listen.span, title).help("remove one of them"));
            continue;
        }
        let Some(limits) = listen.limits.as_ref().or(common.as_ref()) else { continue };
        let limits = ConnectionLimits::compile(limits);
        listeners.push(Arc::new(ListenerPlan {
            name,
            address,
            proxy_protocol: listen.proxy_protocol,
            limits,
        }));
    }
    if top.listens.is_empty() && !top.sites.is_empty() {
        let title = "there are sites, but nothing listens".to_owned();
        diagnostics
            .push(Diagnostic::warning("no-listener", top.sites[0].span, title).help("add `listen :80`"));
    }
    listeners
}

fn upstreams(top: &Top, names: &Names, diagnostics: &mut Diagnostics) -> Upstreams {
    let mut upstreams: Upstreams = HashMap::new();
    for config in &top.upstreams {
        let Some(compiled) = Upstream::compile(config, names, diagnostics) else { continue };
        if upstreams.insert(config.name.as_str().to_owned(), Arc::new(compiled)).is_some() {
            let title = format!("two upstreams are called `{}`", config.name.value);
            let diagnostic = Diagnostic::error("duplicate-upstream", config.name.span, title);
            diagnostics.push(diagnostic.help("rename one of them"));
        }
    }
    upstreams
}
