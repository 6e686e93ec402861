//! What holds for every text.

use proptest::prelude::*;

use super::{forms, parse};

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

/// Texts without mistakes, oddly spaced.
fn good_text() -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec!["a", "b-c", "\"q \\{ x\"", "{x}", "{$NAME}", "x#y", "<<E\n  t\nE"]);
    let space = prop::sample::select(vec![" ", "   ", "\t", " \\\n ", "\\\n"]);
    let end = prop::sample::select(vec!["\n", "\r\n", "\n\n\n", " # c\n", "\n# c\n"]);
    let line = (prop::collection::vec((word, space), 1..4), end).prop_map(|(words, end)| {
        let mut text = String::new();
        for (word, space) in words {
            text += word;
            // Nothing may follow a heredoc on its line.
            if word.starts_with("<<") {
                return text + "\n";
            }
            text += space;
        }
        text + end
    });
    let leaf = prop::collection::vec(line, 0..4).prop_map(|lines| lines.concat());
    leaf.prop_recursive(4, 32, 3, |inner| {
        (inner.clone(), inner).prop_map(|(block, after)| format!("n {{\n{block}}}\n{after}o {{ p }}\n"))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn parsing_never_panics(text in any::<String>(), odd in odd_text()) {
        for text in [text, odd] {
            let loaded = parse(&text);
            // Drawing looks at every span, so a span that lies outside its file or cuts a letter shows here.
            let _ = loaded.diagnostics.render(&loaded.sources, false);
        }
    }

    #[test]
    fn formatting_keeps_the_meaning(odd in odd_text(), good in good_text()) {
        forms::check_formatting(&odd);
        prop_assert!(crate::format("test".as_ref(), &good).is_ok(), "{good}");
        forms::check_formatting(&good);
    }

    #[test]
    fn json_texts_stay_one_word(text in any::<String>(), odd in odd_text()) {
        forms::check_plain(&text);
        forms::check_plain(&odd);
    }
}
