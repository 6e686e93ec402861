//! Changes path and query by regular expressions.
//!
//! Stands last on the way down: what it makes is for the answer alone. The result goes through the same door as a
//! client's target, so that no rewriting can make a path that a client could not have asked for.

use std::cell::RefCell;
use std::sync::Arc;

use propylon_config::{Diagnostic, Diagnostics, Part, Span, Spanned, Template, directive};
use propylon_http::Malformed;
use propylon_pipeline::metrics::Metric;
use propylon_pipeline::variables::Text;
use propylon_pipeline::{Exchange, Fault, Flow, Hooks};
use regex::bytes::{CaptureLocations, Regex, RegexBuilder};

use crate::compile::Merge;
use crate::{CompileContext, WorkerBuild};

directive! {
    /// Changes the path, and the query if the new target has one, by regular expressions.
    ///
    /// One rule stands on the line; several stand in the block, and the first that fits is followed.
    pub struct Config = "rewrite" {
        /// A regular expression over the canonical path; it fits anywhere unless `^` and `$` bind it.
        positional pattern: Option<Spanned<String>>,
        /// The new path, perhaps with `?` and a query. `{1}` to `{9}` are what the groups matched.
        positional to: Option<Template>,
        /// A rule of several.
        child rules: Vec<RuleConfig> = vec![],
    }
}

directive! {
    /// A rule of several; the first that fits is followed.
    pub struct RuleConfig = "rule" {
        /// A regular expression over the canonical path; it fits anywhere unless `^` and `$` bind it.
        positional pattern: Spanned<String>,
        /// The new path, perhaps with `?` and a query. `{1}` to `{9}` are what the groups matched.
        positional to: Template,
    }
}

/// A level's setting takes the place of the outer one's.
pub const MERGE: Merge = Merge::Replace;

/// There is nothing to count.
pub const METRICS: &[Metric] = &[];

/// Memory that one compiled expression may take: a config that a person wrote stays far below it.
const PATTERN_BYTES_MAX: usize = 1 << 20;

/// Groups that a placeholder can name.
const GROUPS_MAX: usize = 9;

/// The settings, ready to be used.
#[derive(Debug)]
pub struct Compiled {
    rules: Vec<Rule>,
}

#[derive(Clone, Debug)]
struct Rule {
    pattern: Regex,
    path: Arc<Text>,
    /// `None` leaves the query as it is.
    query: Option<Arc<Text>>,
}

impl Compiled {
    /// Compiles the expressions and checks that they have the groups that are named.
    pub fn compile(config: &Config, context: &mut CompileContext<'_>) -> Option<Self> {
        let diagnostics = &mut *context.diagnostics;
        let single = match (&config.pattern, &config.to) {
            (Some(pattern), Some(to)) => Some(Rule::compile(pattern, to, diagnostics)),
            (Some(pattern), None) => {
                let diagnostic =
                    Diagnostic::error("no-target", pattern.span, "`rewrite` does not say to what");
                diagnostics.push(
                    diagnostic.help("write `rewrite PATTERN TO`, such as `rewrite ^/old/(.*)$ /new/{1}`"),
                );
                return None;
            }
            (None, _) => None,
        };
        let several = config.rules.iter().map(|rule| Rule::compile(&rule.pattern, &rule.to, diagnostics));
        let rules: Vec<Option<Rule>> = single.into_iter().chain(several).collect();
        if rules.is_empty() {
            let diagnostic = Diagnostic::error("no-target", config.span, "`rewrite` has no rule");
            diagnostics
                .push(diagnostic.help("write `rewrite PATTERN TO`, or a block of `rule PATTERN TO` lines"));
            return None;
        }
        Some(Self { rules: rules.into_iter().collect::<Option<_>>()? })
    }
}

impl Rule {
    fn compile(pattern: &Spanned<String>, to: &Template, diagnostics: &mut Diagnostics) -> Option<Self> {
        let compiled = match RegexBuilder::new(pattern).size_limit(PATTERN_BYTES_MAX).build() {
            Ok(compiled) => compiled,
            Err(error) => {
                let title = format!("`{}` is no regular expression", pattern.value);
                let cause = error.to_string();
                let cause = cause.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
                let help =
                    "quote it if it holds `{`, `#` or a blank; then `\\\\` is a backslash, and `\\{` a brace";
                diagnostics
                    .push(Diagnostic::error("bad-pattern", pattern.span, title).label(cause).help(help));
                return None;
            }
        };
        for (name, span) in to.placeholders() {
            let group = name.parse().ok().filter(|group| (1..=GROUPS_MAX).contains(group));
            if group.is_some_and(|group| group >= compiled.captures_len()) {
                diagnostics.push(no_group(name, span));
                return None;
            }
        }
        let starts = to.parts.first().is_some_and(|part| match part {
            Part::Literal(text) => text.starts_with('/'),
            Part::Placeholder(..) => true,
        });
        if !starts {
            let diagnostic = Diagnostic::error("bad-path", to.span, "a path begins with `/`");
            diagnostics.push(diagnostic.help("write such as `/new/{1}`; `redirect` leads to another host"));
            return None;
        }
        let (path, query) = split(to);
        let path = Arc::new(Text::compile(&path, diagnostics));
        let query = query.map(|query| Arc::new(Text::compile(&query, diagnostics)));
        Some(Self { pattern: compiled, path, query })
    }
}

fn no_group(name: &str, span: Span) -> Diagnostic {
    let title = format!("the expression has no group {name}");
    Diagnostic::error("no-group", span, title).help("put what is meant into parentheses: `^/old/(.*)$`")
}

/// The template before its first `?`, and behind it. A `?` that a value brings is none of these, and is refused later.
fn split(to: &Template) -> (Template, Option<Template>) {
    let mut path = Template { parts: Vec::new(), span: to.span };
    let mut query: Option<Template> = None;
    for part in &to.parts {
        match (part, &mut query) {
            (part, Some(query)) => query.parts.push(part.clone()),
            (Part::Literal(text), None) if text.contains('?') => {
                let (before, after) = text.split_once('?').unwrap_or((text, ""));
                path.parts.push(Part::Literal(before.to_owned()));
                query = Some(Template { parts: vec![Part::Literal(after.to_owned())], span: to.span });
            }
            (part, None) => path.parts.push(part.clone()),
        }
    }
    (path, query)
}

/// The room on one worker: with expressions of its own, since those that are shared compete for their memory.
#[derive(Debug)]
pub struct Step {
    rules: Vec<(Rule, RefCell<CaptureLocations>)>,
    /// Kept for its memory.
    made: RefCell<Vec<u8>>,
}

impl Step {
    /// One worker's copy.
    pub fn new(compiled: &Arc<Compiled>, _: &WorkerBuild<'_>) -> Self {
        let own = |rule: &Rule| {
            let locations = RefCell::new(rule.pattern.capture_locations());
            (rule.clone(), locations)
        };
        Self { rules: compiled.rules.iter().map(own).collect(), made: RefCell::default() }
    }

    fn rewrite(&self, x: &mut Exchange, rule: &Rule, locations: &CaptureLocations) -> Result<(), Malformed> {
        note_groups(x, locations);
        let mut made = self.made.borrow_mut();
        made.clear();
        rule.path.write(&mut made, x, None);
        let end = made.len();
        if let Some(query) = &rule.query {
            query.write(&mut made, x, None);
        }
        x.request.set_path(&made[..end])?;
        match &rule.query {
            None => Ok(()),
            // `?` and nothing behind it takes the query away.
            Some(_) => x.request.set_query(Some(&made[end..]).filter(|query| !query.is_empty())),
        }
    }
}

impl Hooks for Step {
    fn on_request(&self, x: &mut Exchange) -> Flow {
        if x.request.asterisk {
            return Flow::Continue;
        }
        for (rule, locations) in &self.rules {
            let mut locations = locations.borrow_mut();
            if rule.pattern.captures_read(&mut locations, x.request.path()).is_none() {
                continue;
            }
            return match self.rewrite(x, rule, &locations) {
                Ok(()) => Flow::Continue,
                Err(malformed) => Flow::Reply(Box::new(Fault::Malformed(malformed).into_reply())),
            };
        }
        Flow::Continue
    }
}

/// Puts what the groups matched where `{1}` to `{9}` look for it, in the memory that is there.
fn note_groups(x: &mut Exchange, locations: &CaptureLocations) {
    let groups = (locations.len() - 1).min(GROUPS_MAX);
    x.captures.resize_with(groups, Vec::new);
    let path = x.request.path();
    for (group, capture) in x.captures.iter_mut().enumerate() {
        capture.clear();
        if let Some((start, end)) = locations.get(group + 1) {
            capture.extend_from_slice(&path[start..end]);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::tests::{Lab, down};

    #[track_caller]
    fn check(rules: &str, target: &str, expected: &str) {
        Lab::run(async |lab| {
            let steps = lab.steps(&format!("rewrite {rules}"));
            let mut x = lab.get(target, &["X-Name: a b?c/../../etc"]);
            let mut found = Vec::new();
            match down(&steps, &mut x) {
                Some(reply) => found.extend_from_slice(reply.status.to_string().as_bytes()),
                None => x.request.write_target(&mut found),
            }
            assert_eq!(String::from_utf8_lossy(&found), expected, "{rules}: {target}");
        });
    }

    #[test]
    fn the_first_rule_that_fits_is_followed() {
        check("^/old/(.*)$ /new/{1}", "/old/a/b?c", "/new/a/b?c");
        check("^/old/(.*)$ /new/{1}", "/other", "/other");
        check("^/(\\w+)/(\\d+)$ /{2}/{1}?id={2}&{query}", "/item/17?x", "/17/item?id=17&x");
        check("^/a /b?", "/a?query", "/b");
        check("(?i)^/a(b)?$ /c/{1}", "/A", "/c/");
        check("{\nrule ^/a /1\nrule ^/a /2\nrule . /3\n}", "/ab", "/1");
        check("{\nrule ^/a /1\nrule ^/b /2\n}", "/b", "/2");
        check("\"^/[0-9]\\{4}$\" /year", "/2026", "/year");
        check("^/(.*)$ /x{rest}/{1}", "/a%2Fb", "/x/a%2Fb");
    }

    #[test]
    fn what_no_client_could_ask_for_is_refused() {
        check("^/a$ /{header.x-name}", "/a", "400");
        check("^/a$ /b?{header.x-name}", "/a", "400");
        check("^/a$ /b/../../c", "/a", "400");
        check("^/a(.*)$ {1}", "/ab", "400");
        check("^/a/(.*)$ /b/./{1}/..", "/a/c", "/b/");
    }

    #[test]
    fn a_request_for_the_server_itself_stays() {
        Lab::run(async |lab| {
            let steps = lab.steps("rewrite . /x");
            let mut x = lab.exchange(crate::tests::peer("192.0.2.1"), "OPTIONS * HTTP/1.1\nHost: a");
            assert!(down(&steps, &mut x).is_none());
            assert_eq!(x.request.path(), b"*");
        });
    }

    #[test]
    fn mistakes_are_told() {
        Lab::run(async |lab| {
            lab.check_said("rewrite ^/(a /b", &["is no regular expression", "unclosed group"]);
            lab.check_said("rewrite ^/a /{1}", &["has no group 1"]);
            lab.check_said("rewrite ^/a", &["does not say to what"]);
            lab.check_said("rewrite", &["has no rule"]);
            lab.check_said("rewrite ^/a http://b/", &["begins with `/`"]);
            lab.check_said("rewrite ^/a /{pth}", &["did you mean `{path}`"]);
            lab.check_said("rewrite \"(a{1000}){1000}\" /b", &["size limit"]);
        });
    }
}
