//! Against a scripted name server on loopback, which speaks UDP from packets made by hand.

use std::fs;
use std::net::UdpSocket;
use std::sync::atomic::AtomicUsize;
use std::sync::mpsc;
use std::thread;

use super::*;

/// What the server says to a question for a name and a record type.
#[derive(Clone)]
enum Say {
    Addresses(Vec<IpAddr>, u32),
    Code(u8),
    Nothing,
}

const A: u16 = 1;
const AAAA: u16 = 28;
const NX_DOMAIN: u8 = 3;
const SERVER_FAILURE: u8 = 2;

struct Server {
    address: SocketAddr,
    questions: Arc<AtomicUsize>,
}

impl Server {
    /// Answers by `script`, which gets the name, the record type, and how many questions came before.
    fn start(mut script: impl FnMut(&str, u16, usize) -> Say + Send + 'static) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        let questions = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&questions);
        thread::spawn(move || {
            let mut buffer = [0; 512];
            while let Ok((length, peer)) = socket.recv_from(&mut buffer) {
                let (name, kind, end) = question(&buffer[..length]);
                let before = count.fetch_add(1, Ordering::SeqCst);
                if let Some(reply) = reply(&buffer[..end], kind, &script(&name, kind, before)) {
                    socket.send_to(&reply, peer).unwrap();
                }
            }
        });
        Self { address, questions }
    }

    fn asked(&self) -> usize {
        self.questions.load(Ordering::SeqCst)
    }
}

/// The name, the type, and where the question ends.
fn question(packet: &[u8]) -> (String, u16, usize) {
    let mut labels = Vec::new();
    let mut place = 12;
    while packet[place] > 0 {
        let next = place + 1 + usize::from(packet[place]);
        labels.push(String::from_utf8(packet[place + 1..next].to_vec()).unwrap());
        place = next;
    }
    (labels.join("."), u16::from_be_bytes([packet[place + 1], packet[place + 2]]), place + 5)
}

/// The header and question that came, as a response, with the records that were asked for.
fn reply(asked: &[u8], kind: u16, say: &Say) -> Option<Vec<u8>> {
    let (code, records) = match say {
        Say::Addresses(addresses, ttl) => (0, addresses.iter().map(|ip| record(ip, *ttl)).collect()),
        Say::Code(code) => (*code, Vec::new()),
        Say::Nothing => return None,
    };
    let records: Vec<_> = records.into_iter().filter(|(of, _)| *of == kind).map(|(_, bytes)| bytes).collect();
    let mut packet = asked.to_vec();
    packet[2..4].copy_from_slice(&[0x81, 0x80 | code]);
    packet[6..12].copy_from_slice(&[0, u8::try_from(records.len()).unwrap(), 0, 0, 0, 0]);
    packet.extend(records.concat());
    Some(packet)
}

fn record(ip: &IpAddr, ttl: u32) -> (u16, Vec<u8>) {
    let (kind, data) = match ip {
        IpAddr::V4(ip) => (A, ip.octets().to_vec()),
        IpAddr::V6(ip) => (AAAA, ip.octets().to_vec()),
    };
    let length = u16::try_from(data.len()).unwrap().to_be_bytes();
    let kind_bytes = kind.to_be_bytes();
    (kind, [&[0xc0, 12][..], &kind_bytes, &[0, 1], &ttl.to_be_bytes(), &length, &data].concat())
}

fn ips(texts: &[&str]) -> Vec<IpAddr> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

/// Some hundred times faster than in earnest.
fn settings(server: &Server) -> Settings {
    let pace = Pace {
        ttl_min: Duration::from_millis(10),
        ttl_max: Duration::from_millis(20),
        retry_min: Duration::from_millis(5),
        retry_max: Duration::from_millis(20),
    };
    Settings { servers: vec![server.address], hosts: "/nonexistent".into(), pace, ..Settings::default() }
}

fn on_control<T>(body: impl Future<Output = T>) -> T {
    propylon_net::runtime::run_control(async { tokio::time::timeout(Duration::from_secs(20), body).await })
        .unwrap()
        .expect("it takes too long")
}

/// Names, and what they report.
fn names(settings: Settings) -> (Names, mpsc::Receiver<(String, Event, State)>) {
    let (sender, receiver) = mpsc::channel();
    let report = move |name: &str, event, state: &State| {
        let _ = sender.send((name.to_owned(), event, state.clone()));
    };
    (Names::new(settings, Arc::new(report)), receiver)
}

async fn until(mut condition: impl FnMut() -> bool) {
    while !condition() {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

#[test]
fn resolves_both_families() {
    let server = Server::start(|_, _, _| Say::Addresses(ips(&["10.0.0.2", "10.0.0.1", "::2"]), 60));
    on_control(async {
        let (names, reports) = names(settings(&server));
        let host = names.watch("Api.Example");
        assert_eq!((host.generation(), host.state().condition), (0, Condition::Pending));
        host.settled().await;
        assert_eq!(host.generation(), 1);
        assert_eq!(*host.addresses(), ips(&["10.0.0.1", "10.0.0.2", "::2"]));
        let (name, event, state) = reports.recv().unwrap();
        assert_eq!((&*name, event, state), ("api.example", Event::Changed, host.state()));
    });
}

#[test]
fn asks_for_one_family_if_told_so() {
    let server = Server::start(|_, kind, _| {
        assert_eq!(kind, AAAA);
        Say::Addresses(ips(&["::2"]), 60)
    });
    on_control(async {
        let (names, _) = names(Settings { families: Families::V6, ..settings(&server) });
        let host = names.watch("my_service");
        host.settled().await;
        assert_eq!(*host.addresses(), ips(&["::2"]));
    });
}

#[test]
fn follows_changes_and_only_changes() {
    let server = Server::start(|_, _, before| match before {
        0..20 if before % 4 < 2 => Say::Addresses(ips(&["10.0.0.1", "10.0.0.2"]), 0),
        0..20 => Say::Addresses(ips(&["10.0.0.2", "10.0.0.1"]), 0),
        _ => Say::Addresses(ips(&["10.0.0.3"]), 0),
    });
    on_control(async {
        let (names, reports) = names(settings(&server));
        let host = names.watch("a.example");
        until(|| host.generation() == 2).await;
        assert!(server.asked() >= 20, "a shuffled answer was taken for a change");
        assert_eq!(*host.addresses(), ips(&["10.0.0.3"]));
        assert_eq!(reports.try_iter().filter(|(_, event, _)| *event == Event::Changed).count(), 2);
    });
}

#[test]
fn keeps_the_last_addresses_through_failures() {
    let server = Server::start(|_, _, before| match before {
        2..10 => Say::Code(SERVER_FAILURE),
        10..20 => Say::Code(NX_DOMAIN),
        _ => Say::Addresses(ips(&["10.0.0.1"]), 0),
    });
    on_control(async {
        let (names, reports) = names(settings(&server));
        let host = names.watch("a.example");
        until(|| server.asked() > 24).await;
        assert_eq!((host.generation(), host.state().condition), (1, Condition::Resolved));
        let reports: Vec<_> = reports.try_iter().map(|(_, event, state)| (event, state.condition)).collect();
        let [first, failures @ .., last] = &*reports else { panic!("{reports:?}") };
        assert_eq!(*first, (Event::Changed, Condition::Resolved));
        assert_eq!(*last, (Event::Recovered, Condition::Resolved));
        // Each kind of failure once, not each failure.
        assert!((2..=3).contains(&failures.len()), "{failures:?}");
        assert!(
            failures.contains(&(Event::Failing, Condition::Failing(NameError::NotFound))),
            "{failures:?}"
        );
    });
}

#[test]
fn an_unknown_name_is_tried_again() {
    let server = Server::start(|name, _, before| match (name, before) {
        ("up.example", _) => Say::Addresses(ips(&["10.0.0.9"]), 60),
        (_, 0..10) => Say::Code(NX_DOMAIN),
        _ => Say::Addresses(ips(&["10.0.0.1"]), 60),
    });
    on_control(async {
        let (names, _) = names(settings(&server));
        let [late, up] = ["late.example", "up.example"].map(|name| names.watch(name));
        late.settled().await;
        up.settled().await;
        assert_eq!(*up.addresses(), ips(&["10.0.0.9"]));
        let unresolved =
            State { addresses: Arc::default(), condition: Condition::Failing(NameError::NotFound) };
        assert_eq!((late.state(), late.generation()), (unresolved, 0));
        until(|| late.generation() == 1).await;
    });
}

#[test]
fn a_family_that_fails_keeps_its_addresses() {
    let server = Server::start(|_, kind, before| match (kind, before) {
        (AAAA, 2..) => Say::Code(SERVER_FAILURE),
        (_, 0..10) => Say::Addresses(ips(&["10.0.0.1", "::1"]), 0),
        _ => Say::Addresses(ips(&["10.0.0.2"]), 0),
    });
    on_control(async {
        let (names, _) = names(settings(&server));
        let host = names.watch("a.example");
        until(|| host.generation() == 2).await;
        assert_eq!(*host.addresses(), ips(&["10.0.0.2", "::1"]));
    });
}

#[test]
fn a_name_without_addresses_says_so() {
    let server = Server::start(|_, _, _| Say::Addresses(Vec::new(), 0));
    on_control(async {
        let (names, _) = names(settings(&server));
        let host = names.watch("a.example");
        host.settled().await;
        assert_eq!(host.state().condition, Condition::Failing(NameError::NoAddresses));
        let nonsense = names.watch(&"a".repeat(64));
        nonsense.settled().await;
        assert_eq!(nonsense.state().condition, Condition::Failing(NameError::Invalid));
    });
}

#[test]
fn some_names_need_no_asking() {
    let server = Server::start(|_, _, _| Say::Nothing);
    on_control(async {
        let (names, _) = names(settings(&server));
        let cases: [(&str, &[&str]); 6] = [
            ("192.0.2.1", &["192.0.2.1"]),
            ("2001:db8::1", &["2001:db8::1"]),
            ("[2001:db8::1]", &["2001:db8::1"]),
            ("LocalHost", &["127.0.0.1", "::1"]),
            ("localhost.", &["127.0.0.1", "::1"]),
            ("app.localhost", &["127.0.0.1", "::1"]),
        ];
        for (name, addresses) in cases {
            let host = names.watch(name);
            assert_eq!((host.generation(), &*host.addresses()), (1, &*ips(addresses)), "{name}");
            host.settled().await;
        }
        assert_eq!(without_asking("notlocalhost"), None);
        assert_eq!(server.asked(), 0);
    });
}

#[test]
fn honours_the_file_of_fixed_names() {
    let server = Server::start(|_, _, _| Say::Addresses(ips(&["10.0.0.9"]), 0));
    let directory = tempfile::tempdir().unwrap();
    let hosts = directory.path().join("hosts");
    fs::write(&hosts, "10.0.0.1 a.example\n").unwrap();
    on_control(async {
        let (names, _) = names(Settings { hosts, ..settings(&server) });
        let host = names.watch("a.example");
        host.settled().await;
        assert_eq!((server.asked(), &*host.addresses()), (0, &*ips(&["10.0.0.1"])));
    });
}

#[test]
fn those_who_watch_the_same_name_share_it() {
    let server = Server::start(|_, _, _| Say::Addresses(ips(&["10.0.0.1"]), 0));
    on_control(async {
        let (names, _) = names(settings(&server));
        let host = names.watch("a.example");
        assert!(Arc::ptr_eq(&host, &names.watch("A.example")));
        host.settled().await;
        let gone = Arc::downgrade(&host);
        drop(host);
        assert_eq!(gone.strong_count(), 0);
        // Its task ends with the next look-up.
        tokio::time::sleep(Duration::from_millis(50)).await;
        let asked = server.asked();
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert_eq!(server.asked(), asked);
        assert_eq!(names.watch("a.example").generation(), 0);
    });
}

#[test]
fn new_settings_apply_at_once() {
    let old = Server::start(|_, _, _| Say::Addresses(ips(&["10.0.0.1"]), 3600));
    let new = Server::start(|_, _, _| Say::Addresses(ips(&["10.0.0.2"]), 3600));
    on_control(async {
        let slow = |server| Settings { pace: Pace::default(), ..settings(server) };
        let (names, _) = names(slow(&old));
        let host = names.watch("a.example");
        host.settled().await;
        names.configure(slow(&old));
        names.configure(slow(&new));
        until(|| host.generation() == 2).await;
        assert_eq!((old.asked(), &*host.addresses()), (2, &*ips(&["10.0.0.2"])));
    });
}
