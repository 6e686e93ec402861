//! Any bytes as a PROXY header: reading never panics, every prefix agrees with the whole, and what was read can be
//! written and read again.

#![no_main]

use libfuzzer_sys::fuzz_target;
use propylon_net::proxy_protocol::{Progress, V2_BYTES_MAX, Version, extensions, parse, write};

fuzz_target!(|bytes: &[u8]| {
    let whole = parse(bytes);
    for end in 0..bytes.len().min(V2_BYTES_MAX + 1) {
        let part = parse(&bytes[..end]);
        assert!(part == Progress::Partial || part == whole, "{part:?} after {end} bytes of {whole:?}");
    }
    let Progress::Complete { consumed, header } = whole else { return };
    assert!(consumed <= bytes.len().min(V2_BYTES_MAX) && header.extensions.end <= consumed);
    let size: usize = extensions(bytes, &header).map(|extension| 3 + extension.value.len()).sum();
    assert_eq!(size, header.extensions.len());
    for version in [Version::V1, Version::V2] {
        let mut written = Vec::new();
        write(version, header.addresses, &mut written);
        let Progress::Complete { consumed, header: again } = parse(&written) else { panic!("{written:?}") };
        assert_eq!((consumed, again.addresses), (written.len(), header.addresses));
    }
});
