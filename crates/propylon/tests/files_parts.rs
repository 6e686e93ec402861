//! Parts of files and conditions on them (RFC 9110 sections 13 and 14), for a file held in memory and for one held open.

use propylon_testkit::{Client, Reply, Server, Tree};

/// Long before any test: a file of that age has a strong tag.
const LONG_AGO: &str = "Tue, 14 Nov 2023 22:13:20 GMT";
const LATER: &str = "Tue, 14 Nov 2023 22:13:21 GMT";
const EARLIER: &str = "Tue, 14 Nov 2023 22:13:19 GMT";

struct Site {
    _tree: Tree,
    _server: Server,
    client: Client,
}

impl Site {
    fn new() -> Self {
        let tree = Tree::new(&[
            ("small.txt", &content(1000)),
            ("large.txt", &content(1_000_000)),
            ("empty.txt", b""),
        ]);
        for name in ["small.txt", "large.txt", "empty.txt"] {
            let file = std::fs::File::options().write(true).open(tree.path(name)).expect("the file is ours");
            let time = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_700_000_000);
            file.set_modified(time).expect("the file is ours");
        }
        // An hour ahead, so that it stays young for as long as the test takes.
        let young = std::fs::File::options()
            .write(true)
            .open(tree.write("young.txt", content(1000)))
            .expect("the file is ours");
        let now = young.metadata().expect("the file is ours").modified().expect("the file is ours");
        young.set_modified(now + std::time::Duration::from_secs(3600)).expect("the file is ours");
        let config = "workers 1\nadmin off\nlisten {ADDR:web}\nsite * {\nfiles {WWW}\n}\n";
        let server = Server::setup(config).set("WWW", tree.path("").display()).start();
        let client = Client::connect(&server.addr("web"));
        Self { _tree: tree, _server: server, client }
    }

    fn get(&mut self, target: &str, fields: &[(&str, &str)]) -> Reply {
        self.client.request("GET", target, fields, b"")
    }
}

fn content(length: usize) -> Vec<u8> {
    (0..length).map(|at| b' ' + (at * 31 % 95) as u8).collect()
}

#[test]
fn one_range_is_sent_alone() {
    let mut site = Site::new();
    for (target, length) in [("/small.txt", 1000), ("/large.txt", 1_000_000)] {
        let whole = content(length);
        for (range, first, last) in [
            ("bytes=0-0", 0, 0),
            ("bytes=10-19", 10, 19),
            ("bytes=990-", 990, length - 1),
            ("bytes=-1", length - 1, length - 1),
            ("bytes=-2000000", 0, length - 1),
            ("bytes=5-99999999999999999999", 5, length - 1),
            ("bytes=7-8, 9999999-", 7, 8),
        ] {
            let reply = site.get(target, &[("Range", range)]);
            let place = format!("bytes {first}-{last}/{length}");
            assert_eq!(
                (reply.status, reply.field("Content-Range")),
                (206, Some(&*place)),
                "{target} {range}"
            );
            assert!(reply.body == whole[first..=last], "{target} {range}: {} bytes", reply.body.len());
            assert_eq!(reply.field("Content-Type"), Some("text/plain; charset=utf-8"));
            assert!(reply.field("ETag").is_some() && reply.field("Last-Modified") == Some(LONG_AGO));
        }
    }
}

#[test]
fn ranges_that_are_not_there_or_make_no_sense() {
    let mut site = Site::new();
    for (target, length) in [("/small.txt", 1000), ("/large.txt", 1_000_000)] {
        let beyond = format!("bytes={length}-");
        for range in [&*beyond, "bytes=-0", "bytes=99999999-, 8888888-"] {
            let reply = site.get(target, &[("Range", range)]);
            let complete = format!("bytes */{length}");
            assert_eq!(
                (reply.status, reply.field("Content-Range")),
                (416, Some(&*complete)),
                "{target} {range}"
            );
        }
        let many =
            format!("bytes={}", (0..17).map(|at| format!("{0}-{0}", at * 2)).collect::<Vec<_>>().join(","));
        for range in [&*many, "bytes=0-5,3-8", "bytes=5-1", "bytes=x", "lines=0-1", "bytes=0-1;2-3"] {
            let reply = site.get(target, &[("Range", range)]);
            assert_eq!((reply.status, reply.body.len()), (200, length), "{target} {range}");
            assert_eq!(reply.field("Content-Range"), None);
        }
        // A HEAD tells of the whole, and so does a second Range field, which no client sends.
        let head = site.client.request("HEAD", target, &[("Range", "bytes=0-1")], b"");
        assert_eq!((head.status, head.field("Content-Length")), (200, Some(&*length.to_string())));
        assert_eq!(site.get(target, &[("Range", "bytes=0-1"), ("Range", "bytes=2-3")]).status, 200);
    }
    assert_eq!(site.get("/empty.txt", &[]).body, b"");
    assert_eq!(site.get("/empty.txt", &[("Range", "bytes=0-")]).field("Content-Range"), Some("bytes */0"));
    assert_eq!(site.get("/none.txt", &[("Range", "bytes=0-")]).status, 404);
}

#[test]
fn several_ranges_come_in_parts() {
    let mut site = Site::new();
    for (target, length) in [("/small.txt", 1000), ("/large.txt", 1_000_000)] {
        let whole = content(length);
        let reply = site.get(target, &[("Range", "bytes=900-, 0-4, 100-199")]);
        assert_eq!((reply.status, reply.field("Content-Range")), (206, None), "{target}");
        let places = [(900, length - 1), (0, 4), (100, 199)];
        let parts = parts(&reply);
        assert_eq!(parts.len(), places.len(), "{target}");
        for ((head, body), (first, last)) in parts.into_iter().zip(places) {
            let expected = format!(
                "Content-Type: text/plain; charset=utf-8\r\nContent-Range: bytes {first}-{last}/{length}\r\n"
            );
            assert_eq!(head, expected, "{target}");
            assert!(body == whole[first..=last], "{target} {first}-{last}: {} bytes", body.len());
        }
    }
    // The connection is in step after it.
    assert_eq!(site.get("/small.txt", &[]).body, content(1000));
}

/// Takes a multipart body apart as RFC 2046 section 5.1.1 has it: each part's head and its bytes.
fn parts(reply: &Reply) -> Vec<(String, Vec<u8>)> {
    let media_type = reply.field("Content-Type").unwrap_or_default();
    let boundary = media_type.strip_prefix("multipart/byteranges; boundary=").expect(media_type);
    let delimiter = format!("\r\n--{boundary}");
    // The first delimiter's line break belongs to the preamble, of which there is none.
    let mut rest = [b"\r\n", &*reply.body].concat();
    let mut parts = Vec::new();
    loop {
        let find =
            |text: &[u8], what: &str| text.windows(what.len()).position(|part| part == what.as_bytes());
        assert_eq!(find(&rest, &delimiter), Some(0));
        rest.drain(..delimiter.len());
        if rest.starts_with(b"--") {
            assert_eq!(rest, b"--\r\n");
            return parts;
        }
        assert!(rest.starts_with(b"\r\n"));
        let head_end = find(&rest, "\r\n\r\n").expect("a part has a head") + 2;
        let end = find(&rest, &delimiter).expect("a part ends");
        let head = String::from_utf8_lossy(&rest[2..head_end]).into_owned();
        parts.push((head, rest[head_end + 2..end].to_vec()));
        rest.drain(..end);
    }
}

#[test]
fn conditions_are_kept() {
    let mut site = Site::new();
    for target in ["/small.txt", "/large.txt"] {
        let tag = site.get(target, &[]).field("ETag").unwrap().to_owned();
        assert!(tag.starts_with('"'), "{tag}");
        let (weak, list) = (format!("W/{tag}"), format!("\"x\", {tag}"));
        for (name, value, status) in [
            ("If-None-Match", &*tag, 304),
            ("If-None-Match", &*weak, 304),
            ("If-None-Match", &*list, 304),
            ("If-None-Match", "*", 304),
            ("If-None-Match", "\"x\"", 200),
            ("If-Modified-Since", LONG_AGO, 304),
            ("If-Modified-Since", LATER, 304),
            ("If-Modified-Since", EARLIER, 200),
            ("If-Match", &*tag, 200),
            ("If-Match", "*", 200),
            ("If-Match", &*weak, 412),
            ("If-Match", "\"x\"", 412),
            ("If-Unmodified-Since", LONG_AGO, 200),
            ("If-Unmodified-Since", EARLIER, 412),
        ] {
            for method in ["GET", "HEAD"] {
                let reply = site.client.request(method, target, &[(name, value)], b"");
                assert_eq!(reply.status, status, "{method} {target} {name}: {value}");
                if status == 304 {
                    assert_eq!(
                        (reply.field("ETag"), reply.field("Last-Modified")),
                        (Some(&*tag), Some(LONG_AGO))
                    );
                    let absent = ["Content-Type", "Content-Length", "Accept-Ranges"];
                    assert!(absent.iter().all(|name| reply.field(name).is_none()), "{reply:?}");
                }
            }
        }
        // If-None-Match goes before the date, and a condition before a range.
        let fields = [("If-None-Match", "\"x\""), ("If-Modified-Since", LATER)];
        assert_eq!(site.get(target, &fields).status, 200);
        assert_eq!(site.get(target, &[("If-None-Match", &tag), ("Range", "bytes=0-1")]).status, 304);
        assert_eq!(site.get(target, &[("If-Match", "\"x\""), ("Range", "bytes=0-1")]).status, 412);
    }
}

#[test]
fn a_range_may_depend_on_what_the_client_holds() {
    let mut site = Site::new();
    for target in ["/small.txt", "/large.txt"] {
        let tag = site.get(target, &[]).field("ETag").unwrap().to_owned();
        for (if_range, status) in [
            (&*tag, 206),
            (LONG_AGO, 206),
            (&*format!("W/{tag}"), 200),
            ("\"x\"", 200),
            (LATER, 200),
            (EARLIER, 200),
            ("nonsense", 200),
        ] {
            let reply = site.get(target, &[("Range", "bytes=0-1"), ("If-Range", if_range)]);
            assert_eq!(reply.status, status, "{target} {if_range}");
        }
    }
    // Neither tag nor date of a file that changed just now is strong.
    let young = site.get("/young.txt", &[]);
    for name in ["ETag", "Last-Modified"] {
        let if_range = young.field(name).unwrap();
        let reply = site.get("/young.txt", &[("Range", "bytes=0-1"), ("If-Range", if_range)]);
        assert_eq!(reply.status, 200, "{if_range}");
    }
}
