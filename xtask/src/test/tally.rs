//! Counts what passed and what failed, over all steps.

use std::time::Duration;

/// How a step ended.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub(super) passed: u64,
    pub(super) failed: u64,
    /// What was left out, and why.
    pub(super) skipped: Vec<String>,
}

impl Outcome {
    /// A step that is one check by itself.
    pub(super) fn of(result: Result<(), String>) -> Self {
        match result {
            Ok(()) => Self { passed: 1, ..Self::default() },
            Err(said) => {
                println!("{said}");
                Self { failed: 1, ..Self::default() }
            }
        }
    }

    /// A step that could not be taken here.
    pub(super) fn skipped(why: impl Into<String>) -> Self {
        Self { skipped: vec![why.into()], ..Self::default() }
    }

    /// Counts a line such as `test result: ok. 3 passed; 0 failed; …`.
    pub(super) fn see(&mut self, line: &str) {
        let Some(counts) = line.trim().strip_prefix("test result: ") else { return };
        let number = |word: &str| {
            let before = counts.split(word).next()?.trim_end();
            before.rsplit([' ', ';']).next()?.parse::<u64>().ok()
        };
        self.passed += number(" passed").unwrap_or(0);
        self.failed += number(" failed").unwrap_or(0);
    }

    /// A program that failed without a failed test did not compile, or crashed.
    pub(super) fn ended(&mut self, result: Result<bool, String>) {
        match result {
            Ok(true) => {}
            Ok(false) => self.failed += u64::from(self.failed == 0),
            Err(said) => {
                println!("{said}");
                self.failed += 1;
            }
        }
    }
}

/// The whole run.
#[derive(Debug, Default)]
pub(super) struct Tally {
    passed: u64,
    failed: u64,
    skipped: Vec<String>,
    failed_steps: Vec<&'static str>,
}

impl Tally {
    pub(super) fn add(&mut self, step: &'static str, outcome: Outcome, took: Duration) {
        let Outcome { passed, failed, skipped } = outcome;
        println!("--- {step}: {passed} passed, {failed} failed, {:.1} s", took.as_secs_f64());
        self.passed += passed;
        self.failed += failed;
        self.skipped.extend(skipped.into_iter().map(|why| format!("{step}: {why}")));
        if failed > 0 {
            self.failed_steps.push(step);
        }
    }

    /// Prints the sum; its last line stands alone.
    pub(super) fn close(self) -> Result<(), String> {
        println!();
        for why in &self.skipped {
            println!("skipped {why}");
        }
        if !self.failed_steps.is_empty() {
            println!("failed in: {}", self.failed_steps.join(" "));
        }
        println!("{} passed, {} failed", self.passed, self.failed);
        if self.failed == 0 { Ok(()) } else { Err(String::new()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn result_lines_are_counted() {
        let mut outcome = Outcome::default();
        outcome.see("test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out");
        outcome.see("test result: FAILED. 3 passed; 2 failed; 0 ignored");
        outcome.see("test other ... ok");
        assert_eq!((outcome.passed, outcome.failed), (15, 2));
    }

    #[test]
    fn a_crash_counts_once() {
        let mut outcome = Outcome::default();
        outcome.ended(Ok(false));
        assert_eq!(outcome.failed, 1);
        outcome.ended(Ok(false));
        assert_eq!(outcome.failed, 1);
    }
}
