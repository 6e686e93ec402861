//! Takes the start of the path away.
//!
//! Stands behind the steps that look at what the client asked for, right before the answer, which sees the new path.
//! So do the other rooms that change the path.

use std::cell::RefCell;
use std::sync::Arc;

use propylon_config::{Diagnostic, Spanned, directive};
use propylon_http::target::{Canonical, canonical_path};
use propylon_pipeline::metrics::Metric;
use propylon_pipeline::{Exchange, Fault, Flow, Hooks};

use crate::compile::Merge;
use crate::{CompileContext, WorkerBuild};

directive! {
    /// Takes the start of the path away, so that an origin that knows nothing of it can answer.
    ///
    /// A path that begins otherwise stays as it is.
    pub struct Config = "strip-prefix" {
        /// The whole segments that are taken away, such as `/api`.
        positional prefix: Spanned<String>,
    }
}

/// A level's setting takes the place of the outer one's.
pub const MERGE: Merge = Merge::Replace;

/// There is nothing to count.
pub const METRICS: &[Metric] = &[];

/// The settings, ready to be used.
#[derive(Debug)]
pub struct Compiled {
    prefix: Box<[u8]>,
}

impl Compiled {
    /// Brings the prefix into the form that paths have when they are looked at.
    pub fn compile(config: &Config, context: &mut CompileContext<'_>) -> Option<Self> {
        let text = config.prefix.as_str();
        let mut canonical = Vec::new();
        let prefix = match canonical_path(text.as_bytes(), &mut canonical) {
            Ok(Canonical::Borrowed) => text.as_bytes(),
            Ok(Canonical::Written) => &canonical,
            Err(malformed) => {
                let title = format!("`{text}` is no path");
                let diagnostic = Diagnostic::error("bad-path", config.prefix.span, title);
                let help = "write the whole segments to be taken away, such as `/api`";
                context.diagnostics.push(diagnostic.label(malformed.message()).help(help));
                return None;
            }
        };
        if prefix == b"/" {
            let diagnostic = Diagnostic::error("bad-path", config.prefix.span, "`/` takes nothing away");
            context.diagnostics.push(diagnostic.help("name a segment, such as `/api`, or remove the line"));
            return None;
        }
        Some(Self { prefix: prefix.into() })
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
        match x.replace_segments(&self.compiled.prefix, b"", &mut self.path.borrow_mut()) {
            Ok(()) => Flow::Continue,
            Err(malformed) => Flow::Reply(Box::new(Fault::Malformed(malformed).into_reply())),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::tests::{Lab, down};

    #[track_caller]
    fn check(prefix: &str, target: &str, expected: &str) {
        Lab::run(async |lab| {
            let steps = lab.steps(&format!("strip-prefix {prefix}"));
            let mut x = lab.get(target, &[]);
            assert!(down(&steps, &mut x).is_none());
            let mut found = Vec::new();
            x.request.write_target(&mut found);
            assert_eq!(String::from_utf8_lossy(&found), expected, "{prefix}: {target}");
        });
    }

    #[test]
    fn whole_segments_are_taken_away_and_the_query_stays() {
        check("/api", "/api/x?y", "/x?y");
        check("/api/", "/api/x", "/x");
        check("/api", "/api", "/");
        check("/api", "/api/", "/");
        check("/api", "/apix", "/apix");
        check("/api", "/x/api/y", "/x/api/y");
        check("/api", "/%61pi/x", "/x");
        check("/%7Euser", "/~user/x", "/x");
        check("/a/b", "/a/b%2Fc", "/a/b%2Fc");
        check("/a", "/a/a/b", "/a/b");
    }

    #[test]
    fn mistakes_are_told() {
        Lab::run(async |lab| {
            lab.check_said("strip-prefix api", &["is no path", "such as `/api`"]);
            lab.check_said("strip-prefix /", &["takes nothing away"]);
            lab.check_said("strip-prefix /a/%2e%2e", &["hides a dot segment"]);
        });
    }
}
