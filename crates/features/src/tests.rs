//! What the tests of the rooms share: a worker, exchanges and the list, without sockets; and the tests of the list
//! and the guides themselves.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::mem::discriminant;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;

use propylon_config::{Diagnostics, Directive, Doc, Environment, Node, Role, parse_text};
use propylon_net::socket::Address;
use propylon_net::timers::Timers;
use propylon_net::{clock, runtime};
use propylon_origin::names::{Names, Settings};
use propylon_pipeline::metrics::Metric;
use propylon_pipeline::{ConnectionFacts, Downstream, Exchange, Flow, Hooks, Reply, Scheme, WorkerContext};

use crate::{ANSWERS, Answer, AnswerPlan, CompileContext, ROOMS, Step, StepPlan, WorkerBuild};

/// A worker to try rooms on.
pub(crate) struct Lab {
    pub(crate) worker: Rc<WorkerContext>,
    names: Names,
}

impl Lab {
    /// Runs `test` on a worker of its own.
    pub(crate) fn run(test: impl AsyncFnOnce(Self)) {
        let main = async {
            let timers = Timers::new().unwrap();
            let ticking = Rc::clone(&timers);
            runtime::spawn(async move { drop(ticking.run().await) });
            let worker = WorkerContext::new(0, timers, Arc::default(), 1);
            let names = Names::new(Settings::default(), Arc::new(|_, _, _| {}));
            test(Self { worker, names }).await;
        };
        runtime::run_worker(main).unwrap();
    }

    /// Compiles these lines of rooms; the plans, in the order of the list, and all that was found.
    pub(crate) fn compile(&self, config: &str) -> (Vec<StepPlan>, String) {
        let loaded = parse_text("test.conf".as_ref(), config, &Environment::empty());
        let mut diagnostics = loaded.diagnostics;
        let upstreams = HashMap::new();
        let folder = PathBuf::from("/nonexistent");
        let mut plans = Vec::new();
        let mut context = CompileContext {
            diagnostics: &mut diagnostics,
            upstreams: &upstreams,
            names: &self.names,
            folder,
        };
        for room in ROOMS {
            let lines = loaded.tree.iter().filter(|line| line.name.text == room.doc.name);
            plans.extend(lines.filter_map(|line| (room.compile)(line, &mut context)));
        }
        let unknown = |line: &&Node| ROOMS.iter().all(|room| room.doc.name != line.name.text);
        assert!(!loaded.tree.iter().any(|line| unknown(&line)), "{config}: a line is no room's");
        (plans, diagnostics.render(&loaded.sources, false))
    }

    /// The steps of these lines, which must be good.
    pub(crate) fn steps(&self, config: &str) -> Vec<Step> {
        let (plans, said) = self.compile(config);
        assert_eq!(said, "", "{config}");
        let groups = RefCell::default();
        let build = WorkerBuild { worker: &self.worker, groups: &groups };
        plans.iter().map(|plan| plan.build(&build)).collect()
    }

    /// What is said of these lines, which must be wrong, or dubious at least.
    #[track_caller]
    pub(crate) fn check_said(&self, config: &str, expected: &[&str]) {
        let (_, said) = self.compile(config);
        assert_ne!(said, "", "{config}");
        for text in expected {
            assert!(said.contains(text), "{config}: {text:?} is not in\n{said}");
        }
    }

    /// Compiles a line with an answer; what was found besides.
    pub(crate) fn compile_answer(&self, config: &str) -> (Option<AnswerPlan>, String) {
        let loaded = parse_text("test.conf".as_ref(), config, &Environment::empty());
        let mut diagnostics = loaded.diagnostics;
        let upstreams = HashMap::new();
        let folder = PathBuf::from("/nonexistent");
        let mut context = CompileContext {
            diagnostics: &mut diagnostics,
            upstreams: &upstreams,
            names: &self.names,
            folder,
        };
        let line = &loaded.tree[0];
        let answer = ANSWERS.iter().find(|answer| answer.doc.name == line.name.text).unwrap();
        let plan = (answer.compile)(line, &mut context);
        (plan, diagnostics.render(&loaded.sources, false))
    }

    /// The answer of this line, which must be good.
    pub(crate) fn answer(&self, config: &str) -> Answer {
        let (plan, said) = self.compile_answer(config);
        assert_eq!(said, "", "{config}");
        plan.unwrap().build(&WorkerBuild { worker: &self.worker, groups: &RefCell::default() })
    }

    /// What is said of a line with an answer, which must be wrong.
    #[track_caller]
    pub(crate) fn check_answer_said(&self, config: &str, expected: &[&str]) {
        let (_, said) = self.compile_answer(config);
        for text in expected {
            assert!(said.contains(text), "{config}: {text:?} is not in\n{said}");
        }
    }

    /// An exchange whose head has arrived, from 192.0.2.1 if no peer is given.
    pub(crate) fn exchange(&self, peer: Address, head: &str) -> Exchange {
        let listener = "web".into();
        let facts = Rc::new(ConnectionFacts::new(peer, None, Scheme::Http, listener));
        let mut x = Exchange::new(Rc::clone(&self.worker), Rc::clone(&facts));
        x.begin(facts, Downstream::Nowhere, clock::now());
        x.id = self.worker.request_id();
        let head = head.replace('\n', "\r\n") + "\r\n\r\n";
        x.request.parse(head.as_bytes(), &Default::default()).unwrap();
        x
    }

    /// A GET of `target` with these field lines.
    pub(crate) fn get(&self, target: &str, fields: &[&str]) -> Exchange {
        let mut head = format!("GET {target} HTTP/1.1\nHost: example.com");
        for line in fields {
            head += "\n";
            head += line;
        }
        self.exchange(peer("192.0.2.1"), &head)
    }

    /// What a metric has come to.
    pub(crate) fn count(&self, metric: Metric) -> u64 {
        self.worker.metrics.total(metric.name)
    }
}

/// A peer at this address.
pub(crate) fn peer(address: &str) -> Address {
    Address::Ip((address.parse::<std::net::IpAddr>().unwrap(), 4711).into())
}

/// The steps' way down; the reply that one of them gave.
pub(crate) fn down(steps: &[Step], x: &mut Exchange) -> Option<Reply> {
    steps.iter().find_map(|step| match step.on_request(x) {
        Flow::Continue => None,
        Flow::Reply(reply) => Some(*reply),
    })
}

/// The steps' way back up: room by room, and within a room the innermost level last.
pub(crate) fn up(steps: &[Step], x: &mut Exchange, reply: &mut Reply) {
    for step in steps.chunk_by(|step, next| discriminant(step) == discriminant(next)).rev().flatten() {
        step.on_reply(x, reply);
    }
}

/// Fields as `Name: value` lines.
pub(crate) fn lines(fields: &propylon_http::Fields) -> Vec<String> {
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    fields.iter().map(|field| format!("{}: {}", text(field.name), text(field.value))).collect()
}

#[test]
fn names_are_unique_and_everything_is_documented() {
    fn check(doc: &Doc, path: &str) {
        assert!(!doc.text().is_empty(), "`{path}` says nothing of itself");
        for field in doc.fields {
            let path = format!("{path} {}", field.name());
            match field.child {
                Some(child) => check(child, &path),
                None => assert!(
                    !field.doc.is_empty() || field.role == Role::Rest,
                    "`{path}` says nothing of itself"
                ),
            }
        }
    }
    let mut names = BTreeSet::new();
    let mut metrics = BTreeSet::new();
    let rooms = ROOMS.iter().map(|room| (room.doc, room.metrics));
    for (doc, kept) in rooms.chain(ANSWERS.iter().map(|answer| (answer.doc, answer.metrics))) {
        assert!(names.insert(doc.name), "two are called `{}`", doc.name);
        check(doc, doc.name);
        for metric in kept {
            assert!(metrics.insert(metric.name) && metric.name.starts_with("propylon_"), "{}", metric.name);
        }
    }
}

/// Every guide's examples: the rooms and answers in them must be read without a word of complaint.
#[test]
fn examples_of_the_guides_are_good() {
    Lab::run(async |lab| {
        let mut seen = 0;
        for (path, guide) in guides() {
            for example in guide.split("```propylon\n").skip(1) {
                let text = example.split("```").next().unwrap_or_default();
                check_example(&lab, &path, text);
                seen += 1;
            }
        }
        assert!(seen >= ROOMS.len(), "only {seen} examples were found");
    });
}

fn guides() -> Vec<(String, String)> {
    fn walk(folder: &std::path::Path, found: &mut Vec<(String, String)>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                found.push((path.display().to_string(), std::fs::read_to_string(&path).unwrap()));
            }
        }
    }
    let mut found = Vec::new();
    walk(concat!(env!("CARGO_MANIFEST_DIR"), "/src").as_ref(), &mut found);
    found
}

fn check_example(lab: &Lab, path: &str, text: &str) {
    let loaded = parse_text(path.as_ref(), text, &Environment::empty());
    let mut diagnostics = loaded.diagnostics;
    decode_all(&loaded.tree, &mut diagnostics);
    // What stands in the file system or in another part of the config is not there to be found.
    let allowed = ["no-file", "no-folder", "unknown-upstream"];
    let upstreams = HashMap::new();
    let folder = PathBuf::from("/nonexistent");
    let mut context =
        CompileContext { diagnostics: &mut diagnostics, upstreams: &upstreams, names: &lab.names, folder };
    compile_all(&loaded.tree, &mut context);
    let bad: Vec<_> = diagnostics.iter().filter(|found| !allowed.contains(&found.code)).collect();
    let said: Vec<String> = bad.iter().map(|found| found.render(&loaded.sources, false)).collect();
    assert!(said.is_empty(), "an example in {path}:\n{}", said.join("\n"));
}

fn decode_all(lines: &[Node], diagnostics: &mut Diagnostics) {
    for line in lines.iter().filter(|line| line.name.text == "upstream") {
        crate::proxy::upstream::Config::decode(line, diagnostics);
    }
}

fn compile_all(lines: &[Node], context: &mut CompileContext<'_>) {
    for line in lines {
        let name = line.name.text.as_str();
        let off = matches!(line.args.as_slice(), [word] if word.is("off"));
        if let Some(room) = ROOMS.iter().find(|room| room.doc.name == name) {
            let _ = off || (room.compile)(line, context).is_some();
        } else if let Some(answer) = ANSWERS.iter().find(|answer| answer.doc.name == name) {
            let _ = (answer.compile)(line, context);
        } else {
            let known = ["site", "route", "listen", "upstream", "user", "limits", "on"].contains(&name);
            assert!(known, "there is no directive `{name}`");
            compile_all(if name == "upstream" || name == "limits" { &[] } else { line.lines() }, context);
        }
    }
}
