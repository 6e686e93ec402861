//! A watched name's life: ask, publish, wait for the time to live or the next try, ask again.

use std::net::IpAddr;
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;

use super::lookup::{Answer, Lookup};
use super::{ADDRESSES_MAX, Condition, Event, Host, NameError, Pace, Reporter, Settings, State};

/// Keeps `host` up to date until nobody watches it, or nobody can.
pub(super) async fn keep_fresh(
    host: Weak<Host>,
    mut settings: watch::Receiver<Arc<Settings>>,
    report: Reporter,
) {
    let Some(name) = host.upgrade().map(|host| host.name.clone()) else { return };
    let mut lookup = Lookup::default();
    let mut failures = 0;
    loop {
        let current = Arc::clone(&settings.borrow_and_update());
        let found = lookup.addresses(&name, &current).await;
        let Some(host) = host.upgrade() else { return };
        failures = if found.is_ok() { 0 } else { failures + 1 };
        let wait = pause(&found, failures, current.pace);
        take_over(&host, found, &report);
        drop(host);
        // New settings end the wait, and so does the end of the server.
        if let Ok(Err(_)) = timeout(wait, settings.changed()).await {
            return;
        }
    }
}

/// How long to wait before the next look-up, the `failures`-th failure in a row being the last.
fn pause(found: &Result<Answer, NameError>, failures: u32, pace: Pace) -> Duration {
    match found {
        Ok(Answer { ttl, failed: None, .. }) => pace.clamped(*ttl),
        // Half an answer is good enough to serve from, not to rest on.
        Ok(Answer { ttl, .. }) => pace.clamped(*ttl).min(pace.retry_max),
        Err(_) => {
            let doublings = 1_u32.checked_shl(failures.saturating_sub(1)).unwrap_or(u32::MAX);
            pace.retry_min.saturating_mul(doublings).min(pace.retry_max)
        }
    }
}

impl Pace {
    /// Not `clamp`, which panics when a user's bounds cross.
    fn clamped(self, ttl: Duration) -> Duration {
        ttl.max(self.ttl_min).min(self.ttl_max)
    }
}

/// Publishes what was found and reports it if it is news.
fn take_over(host: &Host, found: Result<Answer, NameError>, report: &Reporter) {
    let old = host.state();
    let new = match found {
        Ok(answer) => State { addresses: merged(answer, &old.addresses), condition: Condition::Resolved },
        Err(error) => State { addresses: Arc::clone(&old.addresses), condition: Condition::Failing(error) },
    };
    let event = match &new.condition {
        _ if old.addresses != new.addresses => Event::Changed,
        condition if old.condition == *condition => return,
        Condition::Failing(_) => Event::Failing,
        _ => Event::Recovered,
    };
    host.publish(new.clone());
    (report.0)(&host.name, event, &new);
}

/// The addresses to use: those found, and the old ones of a family that could not be asked for.
fn merged(answer: Answer, old: &[IpAddr]) -> Arc<[IpAddr]> {
    let mut addresses = answer.addresses;
    if let Some(family) = answer.failed {
        addresses.extend(old.iter().filter(|address| family.includes(address)));
    }
    // Name servers shuffle their answers; in order, the same set is the same list.
    addresses.sort_unstable();
    addresses.dedup();
    addresses.truncate(ADDRESSES_MAX);
    addresses.into()
}

#[cfg(test)]
mod tests {
    use super::super::lookup::Family;
    use super::*;

    fn answer(ttl_secs: u64, failed: Option<Family>) -> Result<Answer, NameError> {
        Ok(Answer { addresses: Vec::new(), ttl: Duration::from_secs(ttl_secs), failed })
    }

    #[test]
    fn waits_for_the_time_to_live_within_bounds() {
        let seconds = |ttl, failed| pause(&answer(ttl, failed), 0, Pace::default()).as_secs();
        assert_eq!([0, 1, 300, 3600, 86400].map(|ttl| seconds(ttl, None)), [1, 1, 300, 3600, 3600]);
        assert_eq!([0, 300].map(|ttl| seconds(ttl, Some(Family::V6))), [1, 30]);
    }

    #[test]
    fn backs_off_after_failures() {
        let seconds = |failures| pause(&Err(NameError::TimedOut), failures, Pace::default()).as_secs();
        assert_eq!([1, 2, 3, 5, 6, 33, u32::MAX].map(seconds), [1, 2, 4, 16, 30, 30, 30]);
    }

    #[test]
    fn merges_in_order_and_within_bounds() {
        let many = (0..200_u8).rev().map(|last| IpAddr::from([10, 0, 0, last / 2])).collect();
        let addresses = merged(Answer { addresses: many, ttl: Duration::ZERO, failed: None }, &[]);
        assert_eq!(addresses.len(), ADDRESSES_MAX);
        assert!(addresses.is_sorted());
        let old = ["10.0.0.1", "::1"].map(|text| text.parse().unwrap());
        let half = Answer {
            addresses: vec!["10.0.0.2".parse().unwrap()],
            ttl: Duration::ZERO,
            failed: Some(Family::V6),
        };
        assert_eq!(
            merged(half, &old).iter().map(ToString::to_string).collect::<Vec<_>>(),
            ["10.0.0.2", "::1"]
        );
    }
}
