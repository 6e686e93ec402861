//! A tree of files as clients see it: what is served, what never is, directories, conditions, and files that change
//! while they are sent. Ranges have a file of their own.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use propylon_testkit::{Client, Reply, Server, Tree, run};

/// A server that serves `tree` with these settings, under `/` and under `/static/`.
fn serve(tree: &Tree, settings: &str) -> Server {
    let config = "workers 1\nadmin off\nlisten {ADDR:web}\naccess-log json\nsite * {\n\
        files {WWW}/root {\n{SETTINGS}\n}\n\
        route /static/* {\nstrip-prefix /static\nfiles {WWW}/root {\n{SETTINGS}\n}\n}\n}\n";
    let setup = Server::setup(config).set("WWW", tree.path("").display()).set("SETTINGS", settings);
    // A server that is root may read everything, and what it may not read could not be tested.
    if is_root() { setup.user(65534).start() } else { setup.start() }
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0)
}

fn client(server: &Server) -> Client {
    Client::connect(&server.addr("web"))
}

fn tree() -> Tree {
    let tree = Tree::new(&[
        ("secret", b"secret"),
        ("rootless/secret", b"secret"),
        ("root/index.html", b"<h1>home</h1>"),
        ("root/a b.txt", b"spaced"),
        ("root/100%.txt", b"percent"),
        ("root/docs/index.html", b"docs"),
        ("root/docs/a:b/index.html", b"colon"),
        ("root/bare/x.json", b"{}"),
        ("root/.env", b"secret"),
        ("root/.git/config", b"secret"),
        ("root/docs/.hidden/x", b"secret"),
        ("root/.well-known/acme", b"token"),
        ("root/locked.txt", b"secret"),
    ]);
    tree.write("root/large.bin", large());
    tree.link("root/inside.txt", "docs/index.html");
    tree.link("root/outside.txt", "../secret");
    tree.link("root/absolute.txt", tree.path("secret"));
    tree.link("root/up", "..");
    let locked = fs::Permissions::from_mode(0o000);
    fs::set_permissions(tree.path("root/locked.txt"), locked).expect("the file is ours");
    tree
}

/// More than socket buffers hold, and no part of it like another.
fn large() -> Vec<u8> {
    (0..2_000_000_u32).flat_map(u32::to_be_bytes).collect()
}

fn etag(reply: &Reply) -> String {
    reply.field("ETag").expect("a file has a tag").to_owned()
}

#[test]
fn files_are_served_with_what_a_client_needs_to_know() {
    let tree = tree();
    let server = serve(&tree, "");
    let mut client = client(&server);
    for (target, body, media_type) in [
        ("/", "<h1>home</h1>", "text/html; charset=utf-8"),
        ("/index.html?v=1", "<h1>home</h1>", "text/html; charset=utf-8"),
        ("/a%20b.txt", "spaced", "text/plain; charset=utf-8"),
        ("/100%25.txt", "percent", "text/plain; charset=utf-8"),
        ("/docs/", "docs", "text/html; charset=utf-8"),
        ("/docs/../docs/./index.html", "docs", "text/html; charset=utf-8"),
        ("/bare/x.json", "{}", "application/json"),
        ("/inside.txt", "docs", "text/plain; charset=utf-8"),
        ("/.well-known/acme", "token", "application/octet-stream"),
        ("/static/docs/", "docs", "text/html; charset=utf-8"),
        ("/static/static/", "", ""),
    ] {
        // Twice: from the file system, and from memory.
        for _ in 0..2 {
            let reply = client.get(target);
            if body.is_empty() {
                assert_eq!(reply.status, 404, "{target}");
                continue;
            }
            assert_eq!((reply.status, reply.text()), (200, body), "{target}");
            assert_eq!(reply.field("Content-Type"), Some(media_type), "{target}");
            assert_eq!(reply.field("Accept-Ranges"), Some("bytes"), "{target}");
            assert!(etag(&reply).ends_with('"') && reply.field("Last-Modified").is_some(), "{target}");
            assert_eq!((reply.field("Vary"), reply.field("Cache-Control")), (None, None), "{target}");
        }
    }
}

#[test]
fn large_and_small_files_come_in_order_over_one_connection() {
    let tree = tree();
    let server = serve(&tree, "");
    let mut client = client(&server);
    let targets = ["/large.bin", "/docs/", "/nothing", "/large.bin", "/", "/large.bin"];
    let all: String =
        targets.iter().map(|target| format!("GET {target} HTTP/1.1\r\nHost: example.test\r\n\r\n")).collect();
    client.send(all);
    for target in targets {
        let reply = client.read_reply();
        match target {
            "/large.bin" => assert!(reply.body == large(), "{} bytes", reply.body.len()),
            "/nothing" => assert_eq!(reply.status, 404),
            "/docs/" => assert_eq!(reply.text(), "docs"),
            _ => assert_eq!(reply.text(), "<h1>home</h1>"),
        }
    }
}

#[test]
fn head_tells_what_get_would() {
    let tree = tree();
    let server = serve(&tree, "");
    let mut client = client(&server);
    for target in ["/", "/large.bin", "/nothing", "/docs"] {
        let (get, head) = (client.get(target), client.request("HEAD", target, &[], b""));
        assert_eq!((head.status, head.body.len()), (get.status, 0), "{target}");
        let of = |reply: &Reply| -> Vec<(String, String)> {
            let lines = reply.fields.iter().filter(|(name, _)| !name.eq_ignore_ascii_case("date"));
            lines.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
        };
        assert_eq!(of(&head), of(&get), "{target}");
        assert_eq!(head.field("Content-Length"), Some(&*get.body.len().to_string()), "{target}");
    }
}

#[test]
fn other_methods_are_told_which_there_are() {
    let tree = tree();
    let server = serve(&tree, "");
    let mut client = client(&server);
    for method in ["POST", "PUT", "DELETE", "PATCH", "PROPFIND"] {
        let reply = client.request(method, "/", &[], b"");
        assert_eq!((reply.status, reply.field("Allow")), (405, Some("GET, HEAD, OPTIONS")), "{method}");
    }
    let reply = client.request("OPTIONS", "/any/thing", &[], b"");
    assert_eq!((reply.status, reply.field("Allow")), (204, Some("GET, HEAD, OPTIONS")));
    assert_eq!(client.get("/docs/").text(), "docs", "the connection goes on");
}

#[test]
fn nothing_leads_out_of_the_root() {
    let tree = tree();
    let server = serve(&tree, "");
    let root = tree.path("root").display().to_string();
    let absolute = format!("/{root}/../secret");
    for (target, expected) in [
        ("/../secret", 400),
        ("/docs/../../secret", 400),
        ("/%2e%2e/secret", 400),
        ("/%2E%2E%2Fsecret", 400),
        ("/..%2fsecret", 400),
        ("/docs/..%2f..%2fsecret", 400),
        ("/..%5csecret", 400),
        ("/..\\secret", 400),
        ("/%00", 400),
        ("/index.html%00.txt", 400),
        ("/..;/secret", 400),
        ("/%252e%252e/secret", 404),
        ("/%252e%252e%252fsecret", 404),
        ("/docs%2Findex.html", 404),
        ("//etc/passwd", 404),
        ("/docs//index.html", 404),
        ("//secret", 404),
        ("/etc/passwd", 404),
        (&absolute, 404),
        ("/../rootless/secret", 400),
        ("/index.html/", 404),
        ("/index.html/../../secret", 400),
        ("/static/../../secret", 400),
        ("/static/..%2fsecret", 400),
        ("/static//etc/passwd", 404),
        ("/%c0%ae%c0%ae/secret", 404),
        ("/outside.txt", 403),
        ("/absolute.txt", 403),
        ("/up/secret", 403),
        ("/up/root/index.html", 403),
    ] {
        let mut client = client(&server);
        client.send(format!("GET {target} HTTP/1.1\r\nHost: example.test\r\nConnection: close\r\n\r\n"));
        let reply = String::from_utf8(client.read_to_end()).unwrap();
        assert!(reply.starts_with(&format!("HTTP/1.1 {expected} ")), "{target}: {reply}");
        assert!(!reply.contains("secret\n") && !reply.ends_with("secret"), "{target}: {reply}");
        assert!(!reply.contains("root:"), "{target}: {reply}");
    }
}

#[test]
fn hidden_names_are_not_told_from_missing_ones() {
    let tree = tree();
    let server = serve(&tree, "fallback /index.html");
    let mut client = client(&server);
    let missing = client.get("/.missing");
    for target in
        ["/.env", "/.git/config", "/.git", "/.git/", "/%2Egit/config", "/docs/.hidden/x", "/.well-known/.x"]
    {
        let reply = client.get(target);
        assert_eq!((reply.status, &reply.body), (404, &missing.body), "{target}");
    }
    let server = serve(&tree, "hidden on");
    assert_eq!(self::client(&server).get("/.git/config").text(), "secret");
}

#[test]
fn what_cannot_be_read_is_403_and_the_log_says_why() {
    let tree = tree();
    let made = std::process::Command::new("mkfifo").arg(tree.path("root/pipe")).status();
    assert!(made.unwrap().success());
    let server = serve(&tree, "");
    let mut client = client(&server);
    for (target, cause) in [
        ("/locked.txt", "locked.txt: "),
        ("/outside.txt", "outside.txt: a link leads out"),
        ("/pipe", "pipe: "),
    ] {
        let reply = client.get(target);
        assert_eq!(reply.status, 403, "{target}");
        assert!(!reply.text().contains(target), "the client is not told: {reply:?}");
        server.wait_for_log(cause);
    }
}

#[test]
fn directories_are_led_to_their_slash() {
    let tree = tree();
    let server = serve(&tree, "");
    let mut client = client(&server);
    for (target, location) in [
        ("/docs", "./docs/"),
        ("/docs?a=1&b", "./docs/?a=1&b"),
        ("/docs/a:b", "./a:b/"),
        ("/docs/a%3Ab", "./a%3Ab/"),
        ("/static", "./static/"),
        ("/static/docs", "./docs/"),
        ("http://example.test/docs", "./docs/"),
    ] {
        let reply = client.get(target);
        assert_eq!((reply.status, reply.field("Location")), (308, Some(location)), "{target}");
    }
    for target in ["//docs", "//example.org/docs", "/bare", "/bare/", "//"] {
        let reply = client.get(target);
        assert_eq!((reply.status, reply.field("Location")), (404, None), "{target}");
    }
    assert_eq!(client.get("http://example.test").text(), "<h1>home</h1>");
}

#[test]
fn a_fallback_stands_for_what_is_not_there() {
    let tree = tree();
    let server = serve(&tree, "fallback /docs/index.html\nmax-age 1h");
    let mut client = client(&server);
    for target in ["/nothing", "/app/users/17", "/bare", "/bare/", "/a%2Fb", "/a//b", "/index.html/x"] {
        let reply = client.get(target);
        assert_eq!((reply.status, reply.text()), (200, "docs"), "{target}");
        assert_eq!(reply.field("Cache-Control"), Some("no-cache"), "{target}");
    }
    assert_eq!(client.get("/").field("Cache-Control"), Some("max-age=3600"));
    assert_eq!(client.request("POST", "/nothing", &[], b"").status, 405);
    assert_eq!(client.get("/outside.txt").status, 403);
    fs::remove_file(tree.path("root/docs/index.html")).unwrap();
    let server = serve(&tree, "fallback /docs/index.html");
    assert_eq!(self::client(&server).get("/nothing").status, 404);
}

#[test]
fn listings_are_shown_where_they_are_asked_for() {
    let tree = tree();
    tree.write("root/bare/<b>&.txt", "1234");
    tree.write("root/bare/.hidden", "");
    tree.write("root/bare/sub/x", "");
    tree.link("root/bare/out", "../../secret");
    let server = serve(&tree, "listing auto");
    let mut client = client(&server);
    assert_eq!(client.get("/bare").field("Location"), Some("./bare/"));
    let page = client.get("/bare/");
    let type_of = |reply: &Reply| reply.field("Content-Type").unwrap_or_default().to_owned();
    assert_eq!((page.status, type_of(&page)), (200, "text/html; charset=utf-8".to_owned()));
    let text = page.text();
    assert!(text.contains("href=\"./%3Cb%3E%26.txt\"") && text.contains("&lt;b&gt;&amp;.txt"), "{text}");
    assert!(text.find("./sub/").unwrap() < text.find("./x.json").unwrap(), "{text}");
    assert!(!text.contains("hidden") && !text.contains("out\""), "{text}");
    assert_eq!(client.get("/bare/%3Cb%3E%26.txt").text(), "1234", "the link leads to the file");
    let json = client.request("GET", "/bare/", &[("Accept", "application/json")], b"");
    assert_eq!((type_of(&json), json.field("Vary")), ("application/json".to_owned(), Some("Accept")));
    assert!(
        json.text().starts_with("[\n{\"name\":\"sub\",\"type\":\"directory\",\"size\":null,"),
        "{}",
        json.text()
    );
    assert!(json.text().contains("{\"name\":\"<b>&.txt\",\"type\":\"file\",\"size\":4,\"modified\":\"20"));
    assert_eq!(client.get("/").text(), "<h1>home</h1>", "an index file goes before");
    assert_eq!(client.request("HEAD", "/bare/", &[], b"").body, b"");
    assert_eq!(self::client(&serve(&tree, "")).get("/bare/").status, 404);
}

#[test]
fn the_best_sibling_is_sent() {
    let tree = tree();
    tree.write("root/app.js", "plain plain plain");
    tree.write("root/app.js.gz", "gzip gzip");
    tree.write("root/app.js.br", "brotli");
    let server = serve(&tree, "");
    let mut client = client(&server);
    let mut get = |accept: &str, range: &str| {
        let fields = [("Accept-Encoding", accept), ("Range", range)];
        let count = if range.is_empty() { 1 } else { 2 };
        client.request("GET", "/app.js", &fields[..count], b"")
    };
    for (accept, coding, body) in [
        ("gzip, deflate, br, zstd", Some("br"), "brotli"),
        ("gzip;q=1, br;q=0.5", Some("gzip"), "gzip gzip"),
        ("br;q=0, *", Some("gzip"), "gzip gzip"),
        ("identity", None, "plain plain plain"),
        ("", None, "plain plain plain"),
    ] {
        let reply = get(accept, "");
        assert_eq!((reply.text(), reply.field("Content-Encoding")), (body, coding), "{accept}");
        assert_eq!(reply.field("Vary"), Some("Accept-Encoding"), "{accept}");
        assert_eq!(reply.field("Content-Type"), Some("text/javascript; charset=utf-8"), "{accept}");
    }
    let part = get("br", "bytes=2-3");
    assert_eq!((part.status, part.text(), part.field("Content-Range")), (206, "ot", Some("bytes 2-3/6")));
    let (coded, plain) = (etag(&get("br", "")), etag(&get("", "")));
    assert_ne!(coded, plain);
    let mut check = |accept: &str, tag: &str, status: u16| {
        let fields = [("Accept-Encoding", accept), ("If-None-Match", tag)];
        let reply = client.request("GET", "/app.js", &fields, b"");
        assert_eq!((reply.status, reply.field("Vary")), (status, Some("Accept-Encoding")), "{accept} {tag}");
    };
    check("br", &coded, 304);
    check("br", &plain, 200);
    check("gzip", &coded, 200);
}

#[test]
fn a_file_cut_short_ends_the_connection() {
    let tree = tree();
    let server = serve(&tree, "");
    let mut client = Client::connect_narrow(&server.addr("web"), 4096);
    client.send("GET /large.bin HTTP/1.1\r\nHost: example.test\r\n\r\n");
    assert!(client.read_head().contains("Content-Length: 8000000\r\n"));
    let file = fs::File::options().write(true).open(tree.path("root/large.bin")).unwrap();
    file.set_len(10).unwrap();
    match client.try_read_to_end() {
        Ok(bytes) => panic!("{} bytes and an orderly end", bytes.len()),
        Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset),
    }
    assert_eq!(self::client(&server).get("/docs/").text(), "docs");
}

#[test]
fn a_file_replaced_is_sent_as_it_was() {
    let tree = tree();
    let server = serve(&tree, "recheck 0s");
    let mut client = Client::connect_narrow(&server.addr("web"), 4096);
    client.send("GET /large.bin HTTP/1.1\r\nHost: example.test\r\n\r\n");
    client.read_head();
    let new = tree.write("root/new", "new");
    fs::rename(new, tree.path("root/large.bin")).unwrap();
    assert_eq!(self::client(&server).get("/large.bin").text(), "new");
    assert!(client.read_bytes(8_000_000) == large());
}

#[test]
fn a_missing_root_is_found_by_check() {
    let tree = Tree::new(&[("site.conf", b"listen 127.0.0.1:1\nsite * {\n    files gone\n}\n")]);
    let config = tree.path("site.conf").display().to_string();
    let check = run(&["check", &config]);
    let said = String::from_utf8_lossy(&check.stdout).into_owned() + &String::from_utf8_lossy(&check.stderr);
    assert!(!check.status.success(), "{said}");
    assert!(
        said.contains("site.conf:3:11") && said.contains("cannot be served") && said.contains("create it"),
        "{said}"
    );
    fs::create_dir(tree.path("gone")).unwrap();
    assert!(run(&["check", &config]).status.success());
}
