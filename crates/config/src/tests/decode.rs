//! Trees to settings: the grammar every directive follows, and every message it can give.

use std::time::Duration;

use super::{brief, parse};
use crate::{Diagnostics, Directive, ListenAddress, Name, Node, Rate, Secret, Spanned, Template};

crate::value_enum! {
    /// The status of a redirect.
    pub(super) enum Status {
        /// Moved for good.
        Permanent = "308" | "permanent",
        /// Moved for now.
        Temporary = "307" | "temporary",
    }
}

crate::directive! {
    /// Sends the client elsewhere.
    pub(super) struct Redirect = "redirect" {
        /// Status of the reply.
        positional status: Status = Status::Permanent,
        /// Where to; may hold placeholders.
        positional to: Template,
        /// Whether the query is kept.
        keyword keep_query: bool = true,
    }
}

crate::directive! {
    /// Asks again.
    pub(super) struct Retry = "retry" {
        /// How often.
        positional count: u32 [1..=10] = 2,
        /// After which failures.
        keyword on: Vec<String> = vec!["connect-error".to_owned()],
        /// For how long in all.
        keyword within: Option<Duration> [Duration::from_secs(1)..],
        /// Also requests that change something.
        flag any_method: bool,
    }
}

crate::directive! {
    /// A group of servers.
    pub(super) struct Upstream = "upstream" {
        /// What routes call it.
        positional name: Name,
        /// Its servers.
        child endpoints: Vec<Endpoint>,
        /// When to ask again.
        child retry: Option<Retry>,
        /// Its password.
        keyword password: Option<Secret>,
    }
}

crate::directive! {
    /// One server.
    pub(super) struct Endpoint = "endpoint" {
        /// Where it is.
        positional url: Spanned<String>,
        /// Its share.
        keyword weight: u32 [1..=100] = 1,
    }
}

crate::directive! {
    /// A site.
    pub(super) struct Site = "site" {
        /// The names it answers to.
        positional names: Vec<String>,
        /// The listeners it serves on.
        keyword on: Vec<Name> = vec![],
        /// Rooms and routes.
        rest lines: Vec<Node>,
    }
}

crate::directive! {
    /// Where to listen.
    pub(super) struct Listen = "listen" {
        /// The address.
        positional address: ListenAddress,
        /// What sites call it.
        keyword name: Option<Name>,
        /// How many connections may wait.
        keyword "backlog" queue: u16 = 512,
    }
}

crate::directive! {
    /// Nothing to say.
    pub(super) struct Bare = "bare" {}
}

/// The settings as JSON, or the messages.
fn decode<D: Directive>(text: &str) -> String {
    let loaded = parse(text);
    assert_eq!(brief(&loaded, &loaded.diagnostics), "", "{text}");
    let mut diagnostics = Diagnostics::new();
    match D::decode(&loaded.tree[0], &mut diagnostics) {
        Some(settings) if diagnostics.is_empty() => settings.to_json().to_string(),
        _ => brief(&loaded, &diagnostics),
    }
}

#[test]
fn arguments_and_block_say_the_same() {
    let redirect = r#"{"keep-query":true,"status":"308","to":"/x"}"#;
    assert_eq!(decode::<Redirect>("redirect /x"), redirect);
    assert_eq!(decode::<Redirect>("redirect 308 /x"), redirect);
    assert_eq!(decode::<Redirect>("redirect permanent /x keep-query on"), redirect);
    let temporary = r#"{"keep-query":false,"status":"307","to":"{rest}"}"#;
    assert_eq!(decode::<Redirect>("redirect 307 {rest} keep-query off"), temporary);
    assert_eq!(decode::<Redirect>("redirect 307 {rest} {\n keep-query off\n}"), temporary);
    let retry = r#"{"any-method":true,"count":3,"on":["502","503"],"within":"5s"}"#;
    assert_eq!(decode::<Retry>("retry 3 on 502 503 any-method within 5s"), retry);
    assert_eq!(decode::<Retry>("retry 3 within 5s on 502 503 { any-method }"), retry);
    let retry = r#"{"any-method":false,"count":2,"on":["connect-error"],"within":null}"#;
    assert_eq!(decode::<Retry>("retry"), retry);
    let listen = r#"{"address":":80","backlog":512,"name":"public"}"#;
    assert_eq!(decode::<Listen>("listen :80 name public"), listen);
    assert_eq!(decode::<Bare>("bare"), "{}");
}

#[test]
fn children_and_the_rest() {
    let text = "upstream api {\n endpoint http://a weight 2\n endpoint http://b\n retry 1\n password p\n}";
    let expected = r#"{"endpoint":[{"url":"http://a","weight":2},{"url":"http://b","weight":1}],"name":"api","password":"(secret)","retry":{"any-method":false,"count":1,"on":["connect-error"],"within":null}}"#;
    assert_eq!(decode::<Upstream>(text), expected);
    let loaded = parse("site a.example *.b.example on public {\n tls auto\n route /x { bare }\n}");
    let site = Site::decode(&loaded.tree[0], &mut Diagnostics::new()).unwrap();
    assert_eq!((site.names.len(), site.on.len(), site.lines.len()), (2, 1, 2));
    assert_eq!(site.lines[1].name.text, "route");
    assert_eq!(loaded.sources.place(site.span), "test:1:1");
}

#[test]
fn a_spanned_value_knows_its_place() {
    let loaded = parse("endpoint http://a");
    let endpoint = Endpoint::decode(&loaded.tree[0], &mut Diagnostics::new()).unwrap();
    assert_eq!(loaded.sources.text(endpoint.url.span), "http://a");
}

#[test]
fn messages_of_arguments() {
    for (found, expected) in [
        (
            decode::<Redirect>("redirect"),
            "1:1 missing: `redirect` lacks its to; write a text that may hold placeholders after `redirect`",
        ),
        (
            decode::<Redirect>("redirect 999 /x"),
            "1:10 bad-value: `999` is not one of `308`, `307`; the status of `redirect`: write one of `308`, `307`",
        ),
        (
            decode::<Redirect>("redirect /x keep-qery on"),
            "1:13 unexpected-argument: `redirect` knows no `keep-qery`; did you mean `keep-query`?",
        ),
        (
            decode::<Redirect>("redirect 308 /x y"),
            "1:17 unexpected-argument: `redirect` does not take `y`; what `redirect` takes by name: `keep-query`",
        ),
        (
            decode::<Redirect>("redirect /x keep-query"),
            "1:13 missing: `keep-query` lacks its value; write `on` or `off` after `keep-query`",
        ),
        (
            decode::<Redirect>("redirect /x keep-query yes"),
            "1:24 bad-value: `yes` is not `on` or `off`; write `on`",
        ),
        (
            decode::<Redirect>("redirect keep-query on"),
            "1:1 missing: `redirect` lacks its to; write a text that may hold placeholders after `redirect`; `keep-query` is a keyword here: quote it if it is meant as the value",
        ),
        (decode::<Retry>("retry 11"), "1:7 out-of-bounds: `11` is out of bounds; write a value of 1 to 10"),
        (
            decode::<Retry>("retry x"),
            "1:7 bad-value: `x` is not a whole number; the count of `retry`: write a whole number",
        ),
        (
            decode::<Retry>("retry within 500ms"),
            "1:14 out-of-bounds: `500ms` is out of bounds; write a value of at least 1s",
        ),
        (
            decode::<Retry>("retry within 10"),
            "1:14 bad-value: `10` is not a duration such as `10s`; write `10s` for seconds; the units are ms, s, m, h and d",
        ),
        (decode::<Retry>("retry on 502 on 503"), "1:14 duplicate: `on` is said twice; remove one of them"),
        (
            decode::<Listen>("listen *:80 nam x"),
            "1:8 bad-value: `*:80` is not an address to listen on such as `:80`; write `:80` for all addresses\n\
          1:13 unexpected-argument: `listen` knows no `nam`; did you mean `name`?",
        ),
        (
            decode::<Bare>("bare x"),
            "1:6 unexpected-argument: `bare` does not take `x`; remove it, or quote the text if it belongs to the word before: write `bare`",
        ),
        (
            decode::<Redirect>("redirect \"{$NAME} x\" {$NAME}"),
            "1:10 bad-value: the value of the environment variable is not one of `308`, `307`; the status of `redirect`: write one of `308`, `307`",
        ),
    ] {
        assert_eq!(found, expected);
    }
}

#[test]
fn messages_of_blocks() {
    for (found, expected) in [
        (
            decode::<Bare>("bare {\n x\n}"),
            "2:2 unexpected-block: `bare` takes no block; end the line without `{`",
        ),
        (
            decode::<Redirect>("redirect /x {\n keep_query on\n to y\n zzz\n}"),
            "2:2 unknown-key: `redirect` knows no `keep_query`; did you mean `keep-query`?\n\
          3:2 unknown-key: `redirect` knows no `to`; it has no name of its own: write `redirect [STATUS] TO`\n\
          4:2 unknown-key: `redirect` knows no `zzz`; what can stand here: `keep-query`",
        ),
        (
            decode::<Retry>("retry {\n any-method on\n within 1s 2s\n}"),
            "2:13 unexpected-argument: `any-method` takes no value; remove it\n\
          3:12 unexpected-argument: `within` takes one value; remove it",
        ),
        (
            decode::<Retry>("retry on a {\n on b {\n c\n }\n}"),
            "2:2 duplicate: `on` is said twice; remove one of them\n\
          3:2 unexpected-block: `on` takes no block; end the line without `{`",
        ),
        (
            decode::<Upstream>("upstream a/b {\n retry 0\n retry\n}"),
            "1:1 missing: `upstream` lacks `endpoint`; add a line `endpoint …` to its block\n\
          1:11 bad-value: `a/b` is not a name; choose a name of these characters\n\
          2:8 out-of-bounds: `0` is out of bounds; write a value of 1 to 10\n\
          3:2 duplicate: `retry` is said twice; remove one of them",
        ),
        (
            decode::<Upstream>("upstream a {\n endpoint\n endpoint b weight 0\n}"),
            "2:2 missing: `endpoint` lacks its url; write a text after `endpoint`\n\
          3:20 out-of-bounds: `0` is out of bounds; write a value of 1 to 100",
        ),
    ] {
        assert_eq!(found, expected);
    }
}

/// `limit 50/s burst 100`, as the design writes it.
#[test]
fn the_design_page_reads() {
    crate::directive! {
        /// Limits.
        struct Limit = "limit" {
            /// How many.
            positional rate: Rate,
            /// At once.
            keyword burst: Option<u32>,
        }
    }
    let both = r#"{"burst":100,"rate":"50/s"}"#;
    assert_eq!(decode::<Limit>("limit 50/s burst 100"), both);
    assert_eq!(decode::<Limit>("limit 50/s { burst 100 }"), both);
}
