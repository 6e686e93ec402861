//! How the kit starts, watches and stops a server, and how it judges refusals: tried on a stand-in.

use std::os::unix::process::ExitStatusExt;

use propylon_testkit::{Client, Origin, Server, Setup, check_refused};

const EVIL: &str = "GET /evil HTTP/1.1\r\nHost: example.test\r\n\r\n";

fn stand_in(config: &str) -> Setup {
    Server::setup(config).binary(env!("CARGO_BIN_EXE_stand_in"))
}

fn proxy(origin: &Origin, more: &str) -> Server {
    stand_in(&format!("listen {{ADDR:web}}\nproxy {{ORIGIN}}\n{more}\n")).set("ORIGIN", origin.addr()).start()
}

#[test]
fn a_server_is_started_watched_and_stopped() {
    let origin = Origin::fixed(200, &[], b"hello");
    let mut server = proxy(&origin, "");
    assert_eq!(Client::connect(&server.addr("web")).get("/").text(), "hello");
    assert_eq!(server.wait_for_log("is up"), "stand-in is up");
    assert!(server.resident_kib() > 100);
    assert_eq!(server.stop().signal(), Some(15));
}

#[test]
fn a_server_that_cannot_start_says_why() {
    let said = stand_in("die").try_start().expect_err("it dies");
    assert!(said.contains("exit status: 3") && said.contains("this config kills"), "{said}");
}

#[test]
fn a_dropped_server_is_gone() {
    let server = stand_in("listen {ADDR:web}").start();
    let (addr, dir) = (server.addr("web"), server.dir().path(""));
    drop(server);
    assert!(Client::try_connect(&addr).is_err());
    assert!(!dir.exists());
}

#[test]
fn a_refusal_is_recognised() {
    let origin = Origin::fixed(200, &[], b"");
    let server = proxy(&origin, "");
    check_refused(&server.addr("web"), &origin, EVIL, 400);
}

#[test]
#[should_panic(expected = "got past")]
fn a_smuggled_request_is_found() {
    let origin = Origin::fixed(200, &[], b"");
    let server = proxy(&origin, "leaky");
    check_refused(&server.addr("web"), &origin, EVIL, 400);
}
