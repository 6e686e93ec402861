//! Links between the repository's own pages.

use std::path::{Component, Path, PathBuf};

use super::{File, Finding};

pub(super) fn check(root: &Path, files: &[File], page: &File, findings: &mut Vec<Finding>) {
    for (line, target) in links(&page.text) {
        if target.contains("://") || target.starts_with("mailto:") {
            continue;
        }
        let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
        let path = if path.is_empty() { page.path.clone() } else { resolve(&page.path, path) };
        if !root.join(&path).exists() {
            let cause = format!("the link to `{target}` leads nowhere");
            findings.push(page.finding(line, cause, "correct it; paths are relative to the page"));
        } else if let Some(other) = files.iter().find(|file| file.path == path && file.extension() == "md")
            && !anchor.is_empty()
            && !anchors(&other.text).any(|have| have == anchor)
        {
            let cause = format!("`{}` has no heading `#{anchor}`", path.display());
            findings.push(page.finding(
                line,
                cause,
                "correct it: a heading's words in lower case, joined by hyphens",
            ));
        }
    }
}

/// The targets of inline links, with their lines; code is left out.
fn links(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    for (at, line) in prose(text) {
        // Every second part stands between backticks.
        for part in line.split('`').step_by(2) {
            for (start, _) in part.match_indices("](") {
                let target = part[start + 2..].split([')', ' ']).next().unwrap_or("");
                found.push((at, target.trim_matches(['<', '>'])));
            }
        }
    }
    found
}

/// Lines outside of fenced code, numbered from 1.
fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut fenced = false;
    text.lines().enumerate().filter_map(move |(at, line)| {
        let fence = line.trim_start().starts_with("```");
        fenced ^= fence;
        (!fenced && !fence).then_some((at + 1, line))
    })
}

/// The anchors of a page's headings, as the usual renderers make them.
fn anchors(text: &str) -> impl Iterator<Item = String> {
    let headings = prose(text).filter_map(|(_, line)| line.strip_prefix('#'));
    headings.map(|heading| {
        let words = heading.trim_start_matches('#').trim().to_lowercase();
        let kept = words.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
        kept.map(|c| if c == ' ' { '-' } else { c }).collect()
    })
}

fn resolve(page: &Path, link: &str) -> PathBuf {
    let mut path = page.parent().unwrap_or(Path::new("")).to_owned();
    for part in Path::new(link).components() {
        match part {
            Component::ParentDir => {
                path.pop();
            }
            Component::Normal(name) => path.push(name),
            _ => {}
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_found_outside_of_code() {
        let text = "a [b](c.md) `[d](e)` [f](<g.md#h> \"t\")\n```\n[i](j)\n```\n[k](l)\n";
        assert_eq!(links(text), [(1, "c.md"), (1, "g.md#h"), (5, "l")]);
    }

    #[test]
    fn headings_become_anchors() {
        let anchors: Vec<String> = anchors("# A `b`, c!\ntext\n## D-e").collect();
        assert_eq!(anchors, ["a-b-c", "d-e"]);
    }

    #[test]
    fn paths_are_relative_to_the_page() {
        assert_eq!(resolve(Path::new("docs/a.md"), "../README.md"), Path::new("README.md"));
        assert_eq!(resolve(Path::new("README.md"), "docs/a.md"), Path::new("docs/a.md"));
    }
}
