//! Fields that are added, changed, removed and written.

use proptest::prelude::*;

use super::*;

fn fields(lines: &[(&str, &str)]) -> Fields {
    let mut fields = Fields::new();
    for (name, value) in lines {
        fields.append(name.as_bytes(), value.as_bytes()).unwrap();
    }
    fields
}

fn written(fields: &Fields) -> String {
    let mut out = Vec::new();
    fields.write_to(&mut out);
    String::from_utf8(out).unwrap()
}

#[test]
fn fields_are_found_by_any_spelling() {
    let fields = fields(&[("hOsT", "a"), ("X-One", "1"), ("x-one", "2"), ("Cookie", "b")]);
    assert_eq!(fields.value(Known::Host), Some(&b"a"[..]));
    assert_eq!(fields.named(b"HOST"), Some(&b"a"[..]));
    assert_eq!(fields.values_named(b"X-ONE").collect::<Vec<_>>(), [b"1", b"2"]);
    assert!(fields.has(Known::Cookie) && !fields.has(Known::Accept));
    assert_eq!((fields.value(Known::Accept), fields.named(b"x-two")), (None, None));
    assert_eq!(written(&fields), "hOsT: a\r\nX-One: 1\r\nx-one: 2\r\nCookie: b\r\n");
}

#[test]
fn fields_are_replaced_and_removed() {
    let mut fields = fields(&[("Via", "a"), ("X-One", "1"), ("via", "b"), ("X-Two", "2")]);
    fields.set_known(Known::Via, b"c");
    assert_eq!(written(&fields), "X-One: 1\r\nX-Two: 2\r\nVia: c\r\n");
    fields.set(b"x-ONE", b"3").unwrap();
    fields.remove(b"x-two");
    assert_eq!(written(&fields), "Via: c\r\nx-ONE: 3\r\n");
    fields.remove_where(|field| field.known == Some(Known::Via));
    assert!(!fields.has(Known::Via));
    assert_eq!(written(&fields), "x-ONE: 3\r\n");
    fields.clear();
    assert!(fields.is_empty() && written(&fields).is_empty());
}

#[test]
fn hop_by_hop_fields_stay_behind() {
    let mut fields = fields(&[
        ("Host", "a"),
        ("Connection", "x-hop, close , Upgrade,host, x-forwarded-for"),
        ("X-Hop", "1"),
        ("X-Forwarded-For", "10.0.0.1"),
        ("Keep-Alive", "timeout=5"),
        ("TE", "trailers"),
        ("Upgrade", "websocket"),
        ("Accept", "*/*"),
        ("x-hop", "2"),
    ]);
    let options = fields.connection_options().unwrap();
    assert_eq!(options, ConnectionOptions { close: true, keep_alive: false, upgrade: true });
    let mut out = Vec::new();
    fields.write_end_to_end(&mut out);
    assert_eq!(String::from_utf8(out).unwrap(), "Host: a\r\nX-Forwarded-For: 10.0.0.1\r\nAccept: */*\r\n");
    let mut out = Vec::new();
    fields.write_end_to_end_except(&mut out, &[Known::Host]);
    assert_eq!(String::from_utf8(out).unwrap(), "X-Forwarded-For: 10.0.0.1\r\nAccept: */*\r\n");
}

#[test]
fn connection_options_are_bounded_tokens() {
    assert!(fields(&[("Connection", "close,,keep-alive")]).connection_options().is_ok());
    for bad in ["a b", "a;b", "\"close\"", &"a,".repeat(CONNECTION_OPTIONS_MAX + 1)] {
        assert_eq!(fields(&[("Connection", bad)]).connection_options(), Err(Malformed::Connection), "{bad}");
    }
}

#[test]
fn what_would_split_a_line_is_refused_or_replaced() {
    let mut fields = Fields::new();
    for (name, value) in
        [("", "a"), ("a b", "c"), ("a:", "b"), ("a", "b\r\nc: d"), ("a", "\0"), ("a", "\x7f")]
    {
        assert_eq!(fields.append(name.as_bytes(), value.as_bytes()), Err(InvalidField), "{name:?} {value:?}");
        assert_eq!(fields.set(name.as_bytes(), value.as_bytes()), Err(InvalidField), "{name:?} {value:?}");
    }
    assert!(fields.is_empty());
    fields.append_known(Known::Location, b"/a\r\nSet-Cookie: b");
    assert_eq!(written(&fields), "Location: /a  Set-Cookie: b\r\n");
    fields.append(b"a", b" \tb\x80\xff ").unwrap();
    assert_eq!(fields.named(b"a"), Some(&b"b\x80\xff"[..]));
}

proptest! {
    /// Whatever is done to the list, it answers like a plain vector of pairs.
    #[test]
    fn behaves_like_a_vector(steps in proptest::collection::vec((0..5_u8, 0..6_usize, "[ -~]{0,6}"), 0..40)) {
        const NAMES: [&str; 6] = ["Host", "host", "X-One", "x-one", "Connection", "X-Two"];
        let mut fields = Fields::new();
        let mut model: Vec<(String, String)> = Vec::new();
        for (step, name, value) in steps {
            let name = NAMES[name];
            let value = value.trim();
            match step {
                0..=1 => {
                    fields.append(name.as_bytes(), value.as_bytes()).unwrap();
                    model.push((name.to_owned(), value.to_owned()));
                }
                2 => {
                    fields.set(name.as_bytes(), value.as_bytes()).unwrap();
                    model.retain(|(other, _)| !other.eq_ignore_ascii_case(name));
                    model.push((name.to_owned(), value.to_owned()));
                }
                3 => {
                    fields.remove(name.as_bytes());
                    model.retain(|(other, _)| !other.eq_ignore_ascii_case(name));
                }
                _ => {
                    fields.remove_where(|field| field.value == value.as_bytes());
                    model.retain(|(_, other)| other != value);
                }
            }
            let expected: String = model.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
            prop_assert_eq!(written(&fields), expected);
            for known in [Known::Host, Known::Connection] {
                let there = model.iter().any(|(name, _)| name.eq_ignore_ascii_case(known.name()));
                prop_assert_eq!(fields.has(known), there);
            }
        }
    }
}
