//! How rooms come together from level to level: the top's are defaults for every site, a site's for its routes. A
//! room named further in replaces the outer one wholly, `NAME off` removes it, and nothing is merged, except where
//! a room says that it adds.

use propylon_config::{Diagnostic, Node};
use propylon_features::compile::Merge;
use propylon_features::{ANSWERS, CompileContext, ROOMS};

use super::compile::unknown;
use super::{PlacedAnswer, PlacedStep};

/// Where lines of rooms stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    Top,
    Site,
    Route,
}

/// The rooms in force at one level, each in its place of the list, and its answer.
#[derive(Clone, Debug, Default)]
pub(super) struct Level {
    rooms: Vec<Vec<PlacedStep>>,
    pub(super) answer: Option<PlacedAnswer>,
    /// Whether an answer was said, even one with mistakes: those have been reported already.
    pub(super) says_answer: bool,
}

impl Level {
    /// Reads the lines of a level on top of the `outer` one. Answers are not inherited.
    pub(super) fn read(
        lines: &[Node],
        scope: Scope,
        outer: Option<&Self>,
        context: &mut CompileContext<'_>,
    ) -> Self {
        let mut level = outer.cloned().unwrap_or_default();
        level.rooms.resize_with(ROOMS.len(), Vec::new);
        level.answer = None;
        level.says_answer = false;
        let mut said = vec![None; ROOMS.len()];
        for line in lines {
            let name = line.name.text.as_str();
            if let Some(place) = ROOMS.iter().position(|room| room.doc.name == name) {
                level.room(line, place, &mut said[place], context);
            } else if let Some(answer) = ANSWERS.iter().find(|answer| answer.doc.name == name)
                && scope != Scope::Top
            {
                level.answer(line, answer.compile, context);
            } else {
                let (place, names): (_, &[&str]) = match scope {
                    Scope::Top => ("at the top of a config", &[]),
                    Scope::Site => ("in a site", &["route", "on"]),
                    Scope::Route => ("in a route", &["priority", "when-header", "when-query"]),
                };
                unknown(line, place, names, context.diagnostics);
            }
        }
        level
    }

    /// All steps, in the order of the list.
    pub(super) fn steps(&self) -> Vec<PlacedStep> {
        self.rooms.iter().flatten().cloned().collect()
    }

    fn room(
        &mut self,
        line: &Node,
        place: usize,
        said: &mut Option<propylon_config::Span>,
        context: &mut CompileContext<'_>,
    ) {
        let room = &ROOMS[place];
        let adds = room.merge == Merge::Add;
        match said {
            Some(before) if !adds => {
                let title = format!("`{}` is said twice", room.doc.name);
                let diagnostic = Diagnostic::error("duplicate-directive", line.head_span(), title);
                let diagnostic = diagnostic.also(*before, "first said here");
                return context.diagnostics.push(diagnostic.help("keep one of them"));
            }
            Some(_) => {}
            first @ None => {
                if !adds {
                    self.rooms[place].clear();
                }
                *first = Some(line.head_span());
            }
        }
        if line.block.is_none() && matches!(line.args.as_slice(), [word] if word.is("off")) {
            return self.rooms[place].clear();
        }
        if let Some(step) = (room.compile)(line, context) {
            self.rooms[place].push(PlacedStep { step, span: line.head_span() });
        }
    }

    fn answer(
        &mut self,
        line: &Node,
        compile: fn(&Node, &mut CompileContext<'_>) -> Option<propylon_features::AnswerPlan>,
        context: &mut CompileContext<'_>,
    ) {
        self.says_answer = true;
        let compiled = compile(line, context);
        if let Some(before) = &self.answer {
            let title = format!("a second answer, `{}`", line.name.text);
            let diagnostic = Diagnostic::error("second-answer", line.head_span(), title);
            let diagnostic = diagnostic.also(before.span, "the first answer");
            context
                .diagnostics
                .push(diagnostic.help("a route has one answer: put the other into a route of its own"));
        } else if let Some(answer) = compiled {
            self.answer = Some(PlacedAnswer { answer, span: line.head_span() });
        }
    }
}
