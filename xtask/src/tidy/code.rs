//! A source text without what is not code, so that rules do not trip over words in comments and strings.

/// The text with comments and the content of literals blanked; lines stay where they were.
pub(super) fn only(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let (kept, skipped) = next(rest);
        code.push_str(&rest[..kept]);
        code.extend(rest[kept..kept + skipped].chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
        rest = &rest[kept + skipped..];
    }
    code
}

/// How many bytes at the start are code, and how many after them are not.
fn next(text: &str) -> (usize, usize) {
    if text.starts_with("//") {
        return (0, text.find('\n').unwrap_or(text.len()));
    }
    if text.starts_with("/*") {
        return (0, block_comment(text));
    }
    if let Some(length) = raw_string(text) {
        return (0, length);
    }
    if text.starts_with('"') {
        return (0, string(text));
    }
    if let Some(length) = character(text) {
        return (0, length);
    }
    // A word is taken whole: the `r` that ends one opens no raw string.
    let word = text.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(text.len());
    let first = text.chars().next().map_or(0, char::len_utf8);
    (word.max(first), 0)
}

/// Block comments nest.
fn block_comment(text: &str) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < text.len() {
        let here = &text.as_bytes()[at..];
        if here.starts_with(b"/*") {
            (depth, at) = (depth + 1, at + 2);
        } else if here.starts_with(b"*/") {
            (depth, at) = (depth - 1, at + 2);
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    text.len()
}

fn string(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

fn raw_string(text: &str) -> Option<usize> {
    let after = ["br", "cr", "r"].iter().find_map(|start| text.strip_prefix(start))?;
    let hashes = after.len() - after.trim_start_matches('#').len();
    let inner = after[hashes..].strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    let length = inner.find(&end).map_or(inner.len(), |at| at + end.len());
    Some(text.len() - inner.len() + length)
}

/// A character literal; a lifetime has no second quote where one would have it.
fn character(text: &str) -> Option<usize> {
    let inner = text.strip_prefix('\'')?;
    if let Some(escape) = inner.strip_prefix('\\') {
        let skipped = escape.chars().next()?.len_utf8();
        return escape[skipped..].find('\'').map(|at| 2 + skipped + at + 1);
    }
    let first = inner.chars().next()?.len_utf8();
    inner[first..].starts_with('\'').then_some(1 + first + 1)
}

#[cfg(test)]
mod tests {
    fn check(text: &str, expected: &str) {
        let code = super::only(text);
        assert_eq!(code.split_whitespace().collect::<Vec<_>>().join(" "), expected, "{text}");
        assert_eq!(code.lines().count(), text.lines().count(), "{text}");
    }

    #[test]
    fn comments_and_literals_are_blanked() {
        check("a // b\nc", "a c");
        check("a /* b /* c */ \n d */ e", "a e");
        check(r#"f("a \" b", c)"#, "f( , c)");
        check("f(r#\"a \" \n b\"#, c)", "f( , c)");
        check("a = '\"'; b = '\\''; c", "a = ; b = ; c");
        check("fn f<'a>(x: &'a str, y: b'x')", "fn f<'a>(x: &'a str, y: b )");
        check("for\"x\" y", "for y");
    }
}
