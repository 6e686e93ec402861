//! What of a request's head crosses to the origin, and what is wrong with an upstream.

use propylon_config::{Diagnostics, Directive, Environment, parse_text};

use super::head::write_request_head;
use super::upstream;
use crate::AnswerPlan;
use crate::tests::{Lab, peer};

/// The lines that the origin gets, the first and the id's left out.
#[track_caller]
fn check(config: &str, head: &str, trusted: bool, expected: &[&str]) {
    Lab::run(async |lab| {
        let (plan, said) = lab.compile_answer(config);
        let Some(AnswerPlan::Proxy(compiled)) = plan else { panic!("{said}") };
        let mut x = lab.exchange(peer("192.0.2.1"), head);
        x.client.peer_is_trusted = trusted;
        let mut out = Vec::new();
        write_request_head(&mut out, &x, &compiled, &compiled.upstream().endpoints()[0]);
        let out = String::from_utf8(out).unwrap();
        let lines: Vec<&str> = out.strip_suffix("\r\n\r\n").unwrap().split("\r\n").collect();
        let mut lines: Vec<&str> =
            lines.into_iter().filter(|line| !line.starts_with("X-Request-Id: ")).collect();
        assert_eq!(lines.remove(0), "GET /a?b HTTP/1.1");
        assert_eq!(lines, expected, "{config}: {head:?}");
    });
}

const PLAIN: &str = "GET /a?b HTTP/1.1\nHost: Example.com";
const FULL: &str = "GET /a?b HTTP/1.1\nHost: a\nConnection: x-mine, keep-alive\nKeep-Alive: 5\nX-Mine: 1\nTE: trailers\n\
                    Upgrade: h2c\nProxy-Authorization: Basic x\nAccept: */*\nX_Forwarded_For: 6.6.6.6\nX_Other: 1\nVia: 1.1 b";
const TELLING: &str = "GET /a?b HTTP/1.1\nHost: a\nX-Forwarded-For: 6.6.6.6\nX-Forwarded-For: 7.7.7.7\n\
                       X-Forwarded-Proto: https\nX-Forwarded-Host: b\nForwarded: for=6.6.6.6\nX-Real-IP: 6.6.6.6";

#[test]
fn the_host_is_as_said() {
    let told = ["Via: 1.1 propylon", "X-Forwarded-For: 192.0.2.1", "X-Forwarded-Proto: http"];
    for (config, host, told_host) in [
        ("proxy http://o.test:81", "Host: example.com", "X-Forwarded-Host: example.com"),
        ("proxy http://o.test:81 host origin", "Host: o.test:81", "X-Forwarded-Host: example.com"),
        ("proxy http://o.test:81 host x.test", "Host: x.test", "X-Forwarded-Host: example.com"),
    ] {
        check(config, PLAIN, false, &[&[host], &told[..], &[told_host]].concat());
    }
}

#[test]
fn what_is_about_one_connection_stays_and_disguised_names_too() {
    let config = "proxy http://o.test forwarded off";
    check(config, FULL, false, &["Host: a", "Accept: */*", "X_Other: 1", "Via: 1.1 b, 1.1 propylon"]);
}

#[test]
fn a_stranger_is_replaced_and_a_trusted_proxy_added_to() {
    let config = "proxy http://o.test forwarded both";
    check(
        config,
        TELLING,
        false,
        &[
            "Host: a",
            "Via: 1.1 propylon",
            "X-Forwarded-For: 192.0.2.1",
            "X-Forwarded-Proto: http",
            "X-Forwarded-Host: a",
            "Forwarded: for=192.0.2.1;host=a;proto=http",
        ],
    );
    check(
        config,
        TELLING,
        true,
        &[
            "Host: a",
            "Via: 1.1 propylon",
            "X-Forwarded-For: 6.6.6.6, 7.7.7.7, 192.0.2.1",
            "X-Forwarded-Proto: http",
            "X-Forwarded-Host: b",
            "Forwarded: for=6.6.6.6, for=192.0.2.1;host=a;proto=http",
        ],
    );
}

#[test]
fn mistakes_are_told() {
    Lab::run(async |lab| {
        lab.check_answer_said("proxy nowhere", &["there is no upstream `nowhere`"]);
        lab.check_answer_said("proxy http://a/b", &["has a path", "replace-prefix"]);
        lab.check_answer_said("proxy ftp://a", &["the scheme `ftp` is not supported"]);
        lab.check_answer_said("proxy http://a..b", &["is no host"]);
        lab.check_answer_said(
            "proxy http://a balance random",
            &["`balance` is no URL", "stand in an `upstream`"],
        );
        lab.check_answer_said("proxy", &["lacks its to"]);
    });
}

#[test]
fn an_upstream_is_checked() {
    let said = |text: &str| {
        let loaded = parse_text("test.conf".as_ref(), text, &Environment::empty());
        let mut diagnostics = Diagnostics::new();
        let decoded = upstream::Config::decode(&loaded.tree[0], &mut diagnostics);
        (decoded.is_some(), diagnostics.render(&loaded.sources, false))
    };
    assert_eq!(said("upstream a { endpoint http://b weight 2 }"), (true, String::new()));
    assert!(said("upstream a").1.contains("lacks `endpoint`"));
    assert!(said("upstream a { endpoint http://b wieght 2 }").1.contains("did you mean `weight`"));
    assert!(said("upstream a {\nendpoint http://b\nkeepalive 5s\n}").1.contains("`keepalive`"));
}
