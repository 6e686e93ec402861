//! Says what would happen to a request, and why: the site, the route and those that lost against it, what each step
//! does, and what answers. Steps are run for real, on an exchange that no client waits for, and so are answers that ask
//! nobody else; an origin is only named.

mod changes;
mod question;

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::sync::Arc;

use propylon_config::{Loaded, Span};
use propylon_features::{Answer, AnswerPlan, StepPlan};
use propylon_http::h1::head::HeadLimits;
use propylon_net::socket::Address;
use propylon_net::timers::Timers;
use propylon_net::{clock, runtime};
use propylon_origin::names::{self, Names};
use propylon_pipeline::shared::Registry;
use propylon_pipeline::{ConnectionFacts, Downstream, Exchange, Fault, Flow, Hooks, Scheme, WorkerContext};

use crate::check::load_and_compile;
use crate::control::Control;
use crate::plan::router::{Considered, Found};
use crate::plan::worker_plan::{WorkerPlan, WorkerRoute};
use crate::plan::{PlacedAnswer, Plan, RoutePlan};
use crate::source::ConfigSource;
use changes::Snapshot;

pub use question::Question;

/// Routes named besides the one chosen.
const LOSERS_MAX: usize = 8;

/// How long an answer that asks nobody else may take: a disk may be slow.
const ANSWER_MAX: std::time::Duration = std::time::Duration::from_secs(2);

/// Why nothing could be explained.
#[derive(Debug)]
pub enum ExplainError {
    /// The config has errors.
    Config(Box<Loaded>),
    /// The question itself, or the system.
    Other(String),
}

/// Explains by the config in a file.
///
/// # Errors
/// The config has errors, or the question is none.
pub fn offline(source: &ConfigSource, question: &Question) -> Result<String, ExplainError> {
    let explaining = async {
        let names = Names::new(names::Settings::default(), Arc::new(|_, _, _| {}));
        let (loaded, plan) = load_and_compile(source, &names, 1);
        let Some(plan) = plan else { return Err(ExplainError::Config(Box::new(loaded))) };
        explain(&Arc::new(plan), &loaded, question).await.map_err(ExplainError::Other)
    };
    runtime::run_control(explaining).unwrap_or_else(|error| Err(ExplainError::Other(error.to_string())))
}

/// Explains by the config in force.
pub(crate) async fn live(control: &Control, question: &Question) -> Result<String, String> {
    explain(control.plan(), control.loaded(), question).await
}

async fn explain(plan: &Arc<Plan>, loaded: &Loaded, question: &Question) -> Result<String, String> {
    let timers = Timers::new().map_err(|error| error.to_string())?;
    // A register of its own: what is only thought through is not counted.
    let worker = WorkerContext::new(0, timers, Arc::new(Registry::default()), clock::exact().as_nanos());
    let mut x = exchange(&worker, plan, question)?;
    let on_worker = WorkerPlan::new(Arc::clone(plan), worker);
    let mut story = Story { plan, loaded, lines: Vec::new() };
    story.request(&x, question);
    match plan.router.find(&x) {
        Ok(found) => story.route(&mut x, found, &on_worker).await,
        Err(fault) => story.no_route(&x, &fault),
    }
    Ok(story.text())
}

/// The exchange that a client's request would make.
fn exchange(worker: &Rc<WorkerContext>, plan: &Plan, question: &Question) -> Result<Exchange, String> {
    let client = question.client.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST));
    let peer = Address::Ip(SocketAddr::new(client, 0));
    let listener = listener(plan, question);
    let scheme = if question.is_https { Scheme::Https } else { Scheme::Http };
    let facts = Rc::new(ConnectionFacts::new(peer, None, scheme, listener));
    let mut x = Exchange::new(Rc::clone(worker), Rc::clone(&facts));
    x.begin(facts, Downstream::Nowhere, clock::now());
    x.id = worker.request_id();
    let head = question.head();
    x.request.parse(&head, &HeadLimits::default()).map_err(|malformed| {
        format!(
            "such a request is refused with {} before any route is looked for: {malformed}",
            malformed.status()
        )
    })?;
    Ok(x)
}

/// The listener of the URL's port, or else the first.
fn listener(plan: &Plan, question: &Question) -> Arc<str> {
    let on_port =
        |address: &Address| matches!(address, Address::Ip(address) if address.port() == question.port);
    let found = plan.listeners.iter().find(|listener| on_port(&listener.address));
    found.or(plan.listeners.first()).map_or_else(|| "".into(), |listener| Arc::clone(&listener.name))
}

/// The explanation as it grows: what, its words, its place in the config, and a remark.
struct Story<'a> {
    plan: &'a Plan,
    loaded: &'a Loaded,
    lines: Vec<[String; 4]>,
}

impl Story<'_> {
    fn say(&mut self, what: &str, words: impl Into<String>, span: Span, remark: impl Into<String>) {
        let place = self.loaded.sources.place(span);
        self.lines.push([what.to_owned(), words.into(), place, remark.into()]);
    }

    fn request(&mut self, x: &Exchange, question: &Question) {
        self.say("request", format!("{} {}", question.method, question.url), Span::NONE, "");
        self.say("host", text(x.request.host()), Span::NONE, "");
        self.say("path", text(x.request.path()), Span::NONE, "");
        let listener = x.connection.listener.to_string();
        self.say("listener", if listener.is_empty() { "none".to_owned() } else { listener }, Span::NONE, "");
    }

    fn no_route(&mut self, x: &Exchange, fault: &Fault) {
        if let Some(site) = self.plan.router.site(x.request.host()) {
            self.site(x, site);
            self.losers(x, site, None);
        }
        let why = match fault {
            Fault::UnknownHost => "no site has the host on this listener",
            _ => "no route of the site takes the request",
        };
        self.say("answer", fault.status().to_string(), Span::NONE, why);
    }

    fn site(&mut self, x: &Exchange, site: u32) {
        let name = self.plan.sites.get(site as usize).map_or("", |name| name).to_owned();
        let why = self.plan.router.why_site(x.request.host());
        self.say("site", name, Span::NONE, format!("by {why}"));
    }

    async fn route(&mut self, x: &mut Exchange, found: Found, on_worker: &WorkerPlan) {
        self.site(x, found.site);
        let Some(route) = self.plan.routes.get(found.route as usize) else { return };
        self.say("route", &*route.pattern, route.span, format!("by {}", found.matched.in_words()));
        self.losers(x, found.site, Some(found));
        if let Some(routes) = self.plan.router.routes(found.site) {
            routes.note(x, found.matched);
        }
        if let Some(built) = on_worker.route(found.route)
            && self.steps(x, route, built)
        {
            self.answer(x, route, built).await;
        }
    }

    /// The routes whose paths fit too, and why they were not taken.
    fn losers(&mut self, x: &Exchange, site: u32, chosen: Option<Found>) {
        let considered = self.plan.router.routes(site).map_or_else(Vec::new, |routes| routes.considered(x));
        let mut losers =
            considered.into_iter().filter(|one| Some(one.route) != chosen.map(|found| found.route));
        for Considered { route, misfit, .. } in losers.by_ref().take(LOSERS_MAX) {
            let Some(route) = self.plan.routes.get(route as usize) else { continue };
            let why = misfit.unwrap_or_else(|| "less specific".to_owned());
            self.say("  not", &*route.pattern, route.span, why);
        }
        let more = losers.count();
        if more > 0 {
            self.say("  not", format!("and {more} more"), Span::NONE, "");
        }
    }

    /// Runs the list down. False when a step has replied.
    fn steps(&mut self, x: &mut Exchange, route: &RoutePlan, built: &WorkerRoute) -> bool {
        for (placed, step) in route.steps.iter().zip(&built.steps) {
            let before = Snapshot::of(x);
            let flow = step.on_request(x);
            let words = self.words(placed.span, StepPlan::name(&placed.step));
            let changes = before.changes(&Snapshot::of(x));
            match flow {
                Flow::Continue => self.say("step", words, placed.span, changes),
                Flow::Reply(reply) => {
                    self.say(
                        "step",
                        words,
                        placed.span,
                        format!("replies {}: no further step", reply.status),
                    );
                    return false;
                }
            }
        }
        true
    }

    async fn answer(&mut self, x: &mut Exchange, route: &RoutePlan, built: &WorkerRoute) {
        let Some(PlacedAnswer { answer, span }) = &route.answer else {
            return self.say("answer", "none", route.span, "the reply is 404");
        };
        let words = self.words(*span, answer.name());
        let remark = match (answer, &built.answer) {
            (AnswerPlan::Proxy(proxy), _) => {
                let endpoints = proxy.upstream().endpoints().iter();
                let names: Vec<&str> = endpoints.map(|endpoint| &*endpoint.name).collect();
                format!("sends {} to upstream {}: {}", target(x), proxy.upstream().name(), names.join(", "))
            }
            // These ask nobody else, so they are asked for real.
            (AnswerPlan::Files(_) | AnswerPlan::Redirect(_) | AnswerPlan::Respond(_), Some(answer)) => {
                replies(answer, x).await
            }
            _ => format!("is asked for {}", target(x)),
        };
        self.say("answer", words, *span, remark);
    }

    /// A directive as it is written, or its name if it is not written anywhere.
    fn words(&self, span: Span, name: &str) -> String {
        let written = self.loaded.sources.text(span).lines().next().unwrap_or_default().trim();
        if written.is_empty() { name.to_owned() } else { written.trim_end_matches('{').trim_end().to_owned() }
    }

    /// The lines, in columns.
    fn text(&self) -> String {
        let width =
            |column: usize| self.lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
        let (what, words, place) = (width(0), width(1).min(60), width(2));
        let mut text = String::new();
        for line in &self.lines {
            let [first, second, third, fourth] = line;
            let mut out = format!("{first:what$}  {second:words$}  {third:place$}  {fourth}");
            out.truncate(out.trim_end().len());
            let _ = writeln!(text, "{out}");
        }
        text
    }
}

/// What an answer says for real, in words.
async fn replies(answer: &Answer, x: &mut Exchange) -> String {
    let asked = target(x);
    let reply = match tokio::time::timeout(ANSWER_MAX, answer.answer(x)).await {
        Ok(reply) => reply.unwrap_or_else(Fault::into_reply),
        Err(_) => return format!("is asked for {asked}, and takes long"),
    };
    let mut words = format!("replies {}", reply.status);
    if let Some(fault) = &reply.fault {
        let _ = write!(words, ": {fault}");
    } else if let Some(location) = reply.fields.named(b"Location") {
        let _ = write!(words, " to {}", text(location));
    } else if let Some(kind) = reply.fields.named(b"Content-Type") {
        let bytes = reply.announced_bytes.or_else(|| reply.body.length());
        let size = bytes.map_or_else(String::new, |bytes| format!(" of {bytes} bytes"));
        let _ = write!(words, " with {}{size}", text(kind));
    }
    words
}

fn target(x: &Exchange) -> String {
    let mut target = Vec::new();
    x.request.write_target(&mut target);
    text(&target)
}

fn text(bytes: &[u8]) -> String {
    // A terminal shows it: no control character may reach it.
    String::from_utf8_lossy(bytes).replace(|c: char| c.is_control(), "\u{fffd}")
}
