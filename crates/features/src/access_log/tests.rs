//! What lines look like, what hostile bytes become in them, and that every line gets where it should.

use std::path::Path;
use std::time::Duration;

use propylon_net::clock;
use propylon_pipeline::{Exchange, Hooks};

use super::{DROPPED, LINES, flush_all, open_all, reopen_all};
use crate::tests::{Lab, peer};

/// An exchange that is over.
fn done(lab: &Lab, head: &str) -> Exchange {
    let mut x = lab.exchange(peer("2001:db8::1"), head);
    x.account.status = 200;
    x.account.sent_bytes = 120;
    x.account.body_bytes = 20;
    x.account.total_time = Duration::from_micros(1_234);
    x
}

/// The lines that `log` makes of these heads.
fn written(log: &str, heads: &[&str]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("log");
    Lab::run(async |lab| {
        let steps = lab.steps(&log.replace("FILE", &format!("to file {}", file.display())));
        for head in heads {
            let x = done(&lab, head);
            steps.iter().for_each(|step| step.on_done(&x));
        }
        drop(steps);
        // A task holds the buffer for the time it waits; the runtime ends it.
    });
    flush_all();
    std::fs::read_to_string(&file).unwrap_or_default()
}

#[test]
fn json_has_the_usual_members_and_further_ones() {
    let log = "access-log FILE {\nfield site {header.host}\nfield none {rest}\n}";
    let line = written(log, &["GET /a?b HTTP/1.1\nHost: Example.com\nUser-Agent: x"]);
    let object: serde_json::Value = serde_json::from_str(&line).unwrap();
    for (member, value) in [
        ("client", "2001:db8::1"),
        ("method", "GET"),
        ("scheme", "http"),
        ("host", "example.com"),
        ("target", "/a?b"),
        ("protocol", "HTTP/1.1"),
        ("user_agent", "x"),
        ("listener", "web"),
        ("site", "Example.com"),
    ] {
        assert_eq!(object[member], value, "{line}");
    }
    assert_eq!((object["status"].as_u64(), object["sent"].as_u64()), (Some(200), Some(120)));
    assert_eq!(object["duration"].as_f64(), Some(0.001_234));
    for absent in ["none", "endpoint", "fault", "detail", "referer", "connect"] {
        assert!(object.get(absent).is_none(), "{absent}: {line}");
    }
    assert!(line.ends_with("}\n") && line.matches('\n').count() == 1);
}

#[test]
fn the_combined_format_is_what_tools_expect() {
    let line = written("access-log combined FILE", &["GET /a?b HTTP/1.1\nHost: a\nUser-Agent: x y"]);
    let (start, end) = (line.find('[').unwrap(), line.find(']').unwrap());
    assert_eq!(end - start, "[21/Nov/2026:12:34:56 +0000".len());
    assert_eq!(&line[..start], "2001:db8::1 - - ");
    assert_eq!(&line[end..], "] \"GET /a?b HTTP/1.1\" 200 20 \"-\" \"x y\"\n");
}

#[test]
fn no_value_can_end_its_line_or_pass_for_another() {
    let head = "GET / HTTP/1.1\nHost: a\nReferer: \"},{\"status\":500\\\nUser-Agent: \u{9b}31m\u{202e}\u{e9}";
    let line = written("access-log FILE", &[head]);
    let object: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(object["referer"], "\"},{\"status\":500\\");
    assert_eq!(object["user_agent"], "\u{9b}31m\u{202e}\u{e9}");
    assert!(line.contains("\\u009B31m\\u202E\u{e9}"), "{line}");
    let line =
        written("access-log custom \"<{header.referer}> <{header.user-agent}> <{rest}>\" FILE", &[head]);
    let expected = "<\\x22},{\\x22status\\x22:500\\x5C> <\\xC2\\x9B31m\\xE2\\x80\\xAE\\xC3\\xA9> <->\n";
    assert_eq!(line, expected);
}

#[test]
fn bytes_that_are_no_text_are_shown() {
    Lab::run(async |lab| {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("log");
        let log = format!("access-log to file {} {{ field rest {{rest}} }}", file.display());
        let steps = lab.steps(&log);
        let mut x = done(&lab, "GET / HTTP/1.1\nHost: a");
        x.rest = [b"\r\n\0\x1b[2J\xff\xc3".as_slice(), &[b'x'; 100_000]].concat();
        steps.iter().for_each(|step| step.on_done(&x));
        wait_for_lines(&lab, &file, 1).await;
        let line = std::fs::read_to_string(&file).unwrap();
        assert!(line.contains("\"\\r\\n\\u0000\\u001B[2J\\\\xFF\\\\xC3xxx"), "{line}");
        assert!(line.len() < 10_000, "a value is cut");
    });
}

#[test]
fn only_what_is_wanted_is_logged() {
    let requests = ["GET /1 HTTP/1.1\nHost: a", "GET /2 HTTP/1.1\nHost: a", "GET /3 HTTP/1.1\nHost: a"];
    assert_eq!(written("access-log custom {path} FILE status 400-599", &requests), "");
    assert_eq!(written("access-log custom {path} FILE status 404 200", &requests[..1]), "/1\n");
    assert_eq!(written("access-log custom {path} FILE one-in 2", &requests), "/2\n");
}

#[test]
fn lines_are_written_soon_and_to_a_new_file_after_a_rotation() {
    Lab::run(async |lab| {
        let folder = tempfile::tempdir().unwrap();
        let (file, old) = (folder.path().join("log"), folder.path().join("log.1"));
        let steps = lab.steps(&format!("access-log custom {{path}} to file {}", file.display()));
        assert_eq!(open_all(None), [""; 0]);
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "");
        let log = |target: &str| {
            let x = done(&lab, &format!("GET {target} HTTP/1.1\nHost: a"));
            steps.iter().for_each(|step| step.on_done(&x));
        };
        log("/1");
        wait_for_lines(&lab, &file, 1).await;
        std::fs::rename(&file, &old).unwrap();
        reopen_all();
        log("/2");
        wait_for_lines(&lab, &file, 1).await;
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "/2\n");
        assert_eq!(std::fs::read_to_string(&old).unwrap(), "/1\n");
        for _ in 0..20_000 {
            log("/3");
        }
        wait_for_lines(&lab, &file, 20_001).await;
        assert_eq!((lab.count(LINES), lab.count(DROPPED)), (20_002, 0));
    });
}

#[test]
fn lines_that_cannot_be_written_are_counted() {
    Lab::run(async |lab| {
        let steps = lab.steps("access-log to file /dev/full");
        let x = done(&lab, "GET / HTTP/1.1\nHost: a");
        for expected in [0, 1] {
            steps.iter().for_each(|step| step.on_done(&x));
            wait_until(&lab, || lab.count(LINES) == expected + 1).await;
            flush_all();
            assert!(lab.count(DROPPED) >= expected);
        }
    });
}

#[test]
fn mistakes_are_told() {
    Lab::run(async |lab| {
        lab.check_said("access-log custom", &["lacks its text"]);
        lab.check_said("access-log json \"{path}\"", &["only `custom` has a text"]);
        lab.check_said("access-log to /var/log/x", &["write `to file /var/log/x`"]);
        lab.check_said("access-log to file /nonexistent/x", &["is in no folder"]);
        lab.check_said("access-log combined { field a b }", &["only `json` has fields"]);
        lab.check_said("access-log { field status b }", &["is there already"]);
        lab.check_said("access-log custom {uri} status 4xx", &["write `400-499`"]);
        lab.check_said("access-log { field a {reply.age} }", &["cannot be logged"]);
        lab.check_said("access-log jsno", &["only `custom` has a text", "did you mean `json`"]);
    });
}

async fn wait_for_lines(lab: &Lab, file: &Path, count: usize) {
    let lines = || std::fs::read_to_string(file).map_or(0, |text| text.matches('\n').count());
    wait_until(lab, || lines() >= count).await;
}

async fn wait_until(lab: &Lab, mut condition: impl FnMut() -> bool) {
    let deadline = clock::exact() + Duration::from_secs(10);
    while !condition() {
        assert!(clock::exact() < deadline, "it takes too long");
        lab.worker.timers.timer().sleep_until(clock::now() + Duration::from_millis(5)).await;
    }
}
