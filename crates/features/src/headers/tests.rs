//! What the guide promises, and what hostile values get.

use propylon_http::Known;
use propylon_pipeline::Reply;

use super::DROPPED;
use crate::tests::{Lab, down, lines, up};

/// What is left of these fields of a request.
#[track_caller]
fn check_request(config: &str, sent: &[&str], expected: &[&str]) {
    Lab::run(async |lab| {
        let steps = lab.steps(config);
        let mut x = lab.get("/a?b=c", sent);
        assert!(down(&steps, &mut x).is_none());
        assert_eq!(lines(&x.request.fields)[1..], *expected, "{config}");
    });
}

/// What is left of these fields of a reply.
#[track_caller]
fn check_reply(config: &str, sent: &[&str], expected: &[&str]) {
    Lab::run(async |lab| {
        let steps = lab.steps(config);
        let mut x = lab.get("/a?b=c", &["Cookie: user=eve"]);
        let mut reply = Reply::new(200);
        for line in sent {
            let (name, value) = line.split_once(": ").unwrap();
            reply.fields.append(name.as_bytes(), value.as_bytes()).unwrap();
        }
        up(&steps, &mut x, &mut reply);
        assert_eq!(lines(&reply.fields), expected, "{config}");
    });
}

#[test]
fn replies_are_changed_in_a_fixed_order() {
    check_reply("headers { set X-A 1 }", &["x-a: 2", "X-B: 3", "X-A: 4"], &["X-B: 3", "X-A: 1"]);
    check_reply("headers { add X-A 1 }", &["X-A: 2"], &["X-A: 2", "X-A: 1"]);
    check_reply("headers { default X-A 1 }", &["x-a: 2"], &["x-a: 2"]);
    check_reply("headers { default X-A 1 }", &[], &["X-A: 1"]);
    check_reply("headers { remove X-A Server }", &["x-a: 2", "Server: x", "X-B: 3"], &["X-B: 3"]);
    let all = "headers {\nadd Link b\nset Link a\nremove Link\n}";
    check_reply(all, &["Link: x"], &["Link: a", "Link: b"]);
    check_reply("headers { set X-A \"\" }", &["X-A: 2"], &["X-A: "]);
}

#[test]
fn levels_add_up_and_the_innermost_has_the_last_word() {
    let levels = |outer: &str, inner: &str| format!("headers {{ {outer} }}\nheaders {{ {inner} }}");
    check_reply(&levels("set X-A outer", "set X-A inner"), &[], &["X-A: inner"]);
    check_reply(&levels("set X-A outer", "remove X-A"), &[], &[]);
    check_reply(&levels("remove X-A", "default X-A inner"), &["X-A: origin"], &["X-A: inner"]);
    check_request(&levels("request set X-A outer", "request set X-A inner"), &[], &["X-A: inner"]);
}

#[test]
fn values_may_hold_placeholders() {
    let config = "headers {\nrequest remove Cookie\nrequest set X-User {cookie.user}\n}";
    check_request(config, &["Cookie: user=bob"], &["X-User: bob"]);
    check_reply("headers { set X-A \"{method} {path} {status}\" }", &[], &["X-A: GET /a 200"]);
    check_reply("headers { set X-A {reply.server} }", &["Server: b"], &["Server: b", "X-A: b"]);
    check_request(
        "headers { request set X-User {cookie.user} }",
        &["Cookie: user=bob"],
        &["Cookie: user=bob", "X-User: bob"],
    );
}

#[test]
fn what_stands_for_nothing_leaves_no_field_of_the_clients_behind() {
    check_request("headers { request set X-User {cookie.user} }", &["X-User: admin"], &[]);
    check_request("headers { request add X-User {cookie.user} }", &["X-User: admin"], &["X-User: admin"]);
    check_request("headers { request default X-User {cookie.user} }", &[], &[]);
    check_request("headers { request default X-User guest }", &[], &["X-User: guest"]);
    check_request("headers { request default X-User guest }", &["x-user: a"], &["x-user: a"]);
}

#[test]
fn requests_lose_fields_in_disguise() {
    let sent = ["X_User: admin", "X_Other: a", "X-User: b"];
    check_request("headers { request set X-User me }", &sent, &["X_Other: a", "X-User: me"]);
    check_request("headers { request remove x-user }", &sent, &["X_Other: a"]);
}

#[test]
fn no_value_can_end_its_line() {
    Lab::run(async |lab| {
        let steps = lab.steps("headers {\nset X-A {header.x-b}\nrequest set X-C {rest}\n}");
        let mut x = lab.get("/", &["X-C: 1"]);
        x.rest = b"a\r\nSet-Cookie: b".to_vec();
        assert!(down(&steps, &mut x).is_none());
        assert_eq!(lines(&x.request.fields), ["Host: example.com"]);
        assert_eq!(lab.count(DROPPED), 1);
        let mut reply = Reply::new(200);
        reply.fields.append_known(Known::Server, b"x");
        up(&steps, &mut x, &mut reply);
        assert_eq!(lines(&reply.fields), ["Server: x"]);
    });
}

#[test]
fn mistakes_are_told() {
    Lab::run(async |lab| {
        for (line, said) in [
            ("set Content-Length 1", "only the connection knows"),
            ("remove transfer-encoding", "only the connection knows"),
            ("add Connection close", "about one connection"),
            ("add Keep-Alive 5", "about one connection"),
            ("request set Host b", "host NAME"),
            ("request set X-Forwarded-For {client}", "the proxy writes it"),
            ("request set X-A", "lacks the value"),
            ("request remove X-A b", "takes no value"),
            ("set \"X A\" b", "cannot be the name"),
            ("set X-A \"b\\nc\"", "one line"),
            ("set X-A {clinet}", "did you mean `{client}`"),
            ("request drop X-A", "one of `set`, `add`, `default`, `remove`"),
        ] {
            lab.check_said(&format!("headers {{\n{line}\n}}"), &[said]);
        }
        lab.check_said("headers {\n}", &["says nothing"]);
    });
}
