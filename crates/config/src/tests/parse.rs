//! Text to tree.

use super::{brief, parse};
use crate::{Node, Word};

/// The tree as one line: `name 'arg' { … }`.
fn outline(nodes: &[Node]) -> String {
    let word = |word: &Word| if word.quoted { format!("'{}'", word.text) } else { word.text.clone() };
    let node = |node: &Node| {
        let mut text = word(&node.name);
        for arg in &node.args {
            text += " ";
            text += &word(arg);
        }
        match &node.block {
            None => text,
            Some(lines) => format!("{text} {{{}}}", outline(lines)),
        }
    };
    nodes.iter().map(node).collect::<Vec<_>>().join("; ")
}

#[test]
fn reads_trees() {
    for (text, expected) in [
        ("", ""),
        ("\u{feff}listen :80\r\n", "listen :80"),
        ("a b # c\n\n# d\n#e", "a b"),
        ("a {\n b\n c {\n }\n}\nd", "a {b; c {}}; d"),
        ("health { every 5s }", "health {every 5s}"),
        ("route /old/* { redirect 308 /new/{rest} }", "route /old/* {redirect 308 /new/{rest}}"),
        ("a { b { c } }", "a {b {c}}"),
        ("a{\n}\nb {}", "a {}; b {}"),
        ("~ ^/[a-z]{2}/(x|y)+$ a=b,c;d a#b it's", "~ ^/[a-z]{2}/(x|y)+$ a=b,c;d a#b it's"),
        (r#"a "b \"c\" \\ \t" "" "{x} \{y}""#, "a 'b \"c\" \\ \t' '' '{x} {y}'"),
        ("a b \\\n  c\\\n d", "a b c d"),
        ("a <<END\n    x {\n      y\n\n    z\n  END\nb", "a 'x {\n  y\n\nz'; b"),
        ("a <<E\nE", "a ''"),
        ("hello {$NAME} x{$NAME}y {$NO:a:b} \"{$NAME}\"", "hello world xworldy a:b 'world'"),
        (r#"a {$NO:"\n} "{$NO:\"\n\d}""#, "a \"\\n '\"\n\\d'"),
        ("a {$BRACES}\nb", "a } {x} # \"; b"),
        ("a \"$('{$.x}')\"", "a '$('{$.x}')'"),
    ] {
        let loaded = parse(text);
        assert_eq!(brief(&loaded, &loaded.diagnostics), "", "{text}");
        assert_eq!(outline(&loaded.tree), expected, "{text}");
    }
}

#[test]
fn reports_every_mistake_and_goes_on() {
    for (text, expected) in [
        (
            "a {\n  b\n",
            "1:3 unclosed-block: this block is never closed; add a `}` on a line of its own where the block ends",
        ),
        (
            "}\na }\n",
            "1:1 stray-brace: this `}` closes nothing; remove it, or look for a `{` that is missing further up\n\
          2:3 stray-brace: this `}` closes nothing; remove it, or look for a `{` that is missing further up",
        ),
        (
            "a \"b\nc",
            "1:3 unclosed-quote: this quoted text is not closed on its line; add the closing `\"`; for text of several lines use `<<END`",
        ),
        (
            "a \"b\\d\"",
            "1:5 bad-escape: `\\d` means nothing in a quoted text; write `\\\\` for a backslash; the escapes are `\\\"`, `\\\\`, `\\n`, `\\t` and `\\{`",
        ),
        (
            "a \"b\"c",
            "1:5 missing-space: a word begins right after the closing quote; put a space after the quote, or quote the whole word",
        ),
        (
            "health { every 5s}",
            "1:18 brace-in-word: a `}` that touches a word is unclear; put a space between them to close a block, or quote the word if the brace belongs to it",
        ),
        (
            "a {x y",
            "1:3 unclosed-placeholder: a `{` inside a word has no `}`; write `{name}` for a placeholder, a space after `{` for a block, or quote the text",
        ),
        (
            "a {$NOPE}",
            "1:3 missing-variable: the environment variable `NOPE` is not set; set it, or give a default: `{$NOPE:default}`",
        ),
        (
            "a x{$1}",
            "1:4 bad-variable: `{$` is not followed by a variable's name and `}`; write `{$NAME}` or `{$NAME:default}`, without spaces; the name holds letters, digits and `_`",
        ),
        (
            "a <<END\nb",
            "1:3 unclosed-heredoc: this text has no closing line `END`; write `END` alone on a line after the text",
        ),
        (
            "a\n{\n b\n}",
            "2:1 block-without-name: this block has no name before it; put the `{` on the line of the directive it belongs to",
        ),
        (
            "a { b } c",
            "1:9 expected-newline: something follows a block on its last line; put it on a line of its own",
        ),
        ("a\u{a0}b", "1:2 odd-space: this space is U+00A0, not the plain one; replace it with a plain space"),
        (
            "a \u{1}",
            "1:3 control-character: the file holds the control character U+0001; remove it; a config is plain UTF-8 text",
        ),
    ] {
        let loaded = parse(text);
        assert_eq!(brief(&loaded, &loaded.diagnostics), expected, "{text}");
    }
}

#[test]
fn depth_is_limited() {
    let nested = |depth: usize| format!("{}{}", "a {\n".repeat(depth), "}\n".repeat(depth));
    assert!(parse(&nested(64)).diagnostics.is_empty());
    let loaded = parse(&nested(65));
    assert!(brief(&loaded, &loaded.diagnostics).contains("too-deep"));
    assert!(loaded.tree[0].is_shallow());
    let loaded = parse(&"a {\n".repeat(100_000));
    assert!(brief(&loaded, &loaded.diagnostics).contains("too-deep"));
}

#[test]
fn a_rendered_message_shows_the_lines() {
    let loaded = parse("site x {\n    tls auto\n");
    let expected = "\
error[unclosed-block]: this block is never closed
 --> test:1:8
  |
1 | site x {
  | ------ ^
  | |
  | opened by this directive
2 |     tls auto
  |             - the file ends here
  |
  = help: add a `}` on a line of its own where the block ends";
    assert_eq!(loaded.diagnostics.render(&loaded.sources, false), expected);
    assert!(loaded.diagnostics.render(&loaded.sources, true).contains("\u{1b}["));
    let lines = loaded.diagnostics.to_lines(&loaded.sources);
    assert_eq!(lines, ["test:1:8: error[unclosed-block]: this block is never closed"]);
}

#[test]
fn a_message_about_a_huge_part_shows_the_place_only() {
    let far = format!("a {{\n{}", "b\n".repeat(20_000));
    let loaded = parse(&far);
    let text = loaded.diagnostics.render(&loaded.sources, false);
    assert!(text.contains("1 | a {") && !text.contains("the file ends here"), "{text}");
    let long = format!("a \"{}", "b".repeat(20_000));
    let loaded = parse(&long);
    let text = loaded.diagnostics.render(&loaded.sources, false);
    assert!(text.contains("--> test:1:3") && text.len() < 1000, "{text}");
}

/// Texts whose every piece sends a careless reader to the end of the file. One that goes there each time needs
/// minutes where this needs less than a second; the limit leaves room for a busy machine.
#[test]
#[expect(clippy::disallowed_methods, reason = "time is what this is about")]
fn no_text_takes_quadratic_time() {
    const PIECES: usize = 50_000;
    for piece in ["\\", "<<A\n", "{", "a {\n", "\"x\n", "{$A", "{$A:", "a{", "\u{a0}", "x \\ ", "{$a}", "}"] {
        for text in [piece.repeat(PIECES), format!("a \"{}\"", piece.repeat(PIECES))] {
            let start = std::time::Instant::now();
            let loaded = parse(&text);
            let _ = loaded.diagnostics.render(&loaded.sources, false);
            let _ = crate::format("test".as_ref(), &text).is_ok();
            assert!(start.elapsed().as_secs() < 20, "{piece:?} took {:?}", start.elapsed());
        }
    }
}
