//! Puts another start of the path in place of the one that came.
//!
//! Stands where all rooms that change the path stand: right before the answer.

use std::cell::RefCell;
use std::sync::Arc;

use propylon_config::{Diagnostic, Spanned, directive};
use propylon_http::target::{Canonical, canonical_path};
use propylon_pipeline::metrics::Metric;
use propylon_pipeline::{Exchange, Fault, Flow, Hooks};

use crate::compile::Merge;
use crate::{CompileContext, WorkerBuild};

directive! {
    /// Puts another start of the path in place of the one that came.
    ///
    /// A path that begins otherwise stays as it is.
    pub struct Config = "replace-prefix" {
        /// The whole segments that are replaced; `/` puts the others before every path.
        positional from: Spanned<String>,
        /// What takes their place.
        positional to: Spanned<String>,
    }
}

/// A level's setting takes the place of the outer one's.
pub const MERGE: Merge = Merge::Replace;

/// There is nothing to count.
pub const METRICS: &[Metric] = &[];

/// The settings, ready to be used.
#[derive(Debug)]
pub struct Compiled {
    from: Box<[u8]>,
    /// Without a `/` at its end.
    to: Box<[u8]>,
}

impl Compiled {
    /// Brings both into the form that paths have when they are looked at.
    pub fn compile(config: &Config, context: &mut CompileContext<'_>) -> Option<Self> {
        let mut read = |text: &Spanned<String>| {
            let mut canonical = Vec::new();
            match canonical_path(text.as_bytes(), &mut canonical) {
                Ok(Canonical::Borrowed) => Some(text.as_bytes().into()),
                Ok(Canonical::Written) => Some(canonical),
                Err(malformed) => {
                    let title = format!("`{}` is no path", text.value);
                    let diagnostic = Diagnostic::error("bad-path", text.span, title);
                    let help = "write whole segments, such as `replace-prefix /old /new`";
                    context.diagnostics.push(diagnostic.label(malformed.message()).help(help));
                    None
                }
            }
        };
        let (from, mut to): (Option<Vec<u8>>, Option<Vec<u8>>) = (read(&config.from), read(&config.to));
        if let Some(to) = &mut to
            && to.ends_with(b"/")
        {
            to.pop();
        }
        Some(Self { from: from?.into(), to: to?.into() })
    }
}

/// The room on one worker.
#[derive(Debug)]
pub struct Step {
    compiled: Arc<Compiled>,
    /// Kept for its memory.
    path: RefCell<Vec<u8>>,
}

impl Step {
    /// One worker's copy.
    pub fn new(compiled: &Arc<Compiled>, _: &WorkerBuild<'_>) -> Self {
        Self { compiled: Arc::clone(compiled), path: RefCell::default() }
    }
}

impl Hooks for Step {
    fn on_request(&self, x: &mut Exchange) -> Flow {
        match x.replace_segments(&self.compiled.from, &self.compiled.to, &mut self.path.borrow_mut()) {
            Ok(()) => Flow::Continue,
            Err(malformed) => Flow::Reply(Box::new(Fault::Malformed(malformed).into_reply())),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::tests::{Lab, down};

    #[track_caller]
    fn check(prefixes: &str, target: &str, expected: &str) {
        Lab::run(async |lab| {
            let steps = lab.steps(&format!("replace-prefix {prefixes}"));
            let mut x = lab.get(target, &[]);
            assert!(down(&steps, &mut x).is_none());
            let mut found = Vec::new();
            x.request.write_target(&mut found);
            assert_eq!(String::from_utf8_lossy(&found), expected, "{prefixes}: {target}");
        });
    }

    #[test]
    fn whole_segments_are_replaced_and_the_query_stays() {
        check("/old /new", "/old/x?y", "/new/x?y");
        check("/old /new/", "/old/x", "/new/x");
        check("/old /new", "/old", "/new");
        check("/old /", "/old", "/");
        check("/old /", "/old/x", "/x");
        check("/old /new", "/older", "/older");
        check("/ /new", "/x", "/new/x");
        check("/ /new", "/", "/new/");
    }

    #[test]
    fn mistakes_are_told() {
        Lab::run(async |lab| {
            lab.check_said("replace-prefix old /new/../..", &["`old` is no path", "leaves the root"]);
            lab.check_said("replace-prefix /old", &["lacks its to"]);
        });
    }
}
