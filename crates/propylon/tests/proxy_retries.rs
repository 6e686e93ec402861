//! When a request is sent again, and when never: what an origin may have processed is not processed twice.

mod gate;

use propylon_testkit::{Client, Origin, Server, free_port};

fn client(server: &Server) -> Client {
    Client::connect(&server.addr("web"))
}

/// Serves one request on the first connection, reads a second one there and goes away; later connections work.
fn stale() -> Origin {
    Origin::raw(|conn| {
        while conn.read_request()?.is_some() {
            conn.reply(200, &[], b"served")?;
            if conn.number() == 0 {
                conn.read_request()?;
                return conn.close();
            }
        }
        Ok(())
    })
}

#[test]
fn a_get_that_met_a_stale_connection_is_sent_again() {
    let origin = stale();
    let server = gate::before(&origin);
    let mut client = client(&server);
    for _ in 0..3 {
        assert_eq!(client.get("/").text(), "served");
    }
    assert_eq!((origin.connections(), origin.requests().len()), (2, 4));
}

#[test]
fn what_may_have_been_processed_is_not_sent_again() {
    for (method, body) in [("POST", &b"pay"[..]), ("POST", b""), ("DELETE", b"")] {
        let origin = stale();
        let server = gate::before(&origin);
        let mut client = client(&server);
        assert_eq!(client.get("/").text(), "served");
        assert_eq!(client.request(method, "/", &[], body).status, 502);
        assert_eq!(origin.lines(), ["GET /".to_owned(), format!("{method} /")]);
        // The body had been sent whole, so the client's connection can go on.
        assert_eq!(client.request(method, "/", &[], body).text(), "served");
    }
}

#[test]
fn a_connection_that_the_origin_closed_is_not_used() {
    // The end of the stream is on its way before the origin counts the connection as over.
    let origin = Origin::raw(|conn| {
        if conn.read_request()?.is_some() {
            conn.reply(200, &[], b"once")?;
            conn.half_close()?;
        }
        Ok(())
    });
    let server = gate::before(&origin);
    let mut client = client(&server);
    for _ in 0..3 {
        assert_eq!(client.post("/", b"pay").text(), "once");
        origin.wait_for_open(0);
    }
    assert_eq!(origin.requests().len(), 3);
}

#[test]
fn a_refusing_endpoint_is_passed_over() {
    let origin = Origin::fixed(200, &[], b"alive");
    let dead = format!("endpoint http://127.0.0.1:{}", free_port());
    let server = gate::with(&origin, "", &dead).start();
    let mut client = client(&server);
    for _ in 0..6 {
        assert_eq!(client.get("/").text(), "alive");
        assert_eq!(client.post("/", b"pay").text(), "alive");
    }
    assert_eq!(origin.requests().len(), 12);
    assert_eq!(origin.requests()[11].body, b"pay");
}

#[test]
fn a_request_that_reached_an_endpoint_goes_to_no_other() {
    let (first, second) = (Origin::reset(), Origin::reset());
    let server = gate::with(&first, "", &format!("endpoint {}", second.url())).start();
    let mut client = client(&server);
    for _ in 0..4 {
        assert_eq!(client.post("/", b"pay").status, 502);
        assert_eq!(client.get("/").status, 502);
    }
    assert_eq!(first.requests().len() + second.requests().len(), 8);
}
