//! How the server ends, and what its exit code tells.

use propylon_testkit::{Client, Origin, Server, Signal};

fn behind(origin: &Origin, lines: &str) -> Server {
    let config = format!("listen {{ADDR:web}}\nadmin off\n{lines}\nsite * {{ proxy {{ORIGIN}} }}\n");
    Server::setup(&config).set("ORIGIN", origin.url()).start()
}

#[test]
fn without_work_it_ends_well_and_closes_idle_connections() {
    let origin = Origin::fixed(200, &[], b"hello");
    let mut server = behind(&origin, "");
    let mut client = Client::connect(&server.addr("web"));
    assert_eq!(client.get("/").status, 200);
    assert_eq!(server.stop().code(), Some(0));
    client.expect_closed();
}

#[test]
fn the_deadline_cuts_what_takes_too_long() {
    let origin = Origin::stall();
    let mut server = behind(&origin, "shutdown deadline 300ms");
    let mut client = Client::connect(&server.addr("web"));
    client.send_request("GET", "/", &[], b"");
    origin.wait_for_requests(1);
    assert_eq!(server.stop().code(), Some(4));
}

#[test]
fn a_second_signal_ends_everything_at_once() {
    let origin = Origin::stall();
    let mut server = behind(&origin, "shutdown deadline 1h");
    let mut client = Client::connect(&server.addr("web"));
    client.send_request("GET", "/", &[], b"");
    origin.wait_for_requests(1);
    server.signal(Signal::TERM);
    server.wait_for_notice("STOPPING=1").unwrap();
    server.signal(Signal::INT);
    assert_eq!(server.wait_for_exit().code(), Some(5));
}

#[test]
fn ports_in_use_are_all_named() {
    let held: Vec<_> = (0..2).map(|_| std::net::TcpListener::bind("127.0.0.1:0").unwrap()).collect();
    let taken: Vec<String> = held.iter().map(|one| one.local_addr().unwrap().to_string()).collect();
    let listens: String = taken.iter().map(|address| format!("listen {address}\n")).collect();
    let said =
        Server::setup(&format!("{listens}admin off\nsite * {{ respond 200 }}\n")).try_start().unwrap_err();
    assert!(said.contains("exit status: 1"), "{said}");
    for address in taken {
        assert!(said.contains(&format!("cannot listen on {address}")), "{said}");
    }
}
