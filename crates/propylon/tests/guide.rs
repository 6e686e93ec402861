//! Every example that the documentation shows, and every config under `examples/`, is one that the server takes.

use std::fs;
use std::path::{Path, PathBuf};

use propylon_testkit::{Tree, run};

/// What examples name by relative paths.
const FILES: [&str; 4] = ["errors/404.html", "errors/500.html", "assets/index.html", "sites/a.conf"];

/// What they name by absolute ones.
const FOLDERS: [&str; 4] = ["srv/www", "srv/app", "srv/mirror", "var/log/propylon"];

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .expect("the crate stands in the repository")
}

/// The files with this extension beneath a folder, or in it alone.
fn files(folder: &Path, extension: &str, deep: bool) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() && deep {
            found.extend(files(&path, extension, deep));
        } else if path.extension().is_some_and(|end| end == extension) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The blocks fenced as `propylon` in a page, with the number of their first line.
fn examples(page: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut open: Option<(usize, String)> = None;
    for (index, line) in page.lines().enumerate() {
        match &mut open {
            None if line.trim() == "```propylon" => open = Some((index + 2, String::new())),
            None => {}
            Some(_) if line.trim() == "```" => found.extend(open.take()),
            Some((_, text)) => text.extend([line, "\n"]),
        }
    }
    found
}

/// Says what is wrong with a config, if anything is. Folders that examples name are made, in a temporary one.
fn check(config: &str) -> Option<String> {
    let tree = Tree::empty();
    for file in FILES {
        tree.write(file, "");
    }
    let mut config = config.to_owned();
    for folder in FOLDERS {
        fs::create_dir_all(tree.path(folder)).expect("the temporary directory is writable");
        config = config.replace(&format!("/{folder}"), &tree.path(folder).display().to_string());
    }
    let file = tree.write("example.conf", config);
    let output = run(&["check", &file.display().to_string()]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (!output.status.success()).then_some(said)
}

#[test]
fn every_example_of_the_documentation_is_good() {
    let root = repository();
    let mut pages = files(&root, "md", false);
    pages.extend(files(&root.join("docs"), "md", true));
    pages.extend(files(&root.join("crates/features/src"), "md", true));
    let (mut count, mut bad) = (0, Vec::new());
    for page in pages {
        let name = page.strip_prefix(&root).unwrap().display().to_string();
        for (line, config) in examples(&fs::read_to_string(&page).unwrap()) {
            count += 1;
            bad.extend(check(&config).map(|said| format!("{name}:{line}:\n{said}")));
        }
    }
    assert!(bad.is_empty(), "{}", bad.join("\n"));
    assert!(count > 40, "only {count} examples were found");
}

#[test]
fn every_config_to_begin_with_is_good_and_formatted() {
    let configs = files(&repository().join("examples"), "conf", false);
    assert!(!configs.is_empty());
    for path in configs {
        let config = fs::read_to_string(&path).unwrap();
        let said = check(&config);
        assert_eq!(said, None, "{}", path.display());
        let formatted = run(&["fmt", "--check", &path.display().to_string()]);
        assert!(formatted.status.success(), "{}", String::from_utf8_lossy(&formatted.stderr));
    }
}

#[test]
fn every_page_of_the_guide_is_in_its_index_and_leads_somewhere() {
    let guide = repository().join("docs/guide");
    let index = fs::read_to_string(guide.join("README.md")).unwrap();
    let links = |page: &str| -> Vec<String> {
        let after = page.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        after.filter(|link| !link.contains("://")).map(str::to_owned).collect()
    };
    let real = |folder: &Path, link: &str| folder.join(link.split('#').next().unwrap()).canonicalize();
    let listed: Vec<PathBuf> = links(&index).iter().filter_map(|link| real(&guide, link).ok()).collect();
    let mut pages = files(&guide, "md", true);
    pages.extend(files(&repository().join("crates/features/src"), "md", true));
    for page in pages {
        assert!(
            listed.contains(&page) || page.ends_with("docs/guide/README.md"),
            "{} is not listed",
            page.display()
        );
        let folder = page.parent().unwrap();
        for link in links(&fs::read_to_string(&page).unwrap()).iter().filter(|link| !link.starts_with('#')) {
            assert!(real(folder, link).is_ok(), "{}: there is no {link}", page.display());
        }
    }
}
