//! What a worker holds, when it looks again, and what of the settings is wrong. What clients see is tested with the
//! whole server, in `crates/propylon/tests/files.rs`.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use propylon_config::{Diagnostics, Directive, Environment, parse_text};
use propylon_origin::names::{Names, Settings};
use propylon_pipeline::{Body, Fault, Reply};
use tempfile::TempDir;

use super::{Compiled, Config, Files, METRICS};
use crate::tests::Lab;
use crate::{CompileContext, WorkerBuild};

/// Long before every test.
const LONG_AGO: u64 = 1_700_000_000;

/// A directory with these files, all of the same age.
fn tree(files: &[(&str, &str)]) -> TempDir {
    let tree = tempfile::tempdir().unwrap();
    for (name, content) in files {
        put(tree.path(), name, content, LONG_AGO);
    }
    tree
}

fn put(tree: &Path, name: &str, content: &str, modified: u64) {
    let path = tree.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, content).unwrap();
    age(&path, modified);
}

fn age(path: &Path, modified: u64) {
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(modified);
    fs::File::options().write(true).open(path).unwrap().set_modified(time).unwrap();
}

/// Compiles a `files` line that stands in a config in `folder`; and what is said of it.
fn compile(folder: &Path, line: &str) -> (Option<Compiled>, String) {
    let loaded = parse_text("test.conf".as_ref(), line, &Environment::empty());
    let mut diagnostics = Diagnostics::new();
    let names = Names::new(Settings::default(), Arc::new(|_, _, _| {}));
    let upstreams = HashMap::new();
    let config = Config::decode(&loaded.tree[0], &mut diagnostics);
    let mut context = CompileContext {
        diagnostics: &mut diagnostics,
        upstreams: &upstreams,
        names: &names,
        folder: folder.into(),
    };
    let compiled = config.and_then(|config| Compiled::compile(&config, &mut context));
    (compiled, diagnostics.render(&loaded.sources, false))
}

/// The answer that a good line makes.
#[track_caller]
fn files(lab: &Lab, folder: &Path, line: &str) -> Files {
    let (compiled, said) = compile(folder, line);
    assert_eq!(said, "", "{line}");
    let groups = RefCell::default();
    Files::new(Arc::new(compiled.unwrap()), &WorkerBuild { worker: &lab.worker, groups: &groups })
}

async fn ask(lab: &Lab, files: &Files, target: &str, fields: &[&str]) -> Result<Reply, Fault> {
    files.answer(&lab.get(target, fields)).await
}

/// Status and body of the reply.
async fn get(lab: &Lab, files: &Files, target: &str) -> (u16, String) {
    match ask(lab, files, target, &[]).await {
        Ok(reply) => (reply.status, read(reply.body).await),
        Err(fault) => (fault.status(), String::new()),
    }
}

async fn read(mut body: Body) -> String {
    let mut bytes = Vec::new();
    loop {
        let count = std::future::poll_fn(|cx| body.poll_piece(cx)).await.unwrap();
        if count == 0 {
            return String::from_utf8(bytes).unwrap();
        }
        bytes.extend_from_slice(&body.piece()[..count]);
        body.consume(count);
    }
}

fn field(reply: &Reply, name: &str) -> String {
    String::from_utf8_lossy(reply.fields.named(name.as_bytes()).unwrap_or_default()).into_owned()
}

/// Hits and opens.
fn counts(lab: &Lab) -> (u64, u64) {
    (lab.count(METRICS[0]), lab.count(METRICS[1]))
}

fn held(lab: &Lab) -> (u64, u64) {
    (lab.count(METRICS[3]), lab.count(METRICS[4]))
}

#[test]
fn mistakes_are_told() {
    Lab::run(async |_| {
        let tree = tree(&[("file", "")]);
        let check = |line: &str, expected: &[&str]| {
            let (compiled, said) = compile(tree.path(), line);
            assert!(compiled.is_none(), "{line} is taken");
            for text in expected {
                assert!(said.contains(text), "{line}: {text:?} is not in\n{said}");
            }
        };
        check("files", &["lacks its root"]);
        check("files gone", &["gone` cannot be served", "create it, or correct the path"]);
        check("files file", &["name the directory that holds the file"]);
        check("files . index a/b", &["`a/b` is no name"]);
        check("files . fallback index.html", &["begin at the directory"]);
        check("files . precompressed off br", &["`precompressed off` cannot name codings too"]);
        check("files . {\n type html x\n}", &["`html` is no media type"]);
        check("files . default-type \"a/b\\n\"", &["is no media type"]);
        check("files . listing yes", &["one of `off`, `html`, `json`, `auto`"]);
        let (compiled, said) = compile(tree.path(), "files . fallback /gone.html");
        assert!(
            compiled.is_some() && said.contains("the fallback `/gone.html` cannot be read now"),
            "{said}"
        );
    });
}

#[test]
fn what_is_held_is_served_without_a_look() {
    Lab::run(async |lab| {
        let large = "x".repeat(100_000);
        let tree = tree(&[("small", "old"), ("large", &large)]);
        let files = files(&lab, tree.path(), "files . recheck 1h");
        assert_eq!(get(&lab, &files, "/small").await, (200, "old".to_owned()));
        assert_eq!(get(&lab, &files, "/large").await.1, large);
        assert_eq!((counts(&lab), held(&lab).1), ((0, 2), 1));
        fs::remove_file(tree.path().join("large")).unwrap();
        put(tree.path(), "small", "new", LONG_AGO + 1);
        assert_eq!(get(&lab, &files, "/small").await, (200, "old".to_owned()));
        assert_eq!(get(&lab, &files, "/large").await.1, large, "the file that is held open");
        assert_eq!(counts(&lab), (2, 2));
        assert!(held(&lab).0 > 3);
        drop(files);
        assert_eq!(held(&lab), (0, 0), "nothing is held for a route that is gone");
    });
}

#[test]
fn every_change_is_seen() {
    Lab::run(async |lab| {
        let tree = tree(&[("a", "1"), ("large", &"x".repeat(70_000))]);
        let files = files(&lab, tree.path(), "files . recheck 0s");
        assert_eq!(get(&lab, &files, "/a").await.1, "1");
        let tag = field(&ask(&lab, &files, "/a", &[]).await.unwrap(), "etag");
        assert!(tag.starts_with('"'), "{tag}");
        for (content, modified) in [("2", LONG_AGO + 1), ("22", LONG_AGO + 1), ("333", LONG_AGO)] {
            put(tree.path(), "a", content, modified);
            assert_eq!(get(&lab, &files, "/a").await.1, content);
            assert_ne!(field(&ask(&lab, &files, "/a", &[]).await.unwrap(), "etag"), tag);
        }
        // From small to large and back, to a directory, and away.
        assert_eq!(get(&lab, &files, "/large").await.1.len(), 70_000);
        assert_eq!(held(&lab).1, 1);
        put(tree.path(), "large", "small", LONG_AGO);
        assert_eq!(get(&lab, &files, "/large").await.1, "small");
        assert_eq!(held(&lab).1, 0);
        fs::remove_file(tree.path().join("a")).unwrap();
        assert_eq!(get(&lab, &files, "/a").await.0, 404);
        fs::create_dir(tree.path().join("a")).unwrap();
        put(tree.path(), "a/index.html", "index", LONG_AGO);
        assert_eq!(get(&lab, &files, "/a").await.0, 308);
        assert_eq!(get(&lab, &files, "/a/").await.1, "index");
    });
}

/// Whatever the next look is due: it would be sent in part, or under the tag of what it was.
#[test]
fn a_large_file_overwritten_in_place_is_seen_at_once() {
    Lab::run(async |lab| {
        let tree = tree(&[("large", &"x".repeat(100_000))]);
        let files = files(&lab, tree.path(), "files . recheck 1h");
        let tag = field(&ask(&lab, &files, "/large", &[]).await.unwrap(), "etag");
        for (content, modified) in [("y".repeat(100_000), LONG_AGO + 1), ("z".repeat(70_000), LONG_AGO)] {
            put(tree.path(), "large", &content, modified);
            let reply = ask(&lab, &files, "/large", &[]).await.unwrap();
            assert_ne!(field(&reply, "etag"), tag);
            assert!(read(reply.body).await == content);
        }
    });
}

/// A change within one tick of the file system's clock leaves size and time as they were.
#[test]
fn a_young_file_is_trusted_by_nobody() {
    Lab::run(async |lab| {
        let tree = tree(&[]);
        let now = propylon_net::clock::wall().secs;
        // An hour ahead, so that it stays young for as long as the test takes.
        put(tree.path(), "a", "1", now + 3600);
        let files = files(&lab, tree.path(), "files . recheck 0s");
        let reply = ask(&lab, &files, "/a", &[]).await.unwrap();
        let (etag, modified) = (field(&reply, "etag"), field(&reply, "last-modified"));
        assert!(etag.starts_with("W/\""), "{etag}");
        let modified =
            propylon_http::date::HttpDate::parse(modified.as_bytes(), propylon_http::date::HttpDate(now));
        assert!(modified.unwrap().0 <= now + 60, "no date in the future is told");
        put(tree.path(), "a", "2", now + 3600);
        assert_eq!(get(&lab, &files, "/a").await.1, "2");
        // Once it has come of age, its tag is another.
        age(&tree.path().join("a"), LONG_AGO);
        assert!(field(&ask(&lab, &files, "/a", &[]).await.unwrap(), "etag").starts_with('"'));
    });
}

#[test]
fn another_tree_may_take_the_roots_place() {
    Lab::run(async |lab| {
        let tree = tree(&[("one/a", "1"), ("two/a", "2")]);
        let current = tree.path().join("current");
        std::os::unix::fs::symlink("one", &current).unwrap();
        let files = files(&lab, tree.path(), "files current recheck 0s");
        assert_eq!(get(&lab, &files, "/a").await.1, "1");
        fs::remove_file(&current).unwrap();
        assert_eq!(get(&lab, &files, "/a").await.1, "1", "between two deployments");
        std::os::unix::fs::symlink("two", &current).unwrap();
        assert_eq!(get(&lab, &files, "/a").await.1, "2");
    });
}

#[test]
fn siblings_stand_for_the_file_when_they_may() {
    Lab::run(async |lab| {
        let tree = tree(&[("a.css", "plain plain plain"), ("a.css.br", "br"), ("a.css.gz", "gzip")]);
        put(tree.path(), "a.css.zst", "old", LONG_AGO - 1);
        put(tree.path(), "b.css", "b", LONG_AGO);
        put(tree.path(), "b.css.gz", "larger", LONG_AGO);
        let files = files(&lab, tree.path(), "files . recheck 0s");
        let mut tags = Vec::new();
        for (target, accept, expected) in [
            ("/a.css", "gzip, br, zstd", "br"),
            ("/a.css", "gzip, zstd", "gzip"),
            ("/a.css", "zstd", "plain plain plain"),
            ("/a.css", "br;q=0.1, gzip;q=0.2", "gzip"),
            ("/b.css", "gzip", "b"),
        ] {
            let reply = ask(&lab, &files, target, &[&format!("Accept-Encoding: {accept}")]).await.unwrap();
            assert_eq!(
                field(&reply, "vary"),
                if target == "/a.css" { "Accept-Encoding" } else { "" },
                "{accept}"
            );
            assert_eq!(field(&reply, "content-type"), "text/css; charset=utf-8");
            tags.push(field(&reply, "etag"));
            assert_eq!(read(reply.body).await, expected, "{accept}");
        }
        assert_eq!(tags[1], tags[3]);
        tags.sort();
        tags.dedup();
        assert_eq!(tags.len(), 4, "each coding has a tag of its own: {tags:?}");
        // The original changes, and its siblings are of yesterday.
        put(tree.path(), "a.css", "changed content", LONG_AGO + 1);
        let reply = ask(&lab, &files, "/a.css", &["Accept-Encoding: br, gzip"]).await.unwrap();
        assert_eq!(read(reply.body).await, "changed content");
    });
}

#[test]
fn settings_count() {
    Lab::run(async |lab| {
        let tree = tree(&[
            ("a.foo", "a"),
            ("b", "b"),
            (".env", "e"),
            ("h/home.txt", "h"),
            ("c.js", "longer"),
            ("c.js.gz", "gz"),
        ]);
        let line = "files . hidden on etag off index none home.txt max-age 1h precompressed off default-type text/x-b {\n\
                    type \"text/x-foo\" foo .bar\n}";
        let files = files(&lab, tree.path(), line);
        let reply = ask(&lab, &files, "/a.foo", &[]).await.unwrap();
        assert_eq!(
            (field(&reply, "content-type"), field(&reply, "etag")),
            ("text/x-foo".to_owned(), String::new())
        );
        assert_eq!(field(&reply, "cache-control"), "max-age=3600");
        assert_eq!(field(&ask(&lab, &files, "/b", &[]).await.unwrap(), "content-type"), "text/x-b");
        assert_eq!(get(&lab, &files, "/.env").await, (200, "e".to_owned()));
        assert_eq!(get(&lab, &files, "/h/").await, (200, "h".to_owned()));
        let reply = ask(&lab, &files, "/c.js", &["Accept-Encoding: gzip"]).await.unwrap();
        assert_eq!(read(reply.body).await, "longer");
    });
}

#[test]
fn portable_tags_are_the_same_everywhere() {
    Lab::run(async |lab| {
        let (one, two) = (tree(&[("a", "same")]), tree(&[("x", "another inode"), ("a", "same")]));
        let tag = async |tree: &TempDir, line: &str| {
            field(&ask(&lab, &files(&lab, tree.path(), line), "/a", &[]).await.unwrap(), "etag")
        };
        assert_eq!(tag(&one, "files . etag portable").await, tag(&two, "files . etag portable").await);
        assert_ne!(tag(&one, "files .").await, tag(&two, "files .").await);
    });
}
