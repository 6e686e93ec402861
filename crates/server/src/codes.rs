//! The codes of diagnostics beyond those of the language itself, for the reference.

propylon_config::codes! {
    /// Codes of the plan, the rooms and the answers.
    pub const CODES;
    BAD_ENDPOINT = "bad-endpoint": "An endpoint is not a URL of scheme, host and port.";
    BAD_FALLBACK = "bad-fallback": "A fallback is not the path of a file beneath its folder.";
    BAD_FIELD_NAME = "bad-field-name": "A text cannot be the name of a header field.";
    BAD_FIELD_VALUE = "bad-field-value": "A text cannot be the value of a header field.";
    BAD_FORMAT = "bad-format": "What an access log is to write does not fit its format.";
    BAD_HOST = "bad-host": "A text is not the name of a host.";
    BAD_INDEX = "bad-index": "An index is not the name of a file.";
    BAD_LOCATION = "bad-location": "A redirect leads neither to a URL nor to a path.";
    BAD_MEDIA_TYPE = "bad-media-type": "A text is not a media type.";
    BAD_PATH = "bad-path": "A text is not a path that a request could have.";
    BAD_PATTERN = "bad-pattern": "A regular expression does not compile.";
    BAD_ROUTE = "bad-route": "A route's methods and path cannot be read.";
    BAD_STATUS = "bad-status": "A status cannot stand where it does.";
    BAD_TARGET = "bad-target": "An access log is to go where none can go.";
    BAD_TYPE = "bad-type": "A text is not a media type.";
    CONTRADICTION = "contradiction": "Two things are said that exclude each other.";
    DUPLICATE_DIRECTIVE = "duplicate-directive": "A directive that may stand once in its place stands there twice.";
    DUPLICATE_LISTENER = "duplicate-listener": "Two listeners have the same address or name.";
    DUPLICATE_SITE = "duplicate-site": "Two sites have the same name.";
    DUPLICATE_UPSTREAM = "duplicate-upstream": "Two upstreams have the same name.";
    EMPTY_SITE = "empty-site": "A site has neither a route nor an answer.";
    INTERNAL = "internal": "A fault in the program itself, not in the config; please report it.";
    NO_ANSWER = "no-answer": "A route has nothing that answers.";
    NO_CONTENT = "no-content": "An error page does not say, or says twice, what it shows.";
    NO_EFFECT = "no-effect": "A directive does nothing as it stands.";
    NO_ERROR = "no-error": "An error page is for a status that is no error.";
    NO_FILE = "no-file": "A file cannot be read.";
    NO_FOLDER = "no-folder": "A folder cannot be read.";
    NO_GROUP = "no-group": "A text names a group that its regular expression does not have.";
    NO_LISTENER = "no-listener": "There are sites, but no address to reach them at.";
    NO_REPLY = "no-reply": "A placeholder stands for something that is gone by then.";
    NO_TARGET = "no-target": "A directive does not say what it is to make.";
    NO_WEIGHT = "no-weight": "Every endpoint of an upstream has weight 0.";
    SECOND_ANSWER = "second-answer": "A route has more than one answer.";
    TIED_ROUTES = "tied-routes": "Two routes match the same requests, and neither is more specific.";
    TRUSTS_EVERYBODY = "trusts-everybody": "Every client may claim any address for itself.";
    TRUSTS_NOBODY = "trusts-nobody": "Proxies are to be trusted, but none is named.";
    UNEXPECTED_VALUE = "unexpected-value": "A value stands where none belongs.";
    UNKNOWN_DIRECTIVE = "unknown-directive": "A directive does not exist, or cannot stand in its place.";
    UNKNOWN_LISTENER = "unknown-listener": "`on` names a listener that does not exist.";
    UNKNOWN_UPSTREAM = "unknown-upstream": "`proxy` names an upstream that does not exist.";
    UNREACHABLE_ROUTE = "unreachable-route": "No request can reach a route.";
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    /// Codes are written where they are used; this finds one that the reference would not list.
    #[test]
    fn every_code_in_use_is_listed() {
        let mut unlisted = Vec::new();
        for folder in ["src", "../features/src", "../pipeline/src"] {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
            visit(&folder, &mut |text| {
                for maker in ["Diagnostic::error(", "Diagnostic::warning("] {
                    let uses = text.split(maker).skip(1);
                    unlisted
                        .extend(uses.filter_map(literal).filter(|code| !is_listed(code)).map(str::to_owned));
                }
            });
        }
        assert!(unlisted.is_empty(), "give these a line in codes.rs: {unlisted:?}");
    }

    fn literal(after: &str) -> Option<&str> {
        let code = after.trim_start().strip_prefix('"')?.split('"').next()?;
        // This file itself holds what is looked for.
        code.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-').then_some(code)
    }

    fn is_listed(code: &str) -> bool {
        super::CODES.iter().chain(propylon_config::CODES).any(|known| known.code == code)
    }

    fn visit(folder: &Path, see: &mut impl FnMut(&str)) {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                visit(&path, see);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                see(&std::fs::read_to_string(path).unwrap());
            }
        }
    }
}
