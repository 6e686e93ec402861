//! Rules for the rooms: each stands in the list, has a guide and tests, and names no other.

use std::collections::BTreeSet;
use std::path::Path;

use super::{File, Finding, code};

const ROOMS: &str = "crates/features/src";

/// Modules beside the rooms that are none: the list itself, the enum of answers and the compiling of what was listed. They
/// stand above the rooms, so they may name them all.
const NOT_ROOMS: &[&str] = &["list", "answer", "compile"];

pub(super) fn check(files: &[File], findings: &mut Vec<Finding>) {
    let Some(list) = files.iter().find(|file| file.path == Path::new(ROOMS).join("lib.rs")) else { return };
    let rooms: BTreeSet<&str> = files.iter().filter_map(room_of).collect();
    // The ordered list stands in lib.rs, the few answers in a file of their own.
    let lists = files.iter().filter(|file| file.path.starts_with(ROOMS) && is_list(file));
    let listed: BTreeSet<String> = lists.flat_map(|file| listed(&file.text)).collect();
    for room in &rooms {
        if !listed.contains(*room) {
            findings.push(list.finding(
                1,
                format!("the room `{room}` is not in the list"),
                "give it its line in the list, with the reason for its place",
            ));
        }
        check_room(room, files, list, findings);
    }
    for file in files {
        let below = file.path.starts_with("crates") && file.extension() == "rs";
        if let Some(room) = room_of(file).filter(|_| below) {
            check_neighbours(room, &rooms, file, findings);
        }
    }
}

/// The room that a file belongs to.
fn room_of(file: &File) -> Option<&str> {
    let first = file.path.strip_prefix(ROOMS).ok()?.iter().next()?.to_str()?;
    let name = first.strip_suffix(".rs").or_else(|| first.strip_suffix(".md")).unwrap_or(first);
    (name != "lib" && name != "tests" && !NOT_ROOMS.contains(&name)).then_some(name)
}

fn is_list(file: &File) -> bool {
    let stem = file.name().strip_suffix(".rs").unwrap_or("");
    stem == "lib" || stem == "answer"
}

/// Every word of a list's file but for those that only bring a module in.
fn listed(text: &str) -> BTreeSet<String> {
    let code = code::only(text);
    let brings =
        |line: &&str| ["mod ", "pub mod ", "use ", "pub use "].iter().any(|word| line.starts_with(word));
    let lines = code.lines().filter(|line| !brings(line));
    let words = lines.flat_map(|line| line.split(|c: char| !(c.is_alphanumeric() || c == '_')));
    words.map(str::to_owned).collect()
}

fn check_room(room: &str, files: &[File], list: &File, findings: &mut Vec<Finding>) {
    let own = || files.iter().filter(|file| room_of(file) == Some(room));
    let place = own().find(|file| file.extension() == "rs").unwrap_or(list);
    if !own().any(|file| file.extension() == "md") {
        let cause = format!("the room `{room}` has no guide");
        findings.push(place.finding(1, cause, "write its guide.md; the examples in it are run"));
    }
    if !own().any(|file| file.name() == "tests.rs" || file.text.contains("#[test]")) {
        let cause = format!("the room `{room}` has no tests");
        findings.push(place.finding(
            1,
            cause,
            "add tests.rs, with a case for everything that the guide promises",
        ));
    }
}

/// Rooms never import rooms.
fn check_neighbours(room: &str, rooms: &BTreeSet<&str>, file: &File, findings: &mut Vec<Finding>) {
    let code = code::only(&file.text);
    for (at, line) in code.lines().enumerate() {
        for other in rooms.iter().filter(|other| **other != room) {
            let paths =
                [format!("crate::{other}::"), format!("crate::{other};"), format!("super::super::{other}")];
            if paths.iter().any(|path| line.contains(path)) {
                findings.push(file.finding(
                    at + 1,
                    format!("the room `{room}` names the room `{other}`"),
                    "move what both need down a layer",
                ));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_files(files: &[(&str, &str)], expected: &[&str]) {
        let file = |(path, text): &(&str, &str)| File {
            path: format!("{ROOMS}/{path}").into(),
            text: (*text).to_owned(),
        };
        let files: Vec<File> = files.iter().map(file).collect();
        let mut findings = Vec::new();
        check(&files, &mut findings);
        let causes: Vec<&str> = findings.iter().map(|finding| &*finding.cause).collect();
        assert_eq!(causes, expected);
    }

    #[test]
    fn a_whole_room_passes_and_an_empty_folder_too() {
        check_files(&[("lib.rs", "//! None yet.\n")], &[]);
        check_files(
            &[
                ("lib.rs", "mod limit;\nrooms! {\n    limit, // why\n}\n"),
                ("limit/mod.rs", "use crate::limit::Config;"),
                ("limit/guide.md", ""),
                ("limit/tests.rs", ""),
            ],
            &[],
        );
    }

    #[test]
    fn what_a_room_lacks_is_said() {
        check_files(
            &[
                ("lib.rs", "mod limit;\nrooms! {\n    // limit\n    auth,\n}\n"),
                ("limit.rs", "use crate::auth::X;"),
                ("auth.rs", "#[test]"),
                ("auth.md", ""),
            ],
            &[
                "the room `limit` is not in the list",
                "the room `limit` has no guide",
                "the room `limit` has no tests",
                "the room `limit` names the room `auth`",
            ],
        );
    }
}
