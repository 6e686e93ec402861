//! What is left of root once the server runs. These tests mean something only as root, and say so otherwise.

use propylon_testkit::{Client, Server, run};

/// `CAP_NET_BIND_SERVICE`, as a bit of `CapEff`.
const LOW_PORTS: u64 = 1 << 10;
/// `CAP_DAC_READ_SEARCH`.
const READ_ALL: u64 = 1 << 2;

fn is_root() -> bool {
    let root = rustix::process::geteuid().is_root();
    if !root {
        eprintln!("skipped: only root has privileges to give up");
    }
    root
}

/// A line of `/proc/PID/status`.
fn status(server: &Server, name: &str) -> String {
    let all = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).expect("the server runs");
    let line = all.lines().find_map(|line| line.strip_prefix(&format!("{name}:")));
    line.expect("the kernel tells it").split_whitespace().collect::<Vec<_>>().join(" ")
}

fn capabilities(server: &Server, set: &str) -> u64 {
    u64::from_str_radix(&status(server, set), 16).expect("a set is a number")
}

#[test]
fn root_becomes_the_user_and_keeps_low_ports() {
    if !is_root() {
        return;
    }
    let config = "listen {ADDR:web}\nadmin {ADMIN}\nuser 54321 54322\nsite * { respond 200 hi }\n";
    let mut server = Server::start(config);
    assert_eq!(status(&server, "Uid"), "54321 54321 54321 54321");
    assert_eq!(status(&server, "Gid"), "54322 54322 54322 54322");
    assert_eq!(status(&server, "NoNewPrivs"), "1");
    assert_eq!((capabilities(&server, "CapEff"), capabilities(&server, "CapBnd")), (LOW_PORTS, LOW_PORTS));
    server.rewrite_config(&format!("{config}listen 127.0.0.53:89\n"));
    let reload = run(&["reload", "--admin", &server.admin_socket().display().to_string()]);
    assert!(reload.status.success(), "{}", String::from_utf8_lossy(&reload.stderr));
    assert_eq!(Client::connect("127.0.0.53:89").get("/").text(), "hi");
}

#[test]
fn root_without_an_account_keeps_next_to_nothing_and_says_so() {
    let has_account = std::fs::read_to_string("/etc/passwd").is_ok_and(|all| all.contains("\npropylon:"));
    if !is_root() || has_account {
        return;
    }
    let server = Server::start("admin off\n");
    assert!(
        server.stderr().contains("running as root, because there is no user `propylon`"),
        "{}",
        server.stderr()
    );
    assert_eq!(capabilities(&server, "CapEff") & !(LOW_PORTS | READ_ALL), 0);
}

#[test]
fn an_account_that_does_not_exist_is_an_error() {
    let said = Server::setup("admin off\nuser no-such-account\n").try_start().unwrap_err();
    assert!(said.contains("exit status: 1") && said.contains("there is no user `no-such-account`"), "{said}");
}

#[test]
fn who_is_not_root_cannot_become_another() {
    let mut setup = Server::setup("admin off\nuser 12345 12345\n");
    if rustix::process::geteuid().is_root() {
        setup = setup.user(54321);
    }
    let said = setup.try_start().unwrap_err();
    assert!(said.contains("only root can become user `12345`"), "{said}");
}
