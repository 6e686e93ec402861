//! A connection that ends while its client still sends is read on for a while, so that the client sees the reply.

use propylon_testkit::{Client, Server};

#[test]
fn a_client_that_still_sends_reads_why_it_was_refused() {
    let config = "listen {ADDR:web}\nadmin {ADMIN}\nlimits { body 10B }\nsite * { respond 200 }\n";
    let server = Server::start(config);
    let mut client = Client::connect(&server.addr("web"));
    client.send("POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 100000\r\n\r\n");
    for _ in 0..10 {
        client.send("x".repeat(10_000));
    }
    assert_eq!(client.read_reply().status, 413);
    client.expect_closed();
    let mut admin = Client::connect(&format!("unix:{}", server.admin_socket().display()));
    let metrics = admin.get("/metrics");
    let text = metrics.text();
    assert!(text.contains("propylon_panics_total 0\n"), "{text}");
}
