//! The codes of this crate's diagnostics, in one table; the reference lists them. A room declares its own beside
//! its lints with the same [`codes!`](crate::codes!) macro.

/// One code and what it means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Code {
    /// Short kebab-case word, stable across releases.
    pub code: &'static str,
    /// One sentence for the reference.
    pub meaning: &'static str,
}

/// Declares diagnostic codes as constants and gathers them in a table.
///
/// ```
/// propylon_config::codes! {
///     /// The codes of this room.
///     pub const CODES;
///     LOOP = "redirect-loop": "A redirect leads to itself.";
/// }
/// assert_eq!(LOOP, "redirect-loop");
/// assert_eq!(CODES[0].meaning, "A redirect leads to itself.");
/// ```
#[macro_export]
macro_rules! codes {
    (
        $(#[$meta:meta])* $vis:vis const $table:ident;
        $($name:ident = $code:literal: $meaning:literal;)*
    ) => {
        $(#[$meta])*
        $vis const $table: &[$crate::Code] = &[$($crate::Code { code: $code, meaning: $meaning }),*];
        $(#[doc = $meaning] $vis const $name: &str = $code;)*
    };
}

codes! {
    /// Every code this crate uses.
    pub const CODES;
    BAD_ESCAPE = "bad-escape": "A backslash in a quoted text is followed by something that has no meaning.";
    BAD_VALUE = "bad-value": "A value is not of the kind that its place expects.";
    BAD_VARIABLE = "bad-variable": "`{$…}` does not hold the name of an environment variable.";
    BLOCK_WITHOUT_NAME = "block-without-name": "A block stands alone, without a directive before it.";
    BRACE_IN_WORD = "brace-in-word": "A brace touches a word, so it is unclear whether it is text or ends a block.";
    CANNOT_READ = "cannot-read": "A file could not be read.";
    CONTROL_CHARACTER = "control-character": "The file holds a control character.";
    DUPLICATE = "duplicate": "Something that may be said once is said twice.";
    EMPTY_INCLUDE = "empty-include": "An include's pattern matches no file.";
    EXPECTED_NEWLINE = "expected-newline": "Something follows on a line that should have ended.";
    INCLUDE_CYCLE = "include-cycle": "A file includes itself, directly or through others.";
    JSON_SHAPE = "json-shape": "A JSON document does not have the shape of a config.";
    MISSING = "missing": "Something that a directive needs was not said.";
    MISSING_SPACE = "missing-space": "Two words touch.";
    MISSING_VARIABLE = "missing-variable": "An environment variable is not set and has no default.";
    NOT_UTF8 = "not-utf-8": "A file is not UTF-8 text.";
    ODD_SPACE = "odd-space": "A word holds a space that is not the plain one, often pasted from a web page.";
    OUT_OF_BOUNDS = "out-of-bounds": "A value is of the right kind but too small or too large.";
    STRAY_BRACE = "stray-brace": "A `}` closes no block.";
    TOO_DEEP = "too-deep": "Blocks or includes are nested too deeply.";
    TOO_LARGE = "too-large": "The config is larger than its limits allow.";
    UNCLOSED_BLOCK = "unclosed-block": "A block is opened and never closed.";
    UNCLOSED_HEREDOC = "unclosed-heredoc": "A `<<WORD` text has no line that holds only that word.";
    UNCLOSED_PLACEHOLDER = "unclosed-placeholder": "A `{` inside a word has no `}`.";
    UNCLOSED_QUOTE = "unclosed-quote": "A quoted text has no closing quote on its line.";
    UNEXPECTED_ARGUMENT = "unexpected-argument": "A directive is given more than it takes.";
    UNEXPECTED_BLOCK = "unexpected-block": "A directive that takes no block is given one.";
    UNKNOWN_KEY = "unknown-key": "A name that means nothing at its place.";
    UNKNOWN_PLACEHOLDER = "unknown-placeholder": "A placeholder that means nothing at its place.";
}

#[cfg(test)]
mod tests {
    use super::CODES;

    #[test]
    fn codes_are_unique_kebab_case_and_explained() {
        for pair in CODES.windows(2) {
            assert!(pair[0].code < pair[1].code, "{} is out of order or double", pair[1].code);
        }
        for code in CODES {
            assert!(code.code.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'));
            assert!(code.meaning.ends_with('.'), "{}", code.code);
        }
    }
}
