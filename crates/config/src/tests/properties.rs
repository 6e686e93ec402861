//! What holds for every text.

use proptest::prelude::*;

use super::parse;

/// Texts made of what matters to the lexer, so that odd meetings are frequent.
fn odd_text() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "a",
        "b-c",
        " ",
        "  ",
        "\n",
        "\n\n",
        "\r\n",
        "{",
        "}",
        " { ",
        " }\n",
        "\"",
        "\\",
        "\\\n",
        "#",
        "# c\n",
        "<<E\n",
        "\nE\n",
        "<<",
        "{x}",
        "{$NAME}",
        "{$",
        "{$NO:d}",
        "é",
        "\u{a0}",
        "\t",
        "\"q\"",
        "\\{",
        "include x\n",
    ]);
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn parsing_never_panics(text in any::<String>(), odd in odd_text()) {
        for text in [text, odd] {
            let loaded = parse(&text);
            // Drawing looks at every span, so a span that lies outside its file or cuts a letter shows here.
            let _ = loaded.diagnostics.render(&loaded.sources, false);
        }
    }
}
