//! The commands that need no config: `serve`, `proxy` and `demo`, as a newcomer runs them.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use propylon_testkit::{Client, Origin, Port, Reply, Tree, propylon};

/// A server started by a command line; killed with its value.
struct Started {
    child: Child,
    address: String,
    _port: Port,
}

impl Drop for Started {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Started {
    /// Starts `propylon ARGS --listen ADDRESS` and waits until it can be connected to.
    fn new(args: &[&str]) -> Self {
        let port = Port::claim();
        let address = format!("127.0.0.1:{}", port.number());
        let mut command = Command::new(propylon());
        command.args(args).args(["--listen", &address]).stdin(Stdio::null()).stderr(Stdio::null());
        let started =
            Self { child: command.spawn().expect("the binary can be started"), address, _port: port };
        for _ in 0..1000 {
            if Client::try_connect(&started.address).is_ok() {
                return started;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("`propylon {}` does not listen", args.join(" "));
    }

    fn request(&self, method: &str, target: &str) -> Reply {
        Client::connect(&self.address).request(method, target, &[("Connection", "close")], b"")
    }
}

#[test]
fn a_folder_is_served() {
    let tree = Tree::new(&[("a b.txt", b"hello"), (".secret", b"no")]);
    let server = Started::new(&["serve", &tree.path("").display().to_string()]);
    assert_eq!(server.request("GET", "/a%20b.txt").text(), "hello");
    assert_eq!(server.request("GET", "/.secret").status, 404);
    assert!(server.request("GET", "/").text().contains("a b.txt"));
}

#[test]
fn requests_are_passed_on() {
    let origins = [Origin::fixed(200, &[], b"one"), Origin::fixed(200, &[], b"two")];
    let server = Started::new(&["proxy", "--to", &origins[0].url(), "--to", origins[1].addr()]);
    for _ in 0..8 {
        assert_eq!(server.request("GET", "/").status, 200);
    }
    assert!(origins.iter().all(|origin| !origin.requests().is_empty()));
}

#[test]
fn the_demo_shows_a_page_balancing_and_a_failing_server() {
    let demo = Started::new(&["demo"]);
    assert!(demo.request("GET", "/").text().contains("<title>Propylon: the demo</title>"));
    let asked =
        || -> serde_json::Value { serde_json::from_slice(&demo.request("GET", "/api/hello").body).unwrap() };
    let who = || asked()["origin"].as_str().unwrap_or_default().to_owned();
    let mut seen: Vec<String> = (0..60).map(|_| who()).collect();
    seen.sort();
    seen.dedup();
    assert_eq!(seen, ["amber", "coral", "jade"]);
    let fields = asked()["fields"].to_string().to_ascii_lowercase();
    assert!(fields.contains("x-forwarded-for"), "{fields}");

    assert_eq!(demo.request("POST", "/switch?origin=1&mode=down").status, 200);
    let replies: Vec<Reply> = (0..30).map(|_| demo.request("GET", "/api/hello")).collect();
    assert!(replies.iter().all(|reply| reply.status == 200 && !reply.text().contains("\"amber\"")));
    assert!(
        replies.iter().any(|reply| reply.field("x-attempts") == Some("2")),
        "nobody had to be asked twice"
    );

    assert_eq!(demo.request("POST", "/switch?origin=2&mode=error").status, 200);
    assert!((0..30).any(|_| demo.request("GET", "/api/hello").status == 500));
    for number in ["1", "2"] {
        assert_eq!(demo.request("POST", &format!("/switch?origin={number}&mode=well")).status, 200);
    }
    assert!((0..200).any(|_| who() == "amber"), "the server that was down does not come back");
    assert_eq!(demo.request("POST", "/switch?origin=4&mode=well").status, 400);
}
