//! What is read from the environment, what is sent, and what is inherited across an exec.

use std::process::Command;

use super::*;

const CHILD: &str = "PROPYLON_TEST_INHERIT";

fn strings(values: [&str; 3]) -> [Option<String>; 3] {
    values.map(|value| (!value.is_empty()).then(|| value.to_owned()))
}

#[test]
fn reads_what_is_announced() {
    let read = |values| {
        let [pid, count, names] = strings(values);
        announced(7, pid, count, names)
            .map(|names| names.into_iter().map(Option::unwrap_or_default).collect::<Vec<_>>())
    };
    assert_eq!(read(["7", "3", "http::admin"]).unwrap(), ["http", "", "admin"]);
    assert_eq!(read(["7", "2", ""]).unwrap(), ["", ""]);
    assert_eq!(read(["7", "1", "a:b"]).unwrap(), ["a"]);
    assert!(read(["8", "2", "a:b"]).unwrap().is_empty(), "meant for another process");
    assert!(read(["", "2", ""]).unwrap().is_empty());
    assert!(read(["7", "", ""]).unwrap().is_empty());
    for wrong in [["x", "1", ""], ["7", "-1", ""], ["7", "1025", ""]] {
        assert!(read(wrong).is_err(), "{wrong:?}");
    }
}

#[test]
fn words_the_notices() {
    let notices = [Notice::Reloading, Notice::Status("two\nlines"), Notice::MainProcess(5), Notice::Ready];
    let text = "RELOADING=1\nMONOTONIC_USEC=42\nSTATUS=two lines\nMAINPID=5\nREADY=1\n";
    assert_eq!(message(&notices, 42), text);
    assert_eq!(message(&[Notice::Stopping, Notice::Watchdog], 0), "STOPPING=1\nWATCHDOG=1\n");
}

#[test]
fn reaches_both_kinds_of_socket() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("notify");
    let name = format!("propylon-test-{}", std::process::id());
    let by_path = UnixDatagram::bind(&path).unwrap();
    let by_name = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
    let abstract_address = OsStr::from_bytes(&[b"@", name.as_bytes()].concat()).to_owned();
    for (server, address) in [(by_path, path.into_os_string()), (by_name, abstract_address)] {
        let notifier = Notifier { socket: Some(connect(&address).unwrap()), watchdog: None };
        notifier.tell(&[Notice::Ready]).unwrap();
        let mut buffer = [0; 64];
        let length = server.recv(&mut buffer).unwrap();
        assert_eq!(&buffer[..length], b"READY=1\n");
    }
    assert!(connect(OsStr::new("vsock:2:1234")).is_err());
    Notifier::default().tell(&[Notice::Ready]).unwrap();
}

/// Descriptor 3 belongs to somebody in this process, so a shell starts another with the protocol's variables.
#[test]
fn adopts_inherited_descriptors() {
    if env::var_os(CHILD).is_some() {
        let taken = take_inherited().unwrap();
        assert_eq!(taken.len(), 1);
        assert_eq!(taken[0].name.as_deref(), Some("web"));
        assert!(fcntl_getfd(&taken[0].descriptor).unwrap().contains(FdFlags::CLOEXEC));
        assert!(take_inherited().unwrap().is_empty());
        return;
    }
    let script = r#"exec 3</dev/null; export LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=web; exec "$0" "$@""#;
    let output = Command::new("sh")
        .args(["-c", script])
        .arg(env::current_exe().unwrap())
        .args(["--exact", "systemd::tests::adopts_inherited_descriptors"])
        .env(CHILD, "1")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"));
}
