//! Every directive with its documentation, and the pages that follow from them.

use std::fmt::Write as _;

use propylon_config::{Code, Directive, Doc, Json, reference, schema};
use propylon_features::proxy::upstream;
use propylon_features::{ANSWERS, ROOMS};
use propylon_pipeline::metrics::Metric;
use propylon_pipeline::variables::VARIABLES;

use crate::codes;
use crate::counters;
use crate::plan::config;

/// The directives of the top level that belong to no room.
const TOP: [&Doc; 10] = [
    &config::Listen::DOC,
    &config::Limits::DOC,
    &upstream::Config::DOC,
    &config::Site::DOC,
    &config::Workers::DOC,
    &config::User::DOC,
    &config::Admin::DOC,
    &config::Shutdown::DOC,
    &config::Resolver::DOC,
    &config::Include::DOC,
];

/// Every directive, each once: what the JSON form and its schema know.
pub fn all() -> Vec<&'static Doc> {
    let rooms = ROOMS.iter().map(|room| room.doc);
    let answers = ANSWERS.iter().map(|answer| answer.doc);
    let mut docs: Vec<&'static Doc> = Vec::new();
    for doc in TOP.into_iter().chain(rooms).chain(answers) {
        if !docs.iter().any(|known| known.name == doc.name) {
            docs.push(doc);
        }
    }
    docs
}

/// The JSON Schema of a config.
pub fn json_schema() -> Json {
    schema::schema("Propylon's config", &all())
}

/// The reference: a page in Markdown.
pub fn reference_page() -> String {
    let rooms: Vec<&Doc> = ROOMS.iter().map(|room| room.doc).collect();
    let answers: Vec<&Doc> = ANSWERS.iter().map(|answer| answer.doc).collect();
    let mut page = String::from(INTRODUCTION);
    let mut chapter = |title: &str, text: &str, body: String| {
        let _ = write!(page, "## {title}\n\n{text}\n\n{}\n\n", body.trim_end());
    };
    chapter("The top of a config", TOP_TEXT, reference::directives(&TOP, 3));
    chapter("Rooms", ROOMS_TEXT, reference::directives(&rooms, 3));
    chapter("Answers", ANSWERS_TEXT, reference::directives(&answers, 3));
    chapter("Placeholders", PLACEHOLDERS_TEXT, placeholders());
    chapter("Metrics", METRICS_TEXT, metrics());
    chapter("Messages", CODES_TEXT, diagnostic_codes());
    page.truncate(page.trim_end().len());
    page.push('\n');
    page
}

const INTRODUCTION: &str = "# Reference\n\n\
    Generated from the code by `cargo xtask docs`; do not edit. `propylon docs schema` prints the same as a JSON \
    Schema, for configs in JSON.\n\n\
    A directive's arguments come first, then `name value` pairs; each pair may stand as a line of the directive's \
    block instead. `…` means any number, brackets mean that it may be left out.\n\n";

const TOP_TEXT: &str = "What belongs to the process, and what sites share.";

const ROOMS_TEXT: &str = "Features, in the order in which a request passes them, however they are written. At the \
    top they are defaults for all sites, in a site for its routes. One that is named further in replaces the outer \
    one, and `NAME off` removes it.";

const ANSWERS_TEXT: &str = "What produces a reply. A route has one; one that stands in a site itself answers what no \
    route takes.";

const PLACEHOLDERS_TEXT: &str = "`{name}` in a text stands for a value of the exchange. `{$NAME}` is read from the \
    environment when the config is loaded.";

const METRICS_TEXT: &str = "What `GET /metrics` on the admin socket shows, in Prometheus' text format.";

const CODES_TEXT: &str = "The code in brackets after `error` or `warning`.";

fn placeholders() -> String {
    let rows = VARIABLES.iter().filter(|(_, meaning)| !meaning.is_empty()).map(|(name, meaning)| {
        let open = if name.ends_with('.') { "NAME" } else { "" };
        format!("| `{{{name}{open}}}` | {} |\n", meaning.replace('|', "\\|"))
    });
    format!("| placeholder | value |\n|---|---|\n{}", rows.collect::<String>())
}

fn metrics() -> String {
    let rooms = ROOMS.iter().flat_map(|room| room.metrics);
    let answers = ANSWERS.iter().flat_map(|answer| answer.metrics);
    let row =
        |metric: &Metric| format!("| `{}` | {} | {} |\n", metric.name, metric.kind.as_str(), metric.help);
    let rows: String = counters::METRICS.iter().chain(rooms).chain(answers).map(row).collect();
    format!("| metric | kind | what it counts |\n|---|---|---|\n{rows}")
}

fn diagnostic_codes() -> String {
    let mut all: Vec<&Code> = propylon_config::CODES.iter().chain(codes::CODES).collect();
    all.sort_by_key(|code| code.code);
    all.dedup_by_key(|code| code.code);
    reference::codes(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reference_tells_of_all_that_can_be_configured() {
        let page = reference_page();
        for doc in all() {
            assert!(page.contains(&format!("### `{}`\n", doc.name)), "{} is missing", doc.name);
        }
        assert!(
            page.contains("| `{header.NAME}` |") && page.contains("| `propylon_requests_total` | counter |")
        );
    }

    #[test]
    fn the_schema_defines_what_the_top_holds() {
        let schema = json_schema();
        assert!(schema["$defs"]["site"]["properties"]["route"].is_object(), "{schema:#}");
    }
}
