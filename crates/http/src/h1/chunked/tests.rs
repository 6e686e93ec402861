//! Chunked bodies in any split, and those that must be refused.

use proptest::prelude::*;

use super::*;

/// Decodes `input`, handed over in parts that are cut at `cuts`, to the body and what is left over.
fn decode(input: &[u8], cuts: &[usize]) -> Result<(Vec<u8>, usize, Fields), Malformed> {
    let mut decoder = Decoder::keeping_trailers();
    let mut body = Vec::new();
    let mut start = 0;
    let mut ends: Vec<usize> = cuts.iter().map(|cut| cut % (input.len() + 1)).collect();
    ends.push(input.len());
    ends.sort_unstable();
    for end in ends {
        while start < end {
            match decoder.decode(&input[start..end])? {
                Piece::Data { start: at, len, consumed } => {
                    assert!(len > 0 && consumed == at + len);
                    body.extend_from_slice(&input[start + at..start + at + len]);
                    start += consumed;
                }
                Piece::More { consumed } => {
                    assert_eq!(start + consumed, end);
                    start = end;
                }
                Piece::Done { consumed } => return Ok((body, start + consumed, decoder.trailers.unwrap())),
            }
        }
    }
    Err(Malformed::Incomplete)
}

#[track_caller]
fn check(input: &str, expected: Result<&str, Malformed>) {
    let outcome = decode(input.as_bytes(), &[]);
    let every_byte: Vec<usize> = (0..input.len()).collect();
    assert_eq!(
        outcome.as_ref().map(|(body, used, _)| (body, used)),
        decode(input.as_bytes(), &every_byte).as_ref().map(|(body, used, _)| (body, used)),
        "the same bytes one by one: {input:?}"
    );
    let body = outcome.map(|(body, used, _)| {
        assert_eq!(used, input.len(), "{input:?}");
        String::from_utf8(body).unwrap()
    });
    assert_eq!(body, expected.map(str::to_owned), "{input:?}");
}

#[test]
fn bodies_are_decoded() {
    check("0\r\n\r\n", Ok(""));
    check("5\r\nhello\r\n0\r\n\r\n", Ok("hello"));
    check("3\r\nabc\r\n00000A\r\n0123456789\r\n000\r\n\r\n", Ok("abc0123456789"));
    check("1;a\r\nx\r\n1;a=b;c=\"d;\\\"\r\\\t\"\r\nx\r\n0\r\n\r\n", Err(Malformed::ChunkExtension));
    check("1;a\r\nx\r\n1;a=b;c=\"d;\\\"\\\t\";e\r\ny\r\n0;f=g\r\n\r\n", Ok("xy"));
    check("1 ; a = b\t;c = \"d\" ;e\r\nx\r\n0\r\n\r\n", Ok("x"));
    check("1\r\nx\r\n0\r\nA: b\r\nC:\r\n\r\n", Ok("x"));
}

#[test]
fn sizes_follow_the_grammar() {
    for input in
        ["\r\n", "x\r\n", "-1\r\n", "+1\r\n", " 1\r\n", "0x1\r\n", "1_0\r\n", ";a\r\n", "1,\r\n", "1\0\r\n"]
    {
        check(input, Err(Malformed::ChunkSize));
    }
    check("1\nx", Err(Malformed::BareLineFeed));
    check("1\rx", Err(Malformed::BareCarriageReturn));
    check("00000000000000001\r\n", Err(Malformed::ChunkSizeTooLarge));
    check("ffffffffffffffff\r\n", Err(Malformed::Incomplete));
    check("1\r\nxy\r\n", Err(Malformed::ChunkEnd));
    check("1\r\nx\n", Err(Malformed::ChunkEnd));
    check("1\r\nx\r0", Err(Malformed::ChunkEnd));
}

#[test]
fn extensions_follow_the_grammar() {
    for extension in [
        ";",
        ";;",
        ";a=",
        ";=b",
        ";a=b=c",
        " ",
        ";a ",
        ";a b",
        ";a=\"",
        ";a=\"b\"c",
        ";a\0",
        ";a=\"\0\"",
        "; ",
        ";a=",
    ] {
        check(&format!("1{extension}\r\nx\r\n0\r\n\r\n"), Err(Malformed::ChunkExtension));
    }
    check("1;a\nx", Err(Malformed::BareLineFeed));
    check("1;a=\"\n\"", Err(Malformed::BareLineFeed));
    check(&format!("1;{}\r\n", "a".repeat(256)), Err(Malformed::ChunkExtensionTooLong));
    let padded = format!("1;{}\r\nx\r\n", "a".repeat(200));
    check(&format!("{}0\r\n\r\n", padded.repeat(90)), Err(Malformed::ChunkExtensionTooLong));
    check(&format!("{}0\r\n\r\n", padded.repeat(80)), Ok(&"x".repeat(80)));
}

#[test]
fn trailers_are_checked() {
    for (line, fault) in [
        ("a", Malformed::MissingColon),
        ("a : b", Malformed::FieldName),
        (": b", Malformed::FieldName),
        (" a: b", Malformed::LineFolding),
        ("a: \0", Malformed::FieldValue),
        ("a: b\rc", Malformed::FieldValue),
    ] {
        check(&format!("0\r\n{line}\r\n\r\n"), Err(fault));
    }
    check("0\r\na: b\n\r\n", Err(Malformed::BareLineFeed));
    check("0\r\n\n", Err(Malformed::BareLineFeed));
    check(&format!("0\r\n{}\r\n", "a: b\r\n".repeat(33)), Err(Malformed::TrailersTooLarge));
    check(&format!("0\r\na: {}\r\n\r\n", "b".repeat(9000)), Err(Malformed::TrailersTooLarge));
}

#[test]
fn trailers_never_carry_framing_routing_or_credentials() {
    let input = b"0\r\nContent-Length: 5\r\nHost: b\r\nETag: \"x\"\r\nauthorization: c\r\nX-Sum: 1\r\nTE: a\r\n\r\nnext";
    let (_, used, trailers) = decode(input, &[]).unwrap();
    assert_eq!(&input[used..], b"next");
    let names: Vec<&[u8]> = trailers.iter().map(|field| field.name).collect();
    assert_eq!(names, [&b"ETag"[..], b"X-Sum"]);
}

#[test]
fn the_caller_may_move_the_bytes_itself() {
    let mut decoder = Decoder::new();
    assert_eq!(decoder.decode(b"10\r\nab"), Ok(Piece::Data { start: 4, len: 2, consumed: 6 }));
    assert_eq!(decoder.remaining_in_chunk(), 14);
    decoder.advance(14);
    assert_eq!(decoder.remaining_in_chunk(), 0);
    assert_eq!(decoder.decode(b"\r\n0\r\n\r\n"), Ok(Piece::Done { consumed: 7 }));
    assert!(decoder.is_done());
}

proptest! {
    #[test]
    fn any_split_gives_the_same(
        chunks in proptest::collection::vec((proptest::collection::vec(any::<u8>(), 1..40), "(;[a-z]{1,3}(=\"[ a-z]*\")?)?"), 0..6),
        trailer in "([A-Z][a-z]{0,4}: [a-z ]{0,5}\r\n){0,3}",
        cuts in proptest::collection::vec(any::<usize>(), 0..12),
    ) {
        let mut input = Vec::new();
        for (chunk, extension) in &chunks {
            input.extend_from_slice(format!("{:x}{extension}\r\n", chunk.len()).as_bytes());
            input.extend_from_slice(chunk);
            input.extend_from_slice(b"\r\n");
        }
        input.extend_from_slice(format!("0\r\n{trailer}\r\n").as_bytes());
        let (body, used, _) = decode(&input, &cuts).unwrap();
        prop_assert_eq!(used, input.len());
        prop_assert_eq!(body, chunks.into_iter().flat_map(|(chunk, _)| chunk).collect::<Vec<_>>());
    }

    #[test]
    fn hostile_bytes_split_anyhow_give_the_same(
        input in "([0-9a-f]{1,2}|\r\n|[;= \t\"\\\\]|[a-z]|\r|\n|0\r\n\r\n){0,20}",
        cuts in proptest::collection::vec(any::<usize>(), 0..12),
    ) {
        let whole = decode(input.as_bytes(), &[]).map(|(body, used, _)| (body, used));
        let parts = decode(input.as_bytes(), &cuts).map(|(body, used, _)| (body, used));
        prop_assert_eq!(whole, parts);
    }
}
