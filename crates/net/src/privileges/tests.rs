//! The drop itself happens in a child: this test binary run again as root, with a variable that says what to do.

use std::env;
use std::net::TcpListener;
use std::process::Command;

use rustix::thread::no_new_privs;

use super::*;

const CHILD: &str = "PROPYLON_TEST_DROP";

#[test]
fn finds_accounts() {
    let root = Account::find("root", None).unwrap();
    assert_eq!((root.user, root.group, root.listed), (0, 0, true));
    let numbered = Account::find("54321", Some("root")).unwrap();
    assert_eq!((numbered.user, numbered.group, numbered.listed), (54321, 0, false));
    assert_eq!(Account::find("54321", Some("777")).unwrap().group, 777);
}

#[test]
fn says_what_is_missing() {
    let message = |user, group| Account::find(user, group).unwrap_err().to_string();
    assert_eq!(message("nobody-by-this-name", None), "there is no user `nobody-by-this-name`");
    assert_eq!(message("a\0b", None), "there is no user `a\0b`");
    assert_eq!(message("4294967295", Some("0")), "there is no user `4294967295`");
    assert_eq!(message("root", Some("no-such-group")), "there is no group `no-such-group`");
    assert_eq!(message("54321", None), "user 54321 has no entry that tells its group: name a group too");
}

#[test]
fn refuses_root_as_target() {
    let root = Account::find("root", None).unwrap();
    assert!(matches!(drop_to(&root, Keep::Nothing), Err(PrivilegeError::IsRoot(_))));
}

#[test]
fn notices_a_thread_left_behind() {
    let account = Account { name: "x".into(), user: 7, group: 8, listed: false };
    let status = "Name:\tx\nUid:\t7\t7\t7\t7\nGid:\t8\t8\t8\t8\nCapPrm:\t0000000000000400\nCapEff:\t0\n";
    let low_ports = CapabilitySet::NET_BIND_SERVICE;
    assert!(is_harmless(status, &account, low_ports));
    assert!(!is_harmless(status, &account, CapabilitySet::empty()));
    assert!(!is_harmless(&status.replacen('7', "0", 2), &account, low_ports));
    assert!(!is_harmless(&status.replacen('8', "0", 1), &account, low_ports));
}

#[test]
fn drops_to_a_listed_user() {
    in_child("privileges::tests::drops_to_a_listed_user", "nobody", || {
        drop_and_check(&Account::find("nobody", None).unwrap(), Keep::Nothing);
        assert!(TcpListener::bind("127.0.0.1:0").is_ok());
    });
}

#[test]
fn drops_to_a_number() {
    in_child("privileges::tests::drops_to_a_number", "number", || {
        drop_and_check(&Account::find("54321", Some("54322")).unwrap(), Keep::Nothing);
    });
}

#[test]
fn keeps_low_ports_and_nothing_else() {
    in_child("privileges::tests::keeps_low_ports_and_nothing_else", "ports", || {
        drop_and_check(&Account::find("54321", Some("54322")).unwrap(), Keep::LowPorts);
        // Through an exec as well, as in an upgrade.
        let status = Command::new("cat").arg("/proc/self/status").output().unwrap().stdout;
        let status = String::from_utf8(status).unwrap();
        assert!(status.contains("CapEff:\t0000000000000400\n"), "{status}");
        assert!(status.contains("CapBnd:\t0000000000000400\n"), "{status}");
    });
}

fn drop_and_check(account: &Account, keep: Keep) {
    drop_to(account, keep).unwrap();
    assert_eq!(geteuid().as_raw(), account.user);
    assert!(no_new_privs().unwrap());
    assert!(fs::read("/etc/shadow").is_err());
    // Once more is no error, and another user is.
    drop_to(account, keep).unwrap();
    let other = Account { user: account.user - 1, ..account.clone() };
    assert!(matches!(drop_to(&other, keep), Err(PrivilegeError::NotRoot(_))));
}

/// Runs `body` in a new process that is root; does nothing when this one is not.
fn in_child(test: &str, role: &str, body: fn()) {
    if env::var(CHILD).is_ok_and(|wanted| wanted == role) {
        return body();
    }
    if !geteuid().is_root() {
        return;
    }
    let output = Command::new(env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(CHILD, role)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"), "no test is called {test}");
}
