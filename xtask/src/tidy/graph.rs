//! Which crate may use which: the design's table, compared with every `Cargo.toml`.

use super::{File, Finding};

/// A crate, what of ours it may use, and what of others' it must not, because that would let in what it must not know.
struct Rule {
    name: &'static str,
    may_use: &'static [&'static str],
    others: Others,
}

/// Which crates of others a crate may use.
enum Others {
    /// Only the standard library.
    None,
    /// No sockets and no runtime: bytes and `now` in, actions out.
    Pure,
    Any,
}

const TABLE: &[Rule] = &[
    Rule { name: "base", may_use: &[], others: Others::None },
    Rule { name: "net", may_use: &["base"], others: Others::Any },
    Rule { name: "http", may_use: &["base"], others: Others::Pure },
    Rule { name: "h1", may_use: &["base", "net", "http"], others: Others::Any },
    Rule { name: "balance", may_use: &["base"], others: Others::Pure },
    Rule { name: "origin", may_use: &["base", "net", "http", "h1", "balance"], others: Others::Any },
    Rule { name: "config", may_use: &["base"], others: Others::Pure },
    Rule {
        name: "pipeline",
        may_use: &["base", "net", "http", "h1", "origin", "config"],
        others: Others::Any,
    },
    Rule {
        name: "features",
        may_use: &["base", "net", "http", "h1", "balance", "origin", "config", "pipeline"],
        others: Others::Any,
    },
    Rule {
        name: "server",
        may_use: &["base", "net", "http", "h1", "balance", "origin", "config", "pipeline", "features"],
        others: Others::Any,
    },
    Rule { name: "propylon", may_use: &["server", "config"], others: Others::Any },
    Rule { name: "testkit", may_use: &[], others: Others::Any },
    Rule { name: "xtask", may_use: &[], others: Others::None },
];

/// What brings sockets, a runtime or a clock.
const IMPURE: [&str; 6] = ["tokio", "mio", "socket2", "rustix", "libc", "hickory-resolver"];

pub(super) fn check(files: &[File], findings: &mut Vec<Finding>) {
    for file in files.iter().filter(|file| file.name() == "Cargo.toml") {
        let owner = file.owner();
        let in_crates = file.path.starts_with("crates") || owner == "xtask";
        if !in_crates {
            continue;
        }
        match TABLE.iter().find(|rule| rule.name == owner) {
            Some(rule) => check_crate(rule, file, findings),
            None => findings.push(file.finding(
                1,
                format!("the crate `{owner}` is not in the table"),
                "a new crate is a change of the design: add its line to xtask/src/tidy/graph.rs",
            )),
        }
    }
}

fn check_crate(rule: &Rule, file: &File, findings: &mut Vec<Finding>) {
    for Dependency { line, name, for_tests } in dependencies(&file.text) {
        let ours = name.strip_prefix("propylon-");
        let allowed = match (ours, &rule.others) {
            // Tests may ask the kernel for what only `net` can: it holds the `unsafe`.
            (Some("testkit" | "net"), _) if for_tests => true,
            (Some(ours), _) => rule.may_use.contains(&ours),
            (None, _) if for_tests => true,
            (None, Others::None) => false,
            (None, Others::Pure) => !IMPURE.contains(&name),
            (None, Others::Any) => true,
        };
        if !allowed {
            findings.push(file.finding(
                line,
                format!("`{}` must not use `{name}`", rule.name),
                "move what is needed down a layer; a new edge is a change of the design (xtask/src/tidy/graph.rs)",
            ));
        }
    }
    let own_lints = rule.name == "net";
    if !own_lints && !file.text.contains("[lints]\nworkspace = true") {
        findings.push(file.finding(
            1,
            "the crate does not take the workspace's lints",
            "add `[lints]` with `workspace = true`",
        ));
    }
}

struct Dependency<'a> {
    line: usize,
    name: &'a str,
    for_tests: bool,
}

/// The dependencies of a manifest. The manifests are ours, so reading them line by line is enough.
fn dependencies(manifest: &str) -> Vec<Dependency<'_>> {
    let (mut found, mut section) = (Vec::new(), "");
    for (at, line) in manifest.lines().enumerate() {
        let line = line.trim();
        let mut name = None;
        if let Some(header) = line.strip_prefix('[') {
            section = header.trim_end_matches(']');
            // `[dependencies.name]` names one by itself.
            name = section.split_once("dependencies.").map(|(_, name)| name);
        } else if section.ends_with("dependencies") && !line.starts_with('#') {
            name = line.split(['.', '=', ' ']).next();
        }
        if let Some(name) = name.filter(|name| !name.is_empty()) {
            found.push(Dependency { line: at + 1, name, for_tests: section.contains("dev-dependencies") });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_manifest(owner: &str, dependencies: &str, expected: &[usize]) {
        let text = format!("{dependencies}\n[lints]\nworkspace = true\n");
        let files = [File { path: format!("crates/{owner}/Cargo.toml").into(), text }];
        let mut findings = Vec::new();
        check(&files, &mut findings);
        let lines: Vec<usize> = findings.iter().map(|finding| finding.line).collect();
        assert_eq!(lines, expected, "{owner}: {dependencies}");
    }

    #[test]
    fn edges_are_checked() {
        check_manifest("http", "[dependencies]\npropylon-base.workspace = true\nmemchr = \"2\"", &[]);
        check_manifest("http", "[dependencies]\npropylon-net.workspace = true\ntokio = \"1\"", &[2, 3]);
        check_manifest("http", "[dev-dependencies]\ntokio = \"1\"\npropylon-testkit = {}", &[]);
        check_manifest("base", "[dependencies]\n# none\nmemchr = \"2\"", &[3]);
        check_manifest("net", "[target.'cfg(unix)'.dependencies]\npropylon-http = {}", &[2]);
        check_manifest("net", "[dependencies.propylon-http]\nworkspace = true", &[1]);
        check_manifest("newcomer", "", &[1]);
    }
}
