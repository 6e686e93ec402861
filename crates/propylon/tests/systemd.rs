//! What the service manager is told, and the sockets that it passes on.

use std::net::TcpListener;
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;

use propylon_testkit::{Client, Server, Setup, Signal, Tree, propylon};

/// A script that passes `listener` to the server as a service manager would.
fn activated(config: &str, listener: &TcpListener, name: &str, tree: &Tree) -> Setup {
    rustix::io::fcntl_setfd(listener, rustix::io::FdFlags::empty()).expect("the socket is open");
    let number = listener.as_raw_fd();
    let binary = propylon().display().to_string();
    let script = format!(
        "#!/bin/bash\nexport LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES={name}\nexec {binary} \"$@\" 3<&{number}\n"
    );
    let path = tree.write("activate", script);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("the script is ours");
    Server::setup(config).binary(path)
}

#[test]
fn a_socket_is_found_by_its_name() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let tree = Tree::empty();
    let config = "listen 127.0.0.1:9 name web\nadmin off\nworkers 2\nsite * { respond 200 hi }\n";
    let server = activated(config, &listener, "web", &tree).start();
    let address = listener.local_addr().unwrap().to_string();
    for _ in 0..8 {
        assert_eq!(Client::connect(&address).get("/").text(), "hi");
    }
    assert!(!server.stderr().contains("no listener is for"), "{}", server.stderr());
}

#[test]
fn a_socket_is_found_by_its_address() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let tree = Tree::empty();
    let config = format!("listen {address}\nadmin off\nsite * {{ respond 200 hi }}\n");
    let _server = activated(&config, &listener, "propylon.socket", &tree).start();
    assert_eq!(Client::connect(&address).get("/").text(), "hi");
}

#[test]
fn a_socket_that_nobody_wants_is_named() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let tree = Tree::empty();
    let server = activated("admin off\n", &listener, "stray", &tree).start();
    server.wait_for_log("no listener is for the inherited socket stray");
}

#[test]
fn it_is_told_of_reloads_and_the_end() {
    let mut server = Server::start("listen {ADDR:web}\nadmin off\nsite * { respond 200 }\n");
    server.signal(Signal::HUP);
    server.wait_for_notice("RELOADING=1").unwrap();
    server.wait_for_notice("READY=1").unwrap();
    server.signal(Signal::TERM);
    server.wait_for_notice("STOPPING=1").unwrap();
    assert_eq!(server.wait_for_exit().code(), Some(0));
}

#[test]
fn the_watchdog_hears_of_it() {
    let mut server = Server::setup("admin off\n").env("WATCHDOG_USEC", 200_000).start();
    for _ in 0..3 {
        server.wait_for_notice("WATCHDOG=1").unwrap();
    }
}
