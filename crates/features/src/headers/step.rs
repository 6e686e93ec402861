//! Works on fields as messages pass.

use std::cell::RefCell;
use std::sync::Arc;

use propylon_http::{Field, Fields};
use propylon_pipeline::metrics::Cell;
use propylon_pipeline::{Exchange, Flow, Hooks, Reply};

use super::DROPPED;
use super::config::{Action, Compiled, Edit};
use crate::WorkerBuild;

/// The room on one worker.
#[derive(Debug)]
pub struct Step {
    compiled: Arc<Compiled>,
    /// Values with placeholders are put together here; kept for its memory.
    made: RefCell<Vec<u8>>,
    dropped: Cell,
}

impl Step {
    /// One worker's copy.
    pub fn new(compiled: &Arc<Compiled>, build: &WorkerBuild<'_>) -> Self {
        let dropped = build.worker.metrics.cell(DROPPED, &[]);
        Self { compiled: Arc::clone(compiled), made: RefCell::default(), dropped }
    }

    /// Does one edit. Without a value there is nothing to say, and what stands under a name that is ours to set must
    /// not pass for our word: it goes.
    fn apply(&self, edit: &Edit, fields: &mut Fields, value: Option<&[u8]>) {
        let put = match (edit.action, value) {
            (Action::Remove, _) | (Action::Set, None) => return fields.remove(&edit.name),
            (Action::Default, _) if fields.named(&edit.name).is_some() => return,
            (Action::Default | Action::Add, None) => return,
            (Action::Set, Some(value)) => fields.set(&edit.name, value),
            (Action::Default | Action::Add, Some(value)) => fields.append(&edit.name, value),
        };
        if put.is_err() {
            self.dropped.add(1);
            if edit.action == Action::Set {
                fields.remove(&edit.name);
            }
        }
    }
}

impl Hooks for Step {
    fn on_request(&self, x: &mut Exchange) -> Flow {
        let edits = &self.compiled.request;
        if !edits.is_empty() {
            drop_disguised(&mut x.request.fields, edits);
        }
        let mut made = self.made.borrow_mut();
        for edit in edits {
            let value = value(edit, &mut made, x, None);
            self.apply(edit, &mut x.request.fields, value);
        }
        Flow::Continue
    }

    fn on_reply(&self, x: &mut Exchange, reply: &mut Reply) {
        let mut made = self.made.borrow_mut();
        for edit in &self.compiled.reply {
            let value = value(edit, &mut made, x, Some(reply));
            self.apply(edit, &mut reply.fields, value);
        }
    }
}

/// The edit's value, put together in `made` if it is not always the same; `None` when its placeholders stand for
/// nothing this time.
fn value<'v>(edit: &'v Edit, made: &'v mut Vec<u8>, x: &Exchange, reply: Option<&Reply>) -> Option<&'v [u8]> {
    if let Some(literal) = edit.value.as_literal() {
        return Some(literal);
    }
    made.clear();
    edit.value.write(made, x, reply);
    Some(made.as_slice()).filter(|made| !made.is_empty())
}

/// Drops what becomes one of our fields once `_` is read as `-`, as CGI-like origins do: `X_User` beside our `X-User`.
fn drop_disguised(fields: &mut Fields, edits: &[Edit]) {
    let ours = |field: &Field<'_>| {
        let claims = |edit: &&Edit| edit.action != Action::Add && disguises(field.name, &edit.name);
        field.known.is_none() && edits.iter().any(|edit| claims(&edit))
    };
    if fields.iter().any(|field| ours(&field)) {
        fields.remove_where(|field| ours(field));
    }
}

fn disguises(name: &[u8], ours: &[u8]) -> bool {
    let folded = |byte: &u8| if *byte == b'_' { b'-' } else { byte.to_ascii_lowercase() };
    name.len() == ours.len()
        && name.iter().map(folded).eq(ours.iter().map(folded))
        && !name.eq_ignore_ascii_case(ours)
}
