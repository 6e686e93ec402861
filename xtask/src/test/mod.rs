//! Runs everything that must pass, step by step, and counts.

mod cargo_steps;
mod fuzz;
mod packages;
mod tally;
mod unprivileged;

use std::time::Instant;

use tally::{Outcome, Tally};

/// What the command line asked for.
struct Wish {
    steps: Vec<String>,
    fuzz_seconds: u64,
}

/// One step: its name, what it does in a few words, and the doing.
type Step = (&'static str, &'static str, fn(&Wish) -> Outcome);

/// In the order in which they run: what is quick and likely to fail comes first.
const STEPS: &[Step] = &[
    ("packages", "install what tests need", |_| packages::install()),
    ("fmt", "the formatting is rustfmt's", |_| cargo_steps::fmt()),
    ("tidy", "the repository's own rules", |_| cargo_steps::tidy()),
    ("clippy", "no warning from compiler or clippy", |_| cargo_steps::clippy()),
    ("build", "everything builds", |_| cargo_steps::build()),
    ("unit", "unit and end-to-end tests", |_| cargo_steps::tests()),
    ("doc", "examples in the documentation", |_| cargo_steps::doc_tests()),
    ("docs", "generated pages are fresh", |_| cargo_steps::docs()),
    ("fuzz", "each fuzz target for a while", |wish| fuzz::run(wish.fuzz_seconds)),
    ("unprivileged", "end-to-end tests again, as nobody", |_| unprivileged::run()),
];

pub(crate) fn main(args: &[String]) -> Result<(), String> {
    let wish = parse(args)?;
    let mut tally = Tally::default();
    for (name, about, step) in STEPS {
        if !wish.steps.is_empty() && !wish.steps.iter().any(|wished| wished == name) {
            continue;
        }
        println!("\n=== {name}: {about}");
        let begun = Instant::now();
        tally.add(name, step(&wish), begun.elapsed());
    }
    tally.close()
}

fn parse(args: &[String]) -> Result<Wish, String> {
    let mut wish = Wish { steps: Vec::new(), fuzz_seconds: 10 };
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        if arg == "--seconds" {
            let seconds = args.next().and_then(|seconds| seconds.parse().ok());
            wish.fuzz_seconds = seconds.ok_or("--seconds takes a number")?;
        } else if STEPS.iter().any(|(name, ..)| name == arg) {
            wish.steps.push(arg.clone());
        } else {
            let names: Vec<String> =
                STEPS.iter().map(|(name, about, _)| format!("  {name:13} {about}")).collect();
            return Err(format!("no step `{arg}`; the steps are\n{}", names.join("\n")));
        }
    }
    Ok(wish)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_chosen_by_name() {
        let parse = |args: &[&str]| parse(&args.iter().map(|arg| (*arg).to_owned()).collect::<Vec<_>>());
        let wish = parse(&["tidy", "--seconds", "3"]).unwrap();
        assert_eq!((wish.steps, wish.fuzz_seconds), (vec!["tidy".to_owned()], 3));
        assert!(parse(&["tydi"]).is_err_and(|said| said.contains("unprivileged")));
        assert!(parse(&["--seconds", "x"]).is_err());
    }
}
