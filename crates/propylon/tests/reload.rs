//! A reload changes what should change, keeps what should last, and refuses what is broken.

use propylon_testkit::{Client, Origin, Port, Server, Signal, run};

const HEAD: &str = "listen {ADDR:web}\nadmin {ADMIN}\nworkers 2\n";

fn config(lines: &str) -> String {
    format!("{HEAD}{lines}\n")
}

fn reload(server: &Server) -> std::process::Output {
    run(&["reload", "--admin", &server.admin_socket().display().to_string()])
}

fn metric(server: &Server, name: &str) -> String {
    let mut admin = Client::connect(&format!("unix:{}", server.admin_socket().display()));
    let reply = admin.get("/metrics");
    let value = reply.text().lines().find_map(|line| line.strip_prefix(name));
    value.unwrap_or_else(|| panic!("no {name} in {}", reply.text())).trim().to_owned()
}

#[test]
fn a_connection_goes_on_and_sees_the_new_config() {
    let mut server = Server::start(&config("site * { respond 200 old }"));
    let mut client = Client::connect(&server.addr("web"));
    assert_eq!(client.get("/").text(), "old");
    server.rewrite_config(&config("site * { respond 200 new }"));
    let output = reload(&server);
    assert_eq!(String::from_utf8_lossy(&output.stdout), "config 2 is in force\n");
    assert_eq!(client.get("/").text(), "new");
}

#[test]
fn a_websocket_goes_on() {
    let origin = Origin::upgrade_echo();
    let mut server = Server::setup(&config("site * { proxy {ORIGIN} }")).set("ORIGIN", origin.url()).start();
    let mut client = Client::connect(&server.addr("web"));
    let fields = [
        ("Connection", "Upgrade"),
        ("Upgrade", "websocket"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];
    assert_eq!(client.request("GET", "/", &fields, b"").status, 101);
    server.rewrite_config(&config("site * { respond 200 new }"));
    server.signal(Signal::HUP);
    server.wait_for_notice("RELOADING=1").unwrap();
    server.wait_for_log("config 2 is in force");
    client.send("still there?");
    assert_eq!(client.read_bytes(12), b"still there?");
}

#[test]
fn a_broken_config_is_refused_with_all_its_mistakes() {
    let mut server = Server::start(&config("site * { respond 200 old }"));
    server.rewrite_config(&config("site * {\n    proxy nowhere\n}\nsitte x {\n}\nlisten nonsense:port"));
    let output = reload(&server);
    assert_eq!(output.status.code(), Some(3));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    for expected in
        ["propylon.conf:5:", "no upstream `nowhere`", "propylon.conf:7:", "`site`", "propylon.conf:9:"]
    {
        assert!(said.contains(expected), "no {expected} in:\n{said}");
    }
    assert_eq!(Client::connect(&server.addr("web")).get("/").text(), "old");
    assert_eq!(metric(&server, "propylon_config_generation"), "1");
    assert_eq!(metric(&server, "propylon_reloads_refused_total"), "1");
}

#[test]
fn a_port_in_use_leaves_everything_as_it_was() {
    let mut server = Server::start(&config("site * { respond 200 old }"));
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap();
    let free = Port::claim();
    let lines = format!("listen 127.0.0.1:{}\nlisten {taken}\nlisten unix:{{DIR}}/new.sock\n", free.number());
    server.rewrite_config(&config(&format!("{lines}site * {{ respond 200 new }}")));
    let output = reload(&server);
    assert_eq!(output.status.code(), Some(3));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains(&format!("cannot listen on {taken}")), "{said}");
    assert_eq!(Client::connect(&server.addr("web")).get("/").text(), "old");
    assert!(Client::try_connect(&format!("127.0.0.1:{}", free.number())).is_err());
    assert!(!server.dir().path("new.sock").exists());
}

#[test]
fn listeners_come_and_go() {
    let both = config("listen {ADDR:more}\nlisten unix:{DIR}/web.sock\nsite * { respond 200 hi }");
    let one = config("site * { respond 200 hi }");
    let mut server = Server::start(&one);
    for round in 2..5 {
        server.rewrite_config(&both);
        assert_eq!(reload(&server).status.code(), Some(0), "round {round}");
        assert_eq!(Client::connect(&server.addr("more")).get("/").text(), "hi");
        let socket = server.dir().path("web.sock");
        assert_eq!(Client::connect(&format!("unix:{}", socket.display())).get("/").text(), "hi");
        server.rewrite_config(&one);
        assert_eq!(reload(&server).status.code(), Some(0));
        assert!(Client::try_connect(&server.addr("more")).is_err());
        assert!(!socket.exists());
    }
}

#[test]
fn what_takes_a_restart_is_said() {
    let mut server = Server::start(&config("site * { respond 200 hi }"));
    let changed = "listen {ADDR:web}\nadmin {ADMIN}\nworkers 3\nsite * { respond 200 hi }\n";
    server.rewrite_config(changed);
    let output = reload(&server);
    assert_eq!(output.status.code(), Some(0));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("`workers` has changed, which takes a restart"), "{said}");
}
