//! The access log of the real server: what stands in it, what hostile bytes become, rotation, and the last lines.

use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use propylon_testkit::{Client, Origin, PATIENCE, Server, Signal};

/// A server that logs to a file in its directory, and otherwise says hello.
fn server(log: &str) -> Server {
    let lines =
        "route /gone {\nproxy http://127.0.0.1:1\n}\nroute /quiet {\naccess-log off\nrespond 200 x\n}\n";
    Server::start(&format!(
        "workers 1\nlisten {{ADDR:web}}\nadmin off\naccess-log {log} to file {{DIR}}/access.log\n\
         site example.test {{\n{lines}respond 200 hello\n}}\n"
    ))
}

/// Waits until the file has so many lines, and returns it.
#[expect(clippy::disallowed_methods, reason = "a bounded wait needs the clock")]
fn lines(server: &Server, name: &str, count: usize) -> Vec<String> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let text = std::fs::read(server.dir().path(name)).unwrap_or_default();
        let text = String::from_utf8(text).expect("a log is UTF-8");
        if text.matches('\n').count() >= count {
            return text.lines().map(str::to_owned).collect();
        }
        assert!(Instant::now() < deadline, "{name} has not {count} lines:\n{text}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn every_request_leaves_a_line_of_json() {
    let server = server("json");
    let mut client = Client::connect(&server.addr("web"));
    client.request("GET", "/a%2fb?c", &[("User-Agent", "test \"1\"")], b"");
    client.get("/quiet");
    client.get("/gone");
    Client::connect(&server.addr("web")).host("other.test").get("/");
    let lines = lines(&server, "access.log", 3);
    let lines: Vec<serde_json::Value> =
        lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let seen = |line: usize, member: &str| lines[line][member].clone();
    assert_eq!(lines.len(), 3);
    assert_eq!(seen(0, "target"), "/a%2fb?c");
    assert_eq!((seen(0, "user_agent"), seen(0, "status")), ("test \"1\"".into(), 200.into()));
    assert_eq!((seen(0, "client"), seen(0, "host")), ("127.0.0.1".into(), "example.test".into()));
    assert_eq!((seen(1, "target"), seen(1, "status")), ("/gone".into(), 502.into()));
    assert_eq!(seen(1, "endpoint"), "http://127.0.0.1:1");
    assert!(!seen(1, "fault").is_null() && !seen(1, "detail").is_null(), "{:?}", lines[1]);
    assert_eq!((seen(2, "host"), seen(2, "fault")), ("other.test".into(), "unknown-host".into()));
    let mode = server.dir().path("access.log").metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn hostile_bytes_are_escaped() {
    let server = server("json");
    let mut client = Client::connect(&server.addr("web"));
    let agent = b"\x1b[31m\"},{\xff\xc2\x9b\xe2\x80\xae\\".as_slice();
    let hidden: Vec<u8> = agent.iter().copied().filter(|byte| *byte != 0x1b).collect();
    client.send([b"GET / HTTP/1.1\r\nHost: example.test\r\nUser-Agent: ", &hidden[..], b"\r\n\r\n"].concat());
    assert_eq!(client.read_reply().status, 200);
    // A control character is refused, and the refusal is logged with what could be read.
    client.send([b"GET /evil HTTP/1.1\r\nHost: example.test\r\nUser-Agent: ", agent, b"\r\n\r\n"].concat());
    assert_eq!(client.read_reply().status, 400);
    let lines = lines(&server, "access.log", 2);
    assert!(lines[0].ends_with(r#""user_agent":"[31m\"},{\\xFF\u009B\u202E\\"}"#), "{}", lines[0]);
    let refused: serde_json::Value = serde_json::from_str(&lines[1]).unwrap();
    assert_eq!((refused["target"].as_str(), refused["status"].as_u64()), (Some("/evil"), Some(400)));
    assert_eq!(refused["fault"], "malformed-request");
    assert!(refused.get("user_agent").is_none());
}

#[test]
fn what_is_no_http_is_logged_without_what_came_before() {
    let server = server("custom \"{method} {target} {status} {fault}\"");
    let mut client = Client::connect(&server.addr("web"));
    client.get("/before");
    client.send("rubbish\r\n\r\n");
    assert_eq!(client.read_reply().status, 400);
    assert_eq!(lines(&server, "access.log", 2), ["GET /before 200 -", "- - 400 malformed-request"]);
}

#[test]
fn a_signal_opens_the_file_anew() {
    let server = server("custom {target}");
    let mut client = Client::connect(&server.addr("web"));
    client.get("/1");
    assert_eq!(lines(&server, "access.log", 1), ["/1"]);
    std::fs::rename(server.dir().path("access.log"), server.dir().path("access.log.1")).unwrap();
    server.signal(Signal::USR1);
    server.wait_for_log("logs are opened again");
    client.get("/2");
    assert_eq!(lines(&server, "access.log", 1), ["/2"]);
    assert_eq!(lines(&server, "access.log.1", 1), ["/1"]);
}

#[test]
fn the_last_lines_are_written_before_the_end() {
    let mut server = server("combined");
    let mut client = Client::connect(&server.addr("web"));
    for _ in 0..100 {
        client.get("/");
    }
    assert!(server.stop().success());
    let text = server.dir().read("access.log");
    assert_eq!(text.lines().count(), 100);
    assert!(
        text.starts_with("127.0.0.1 - - [") && text.contains("\"GET / HTTP/1.1\" 200 5 \"-\" \"-\"\n"),
        "{text}"
    );
}

#[test]
fn standard_output_is_a_log_too() {
    let origin = Origin::fixed(200, &[], b"");
    let config = "listen {ADDR:web}\nadmin off\nsite * {\naccess-log\nproxy {ORIGIN}\n}\n";
    let server = Server::setup(config).set("ORIGIN", origin.url()).start();
    Client::connect(&server.addr("web")).get("/out");
    server.wait_for_log("\"target\":\"/out\"");
    assert!(server.stdout().contains("\"endpoint\":\"http://127.0.0.1:"), "{}", server.stdout());
}

#[test]
fn a_log_that_cannot_be_opened_keeps_the_server_from_starting() {
    let config = "listen {ADDR:web}\nadmin off\naccess-log to file {DIR}/link\nsite * { respond 200 x }\n";
    let log = config.replace("{DIR}/link", "/dev/stdout");
    let said = Server::setup(&log).try_start().map(|_| ()).unwrap_err();
    assert!(said.contains("access log /dev/stdout cannot be opened"), "{said}");
    let nowhere = config.replace("{DIR}/link", "{DIR}/no/such.log");
    let said = Server::setup(&nowhere).try_start().map(|_| ()).unwrap_err();
    assert!(said.contains("is in no folder"), "{said}");
}

#[test]
fn a_reload_goes_on_with_the_same_file_and_opens_new_ones() {
    let mut server = server("custom {target}");
    let mut client = Client::connect(&server.addr("web"));
    client.get("/1");
    server.rewrite_config(
        "workers 1\nlisten {ADDR:web}\nadmin off\naccess-log custom {target} to file {DIR}/access.log\n\
         site * {\nroute /new {\naccess-log custom {target} to file {DIR}/new.log\nrespond 200 x\n}\nrespond 200 x\n}\n",
    );
    server.signal(Signal::HUP);
    server.wait_for_log("config 2 is in force");
    client.get("/2");
    client.get("/new");
    assert_eq!(lines(&server, "access.log", 2), ["/1", "/2"]);
    assert_eq!(lines(&server, "new.log", 1), ["/new"]);
}
