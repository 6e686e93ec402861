//! Files and what they include.

use std::path::Path;

use super::brief;
use crate::{Environment, Loaded, load_file};

/// Writes the files, loads the first, and gives the directives' names or the messages.
fn load(files: &[(&str, &str)]) -> (String, Loaded) {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let loaded = load_file(&folder.path().join(files[0].0), &Environment::empty());
    let names: Vec<&str> = loaded.tree.iter().map(|node| node.name.text.as_str()).collect();
    let root = format!("{}/", folder.path().display());
    let text = format!("{}|{}", names.join(" "), brief(&loaded, &loaded.diagnostics).replace(&root, ""));
    (text, loaded)
}

#[test]
fn includes_stand_in_their_place() {
    let (text, loaded) = load(&[
        ("main", "a\ninclude sites/*.conf\nd { include x }"),
        ("sites/2.conf", "c"),
        ("sites/1.conf", "b\ninclude ../x"),
        ("sites/.hidden.conf", "hidden"),
        ("x", "x"),
    ]);
    assert_eq!(text, "a b x c d|");
    assert_eq!(loaded.tree[4].lines()[0].name.text, "x");
    assert_eq!(loaded.sources.paths().count(), 5);
    assert!(loaded.sources.paths().all(Path::is_absolute));
}

#[test]
fn includes_that_cannot_be() {
    let (text, _) = load(&[("main", "include none*\ninclude no/such\ninclude\ninclude a b\ninclude main")]);
    let expected = "|main:1:9 empty-include: no file matches none*; patterns are relative to the file that they stand in
main:2:9 cannot-read: cannot read no/such: No such file or directory (os error 2); check the path and who may read it
main:3:1 missing: `include` needs a file's name; write one `include` for each file, or a pattern such as `sites/*.conf`
main:4:1 unexpected-argument: `include` takes one file's name; write one `include` for each file, or a pattern such as `sites/*.conf`
main:5:9 include-cycle: main includes itself; remove one of the includes that lead back to it";
    assert_eq!(text, expected);
}

#[test]
fn a_text_from_the_network_includes_nothing() {
    let loaded = crate::parse_text("api".as_ref(), "include /etc/passwd", &Environment::empty());
    assert_eq!(loaded.tree[0].name.text, "include");
    assert_eq!(loaded.sources.paths().count(), 1);
}

#[test]
fn other_bytes_than_text() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x");
    std::fs::write(&path, b"a\nb \xff").unwrap();
    let loaded = load_file(&path, &Environment::empty());
    assert!(brief(&loaded, &loaded.diagnostics).contains("line 2 is not UTF-8"));
}
