//! Rules for a Rust source file: its header, length, name, and what it must leave to others.

use super::{File, Finding, code};

const LINES_MAX: usize = 800;

/// Names that say nothing, and so gather everything.
const EMPTY_NAMES: [&str; 7] = ["util", "utils", "common", "manager", "helper", "helpers", "misc"];

/// Words that only some files may hold.
struct Reserved {
    words: &'static [&'static str],
    /// Crates that may hold them, besides tests.
    crates: &'static [&'static str],
    /// File names that may.
    files: &'static [&'static str],
    /// Only these crates are asked; all, when empty.
    only_in: &'static [&'static str],
    remedy: &'static str,
}

const RESERVED: &[Reserved] = &[
    Reserved {
        words: &["unsafe"],
        crates: &["net"],
        files: &[],
        only_in: &[],
        remedy: "only crates/net may be unsafe: give it a safe function for this",
    },
    Reserved {
        words: &["Mutex", "RwLock", "Condvar"],
        crates: &["testkit", "xtask"],
        files: &["shared.rs"],
        only_in: &[],
        remedy: "state lives in a worker; what all workers share stands in a shared.rs",
    },
    Reserved {
        words: &["Instant::now", "SystemTime::now"],
        crates: &["net", "testkit", "xtask"],
        files: &[],
        only_in: &[],
        remedy: "take `now` as an argument; net owns the clock",
    },
    Reserved {
        words: &["process::exit", "process::abort"],
        crates: &["propylon", "testkit", "xtask"],
        files: &[],
        only_in: &[],
        remedy: "only the binary ends the process: return an error to it",
    },
    Reserved {
        words: &["TcpStream", "UdpSocket", "std::fs", "fs::File", "std::env", "Instant", "SystemTime"],
        crates: &[],
        files: &[],
        only_in: &["http", "balance"],
        remedy: "this crate knows no socket, file, clock or environment: let the caller bring what is needed",
    },
];

pub(super) fn check(file: &File, findings: &mut Vec<Finding>) {
    let generated = file.text.starts_with("// @generated");
    if !generated && !file.text.starts_with("//!") {
        findings.push(file.finding(1, "no `//!` header", "say in the first lines what the file is for"));
    }
    let count = file.text.lines().count();
    if !generated && count > LINES_MAX {
        let cause = format!("{count} lines, {LINES_MAX} are allowed");
        findings.push(file.finding(count, cause, "split it by what its parts are for"));
    }
    for part in file.path.iter().filter_map(|part| part.to_str()) {
        let name = part.strip_suffix(".rs").unwrap_or(part);
        if EMPTY_NAMES.contains(&name) {
            let cause = format!("`{name}` says nothing about what is inside");
            findings.push(file.finding(1, cause, "name it after its one job"));
        }
    }
    check_words(file, findings);
}

fn check_words(file: &File, findings: &mut Vec<Finding>) {
    let code = code::only(&file.text);
    let (owner, tests_from) = (file.owner(), tests_from(file, &code));
    for rule in RESERVED {
        let exempt = rule.crates.contains(&owner) || rule.files.contains(&file.name());
        let asked = rule.only_in.is_empty() || rule.only_in.contains(&owner);
        if exempt || !asked {
            continue;
        }
        for (at, line) in code.lines().enumerate().take(tests_from) {
            for word in rule.words.iter().filter(|word| has_word(line, word)) {
                findings.push(file.finding(at + 1, format!("`{word}` must not stand here"), rule.remedy));
            }
        }
    }
}

/// The line index from which on there are only tests: none of the file when it is one of them.
fn tests_from(file: &File, code: &str) -> usize {
    let in_tests = file.path.iter().any(|part| part == "tests" || part == "tests.rs" || part == "benches");
    if in_tests || file.path.starts_with("fuzz") {
        return 0;
    }
    let lines: Vec<&str> = code.lines().map(str::trim).collect();
    let test_module =
        |pair: &[&str]| pair[0] == "#[cfg(test)]" && pair[1].starts_with("mod ") && pair[1].ends_with('{');
    lines.windows(2).position(test_module).unwrap_or(lines.len())
}

/// Whether `word` stands in the line by itself, not as a part of a longer name.
fn has_word(line: &str, word: &str) -> bool {
    let part_of_name = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    line.match_indices(word).any(|(at, _)| {
        !part_of_name(line[..at].chars().next_back()) && !part_of_name(line[at + word.len()..].chars().next())
    })
}

#[cfg(test)]
mod tests {
    fn check(path: &str, text: &str, expected: &[usize]) {
        assert_eq!(super::super::lines(super::check, path, text), expected, "{path}: {text}");
    }

    #[test]
    fn files_have_a_header_and_a_name() {
        check("crates/http/src/a.rs", "//! A.\n", &[]);
        check("crates/http/src/a.rs", "use b;\n", &[1]);
        check("crates/http/src/a.rs", "// @generated\n", &[]);
        check("crates/http/src/helpers.rs", "//! A.\n", &[1]);
        check("crates/http/src/a.rs", &"//!\n".repeat(801), &[801]);
    }

    #[test]
    fn reserved_words_stand_only_where_they_may() {
        let unsafely = "//! A.\n// unsafe\nfn f() { unsafe { g() } }\n";
        check("crates/http/src/a.rs", unsafely, &[3]);
        check("crates/net/src/a.rs", unsafely, &[]);
        check("crates/http/src/a.rs", "//! A.\n#![forbid(unsafe_code)]\n", &[]);
        let lock = "//! A.\nuse std::sync::{Arc, Mutex};\n";
        check("crates/net/src/a.rs", lock, &[2]);
        check("crates/net/src/shared.rs", lock, &[]);
        check("crates/net/tests/a.rs", lock, &[]);
        let in_tests = "//! A.\nfn f() {}\n#[cfg(test)]\nmod tests {\nuse std::sync::Mutex;\n}\n";
        check("crates/server/src/a.rs", in_tests, &[]);
        check("crates/server/src/a.rs", "//! A.\nlet t = Instant::now();\n", &[2]);
        check("crates/balance/src/a.rs", "//! A.\nuse std::fs;\n", &[2]);
        check("crates/server/src/a.rs", "//! A.\nuse std::fs;\nstd::process::exit(1);\n", &[3]);
    }
}
