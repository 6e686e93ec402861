//! Compiles sites and routes into the router, and finds what can never be reached or decided.

use std::sync::Arc;

use propylon_config::{Diagnostic, Span, Spanned, suggest};
use propylon_features::CompileContext;
use propylon_http::Method;
use propylon_http::target::canonical_path;
use regex::bytes::{Regex, RegexBuilder};

use super::inherit::{Level, Scope};
use super::router::{Candidate, Condition, MethodMatch, RouteIndex, Router, SiteRoutes};
use super::{RoutePlan, config, unreachable};
use crate::listen::ListenerPlan;

/// Memory that one compiled regular expression may take.
const REGEX_BYTES_MAX: usize = 1 << 20;

/// Collects sites and routes.
pub(super) struct Builder<'a> {
    outer: &'a Level,
    listeners: &'a [Arc<ListenerPlan>],
    router: Router,
    routes: Vec<RoutePlan>,
    sites: Vec<Arc<str>>,
    spans: Vec<Span>,
}

/// What a route's path asks for.
enum Pattern {
    Exact(Vec<u8>),
    Prefix(Vec<u8>),
    Regex(Regex),
}

impl<'a> Builder<'a> {
    pub(super) fn new(outer: &'a Level, listeners: &'a [Arc<ListenerPlan>]) -> Self {
        let (routes, sites, spans) = (Vec::new(), Vec::new(), Vec::new());
        Self { outer, listeners, router: Router::default(), routes, sites, spans }
    }

    pub(super) fn finish(self) -> (Router, Vec<RoutePlan>, Vec<Arc<str>>) {
        (self.router, self.routes, self.sites)
    }

    /// Adds a site with all its routes.
    pub(super) fn site(&mut self, site: &config::Site, context: &mut CompileContext<'_>) {
        let level = Level::read(&site.lines, Scope::Site, Some(self.outer), context);
        let mut routes = SiteRoutes { listeners: self.on(site, context), ..SiteRoutes::default() };
        let index = u32::try_from(self.sites.len()).unwrap_or(u32::MAX);
        let mut priorities = Vec::new();
        for route in &site.routes {
            self.route(route, index, &level, &mut routes, &mut priorities, context);
        }
        self.rest(site, index, &level, &mut routes, context);
        if site.routes.is_empty() && !level.says_answer {
            let diagnostic =
                Diagnostic::warning("empty-site", site.span, "this site answers nothing but 404");
            context
                .diagnostics
                .push(diagnostic.help("give it a route, or an answer such as `files` or `proxy`"));
        }
        unreachable::report(&routes, &self.routes, context.diagnostics);
        self.names(site, routes, context);
    }

    /// What no route takes goes to the site's own answer, or gets 404: with all that stands in the site in force, or its
    /// log and its error pages would miss what they are for.
    fn rest(
        &mut self,
        site: &config::Site,
        index: u32,
        level: &Level,
        routes: &mut SiteRoutes,
        context: &mut CompileContext<'_>,
    ) {
        let candidates = routes.prefixes.entry(Box::default()).or_default();
        if level.answer.is_none() && candidates.iter().any(Candidate::takes_all) {
            return;
        }
        let plan = RoutePlan {
            site: index,
            pattern: "/*".into(),
            steps: level.steps(),
            answer: level.answer.clone(),
            span: level.answer.as_ref().map_or(site.span, |answer| answer.span),
        };
        let candidate =
            Candidate { route: self.push(plan), methods: vec![], fields: vec![], parameters: vec![] };
        self.add(candidates, candidate, context);
    }

    fn names(&mut self, site: &config::Site, routes: SiteRoutes, context: &mut CompileContext<'_>) {
        let mut names = Vec::new();
        for name in &site.names {
            match host_name(name) {
                Ok(name) => names.push(name),
                Err(help) => {
                    let title = format!("`{}` is no host name", name.value);
                    context.diagnostics.push(Diagnostic::error("bad-host", name.span, title).help(help));
                }
            }
        }
        self.sites.push(site.names.first().map_or("", |name| name.as_str()).into());
        self.spans.push(site.span);
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        for (name, before) in self.router.add_site(&names, routes) {
            let title = format!("two sites are called `{name}`");
            let first = self.spans.get(before as usize).copied().unwrap_or(Span::NONE);
            let diagnostic =
                Diagnostic::error("duplicate-site", site.span, title).also(first, "the first one");
            context.diagnostics.push(diagnostic.help("put their routes into one site"));
        }
    }

    fn on(&self, site: &config::Site, context: &mut CompileContext<'_>) -> Vec<Arc<str>> {
        let mut on = Vec::new();
        for name in &site.listeners {
            let found = self.listeners.iter().find(|listener| *listener.name == *name.as_str());
            if let Some(listener) = found {
                on.push(Arc::clone(&listener.name));
                continue;
            }
            let known = self.listeners.iter().map(|listener| &*listener.name);
            let help = suggest::did_you_mean(name, known);
            let title = format!("there is no listener called `{}`", name.value);
            let diagnostic = Diagnostic::error("unknown-listener", name.span, title);
            let help = help.unwrap_or_else(|| format!("name one: `listen ADDRESS name {}`", name.value));
            context.diagnostics.push(diagnostic.help(help));
        }
        on
    }

    fn route(
        &mut self,
        route: &config::Route,
        site: u32,
        outer: &Level,
        routes: &mut SiteRoutes,
        priorities: &mut Vec<(u32, Span)>,
        context: &mut CompileContext<'_>,
    ) {
        let level = Level::read(&route.lines, Scope::Route, Some(outer), context);
        let Some((methods, pattern)) = pattern(route, context) else { return };
        let text: Vec<&str> = route.pattern.iter().map(|word| word.as_str()).collect();
        if !level.says_answer {
            let diagnostic = Diagnostic::error(
                "no-answer",
                route.span,
                format!("route `{}` has no answer", text.join(" ")),
            );
            context.diagnostics.push(diagnostic.help("add `proxy`, `files`, `respond` or `redirect`"));
        }
        let plan = RoutePlan {
            site,
            pattern: text.join(" ").into(),
            steps: level.steps(),
            answer: level.answer,
            span: route.span,
        };
        let when = |value: &Option<String>| match value {
            Some(value) => Condition::Is(value.as_bytes().into()),
            None => Condition::Present,
        };
        let candidate = Candidate {
            route: self.push(plan),
            methods,
            fields: route
                .fields
                .iter()
                .map(|field| (field.name.as_bytes().into(), when(&field.value)))
                .collect(),
            parameters: route
                .parameters
                .iter()
                .map(|query| (query.name.as_bytes().into(), when(&query.value)))
                .collect(),
        };
        match pattern {
            Pattern::Exact(path) => {
                self.add(routes.exact.entry(path.into()).or_default(), candidate, context)
            }
            Pattern::Prefix(path) => {
                self.add(routes.prefixes.entry(path.into()).or_default(), candidate, context)
            }
            Pattern::Regex(regex) => {
                if let Some((_, before)) = priorities.iter().find(|(priority, _)| *priority == route.priority)
                {
                    let title = format!("two regular expressions have priority {}", route.priority);
                    let diagnostic =
                        Diagnostic::error("tied-routes", route.span, title).also(*before, "the other one");
                    context
                        .diagnostics
                        .push(diagnostic.help("give one of them a `priority`: the highest is tried first"));
                }
                let place = priorities.iter().filter(|(priority, _)| *priority > route.priority).count();
                priorities.insert(place, (route.priority, route.span));
                routes.regexes.insert(place, (regex, candidate));
            }
        }
    }

    fn push(&mut self, plan: RoutePlan) -> RouteIndex {
        self.routes.push(plan);
        u32::try_from(self.routes.len() - 1).unwrap_or(u32::MAX)
    }

    /// Puts a candidate into its place among those of the same path, and reports ties.
    fn add(&self, candidates: &mut Vec<Candidate>, candidate: Candidate, context: &mut CompileContext<'_>) {
        let span = |candidate: &Candidate| self.routes[candidate.route as usize].span;
        let tied =
            candidates.iter().find(|other| other.rank() == candidate.rank() && overlap(other, &candidate));
        if let Some(other) = tied {
            let title = "two routes match the same requests, and neither is more specific";
            let diagnostic =
                Diagnostic::error("tied-routes", span(&candidate), title).also(span(other), "the other one");
            context.diagnostics.push(diagnostic.help("remove one, or add a condition to one of them"));
        }
        // GET takes HEAD too, so who names HEAD goes first.
        let key = |candidate: &Candidate| (candidate.rank(), candidate.names_head());
        let place = candidates.iter().filter(|other| key(other) >= key(&candidate)).count();
        candidates.insert(place, candidate);
    }
}

/// Whether a request may fit both: their methods meet, and no condition of one contradicts one of the other.
fn overlap(one: &Candidate, other: &Candidate) -> bool {
    let methods = one.methods.is_empty() && other.methods.is_empty()
        || one.methods.iter().any(|method| other.methods.contains(method));
    methods && compatible(&one.fields, &other.fields) && compatible(&one.parameters, &other.parameters)
}

fn compatible(one: &[(Box<[u8]>, Condition)], other: &[(Box<[u8]>, Condition)]) -> bool {
    !one.iter().any(|(name, condition)| {
        other.iter().any(|(other_name, other_condition)| match (condition, other_condition) {
            (Condition::Is(a), Condition::Is(b)) => name.eq_ignore_ascii_case(other_name) && a != b,
            _ => false,
        })
    })
}

/// A site's name in canonical form: `example.com`, `*.example.com` or `*`.
fn host_name(name: &Spanned<String>) -> Result<String, &'static str> {
    if name.as_str() == "*" {
        return Ok("*".to_owned());
    }
    let (star, rest) = match name.strip_prefix("*.") {
        Some(rest) => ("*.", rest),
        None => ("", name.as_str()),
    };
    if rest.contains('*') {
        return Err("`*` stands for the first labels alone: `*.example.com`");
    }
    let mut canonical = Vec::new();
    match propylon_http::target::canonical_host(rest.as_bytes(), &mut canonical) {
        Ok(host) if host.port.is_none() => {
            canonical.truncate(host.len);
            Ok(format!("{star}{}", String::from_utf8_lossy(&canonical)))
        }
        Ok(_) => Err("leave out the port: `on LISTENER` says where a site serves"),
        Err(_) => Err("write a name such as `example.com`, in its ASCII form"),
    }
}

/// Reads `[METHOD…] PATH` or `[METHOD…] ~ REGEX`.
fn pattern(route: &config::Route, context: &mut CompileContext<'_>) -> Option<(Vec<MethodMatch>, Pattern)> {
    let words = &route.pattern;
    let is_path = |word: &Spanned<String>| word.starts_with(['/', '~']);
    let path = words.iter().position(is_path);
    let mut refuse = |span: Span, title: String, help: &str| {
        context.diagnostics.push(Diagnostic::error("bad-route", span, title).help(help));
        None
    };
    let Some(path) = path else {
        return refuse(
            route.span,
            "this route has no path".to_owned(),
            "write `route /path/*`, or `route GET /path`",
        );
    };
    let mut methods = Vec::new();
    for word in &words[..path] {
        if word.is_empty() || !word.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'-') {
            let title = format!("`{}` is neither a method nor a path", word.value);
            return refuse(word.span, title, "methods are written in capitals, and paths begin with `/`");
        }
        methods.push(match Method::from_bytes(word.as_bytes()) {
            Method::Other => MethodMatch::Named(word.as_bytes().into()),
            method => MethodMatch::Known(method),
        });
    }
    let word = &words[path];
    let (text, used) = match word.strip_prefix('~') {
        Some("") if words.len() > path + 1 => (words[path + 1].as_str(), path + 2),
        Some(regex) => (regex, path + 1),
        None => (word.as_str(), path + 1),
    };
    if let Some(extra) = words.get(used) {
        return refuse(extra.span, format!("`{}` is one word too many", extra.value), "a route has one path");
    }
    if word.starts_with('~') {
        return match RegexBuilder::new(text).size_limit(REGEX_BYTES_MAX).build() {
            Ok(regex) => Some((methods, Pattern::Regex(regex))),
            Err(error) => {
                refuse(word.span, format!("bad regular expression: {error}"), "see the guide on routes")
            }
        };
    }
    let (prefix, is_prefix) = match text.strip_suffix("/*") {
        Some(prefix) => (prefix, true),
        None => (text, false),
    };
    if prefix.contains('*') {
        return refuse(word.span, format!("`*` in `{text}`"), "`*` can only be the last segment: `/api/*`");
    }
    let mut canonical = Vec::new();
    let whole = if prefix.is_empty() { "/" } else { prefix };
    if canonical_path(whole.as_bytes(), &mut canonical).is_err() {
        return refuse(
            word.span,
            format!("`{text}` is no path"),
            "write it as it is sent, with `%20` for a space",
        );
    }
    let bytes = if canonical.is_empty() { prefix.as_bytes().to_vec() } else { canonical };
    let pattern = if is_prefix { Pattern::Prefix(bytes) } else { Pattern::Exact(bytes) };
    Some((methods, pattern))
}
