//! Both versions, whole and byte by byte: every prefix of a header is undecided or agrees with the whole.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

fn pair(source: &str, destination: &str) -> Option<Addresses> {
    Some(Addresses { source: source.parse().unwrap(), destination: destination.parse().unwrap() })
}

/// Parses `bytes`, and on the way every prefix: each must be undecided or agree with the whole.
fn parse_in_steps(bytes: &[u8]) -> Progress {
    let whole = parse(bytes);
    for end in 0..bytes.len() {
        let part = parse(&bytes[..end]);
        assert!(part == Progress::Partial || part == whole, "{part:?} after {end} bytes of {whole:?}");
    }
    whole
}

fn complete(bytes: &[u8]) -> (usize, Header) {
    match parse_in_steps(bytes) {
        Progress::Complete { consumed, header } => (consumed, header),
        other => panic!("{other:?}"),
    }
}

fn malformed(bytes: &[u8]) -> Malformed {
    match parse_in_steps(bytes) {
        Progress::Malformed(malformed) => malformed,
        other => panic!("{other:?} for {}", bytes.escape_ascii()),
    }
}

/// A header of version 2 with these contents.
fn v2(command: u8, family: u8, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len()).unwrap().to_be_bytes();
    [&v2::SIGNATURE[..], &[command, family], &length, payload].concat()
}

const FROM_1_TO_2: [u8; 12] = [192, 0, 2, 1, 192, 0, 2, 2, 0xdc, 0x04, 0x01, 0xbb];

#[test]
fn reads_lines() {
    let (consumed, header) = complete(b"PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\nGET / HTTP/1.1\r\n");
    assert_eq!(consumed, 45);
    assert_eq!(header.addresses, pair("192.0.2.1:56324", "198.51.100.1:443"));
    let (_, header) = complete(b"PROXY TCP6 2001:db8::1 ::ffff:192.0.2.1 0 65535\r\n");
    assert_eq!(header.addresses, pair("[2001:db8::1]:0", "[::ffff:192.0.2.1]:65535"));
    for unknown in ["PROXY UNKNOWN\r\n", "PROXY UNKNOWN whatever it says\r\n"] {
        assert_eq!(complete(unknown.as_bytes()), (unknown.len(), Header::silent(false, 0..0)));
    }
    let longest = format!("PROXY UNKNOWN {}\r\n", "f".repeat(V1_BYTES_MAX - 16));
    assert_eq!(complete(longest.as_bytes()).0, V1_BYTES_MAX);
}

#[test]
fn refuses_lines() {
    use Malformed::*;
    let cases: &[(&str, Malformed)] = &[
        ("GET / HTTP/1.1\r\n", NoHeader),
        ("proxy TCP4 1.1.1.1 1.1.1.1 1 1\r\n", NoHeader),
        ("PROXY\tTCP4 1.1.1.1 1.1.1.1 1 1\r\n", NoHeader),
        (" PROXY TCP4 1.1.1.1 1.1.1.1 1 1\r\n", NoHeader),
        ("PROXY TCP4 1.1.1.1 1.1.1.1 1 1\n", BadLine),
        ("PROXY UNKNOWN a\rb\r\n", BadLine),
        ("PROXY UNKNOWN \u{e9}\r\n", BadLine),
        ("PROXY UNKNOWN \0\r\n", BadLine),
        ("PROXY UNKNOWNS\r\n", BadFamily),
        ("PROXY  TCP4 1.1.1.1 1.1.1.1 1 1\r\n", BadFamily),
        ("PROXY UDP4 1.1.1.1 1.1.1.1 1 1\r\n", BadFamily),
        ("PROXY \r\n", BadFamily),
        ("PROXY TCP4\r\n", BadAddresses),
        ("PROXY TCP4 1.1.1.1 1.1.1.1 1\r\n", BadAddresses),
        ("PROXY TCP4 1.1.1.1 1.1.1.1 1 1 1\r\n", BadAddresses),
        ("PROXY TCP4 1.1.1.1 1.1.1.1 1 1 \r\n", BadAddresses),
        ("PROXY TCP4 1.1.1.1  1.1.1.1 1 1\r\n", BadAddresses),
        ("PROXY TCP4 1.1.1.1 1.1.1.1 +1 1\r\n", BadAddresses),
        ("PROXY TCP4 1.1.1.1 1.1.1.1 01 1\r\n", BadAddresses),
        ("PROXY TCP4 1.1.1.1 1.1.1.1 65536 1\r\n", BadAddresses),
        ("PROXY TCP4 01.1.1.1 1.1.1.1 1 1\r\n", BadAddresses),
        ("PROXY TCP4 ::1 ::1 1 1\r\n", BadAddresses),
        ("PROXY TCP6 1.1.1.1 1.1.1.1 1 1\r\n", BadAddresses),
        ("PROXY TCP6 fe80::1%1 ::1 1 1\r\n", BadAddresses),
        ("PROXY TCP6 [::1] ::1 1 1\r\n", BadAddresses),
    ];
    for (line, reason) in cases {
        assert_eq!(malformed(line.as_bytes()), *reason, "{line:?}");
    }
    let endless = format!("PROXY UNKNOWN {}\r\n", "f".repeat(V1_BYTES_MAX - 15));
    assert_eq!(malformed(endless.as_bytes()), TooLong);
}

#[test]
fn reads_binary_headers() {
    let bytes = [&v2(0x21, 0x11, &FROM_1_TO_2)[..], b"GET / HTTP/1.1\r\n"].concat();
    let (consumed, header) = complete(&bytes);
    assert_eq!(consumed, 28);
    assert_eq!(header.addresses, pair("192.0.2.1:56324", "192.0.2.2:443"));
    assert!(!header.local);

    let (_, health_check) = complete(&v2(0x20, 0x11, &FROM_1_TO_2));
    assert_eq!(health_check, Header::silent(true, 0..0));
    assert!(complete(&v2(0x20, 0x00, b"any thing")).1.local, "LOCAL holds nothing to be read");
    assert!(complete(&v2(0x20, 0x21, b"")).1.local);
    assert_eq!(complete(&v2(0x21, 0x00, b"")).1.addresses, None);
    assert_eq!(complete(&v2(0x21, 0x31, &[0; 216])).1.addresses, None);
    assert_eq!(complete(&v2(0x20, 0x00, &[0; V2_BYTES_MAX - 16])).0, V2_BYTES_MAX);
}

#[test]
fn refuses_binary_headers() {
    use Malformed::*;
    let long = [&FROM_1_TO_2[..], &[4, 0], &[0; V2_BYTES_MAX]].concat();
    let cases: &[(&[u8], Malformed)] = &[
        (b"\r\n\r\n\0\r\nQUIT\r", NoHeader),
        (b"\r\n\r\nGET", NoHeader),
        (&v2(0x11, 0x11, &FROM_1_TO_2), BadCommand),
        (&v2(0x22, 0x11, &FROM_1_TO_2), BadCommand),
        (&v2(0x21, 0x13, &FROM_1_TO_2), BadFamily),
        (&v2(0x21, 0x10, &FROM_1_TO_2), BadFamily),
        (&v2(0x21, 0x41, &FROM_1_TO_2), BadFamily),
        (&v2(0x21, 0x11, &FROM_1_TO_2[..11]), BadAddresses),
        (&v2(0x21, 0x21, &FROM_1_TO_2), BadAddresses),
        (&v2(0x21, 0x31, &[0; 215]), BadAddresses),
        (&v2(0x21, 0x11, &long), TooLong),
        (&v2(0x21, 0x11, &[&FROM_1_TO_2[..], &[4, 0]].concat()), BadExtensions),
        (&v2(0x21, 0x11, &[&FROM_1_TO_2[..], &[4, 0, 3, 1, 2]].concat()), BadExtensions),
        (&v2(0x21, 0x11, &[&FROM_1_TO_2[..], &[3, 0, 3, 1, 2, 3]].concat()), BadExtensions),
        (&v2(0x21, 0x11, &[&FROM_1_TO_2[..], &[3, 0, 4, 1, 2, 3, 4]].concat()), BadChecksum),
    ];
    for (bytes, reason) in cases {
        assert_eq!(malformed(bytes), *reason, "{}", bytes.escape_ascii());
    }
}

#[test]
fn reads_extensions() {
    let payload = [&FROM_1_TO_2[..], &[2, 0, 4], b"a.eu", &[4, 0, 0]].concat();
    let bytes = v2(0x21, 0x11, &payload);
    let (_, header) = complete(&bytes);
    let found: Vec<_> =
        extensions(&bytes, &header).map(|extension| (extension.kind, extension.value)).collect();
    assert_eq!(found, [(2, &b"a.eu"[..]), (4, b"")]);
}

#[test]
fn checks_the_checksum() {
    assert_eq!(v2::crc32c(b"123456789".iter()), 0xe306_9283, "the check value of the algorithm");
    let payload = [&FROM_1_TO_2[..], &[3, 0, 4, 0, 0, 0, 0], &[4, 0, 1, 9]].concat();
    let mut bytes = v2(0x21, 0x11, &payload);
    let sum = v2::crc32c(bytes.iter()).to_be_bytes();
    bytes[31..35].copy_from_slice(&sum);
    complete(&bytes);
    bytes[17] ^= 1;
    assert_eq!(malformed(&bytes), Malformed::BadChecksum);
}

#[test]
fn writes_both_versions() {
    let written = |version, addresses| {
        let mut out = b"before".to_vec();
        write(version, addresses, &mut out);
        out.split_off(6)
    };
    let addresses = pair("192.0.2.1:56324", "192.0.2.2:443");
    assert_eq!(written(Version::V1, addresses), b"PROXY TCP4 192.0.2.1 192.0.2.2 56324 443\r\n");
    assert_eq!(written(Version::V2, addresses), v2(0x21, 0x11, &FROM_1_TO_2));
    assert_eq!(written(Version::V1, None), b"PROXY UNKNOWN\r\n");
    assert_eq!(written(Version::V2, None), v2(0x20, 0x00, b""));
    let mixed = pair("192.0.2.1:1", "[2001:db8::1]:2");
    assert_eq!(written(Version::V1, mixed), b"PROXY TCP6 ::ffff:192.0.2.1 2001:db8::1 1 2\r\n");
    assert_eq!(
        complete(&written(Version::V2, mixed)).1.addresses,
        pair("[::ffff:192.0.2.1]:1", "[2001:db8::1]:2")
    );
}

fn any_address() -> impl Strategy<Value = SocketAddr> {
    (any::<IpAddr>(), any::<u16>()).prop_map(SocketAddr::from)
}

/// Bytes that look like a header for a while.
fn almost_header() -> impl Strategy<Value = Vec<u8>> {
    let v2 = (
        0x1f..0x23_u8,
        prop::sample::select(vec![0, 0x11, 0x12, 0x21, 0x31, 0x33]),
        vec(any::<u8>(), 0..300),
    )
        .prop_map(|(command, family, payload)| v2(command, family, &payload));
    let v1 =
        "PROXY (UNKNOWN|TCP4|TCP6|TCP5)( [0-9a-f.:]{0,9}){0,5}\r?\n?[a-z]{0,5}".prop_map(String::into_bytes);
    prop_oneof![v2, v1, vec(any::<u8>(), 0..40)]
}

proptest! {
    #[test]
    fn what_is_written_is_read(source in any_address(), destination in any_address(), tail in vec(any::<u8>(), 0..20)) {
        let addresses = Addresses { source, destination };
        for version in [Version::V1, Version::V2] {
            let mut bytes = Vec::new();
            write(version, Some(addresses), &mut bytes);
            let length = bytes.len();
            bytes.extend(&tail);
            let (consumed, header) = complete(&bytes);
            prop_assert_eq!(consumed, length);
            prop_assert_eq!(header.addresses, Some(addresses.in_one_family()));
        }
    }

    #[test]
    fn every_split_gives_the_same(bytes in almost_header()) {
        let progress = parse_in_steps(&bytes);
        if let Progress::Complete { consumed, header } = progress {
            prop_assert!(consumed <= bytes.len() && header.extensions.end <= consumed);
            prop_assert!(extensions(&bytes, &header).count() <= header.extensions.len());
        }
    }
}
