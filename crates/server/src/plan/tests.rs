//! Which route takes which request, and what is said of routes that none can reach.

use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use propylon_config::{Environment, Loaded, parse_text};
use propylon_http::h1::head::HeadLimits;
use propylon_net::socket::Address;
use propylon_net::timers::Timers;
use propylon_net::{clock, runtime};
use propylon_origin::names::{self, Names};
use propylon_pipeline::shared::Registry;
use propylon_pipeline::{ConnectionFacts, Downstream, Exchange, Scheme, WorkerContext};

use super::Plan;
use super::compile::compile;

fn load(config: &str) -> (Loaded, Option<Plan>) {
    let names = Names::new(names::Settings::default(), Arc::new(|_, _, _| {}));
    let mut loaded = parse_text("t".as_ref(), config, &Environment::empty());
    let plan = compile(&mut loaded, Path::new(""), &names, 1);
    (loaded, plan)
}

/// Asks for each request, `METHOD HOST/PATH [Field: value]`, and expects a site and a route, or `none`.
#[track_caller]
fn check(config: &str, cases: &[(&str, &str)]) {
    let found = runtime::run_control(async {
        let (loaded, plan) = load(config);
        let plan = plan.unwrap_or_else(|| panic!("{:#?}", loaded.diagnostics.to_lines(&loaded.sources)));
        cases.iter().map(|(request, _)| find(&plan, request)).collect::<Vec<_>>()
    });
    for ((request, expected), found) in cases.iter().zip(found.unwrap()) {
        assert_eq!(&found, expected, "{request}");
    }
}

fn find(plan: &Plan, request: &str) -> String {
    let worker = WorkerContext::new(0, Timers::new().unwrap(), Arc::new(Registry::default()), 1);
    let facts = ConnectionFacts::new(Address::Unix(Default::default()), None, Scheme::Http, "web".into());
    let facts = Rc::new(facts);
    let mut x = Exchange::new(worker, Rc::clone(&facts));
    x.begin(facts, Downstream::Nowhere, clock::now());
    let mut words = request.splitn(3, ' ');
    let (method, url) = (words.next().unwrap(), words.next().unwrap());
    let (host, path) = url.split_once('/').unwrap();
    let field = words.next().map_or_else(String::new, |field| format!("{field}\r\n"));
    let head = format!("{method} /{path} HTTP/1.1\r\nHost: {host}\r\n{field}\r\n");
    x.request.parse(head.as_bytes(), &HeadLimits::default()).unwrap();
    match plan.router.find(&x) {
        Ok(found) => {
            let route = &plan.routes[found.route as usize];
            let answers = if route.answer.is_some() { "" } else { " without an answer" };
            format!("{} {}{answers}", plan.sites[found.site as usize], route.pattern)
        }
        Err(_) => "none".to_owned(),
    }
}

/// Expects these messages, each as `line: what its title holds`.
#[track_caller]
fn check_messages(config: &str, expected: &[&str]) {
    let found = runtime::run_control(async {
        let loaded = load(config).0;
        loaded.diagnostics.to_lines(&loaded.sources)
    });
    let found = found.unwrap();
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for (found, expected) in found.iter().zip(expected) {
        let (line, text) = expected.split_once(": ").unwrap();
        assert!(found.starts_with(&format!("t:{line}:")) && found.contains(text), "{found}, not {expected}");
    }
}

/// A site `a.test` with these routes, each of which answers; the first stands on line 3.
fn site(routes: &[&str]) -> String {
    let lines = routes.iter().map(|route| format!("    route {route}\n"));
    format!("listen :80 name web\nsite a.test {{\n{}}}\n", lines.collect::<String>())
}

#[test]
fn the_most_specific_route_wins_wherever_it_stands() {
    let config = site(&[
        "/* { respond 200 }",
        "/a/* { respond 200 }",
        "/a/b/* { respond 200 }",
        "/a/b { respond 200 }",
        "POST /a/b { respond 200 }",
        "/a/b/c { when-query q\n respond 200 }",
        "~ ^/(a|z)/.*$ { respond 200 }",
    ]);
    check(
        &config,
        &[
            ("GET a.test/a/b", "a.test /a/b"),
            ("POST a.test/a/b", "a.test POST /a/b"),
            ("GET a.test/a/b/", "a.test /a/b/*"),
            ("GET a.test/a/b/c", "a.test /a/b/*"),
            ("GET a.test/a/b/c?q=1", "a.test /a/b/c"),
            ("GET a.test/a/bc", "a.test /a/*"),
            ("GET a.test/z/x", "a.test ~ ^/(a|z)/.*$"),
            ("GET a.test/z", "a.test /*"),
        ],
    );
}

#[test]
fn among_equal_paths_method_goes_before_fields_and_fields_before_the_query() {
    let config = site(&[
        "/x { respond 200 }",
        "GET /x { respond 200 }",
        "/x { when-header A 1\n when-header B\n when-query q 1\n respond 201 }",
        "PUT /x { when-query q 1\n respond 202 }",
        "PUT /x { when-header A\n respond 203 }",
    ]);
    let pick = |request: &'static str, expected: &'static str| check(&config, &[(request, expected)]);
    pick("GET a.test/x A: 1", "a.test GET /x");
    pick("POST a.test/x", "a.test /x");
    pick("PUT a.test/x?q=1", "a.test PUT /x");
    pick("DELETE a.test/x?q=1 A: 1", "a.test /x");
}

#[test]
fn whoever_serves_get_serves_head_unless_somebody_asks_for_it() {
    let config = site(&["GET /x { respond 200 }", "GET /y { respond 200 }", "HEAD /y { respond 204 }"]);
    check(
        &config,
        &[
            ("HEAD a.test/x", "a.test GET /x"),
            ("HEAD a.test/y", "a.test HEAD /y"),
            ("GET a.test/y", "a.test GET /y"),
        ],
    );
}

#[test]
fn a_prefix_is_made_of_whole_segments() {
    let config =
        site(&["/api/* { respond 200 }", "/%7Euser/* { respond 200 }", "/caf%c3%a9 { respond 200 }"]);
    check(
        &config,
        &[
            ("GET a.test/api", "a.test /api/*"),
            ("GET a.test/api/", "a.test /api/*"),
            ("GET a.test/api/x/y", "a.test /api/*"),
            ("GET a.test/x/../api/z", "a.test /api/*"),
            ("GET a.test/~user/x", "a.test /%7Euser/*"),
            ("GET a.test/caf%C3%A9", "a.test /caf%c3%a9"),
        ],
    );
}

#[test]
fn expressions_go_by_priority_and_before_what_takes_the_rest() {
    let config = site(&[
        "~ ^/v[0-9] { respond 200 }",
        "~ ^/v1 priority 5 { respond 200 }",
        "/v1/plain/* { respond 200 }",
        "/* { respond 200 }",
    ]);
    check(
        &config,
        &[
            ("GET a.test/v1/x", "a.test ~ ^/v1"),
            ("GET a.test/v2/x", "a.test ~ ^/v[0-9]"),
            ("GET a.test/v1/plain/x", "a.test /v1/plain/*"),
            ("GET a.test/w", "a.test /*"),
        ],
    );
}

#[test]
fn the_host_picks_the_most_specific_site() {
    let config = "listen :80 name web\nlisten :81 name other\n\
        site a.test { route /x { respond 200 } }\nsite *.a.test { respond 200 }\n\
        site *.b.a.test c.test { respond 200 }\nsite * { respond 200 }\nsite d.test {\n on other\n respond 200\n}\n";
    check(
        config,
        &[
            ("GET A.test.:8080/x", "a.test /x"),
            ("GET b.a.test/", "*.a.test /*"),
            ("GET z.b.a.test/", "*.b.a.test /*"),
            ("GET z.z.a.test/", "*.a.test /*"),
            ("GET c.test/", "*.b.a.test /*"),
            ("GET xa.test/", "* /*"),
            ("GET d.test/", "none"),
        ],
    );
}

#[test]
fn ties_are_errors() {
    let tied = "neither is more specific";
    check_messages(&site(&["/x { respond 200 }", "/%78 { respond 200 }"]), &[&format!("4: {tied}")]);
    check_messages(
        &site(&["GET PUT /x { respond 200 }", "PUT /x { respond 200 }", "POST /x { respond 200 }"]),
        &[&format!("4: {tied}")],
    );
    check_messages(
        &site(&["/x { when-query a\n respond 200 }", "/x { when-query b\n respond 200 }"]),
        &[&format!("5: {tied}")],
    );
    check_messages(
        &site(&["~ ^/x { respond 200 }", "~ ^/y { respond 200 }"]),
        &["4: two regular expressions have priority 0"],
    );
    check_messages(
        &site(&["/x { when-query a 1\n respond 200 }", "/x { when-query a 2\n respond 200 }"]),
        &[],
    );
}

#[test]
fn what_no_request_can_reach_is_a_warning() {
    let unreachable = "4: warning[unreachable-route]";
    for (routes, count) in [
        (["/a/* { respond 200 }", "~ ^/a/.*[.]php$ { respond 200 }"], 1),
        (["/a/* { respond 200 }", "~ ^/a$ { respond 200 }"], 1),
        (["/a { respond 200 }", "~ ^/a$ { respond 200 }"], 1),
        (["GET /a { respond 200 }", "GET HEAD ~ ^/a$ { respond 200 }"], 1),
        (["~ ^/ priority 2 { respond 200 }", "~ ^/a { respond 200 }"], 1),
        (["~ [.]php$ priority 2 { respond 200 }", "GET ~ [.]php$ { respond 200 }"], 1),
        (["~ .* { respond 200 }", "/* { respond 200 }"], 1),
        (["/a { respond 200 }", "~ ^api/ { respond 200 }"], 1),
        (["/a { respond 200 }", "TRACE /b { respond 200 }"], 1),
        (["/a { respond 200 }", "/b { when-header X 1; when-header x 2; respond 200 }"], 1),
        // All of these can be reached.
        (["/a/* { respond 200 }", "~ ^/a.*$ { respond 200 }"], 0),
        (["/a/* { respond 200 }", "~ ^/ab?/ { respond 200 }"], 0),
        (["/a/* { respond 200 }", "~ ^/a/x|^/b { respond 200 }"], 0),
        (["GET /a/* { respond 200 }", "~ ^/a/x { respond 200 }"], 0),
        (["POST /a { respond 200 }", "HEAD GET ~ ^/a$ { respond 200 }"], 0),
        (["/a/* { when-query q; respond 200 }", "~ ^/a/x { respond 200 }"], 0),
        (["~ ^/$ { respond 200 }", "/* { respond 200 }"], 0),
        (["~ .* { when-header X; respond 200 }", "/* { respond 200 }"], 0),
        (["/* { respond 200 }", "~ ^/a { respond 200 }"], 0),
    ] {
        let config = site(&routes.map(|route| route.replace("; ", "\n ")).each_ref().map(String::as_str));
        let line = 3 + routes[0].replace("; ", "\n ").lines().count();
        let expected = unreachable.replace('4', &line.to_string());
        check_messages(&config, &vec![&*expected; count]);
    }
}
