//! The admin socket: who may use it, and what it tells.

use std::os::unix::fs::PermissionsExt;

use propylon_testkit::{Client, Origin, Server, Signal, run};

const CONFIG: &str = "listen {ADDR:web} name web\nadmin {ADMIN}\nworkers 2\nshutdown wait 1h\n\
                      upstream back { endpoint {ORIGIN} weight 3 }\nsite * { route /a/* { proxy back } }\n";

fn start(origin: &Origin) -> Server {
    Server::setup(CONFIG).set("ORIGIN", origin.url()).start()
}

fn admin(server: &Server) -> Client {
    Client::connect(&format!("unix:{}", server.admin_socket().display()))
}

#[test]
fn the_socket_is_its_owners_alone() {
    let server = start(&Origin::echo());
    let mode = server.admin_socket().metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn it_tells_how_things_stand() {
    let origin = Origin::fixed(200, &[], b"hello");
    let server = start(&origin);
    let mut client = Client::connect(&server.addr("web"));
    assert_eq!(client.get("/a/b").text(), "hello");
    let mut admin = admin(&server);
    let status: serde_json::Value = serde_json::from_str(admin.get("/status").text()).unwrap();
    assert_eq!(status["pid"], server.pid());
    assert_eq!(status["generation"], 1);
    assert_eq!(status["draining"], false);
    assert_eq!(status["listeners"][0]["name"], "web");
    assert_eq!(status["upstreams"][0]["endpoints"][0]["addresses"][0], origin.addr());
    assert_eq!(status["upstreams"][0]["endpoints"][0]["weight"], 3);
    let open: u64 =
        status["workers"].as_array().unwrap().iter().filter_map(|one| one["connections"].as_u64()).sum();
    assert_eq!(open, 1);
    let metrics = admin.get("/metrics");
    assert_eq!(metrics.field("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    assert!(
        metrics.text().contains("propylon_upstream_attempts_total{upstream=\"back\"} 1\n"),
        "{}",
        metrics.text()
    );
    assert!(metrics.text().contains("propylon_config_generation 1\n"));
}

#[test]
fn what_is_no_request_of_its_own_is_refused() {
    let server = start(&Origin::echo());
    let mut admin = admin(&server);
    assert_eq!(admin.get("/").status, 404);
    assert_eq!(admin.get("/reload").status, 405);
    assert_eq!(admin.post("/status", b"").status, 405);
    assert_eq!(admin.get("/explain?url=ftp://x").status, 400);
    assert_eq!(admin.request("GET", "/status", &[("Origin", "http://evil.test")], b"").status, 403);
    assert_eq!(admin.post("/reload", b"body").status, 413);
    admin.expect_closed();
    let mut raw = self::admin(&server);
    raw.send("GET / HTTP/1.1\nHost: a\n\n");
    assert_eq!(raw.read_reply().status, 400);
}

#[test]
fn commands_speak_to_it() {
    let server = start(&Origin::echo());
    let socket = server.admin_socket().display().to_string();
    let status = run(&["status", "--admin", &socket]);
    let said = String::from_utf8_lossy(&status.stdout).into_owned();
    assert!(said.contains("ready") && said.contains("upstream back"), "{said}");
    let url = format!("http://{}/a/b", server.addr("web"));
    let explained = run(&["explain", "GET", &url, "--admin", &socket, "--header", "X-A: b c"]);
    let said = String::from_utf8_lossy(&explained.stdout).into_owned();
    assert!(said.contains("route     /a/*") && said.contains("listener  web"), "{said}");
    // What was only thought through is not counted.
    assert!(!admin(&server).get("/metrics").text().contains("propylon_upstream_attempts_total"));
}

#[test]
fn an_ending_server_is_not_ready_but_still_answers() {
    let origin = Origin::fixed(200, &[], b"hello");
    let mut server = start(&origin);
    assert_eq!(admin(&server).get("/ready").status, 200);
    server.signal(Signal::TERM);
    server.wait_for_notice("STOPPING=1").unwrap();
    assert_eq!(admin(&server).get("/ready").status, 503);
    assert_eq!(admin(&server).post("/reload", b"").status, 422);
    // `shutdown wait` is for those who have not noticed yet.
    assert_eq!(Client::connect(&server.addr("web")).get("/a/b").text(), "hello");
    server.signal(Signal::TERM);
    assert_eq!(server.wait_for_exit().code(), Some(5));
    assert!(!server.admin_socket().exists());
}

#[test]
fn a_stale_socket_is_replaced_and_a_living_one_is_not() {
    let server = start(&Origin::echo());
    let again = Server::setup("admin {SOCKET}\n").set("SOCKET", server.admin_socket().display()).try_start();
    let said = again.expect_err("the socket has an owner");
    assert!(said.contains("exit status: 1") && said.contains("cannot open the admin socket"), "{said}");
    assert_eq!(admin(&server).get("/ready").status, 200);
    let stale = propylon_testkit::Tree::empty();
    drop(std::os::unix::net::UnixListener::bind(stale.path("admin.sock")).unwrap());
    let path = stale.path("admin.sock").display().to_string();
    let _server = Server::setup("admin {SOCKET}\n").set("SOCKET", &path).start();
    assert_eq!(Client::connect(&format!("unix:{path}")).get("/ready").status, 200);
}
