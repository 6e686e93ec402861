//! Which route answers a request: by host, then by the Gateway API's order of precedence, never by file order.
//!
//! Exact path, longest prefix, method, number of field conditions, number of query conditions; regular expressions
//! come after prefixes, by their priority.

mod why;

use std::collections::HashMap as StdHashMap;

use propylon_http::Method;
use propylon_pipeline::variables::parameter;
use propylon_pipeline::{Exchange, Fault};
use regex::bytes::Regex;

pub use why::Considered;

/// Keys come from the config alone, so nobody can crowd a bucket: a fast hash will do.
type HashMap<K, V> = StdHashMap<K, V, foldhash::fast::RandomState>;

/// Number of a route in its plan.
pub type RouteIndex = u32;

/// Finds the route for a request.
#[derive(Debug, Default)]
pub struct Router {
    /// Sites by their exact names.
    exact: HashMap<Box<[u8]>, u32>,
    /// Sites by what follows the `*` of their names: `.example.com`.
    wildcards: HashMap<Box<[u8]>, u32>,
    /// The site `*`.
    rest: Option<u32>,
    sites: Vec<SiteRoutes>,
}

/// The routes of one site.
#[derive(Debug, Default)]
pub struct SiteRoutes {
    /// The listeners the site serves on; all if there are none.
    pub listeners: Vec<std::sync::Arc<str>>,
    /// Candidates of exact paths, the best first.
    pub exact: HashMap<Box<[u8]>, Vec<Candidate>>,
    /// Candidates of prefixes, without the `/*`.
    pub prefixes: HashMap<Box<[u8]>, Vec<Candidate>>,
    /// Candidates of regular expressions, the highest priority first.
    pub regexes: Vec<(Regex, Candidate)>,
}

/// A route that a path leads to, and what else it asks for.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// The route.
    pub route: RouteIndex,
    /// Methods it takes; all if there are none.
    pub methods: Vec<MethodMatch>,
    /// Fields the request must have.
    pub fields: Vec<(Box<[u8]>, Condition)>,
    /// Parameters the query must have.
    pub parameters: Vec<(Box<[u8]>, Condition)>,
}

/// A method that a route takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MethodMatch {
    /// One of the common ones.
    Known(Method),
    /// Any other, by its name.
    Named(Box<[u8]>),
}

/// What a value must be.
#[derive(Clone, Debug)]
pub enum Condition {
    /// Anything: it must only be there.
    Present,
    /// This.
    Is(Box<[u8]>),
}

/// What the path's pattern matched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Matched {
    /// The whole path, as it is written in the config.
    Exact,
    /// A prefix of this many bytes.
    Prefix(usize),
    /// A regular expression, with this number in its site.
    Regex(usize),
}

/// The route for a request, and how it was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// The site's number.
    pub site: u32,
    /// The route.
    pub route: RouteIndex,
    /// How its path matched.
    pub matched: Matched,
}

impl Router {
    /// Adds a site under all its names; returns a name that is taken already.
    pub fn add_site<'n>(&mut self, names: &[&'n str], routes: SiteRoutes) -> Vec<(&'n str, u32)> {
        let site = u32::try_from(self.sites.len()).unwrap_or(u32::MAX);
        self.sites.push(routes);
        let mut taken = Vec::new();
        for name in names {
            let before = match name.strip_prefix('*') {
                Some("") => self.rest.replace(site),
                Some(suffix) => self.wildcards.insert(suffix.as_bytes().into(), site),
                None => self.exact.insert(name.as_bytes().into(), site),
            };
            taken.extend(before.map(|before| (*name, before)));
        }
        taken
    }

    /// The site for a canonical host: its own name, else the wildcard with the most labels, else `*`.
    pub fn site(&self, host: &[u8]) -> Option<u32> {
        if let Some(site) = self.exact.get(host) {
            return Some(*site);
        }
        if !self.wildcards.is_empty() {
            let dots = host.iter().enumerate().filter(|(_, byte)| **byte == b'.');
            for (dot, _) in dots {
                if dot > 0
                    && let Some(site) = self.wildcards.get(&host[dot..])
                {
                    return Some(*site);
                }
            }
        }
        self.rest
    }

    /// The routes of a site.
    pub fn routes(&self, site: u32) -> Option<&SiteRoutes> {
        self.sites.get(site as usize)
    }

    /// The route for a request.
    ///
    /// # Errors
    /// The host has no site on this listener, or the site no route.
    pub fn find(&self, x: &Exchange) -> Result<Found, Fault> {
        let site = self.site(x.request.host()).ok_or(Fault::UnknownHost)?;
        let routes = self.routes(site).ok_or(Fault::UnknownHost)?;
        let serves = routes.listeners.is_empty() || routes.listeners.contains(&x.connection.listener);
        if !serves {
            return Err(Fault::UnknownHost);
        }
        let (route, matched) = routes.find(x).ok_or(Fault::NoRoute)?;
        Ok(Found { site, route, matched })
    }
}

impl SiteRoutes {
    fn find(&self, x: &Exchange) -> Option<(RouteIndex, Matched)> {
        let path = x.request.path();
        if let Some(route) = self.exact.get(path).and_then(|candidates| first(candidates, x)) {
            return Some((route, Matched::Exact));
        }
        if !self.prefixes.is_empty() {
            let mut end = path.len();
            loop {
                let prefix = &path[..end];
                if let Some(route) = self.prefixes.get(prefix).and_then(|candidates| first(candidates, x)) {
                    // `/*` itself is tried after every regular expression: it matches whatever they might.
                    if end > 0 || self.regexes.is_empty() {
                        return Some((route, Matched::Prefix(end)));
                    }
                    break;
                }
                let Some(slash) = prefix.iter().rposition(|byte| *byte == b'/') else { break };
                end = slash;
            }
        }
        let by_regex = self.regexes.iter().enumerate().find_map(|(index, (regex, candidate))| {
            (regex.is_match(path) && candidate.fits(x)).then_some((candidate.route, Matched::Regex(index)))
        });
        by_regex.or_else(|| {
            let candidates = self.prefixes.get(&b""[..])?;
            first(candidates, x).map(|route| (route, Matched::Prefix(0)))
        })
    }

    /// Notes what the pattern's `*` or groups matched, for placeholders.
    pub fn note(&self, x: &mut Exchange, matched: Matched) {
        match matched {
            Matched::Exact => {}
            Matched::Prefix(length) => {
                let rest = x.request.path().get(length + 1..).unwrap_or_default();
                x.rest.extend_from_slice(rest);
            }
            Matched::Regex(index) => {
                let Some((regex, _)) = self.regexes.get(index) else { return };
                let path = x.request.path();
                if let Some(captures) = regex.captures(path) {
                    let groups = captures.iter().skip(1).take(9);
                    x.captures.extend(
                        groups.map(|group| group.map_or_else(Vec::new, |group| group.as_bytes().to_vec())),
                    );
                }
            }
        }
    }
}

fn first(candidates: &[Candidate], x: &Exchange) -> Option<RouteIndex> {
    candidates.iter().find(|candidate| candidate.fits(x)).map(|candidate| candidate.route)
}

impl Candidate {
    /// Whether the request has all that is asked for besides the path.
    fn fits(&self, x: &Exchange) -> bool {
        let method = self.methods.is_empty() || self.methods.iter().any(|method| method.fits(x));
        method
            && self.fields.iter().all(|(name, condition)| condition.fits(x.request.fields.named(name)))
            && self.parameters.iter().all(|(name, condition)| condition.fits(parameter(x, name)))
    }

    /// Whether it asks for nothing besides the path.
    pub fn takes_all(&self) -> bool {
        self.methods.is_empty() && self.fields.is_empty() && self.parameters.is_empty()
    }

    /// What decides between candidates of the same path: more methods than none, then more conditions.
    pub fn rank(&self) -> (bool, usize, usize) {
        (!self.methods.is_empty(), self.fields.len(), self.parameters.len())
    }

    /// Whether it asks for HEAD by name.
    pub fn names_head(&self) -> bool {
        self.methods.contains(&MethodMatch::Known(Method::Head))
    }
}

impl MethodMatch {
    fn fits(&self, x: &Exchange) -> bool {
        match self {
            // Whoever serves GET serves HEAD (RFC 9110 section 9.3.2).
            Self::Known(Method::Get) => matches!(x.request.method, Method::Get | Method::Head),
            Self::Known(method) => x.request.method == *method,
            Self::Named(name) => x.request.method_text() == &**name,
        }
    }
}

impl Condition {
    fn fits(&self, value: Option<&[u8]>) -> bool {
        match (self, value) {
            (Self::Present, value) => value.is_some(),
            (Self::Is(wanted), Some(value)) => value == &**wanted,
            (Self::Is(_), None) => false,
        }
    }
}
