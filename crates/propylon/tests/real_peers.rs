//! Peers that nobody here wrote: nginx and Python's web server as origins, curl as the client. A peer that is not
//! installed is left out, and the test says so.

mod gate;

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use propylon_testkit::{Client, Origin, PATIENCE, Server, Tree, free_port};

/// A process of the test's own, ended with its value.
struct Peer(Child);

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Finds a program by its name; says so when there is none.
fn installed(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let places = std::env::split_paths(&path).chain(["/usr/sbin".into()]);
    let found = places.map(|place| place.join(program)).find(|path| path.is_file());
    if found.is_none() {
        eprintln!("left out: {program} is not installed");
    }
    found
}

/// Starts a peer and waits until it takes connections.
#[expect(
    clippy::disallowed_methods,
    reason = "a foreign process tells nobody when it is ready, so it is asked"
)]
fn start(command: &mut Command, port: u16) -> Peer {
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
    let mut peer = Peer(child.expect("an installed program can be started"));
    let deadline = Instant::now() + PATIENCE;
    while Client::try_connect(&format!("127.0.0.1:{port}")).is_err() {
        let ended = peer.0.try_wait().expect("our own child can be waited for").is_some();
        if ended || Instant::now() > deadline {
            let mut said = String::new();
            let _ = peer.0.kill();
            let _ = peer.0.stderr.take().map(|mut stderr| stderr.read_to_string(&mut said));
            panic!("{command:?} does not listen: {said}");
        }
        thread::sleep(Duration::from_millis(10));
    }
    peer
}

fn large() -> Vec<u8> {
    (0..3_000_000_u32).map(|at| (at / 7 % 251) as u8).collect()
}

fn site() -> Tree {
    let tree = Tree::new(&[("www/index.html", b"<p>hello"), ("www/large.bin", &large()), ("www/empty", b"")]);
    tree.write("nginx.conf", "");
    tree
}

fn nginx(tree: &Tree) -> Option<(Peer, u16)> {
    let (program, port) = (installed("nginx")?, free_port());
    let dir = tree.path("").display().to_string();
    let temp: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|name| format!("{name}_temp_path {dir}/{name};\n"))
        .concat();
    // One process, so that ending it ends all of it.
    let config = format!(
        "daemon off;\nmaster_process off;\npid {dir}/nginx.pid;\nerror_log {dir}/error.log;\n\
        events {{}}\nhttp {{\n{temp}access_log off;\n\
        server {{ listen 127.0.0.1:{port}; root {dir}/www; location /ssi {{ alias {dir}/www; ssi on; ssi_types *; }} }}\n}}\n"
    );
    let file = tree.write("nginx.conf", config);
    let mut command = Command::new(program);
    Some((start(command.arg("-p").arg(tree.path("")).arg("-c").arg(file), port), port))
}

fn python(tree: &Tree) -> Option<(Peer, u16)> {
    let (program, port) = (installed("python3")?, free_port());
    let mut command = Command::new(program);
    command.args(["-m", "http.server", "--bind", "127.0.0.1", &port.to_string(), "--directory"]);
    Some((start(command.arg(tree.path("www")), port), port))
}

fn before(port: u16) -> Server {
    let config = format!("listen {{ADDR:web}}\n{}", gate::behind("", ""));
    Server::setup(&config).set("ORIGIN", format!("http://127.0.0.1:{port}")).start()
}

/// What every web server should give, through ours.
#[track_caller]
fn check_files(port: u16) {
    let server = before(port);
    let mut client = Client::connect(&server.addr("web"));
    for _ in 0..3 {
        let page = client.get("/index.html");
        assert_eq!(
            (page.status, page.text(), page.field("content-type")),
            (200, "<p>hello", Some("text/html"))
        );
        let modified = page.field("last-modified").expect("a file has a date").to_owned();
        let same = client.request("GET", "/index.html", &[("If-Modified-Since", &modified)], b"");
        assert_eq!((same.status, same.body.len()), (304, 0));
        let head = client.request("HEAD", "/large.bin", &[], b"");
        assert_eq!((head.status, head.field("content-length")), (200, Some("3000000")));
        assert!(client.get("/large.bin").body == large(), "the large file came changed");
        assert_eq!(client.get("/empty").body, b"");
        assert_eq!(client.get("/missing").status, 404);
        let posted = client.post("/index.html", b"body");
        assert!(matches!(posted.status, 405 | 501), "{posted:?}");
        if posted.announces_close() {
            client = Client::connect(&server.addr("web"));
        }
    }
}

#[test]
fn nginx_as_origin() {
    let tree = site();
    let Some((_nginx, port)) = nginx(&tree) else { return };
    check_files(port);
    let server = before(port);
    let mut client = Client::connect(&server.addr("web"));
    let part = client.request("GET", "/large.bin", &[("Range", "bytes=1000000-1000099")], b"");
    assert_eq!((part.status, &part.body[..]), (206, &large()[1_000_000..1_000_100]));
    // With server-side includes on, nginx does not know the length and sends chunks.
    let chunked = client.get("/ssi/large.bin");
    assert_eq!(chunked.field("transfer-encoding"), Some("chunked"));
    assert!(chunked.body == large(), "the chunks came changed");
}

#[test]
fn python_as_origin() {
    let tree = site();
    let Some((_python, port)) = python(&tree) else { return };
    check_files(port);
}

fn curl(dir: &Path, args: &[&str]) -> Option<Output> {
    let mut command = Command::new(installed("curl")?);
    command.args(["--silent", "--show-error", "--max-time", "10", "--noproxy", "*"]).args(args);
    let output = command.current_dir(dir).output().expect("an installed program can be started");
    assert!(output.status.success(), "curl {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    Some(output)
}

#[test]
fn curl_as_client() {
    let tree = site();
    let dir = tree.path("www");
    let origin = Origin::start(|request, conn| match &*request.method {
        "HEAD" => conn.send("HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n"),
        _ => conn.reply(200, &[("X-Was", &request.method)], &request.body),
    });
    let server = gate::before(&origin);
    let url = format!("http://{}/", server.addr("web"));
    let Some(plain) = curl(&dir, &["--include", &url, &url]) else { return };
    assert_eq!(String::from_utf8_lossy(&plain.stdout).matches("HTTP/1.1 200 OK").count(), 2);
    let upload: [&[&str]; 4] = [
        &["--data-binary", "@large.bin"],
        // curl then waits for a 100 before it sends the body.
        &["--data-binary", "@large.bin", "--header", "Expect: 100-continue"],
        &["--data-binary", "@large.bin", "--header", "Transfer-Encoding: chunked"],
        &["--upload-file", "large.bin"],
    ];
    for args in upload {
        let output = curl(&dir, &[args, &[&url]].concat()).expect("it was there a moment ago");
        assert!(output.stdout == large(), "curl {args:?} got {} other bytes", output.stdout.len());
    }
    let old = curl(&dir, &["--http1.0", "--data", "old", &url]).expect("it was there a moment ago");
    assert_eq!(old.stdout, b"old");
    let head = curl(&dir, &["--head", &url]).expect("it was there a moment ago");
    assert!(String::from_utf8_lossy(&head.stdout).contains("Content-Length: 7"));
    assert!(origin.problems().is_empty(), "{:?}", origin.problems());
}
