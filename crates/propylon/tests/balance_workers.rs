//! Two workers of which the kernel favours one: connections are handed over until neither has far more than its share.

mod gate;

use std::fs;
use std::net::TcpListener;
use std::path::Path;

use propylon_net::listener::bind;
use propylon_net::skew::send_all_to_the_first;
use propylon_net::socket::Address;
use propylon_testkit::{Client, Origin, Server, free_port};

/// Connections that the server's event loops watch, one number for each loop: a worker has one.
fn watched(server: &Server) -> Vec<usize> {
    let process = Path::new("/proc").join(server.pid().to_string());
    let open = fs::read_dir(process.join("fd")).expect("a running child has descriptors");
    let loops = open.filter_map(Result::ok).filter(|entry| {
        fs::read_link(entry.path()).is_ok_and(|target| target == Path::new("anon_inode:[eventpoll]"))
    });
    let mut counts: Vec<usize> = loops
        .filter_map(|entry| fs::read_to_string(process.join("fdinfo").join(entry.file_name())).ok())
        .map(|info| info.lines().filter(|line| line.starts_with("tfd:")).count())
        .collect();
    counts.sort_unstable();
    counts
}

#[test]
fn connections_hashed_to_one_worker_are_evened_out() {
    let port = free_port();
    let address = Address::Ip(([127, 0, 0, 1], port).into());
    let first = TcpListener::from(bind(&address).expect("the port is free"));
    send_all_to_the_first(&first).expect("the kernel takes the program");
    let origin = Origin::fixed(200, &[], b"served");
    let config =
        format!("listen 127.0.0.1:{port}\n{}", gate::behind("", "")).replace("workers 1", "workers 2");
    let server = Server::setup(&config).set("ORIGIN", origin.url()).start();
    // From here on one of the workers' sockets is the first.
    drop(first);
    let mut clients: Vec<Client> = Vec::new();
    for _ in 0..200 {
        let mut client = Client::connect(&format!("127.0.0.1:{port}"));
        assert_eq!(client.get("/").text(), "served");
        clients.push(client);
    }
    let counts = watched(&server);
    let &[.., less, more] = &counts[..] else { panic!("two workers have two event loops: {counts:?}") };
    assert!(less >= 45 && less + more >= 200, "the workers watch {less} and {more} descriptors");
    for client in &mut clients {
        assert_eq!(client.get("/").text(), "served");
    }
}

/// Without help the same connections would all be one worker's: the test can tell.
#[test]
fn the_skew_is_real() {
    let port = free_port();
    let address = Address::Ip(([127, 0, 0, 1], port).into());
    let both = [(); 2].map(|()| TcpListener::from(bind(&address).expect("the port is free")));
    send_all_to_the_first(&both[0]).expect("the kernel takes the program");
    let clients: Vec<Client> = (0..50).map(|_| Client::connect(&format!("127.0.0.1:{port}"))).collect();
    for listener in &both {
        listener.set_nonblocking(true).expect("a listener can be made non-blocking");
    }
    let accepted = both.map(|listener| listener.incoming().map_while(Result::ok).count());
    assert_eq!(accepted, [clients.len(), 0]);
}
