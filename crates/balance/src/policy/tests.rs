//! What holds for every policy, and helpers for the tests of each.

use proptest::collection::vec;
use proptest::prelude::*;
use propylon_base::random::Random;

use super::*;

/// Idle endpoints with these weights.
pub(super) fn candidates(weights: &[u16]) -> Vec<Candidate> {
    weights.iter().map(|&weight| Candidate { weight, in_flight: 0, available: true }).collect()
}

/// How often each of `endpoints` is chosen in `picks` choices.
pub(super) fn counted(picks: u32, endpoints: usize, mut pick: impl FnMut(u64) -> Option<usize>) -> Vec<u32> {
    let mut random = Random::seeded(42);
    let mut counts = vec![0; endpoints];
    for _ in 0..picks {
        counts[pick(random.next_u64()).unwrap()] += 1;
    }
    counts
}

fn all() -> [Policy; 3] {
    [
        Policy::RoundRobin(RoundRobin::new(7)),
        Policy::Random(WeightedRandom),
        Policy::LeastRequests(LeastRequests),
    ]
}

#[test]
fn nothing_to_choose_from() {
    let mut down = candidates(&[1, 1]);
    down.iter_mut().for_each(|endpoint| endpoint.available = false);
    for mut policy in all() {
        assert_eq!(policy.pick(&[], &[], 0), None);
        assert_eq!(policy.pick(&candidates(&[0, 0]), &[], u64::MAX), None);
        assert_eq!(policy.pick(&down, &[], 1), None);
        assert_eq!(policy.pick(&candidates(&[1, 1]), &[1, 0], 1), None);
        assert_eq!(policy.pick(&candidates(&[0, 0, 1]), &[], 1), Some(2));
    }
}

#[test]
fn holds_the_largest_upstream() {
    let endpoints = candidates(&[u16::MAX; crate::ENDPOINTS_MAX]);
    for mut policy in all() {
        let mut tried: Vec<usize> = Vec::new();
        for round in 0..20_u64 {
            let index = policy.pick(&endpoints, &tried, u64::MAX - round).unwrap();
            assert!(!tried.contains(&index));
            tried.push(index);
        }
    }
}

proptest! {
    /// A choice is always eligible, and there is one whenever anything is.
    #[test]
    fn picks_what_may_be_picked(
        endpoints in vec((0..3_u16, 0..4_u32, any::<bool>()), 0..12),
        tried in vec(0..12_usize, 0..4),
        randoms in vec(any::<u64>(), 1..20),
    ) {
        let endpoints: Vec<_> = endpoints
            .into_iter()
            .map(|(weight, in_flight, available)| Candidate { weight, in_flight, available })
            .collect();
        let may = |index: usize| endpoints[index].available && endpoints[index].weight > 0 && !tried.contains(&index);
        for mut policy in all() {
            for &random in &randoms {
                match policy.pick(&endpoints, &tried, random) {
                    Some(index) => prop_assert!(may(index)),
                    None => prop_assert!(!(0..endpoints.len()).any(may)),
                }
            }
        }
    }
}
