//! Finds routes that no request can ever reach: they were written by mistake, so each gets a warning.
//!
//! Only what is certain is reported. Precedence tries the more specific first, so most shadows cannot fall at all; what
//! is left are regular expressions, which rank after prefixes, and conditions that nothing meets.

use propylon_config::{Diagnostic, Diagnostics, Span};
use propylon_http::Method;

use super::RoutePlan;
use super::router::{Candidate, Condition, MethodMatch, RouteIndex, SiteRoutes};

type Conditions = [(Box<[u8]>, Condition)];

/// Warns of every route of a site that cannot be reached. `plans` are all routes, by their numbers.
pub(super) fn report(site: &SiteRoutes, plans: &[RoutePlan], diagnostics: &mut Diagnostics) {
    let mut found = Vec::new();
    // Of two routes with the same path, the one with fewer conditions comes second: it cannot be hidden by the first.
    for candidate in site.exact.values().chain(site.prefixes.values()).flatten() {
        found.extend(impossible(candidate).map(|why| (candidate.route, why)));
    }
    for index in 0..site.regexes.len() {
        by_regex(site, index, &mut found);
    }
    behind_regexes(site, &mut found);
    for (route, why) in found {
        let Some(plan) = plans.get(route as usize) else { continue };
        // What stands for all other paths was not written by anybody.
        if plan.answer.is_some() {
            diagnostics.push(why.diagnostic(plan, plans));
        }
    }
}

/// Why a route cannot be reached.
enum Why {
    /// Another route takes all its requests.
    Shadowed(RouteIndex),
    /// Its methods are answered before any route is chosen.
    Method,
    /// Two of its conditions exclude each other.
    Contradiction(String),
    /// Its expression asks for paths that do not begin with `/`.
    NoSlash,
}

impl Why {
    fn diagnostic(self, plan: &RoutePlan, plans: &[RoutePlan]) -> Diagnostic {
        let title = format!("no request can reach `{}`", plan.pattern);
        let warning = Diagnostic::warning("unreachable-route", plan.span, title);
        match self {
            Self::Shadowed(other) => {
                let span = plans.get(other as usize).map_or(Span::NONE, |other| other.span);
                let help = "remove it, or narrow the other: paths and prefixes go before regular expressions, and \
                            those by their `priority`";
                warning.also(span, "this route takes them all").help(help)
            }
            Self::Method => warning
                .label("CONNECT and TRACE are refused before a route is chosen")
                .help("remove it, or name other methods"),
            Self::Contradiction(name) => warning
                .label(format!("`{name}` cannot have two values at once"))
                .help("make two routes of it, or keep one of the values"),
            Self::NoSlash => warning
                .label("every path begins with `/`")
                .help("write the `/` after the `^`, or leave out the `^`"),
        }
    }
}

/// Looks at the regular expression with this number.
fn by_regex(site: &SiteRoutes, index: usize, found: &mut Vec<(RouteIndex, Why)>) {
    let (regex, candidate) = &site.regexes[index];
    let literal = Literal::of(regex.as_str());
    let slash = || match literal.text.as_bytes().first() {
        Some(b'/') | None => None,
        Some(_) => Some(Why::NoSlash),
    };
    let before = || {
        let fitting = site.regexes[..index]
            .iter()
            .filter(|(other, _)| other.as_str() == regex.as_str() || matches_all(other.as_str()));
        fitting
            .map(|(_, other)| other)
            .find(|other| covers(other, candidate))
            .map(|other| Why::Shadowed(other.route))
    };
    let why =
        impossible(candidate).or_else(slash).or_else(|| by_path(site, &literal, candidate)).or_else(before);
    found.extend(why.map(|why| (candidate.route, why)));
}

/// An exact path or a prefix that takes whatever the expression could.
fn by_path(site: &SiteRoutes, literal: &Literal<'_>, candidate: &Candidate) -> Option<Why> {
    let path = literal.text.as_bytes();
    let exact = site.exact.get(path).filter(|_| literal.is_whole);
    if let Some(why) = exact.and_then(|candidates| shadow(candidates, candidate)) {
        return Some(why);
    }
    let ends = (1..=path.len()).filter(|end| path.get(*end).map_or(literal.is_whole, |byte| *byte == b'/'));
    ends.filter_map(|end| site.prefixes.get(&path[..end]))
        .find_map(|candidates| shadow(candidates, candidate))
}

/// Looks at `/*`, which comes after every regular expression.
fn behind_regexes(site: &SiteRoutes, found: &mut Vec<(RouteIndex, Why)>) {
    let Some(candidates) = site.prefixes.get(&b""[..]) else { return };
    for (_, all) in site.regexes.iter().filter(|(regex, _)| matches_all(regex.as_str())) {
        let hidden = candidates.iter().filter(|candidate| covers(all, candidate));
        found.extend(hidden.map(|candidate| (candidate.route, Why::Shadowed(all.route))));
    }
}

fn shadow(before: &[Candidate], candidate: &Candidate) -> Option<Why> {
    before.iter().find(|other| covers(other, candidate)).map(|other| Why::Shadowed(other.route))
}

/// What no request can have.
fn impossible(candidate: &Candidate) -> Option<Why> {
    let refused = [Method::Connect, Method::Trace].map(MethodMatch::Known);
    if !candidate.methods.is_empty() && candidate.methods.iter().all(|method| refused.contains(method)) {
        return Some(Why::Method);
    }
    let field = contradiction(&candidate.fields, <[u8]>::eq_ignore_ascii_case);
    let name = field.or_else(|| contradiction(&candidate.parameters, |one, other| one == other))?;
    Some(Why::Contradiction(String::from_utf8_lossy(name).into_owned()))
}

/// The name that two conditions ask different values of.
fn contradiction(conditions: &Conditions, same: fn(&[u8], &[u8]) -> bool) -> Option<&[u8]> {
    let values = || {
        conditions.iter().filter_map(|(name, condition)| match condition {
            Condition::Is(value) => Some((&**name, value)),
            Condition::Present => None,
        })
    };
    values().find_map(|(name, value)| {
        values().any(|(other, another)| same(name, other) && value != another).then_some(name)
    })
}

/// Whether `one` fits every request that `other` fits, where both paths match.
fn covers(one: &Candidate, other: &Candidate) -> bool {
    let takes = |method: &MethodMatch| {
        let is_head = *method == MethodMatch::Known(Method::Head);
        one.methods.contains(method) || is_head && one.methods.contains(&MethodMatch::Known(Method::Get))
    };
    let methods = one.methods.is_empty() || !other.methods.is_empty() && other.methods.iter().all(takes);
    methods
        && implied(&one.fields, &other.fields, <[u8]>::eq_ignore_ascii_case)
        && implied(&one.parameters, &other.parameters, |one, other| one == other)
}

/// Whether `given` holding means that all of `conditions` hold.
fn implied(conditions: &Conditions, given: &Conditions, same: fn(&[u8], &[u8]) -> bool) -> bool {
    conditions.iter().all(|(name, condition)| {
        given.iter().any(|(other, known)| {
            same(name, other)
                && match (condition, known) {
                    (Condition::Present, _) => true,
                    (Condition::Is(wanted), Condition::Is(value)) => wanted == value,
                    (Condition::Is(_), Condition::Present) => false,
                }
        })
    })
}

/// What every match of a regular expression begins with.
struct Literal<'a> {
    text: &'a str,
    /// A match is this and nothing else.
    is_whole: bool,
}

impl<'a> Literal<'a> {
    /// Only expressions that are anchored and have no alternatives are looked into.
    fn of(regex: &'a str) -> Self {
        let nothing = Literal { text: "", is_whole: false };
        let Some(text) = regex.strip_prefix('^').filter(|text| !text.contains('|')) else { return nothing };
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/_-~!%&=:;,@'".contains(&byte);
        let end = text.bytes().position(|byte| !is_plain(byte)).unwrap_or(text.len());
        let (plain, rest) = text.split_at(end);
        match rest.as_bytes().first() {
            // The last one need not be there.
            Some(b'?' | b'*' | b'{') => Literal { text: &plain[..end.saturating_sub(1)], is_whole: false },
            _ => Literal { text: plain, is_whole: rest == "$" },
        }
    }
}

/// Whether a regular expression matches every path, as far as is easily seen.
fn matches_all(regex: &str) -> bool {
    const TAILS: [&str; 11] = ["", "/", ".*", ".+", "/.*", ".*$", ".+$", "/.*$", "(.*)$", "/(.*)", "/(.*)$"];
    TAILS.contains(&regex.strip_prefix('^').unwrap_or(regex))
}
