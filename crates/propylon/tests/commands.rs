//! The commands that end by themselves: what they print, and their exit codes.

use std::process::Output;

use propylon_testkit::{Tree, run};

const GOOD: &str = "listen 127.0.0.1:1\n\nsite a.test {\n    route /x/* { respond 200 hi }\n}\n";

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Runs a command on a config in a file of its own.
fn on_config(config: &str, args: &[&str]) -> (Output, Tree) {
    let tree = Tree::new(&[("site.conf", config.as_bytes())]);
    let path = tree.path("site.conf").display().to_string();
    let args: Vec<&str> = args.iter().map(|arg| if *arg == "FILE" { &path } else { *arg }).collect();
    (run(&args), tree)
}

#[test]
fn a_good_config_is_called_good() {
    let (output, _tree) = on_config(GOOD, &["check", "FILE"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stderr(&output).ends_with("is good: 1 listener, 1 site, 1 route\n"), "{}", stderr(&output));
}

#[test]
fn every_mistake_is_told_at_once_with_its_place() {
    let config = "listne :80\nsite a.test {\n    route /x { proxy nowhere }\n    compres\n}\n";
    let (output, _tree) = on_config(config, &["check", "FILE"]);
    assert_eq!(output.status.code(), Some(3));
    let said = stderr(&output);
    for expected in
        ["site.conf:1:1", "`listen`", "site.conf:3:22", "there is no upstream `nowhere`", "site.conf:4:5"]
    {
        assert!(said.contains(expected), "no {expected} in:\n{said}");
    }
    assert!(said.contains("3 errors, 1 warning"), "{said}");
    assert!(!said.contains('\u{1b}'), "colours in a pipe");
}

#[test]
fn mistakes_are_told_as_json() {
    let (output, _tree) = on_config("listne :80\n", &["check", "FILE", "--json"]);
    assert_eq!(output.status.code(), Some(3));
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(json["valid"], false);
    let first = &json["diagnostics"][0];
    assert_eq!(
        (&first["line"], &first["column"], &first["code"]),
        (&1.into(), &1.into(), &"unknown-directive".into())
    );
}

#[test]
fn a_missing_config_is_an_error_and_not_a_crash() {
    for command in ["run", "check"] {
        let output = run(&[command, "/nowhere/at-all.conf"]);
        assert_eq!(output.status.code(), Some(3));
        assert!(stderr(&output).contains("cannot read /nowhere/at-all.conf"), "{}", stderr(&output));
    }
}

#[test]
fn a_file_is_formatted_in_place() {
    let (output, tree) = on_config("site {{\n", &["fmt", "--check", "FILE"]);
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    tree.write("site.conf", "site  a.test {\n# why\nrespond   200\n}\n");
    let path = tree.path("site.conf").display().to_string();
    assert_eq!(run(&["fmt", "--check", &path]).status.code(), Some(1));
    assert_eq!(run(&["fmt", &path]).status.code(), Some(0));
    assert_eq!(tree.read("site.conf"), "site a.test {\n    # why\n    respond 200\n}\n");
    assert_eq!(run(&["fmt", "--check", &path]).status.code(), Some(0));
    assert_eq!(stdout(&run(&["fmt", "--stdout", &path])), tree.read("site.conf"));
}

#[test]
fn a_config_as_json_is_as_good_as_the_text() {
    let (output, tree) = on_config(GOOD, &["to-json", "FILE"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let json = tree.write("site.json", &output.stdout).display().to_string();
    let checked = run(&["check", &json]);
    assert!(stderr(&checked).contains("is good: 1 listener, 1 site, 1 route"), "{}", stderr(&checked));
    tree.write("site.json", "{ \"listen\": 3 ");
    let checked = run(&["check", &json]);
    assert_eq!(checked.status.code(), Some(3));
    assert!(stderr(&checked).contains("this is not JSON"), "{}", stderr(&checked));
}

#[test]
fn a_request_is_explained_without_a_server() {
    let config = "listen 127.0.0.1:1\nsite a.test {\n    route /x/* {\n        strip-prefix /x\n        \
                  proxy http://127.0.0.1:9\n    }\n    route POST /x/y { respond 204 }\n}\n";
    let (output, _tree) = on_config(config, &["explain", "GET", "http://a.test/x/y?q", "--config", "FILE"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let said = stdout(&output);
    for expected in [
        "a.test",
        "by its own name",
        "site.conf:3:5",
        "by the longest prefix",
        "the method is not POST",
        "/x/y?q → /y?q",
        "site.conf:5:9",
        "sends /y?q to upstream http://127.0.0.1:9",
    ] {
        assert!(said.contains(expected), "no {expected} in:\n{said}");
    }
}

#[test]
fn a_file_is_looked_for() {
    let (output, tree) = on_config("listen 127.0.0.1:1\nsite * { files . }\n", &["check", "FILE"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let config = tree.path("site.conf").display().to_string();
    let explain = |path: &str| stdout(&run(&["explain", "GET", path, "--config", &config]));
    assert!(explain("/site.conf").contains("replies 200 with"), "{}", explain("/site.conf"));
    assert!(explain("/none").contains("replies 404"), "{}", explain("/none"));
}

#[test]
fn a_host_without_a_site_is_explained_too() {
    let (output, _tree) = on_config(GOOD, &["explain", "GET", "http://b.test/", "--config", "FILE"]);
    assert!(stdout(&output).contains("no site has the host"), "{}", stdout(&output));
}

#[test]
fn pages_are_printed() {
    assert!(stdout(&run(&["docs", "reference"])).starts_with("# Reference\n"));
    let schema: serde_json::Value = serde_json::from_slice(&run(&["docs", "schema"]).stdout).unwrap();
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    assert!(stdout(&run(&["completions", "bash"])).contains("_propylon"));
    assert!(stdout(&run(&["man"])).contains(".TH propylon 1"));
    let tree = Tree::empty();
    let folder = tree.path("").display().to_string();
    assert_eq!(run(&["man", "--dir", &folder]).status.code(), Some(0));
    assert!(tree.read("propylon-check.1").contains("Say everything that is wrong"));
}

#[test]
fn help_has_examples_and_nonsense_has_its_own_exit_code() {
    let help = stdout(&run(&["--help"]));
    assert!(help.contains("Examples:") && help.contains("Exit codes:"), "{help}");
    assert_eq!(run(&["no-such-command"]).status.code(), Some(2));
    assert_eq!(run(&["explain", "GET", "ftp://a/"]).status.code(), Some(2));
}

#[test]
fn a_server_that_is_not_there_is_not_there() {
    let output = run(&["reload", "--admin", "/nowhere/admin.sock"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("no server runs with this socket"), "{}", stderr(&output));
}
