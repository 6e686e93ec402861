//! Why a request gets the route it gets: the same search as the router's, told in words. Only `explain` asks.

use propylon_pipeline::Exchange;
use propylon_pipeline::variables::parameter;

use super::{Candidate, Condition, Matched, MethodMatch, RouteIndex, Router, SiteRoutes};

/// A route whose path fits the request, and what kept it from being taken, if something did.
#[derive(Clone, Debug)]
pub struct Considered {
    /// The route.
    pub route: RouteIndex,
    /// How its path matched.
    pub matched: Matched,
    /// What the request lacks.
    pub misfit: Option<String>,
}

impl Router {
    /// Which name of a site a host is found under, in words.
    pub fn why_site(&self, host: &[u8]) -> &'static str {
        if self.exact.contains_key(host) {
            return "its own name";
        }
        let dots = host.iter().enumerate().filter(|(_, byte)| **byte == b'.');
        let mut suffixes = dots.map(|(dot, _)| &host[dot..]);
        if suffixes.any(|suffix| self.wildcards.contains_key(suffix)) {
            return "a wildcard, the one with the most labels";
        }
        "`*`, since no other site has the name"
    }
}

impl SiteRoutes {
    /// Every route whose path fits, in the order in which they are tried.
    pub fn considered(&self, x: &Exchange) -> Vec<Considered> {
        let path = x.request.path();
        let mut all = Vec::new();
        let mut add = |candidates: Option<&Vec<Candidate>>, matched| {
            for candidate in candidates.into_iter().flatten() {
                all.push(Considered { route: candidate.route, matched, misfit: candidate.misfit(x) });
            }
        };
        add(self.exact.get(path), Matched::Exact);
        let slashes = path.iter().enumerate().rev().filter(|(_, byte)| **byte == b'/').map(|(at, _)| at);
        for end in std::iter::once(path.len()).chain(slashes).filter(|end| *end > 0) {
            add(self.prefixes.get(&path[..end]), Matched::Prefix(end));
        }
        for (index, (regex, candidate)) in self.regexes.iter().enumerate() {
            if regex.is_match(path) {
                add(Some(&vec![candidate.clone()]), Matched::Regex(index));
            }
        }
        add(self.prefixes.get(&b""[..]), Matched::Prefix(0));
        all
    }
}

impl Matched {
    /// How a path matched, in words.
    pub fn in_words(self) -> &'static str {
        match self {
            Self::Exact => "the exact path",
            Self::Prefix(0) => "whatever no other path takes",
            Self::Prefix(_) => "the longest prefix",
            Self::Regex(_) => "a regular expression, which ranks after prefixes",
        }
    }
}

impl Candidate {
    /// The first thing that the request lacks.
    fn misfit(&self, x: &Exchange) -> Option<String> {
        if !self.methods.is_empty() && !self.methods.iter().any(|method| method.fits(x)) {
            let names: Vec<String> = self.methods.iter().map(MethodMatch::name).collect();
            return Some(format!("the method is not {}", names.join(" or ")));
        }
        let field = self.fields.iter().find_map(|(name, condition)| {
            condition.misfit(x.request.fields.named(name), &format!("field {}", text(name)))
        });
        field.or_else(|| {
            self.parameters.iter().find_map(|(name, condition)| {
                condition.misfit(parameter(x, name), &format!("query parameter {}", text(name)))
            })
        })
    }
}

impl MethodMatch {
    fn name(&self) -> String {
        match self {
            Self::Known(method) => method.text().unwrap_or_default().to_owned(),
            Self::Named(name) => text(name),
        }
    }
}

impl Condition {
    fn misfit(&self, value: Option<&[u8]>, what: &str) -> Option<String> {
        match self {
            _ if self.fits(value) => None,
            Self::Is(wanted) if value.is_some() => Some(format!("{what} is not `{}`", text(wanted))),
            Self::Is(_) | Self::Present => Some(format!("there is no {what}")),
        }
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
