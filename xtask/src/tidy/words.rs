//! Words that no file may hold: paths of one developer's machine.

use super::{File, Finding};

/// Joined here so that this file does not hold them itself.
const PATHS: [&str; 3] = [concat!("/wo", "rk/"), concat!("/ho", "me/"), concat!("/ro", "ot/")];

pub(super) fn check(file: &File, findings: &mut Vec<Finding>) {
    for (at, line) in file.text.lines().enumerate() {
        for path in PATHS.into_iter().filter(|path| stands_in(line, path)) {
            findings.push(file.finding(
                at + 1,
                format!("`{path}` is a path of somebody's machine"),
                "write it relative to the repository, or make the example one that all machines have, such as /srv",
            ));
        }
    }
}

/// Whether the path begins there; further inside another path it is only a name.
fn stands_in(line: &str, path: &str) -> bool {
    line.match_indices(path).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|before| before.is_alphanumeric() || "._-*/}".contains(before))
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_machine_path_is_found_and_a_folder_name_is_not() {
        let text = ["see /ro", "ot/x\n/srv/ho", "me/x\nhttps://a.org/wo", "rk/\n"].concat();
        assert_eq!(super::super::lines(super::check, "a.md", &text), [1]);
    }
}
