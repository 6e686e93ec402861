//! Two workers of which the kernel favours one: connections are handed over until neither has far more than its share.

mod gate;

use std::net::TcpListener;

use propylon_net::listener::bind;
use propylon_net::skew::send_all_to_the_first;
use propylon_net::socket::Address;
use propylon_testkit::{Client, Origin, Server, free_port};

/// Client connections of each worker, as the admin socket tells, and how many were handed over.
fn loads(server: &Server) -> (Vec<u64>, u64) {
    let mut admin = Client::connect(&format!("unix:{}", server.admin_socket().display()));
    let status: serde_json::Value = serde_json::from_str(admin.get("/status").text()).expect("JSON");
    let workers = status["workers"].as_array().expect("a list of workers").iter();
    let loads = workers.filter_map(|worker| worker["connections"].as_u64()).collect();
    let metrics = admin.get("/metrics");
    let handed_over =
        metrics.text().lines().find_map(|line| line.strip_prefix("propylon_connections_handed_over_total "));
    (loads, handed_over.and_then(|count| count.parse().ok()).expect("a counter"))
}

#[test]
fn connections_hashed_to_one_worker_are_evened_out() {
    let port = free_port();
    let address = Address::Ip(([127, 0, 0, 1], port).into());
    let first = TcpListener::from(bind(&address).expect("the port is free"));
    send_all_to_the_first(&first).expect("the kernel takes the program");
    let origin = Origin::fixed(200, &[], b"served");
    let config = format!("listen 127.0.0.1:{port}\n{}", gate::behind("", ""))
        .replace("workers 1\nadmin off", "workers 2\nadmin {ADMIN}");
    let server = Server::setup(&config).set("ORIGIN", origin.url()).start();
    // From here on one of the workers' sockets is the first.
    drop(first);
    let mut clients: Vec<Client> = Vec::new();
    for _ in 0..200 {
        let mut client = Client::connect(&format!("127.0.0.1:{port}"));
        assert_eq!(client.get("/").text(), "served");
        clients.push(client);
    }
    let (loads, handed_over) = loads(&server);
    assert_eq!(loads.iter().sum::<u64>(), 200, "{loads:?}");
    assert!(loads.iter().all(|load| *load >= 45), "{loads:?}");
    assert!(handed_over >= 45, "{handed_over} handed over, {loads:?}");
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
