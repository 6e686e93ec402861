//! Turns what was said for a field into its value.

use std::fmt::Write as _;
use std::ops::{Bound, RangeBounds};

use super::{Doc, Field, Given, Nest, Role, Slot};
use crate::codes::{BAD_VALUE, MISSING, OUT_OF_BOUNDS, UNEXPECTED_ARGUMENT};
use crate::{Diagnostic, Diagnostics, Node, Problem, Span, Value, Word};

/// Where a field is read: for messages.
#[derive(Debug, Clone, Copy)]
struct Place<'a> {
    node: &'a Node,
    doc: &'a Doc,
    field: &'a Field,
}

/// The value of a field of words.
#[doc(hidden)]
pub fn value<S: Slot>(
    given: Given<'_>,
    (node, doc, index): (&Node, &Doc, usize),
    within: Option<fn(&S::Item) -> bool>,
    default: Option<fn() -> S>,
    diagnostics: &mut Diagnostics,
) -> Option<S> {
    let place = Place { node, doc, field: doc.fields.get(index)? };
    let Some(at) = given.at else {
        let absent = default.map(|default| default()).or_else(S::absent);
        if absent.is_none() {
            diagnostics.push(missing(place));
        }
        return absent;
    };
    if given.words.is_empty() {
        diagnostics.push(without_value(place, at));
        return None;
    }
    if let (false, [_, extra, ..]) = (S::MANY, given.words.as_slice()) {
        let title = format!("`{}` takes one value", place.field.name());
        diagnostics.push(Diagnostic::error(UNEXPECTED_ARGUMENT, extra.span, title).help("remove it"));
        return None;
    }
    let items: Vec<Option<S::Item>> =
        given.words.into_iter().map(|word| item(word, place, within, diagnostics)).collect();
    S::of(items.into_iter().collect::<Option<_>>()?)
}

/// The value of a field of directives.
#[doc(hidden)]
pub fn nested<N: Nest>(
    given: Given<'_>,
    (node, doc, index): (&Node, &Doc, usize),
    default: Option<fn() -> N>,
    diagnostics: &mut Diagnostics,
) -> Option<N> {
    if !given.nodes.is_empty() {
        return N::of(&given.nodes, diagnostics);
    }
    let absent = default.map(|default| default()).or_else(N::absent);
    if absent.is_none() {
        diagnostics.push(missing(Place { node, doc, field: doc.fields.get(index)? }));
    }
    absent
}

/// Whether a flag was said.
#[doc(hidden)]
pub fn flag(
    given: Given<'_>,
    (_, doc, index): (&Node, &Doc, usize),
    diagnostics: &mut Diagnostics,
) -> Option<bool> {
    if let Some(extra) = given.words.first() {
        let title = format!("`{}` takes no value", doc.fields.get(index)?.name());
        diagnostics.push(Diagnostic::error(UNEXPECTED_ARGUMENT, extra.span, title).help("remove it"));
    }
    Some(given.at.is_some())
}

/// Whether a bound holds; keeps the item's type where the bounds are bare numbers.
#[doc(hidden)]
pub fn contains<T: PartialOrd>(bounds: &impl RangeBounds<T>, item: &T) -> bool {
    bounds.contains(item)
}

/// Bounds in words: "1 to 100", "at least 1", "at most 100".
#[doc(hidden)]
pub fn bounds_text<T: Value>(bounds: &impl RangeBounds<T>) -> String {
    let low = match bounds.start_bound() {
        Bound::Included(low) => Some(low.to_text()),
        Bound::Excluded(low) => Some(format!("more than {}", low.to_text())),
        Bound::Unbounded => None,
    };
    let high = match bounds.end_bound() {
        Bound::Included(high) => Some(high.to_text()),
        Bound::Excluded(high) => Some(format!("below {}", high.to_text())),
        Bound::Unbounded => None,
    };
    match (low, high) {
        (Some(low), Some(high)) => format!("{low} to {high}"),
        (Some(low), None) => format!("at least {low}"),
        (None, Some(high)) => format!("at most {high}"),
        (None, None) => "anything".to_owned(),
    }
}

fn item<V: Value>(
    word: &Word,
    place: Place<'_>,
    within: Option<fn(&V) -> bool>,
    diagnostics: &mut Diagnostics,
) -> Option<V> {
    match V::parse(word) {
        Ok(item) if within.is_none_or(|within| within(&item)) => Some(item),
        Ok(_) => {
            let bounds = (place.field.bounds)().unwrap_or_default();
            let title = format!("{} is out of bounds", word.shown());
            diagnostics.push(
                Diagnostic::error(OUT_OF_BOUNDS, word.span, title)
                    .label(described(place, &bounds))
                    .help(format!("write a value of {bounds}")),
            );
            None
        }
        Err(problem) => {
            diagnostics.push(bad_value::<V>(word, place, problem));
            None
        }
    }
}

fn bad_value<V: Value>(word: &Word, place: Place<'_>, problem: Problem) -> Diagnostic {
    let title = format!("{} is not {}", word.shown(), V::KIND);
    let span = problem.part.map_or(word.span, |part| word.span_of(part));
    let label = if problem.cause.is_empty() { described(place, V::KIND) } else { problem.cause };
    let help = problem.help.unwrap_or_else(|| format!("{}: write {}", described_plain(place), V::KIND));
    Diagnostic::error(BAD_VALUE, span, title).label(label).help(help)
}

/// "`weight` is 1 to 100".
fn described(place: Place<'_>, what: &str) -> String {
    format!("{} is {what}", described_plain(place))
}

/// The field as a message names it.
fn described_plain(place: Place<'_>) -> String {
    match place.field.role {
        Role::Positional => format!("the {} of `{}`", place.field.name(), place.doc.name),
        _ => format!("`{}`", place.field.name()),
    }
}

fn missing(place: Place<'_>) -> Diagnostic {
    let Place { node, doc, field } = place;
    let name = field.name();
    let (what, mut help) = match field.role {
        Role::Positional => (format!("its {name}"), format!("write {} after `{}`", field.kind, doc.name)),
        Role::Child => (format!("`{name}`"), format!("add a line `{name} …` to its block")),
        _ => (format!("`{name}`"), format!("add `{name}` and {} to the line or the block", field.kind)),
    };
    let keyword = node.args.first().filter(|word| !word.quoted && doc.keyword(&word.text).is_some());
    if let (Role::Positional, Some(word)) = (field.role, keyword) {
        let _ = write!(help, "; `{}` is a keyword here: quote it if it is meant as the value", word.text);
    }
    Diagnostic::error(MISSING, node.head_span(), format!("`{}` lacks {what}", doc.name)).help(help)
}

fn without_value(place: Place<'_>, at: Span) -> Diagnostic {
    let name = place.field.name();
    Diagnostic::error(MISSING, at, format!("`{name}` lacks its value"))
        .help(format!("write {} after `{name}`", place.field.kind))
}
