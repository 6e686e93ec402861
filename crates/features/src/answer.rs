//! The answers: what produces a route's reply. Few, so the list is written by hand.

use std::sync::Arc;

use propylon_config::{Directive, Doc, Node};
use propylon_pipeline::metrics::Metric;
use propylon_pipeline::{Exchange, Fault, Reply};

use crate::{CompileContext, WorkerBuild, files, proxy, redirect, respond};

/// What is known of an answer without a config.
#[derive(Debug)]
pub struct AnswerDoc {
    /// Its directive.
    pub doc: &'static Doc,
    /// The metrics it keeps.
    pub metrics: &'static [Metric],
    /// Reads and compiles one directive.
    pub compile: fn(&Node, &mut CompileContext<'_>) -> Option<AnswerPlan>,
}

/// Every answer.
pub const ANSWERS: &[AnswerDoc] = &[
    AnswerDoc {
        doc: &proxy::Config::DOC,
        metrics: proxy::METRICS,
        compile: |node, context| {
            let config = proxy::Config::decode(node, context.diagnostics)?;
            proxy::Compiled::compile(&config, context).map(Arc::new).map(AnswerPlan::Proxy)
        },
    },
    AnswerDoc {
        doc: &files::Config::DOC,
        metrics: files::METRICS,
        compile: |node, context| {
            let config = files::Config::decode(node, context.diagnostics)?;
            files::Compiled::compile(&config, context).map(Arc::new).map(AnswerPlan::Files)
        },
    },
    AnswerDoc {
        doc: &respond::Config::DOC,
        metrics: &[],
        compile: |node, context| {
            let config = respond::Config::decode(node, context.diagnostics)?;
            respond::Compiled::compile(&config, context).map(Arc::new).map(AnswerPlan::Respond)
        },
    },
    AnswerDoc {
        doc: &redirect::Config::DOC,
        metrics: &[],
        compile: |node, context| {
            let config = redirect::Config::decode(node, context.diagnostics)?;
            redirect::Compiled::compile(&config, context).map(Arc::new).map(AnswerPlan::Redirect)
        },
    },
];

/// A route's answer, compiled.
#[derive(Clone, Debug)]
pub enum AnswerPlan {
    /// Sends the request on to an upstream.
    Proxy(Arc<proxy::Compiled>),
    /// Serves a tree of files.
    Files(Arc<files::Compiled>),
    /// Says something fixed.
    Respond(Arc<respond::Compiled>),
    /// Sends the client elsewhere.
    Redirect(Arc<redirect::Compiled>),
}

/// A route's answer on one worker.
#[derive(Debug)]
pub enum Answer {
    /// See [`AnswerPlan::Proxy`].
    Proxy(proxy::Proxy),
    /// See [`AnswerPlan::Files`].
    Files(files::Files),
    /// See [`AnswerPlan::Respond`].
    Respond(Arc<respond::Compiled>),
    /// See [`AnswerPlan::Redirect`].
    Redirect(Arc<redirect::Compiled>),
}

impl AnswerPlan {
    /// One worker's copy.
    pub fn build(&self, build: &WorkerBuild<'_>) -> Answer {
        match self {
            Self::Proxy(compiled) => Answer::Proxy(proxy::Proxy::new(Arc::clone(compiled), build)),
            Self::Files(compiled) => Answer::Files(files::Files::new(Arc::clone(compiled), build)),
            Self::Respond(compiled) => Answer::Respond(Arc::clone(compiled)),
            Self::Redirect(compiled) => Answer::Redirect(Arc::clone(compiled)),
        }
    }

    /// The answer's directive.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Proxy(_) => proxy::Config::DOC.name,
            Self::Files(_) => files::Config::DOC.name,
            Self::Respond(_) => respond::Config::DOC.name,
            Self::Redirect(_) => redirect::Config::DOC.name,
        }
    }
}

impl Answer {
    /// Produces the reply.
    ///
    /// # Errors
    /// There is none: the fault says why.
    pub async fn answer(&self, x: &mut Exchange) -> Result<Reply, Fault> {
        match self {
            Self::Proxy(proxy) => proxy.answer(x).await,
            Self::Files(files) => files.answer(x).await,
            Self::Respond(respond) => Ok(respond.answer(x)),
            Self::Redirect(redirect) => redirect.answer(x),
        }
    }
}
