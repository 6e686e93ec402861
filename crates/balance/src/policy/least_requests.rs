//! The one with the least to do. The best default where requests differ in cost: a slow endpoint fills up and is left
//! alone, without anybody measuring anything.

use std::cmp::Ordering;

use propylon_base::random::Random;

use super::eligible;
use crate::Candidate;

/// Least requests in flight, for the weight.
#[derive(Clone, Copy, Debug, Default)]
pub struct LeastRequests;

/// What an endpoint would have to do if it got one more, for its weight. An idle one has nothing, whatever its
/// weight: else small endpoints would get no work at all while there is little.
#[derive(Clone, Copy)]
struct Load {
    requests: u64,
    weight: u64,
}

impl LeastRequests {
    /// See [`super::Policy::pick`]. Among equals the lot decides, by weight.
    pub fn pick(self, candidates: &[Candidate], tried: &[usize], random: u64) -> Option<usize> {
        let mut random = Random::seeded(random);
        let mut best: Option<(Load, usize)> = None;
        // Of the equals so far, each holds the place with the likelihood of its share in their weights.
        let mut weights = 0;
        for (index, weight) in eligible(candidates, tried) {
            let load = Load::of(candidates[index].in_flight, weight);
            match best.map_or(Ordering::Less, |(least, _)| load.order(&least)) {
                Ordering::Greater => {}
                Ordering::Less => {
                    weights = weight;
                    best = Some((load, index));
                }
                Ordering::Equal => {
                    weights += weight;
                    if random.below(weights) < weight {
                        best = Some((load, index));
                    }
                }
            }
        }
        best.map(|(_, index)| index)
    }
}

impl Load {
    fn of(in_flight: u32, weight: u64) -> Self {
        let requests = if in_flight == 0 { 0 } else { u64::from(in_flight) + 1 };
        Self { requests, weight }
    }

    /// Compares `requests / weight` without a division: 33 bits times 16 fit.
    fn order(&self, other: &Self) -> Ordering {
        (self.requests * other.weight).cmp(&(other.requests * self.weight))
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::policy::tests::{candidates, counted};

    fn loaded(pairs: &[(u16, u32)]) -> Vec<Candidate> {
        pairs.iter().map(|&(weight, in_flight)| Candidate { weight, in_flight, available: true }).collect()
    }

    fn pick(pairs: &[(u16, u32)]) -> usize {
        LeastRequests.pick(&loaded(pairs), &[], 0).unwrap()
    }

    #[test]
    fn prefers_the_least_loaded() {
        assert_eq!(pick(&[(1, 5), (1, 4), (1, 6)]), 1);
        assert_eq!(pick(&[(1, 1), (100, 5)]), 1, "6 / 100 is less than 2 / 1");
        assert_eq!(pick(&[(2, 3), (1, 2)]), 0, "4 / 2 is less than 3 / 1");
        assert_eq!(pick(&[(100, 1), (1, 0)]), 1, "idle is idle");
        assert_eq!(pick(&[(u16::MAX, u32::MAX), (1, u32::MAX)]), 0);
    }

    #[test]
    fn shares_ties_by_weight() {
        let endpoints = loaded(&[(1, 0), (3, 0), (6, 0), (5, 1)]);
        let counts = counted(100_000, 4, |random| LeastRequests.pick(&endpoints, &[], random));
        for (count, expected) in counts.into_iter().zip([10_000_u32, 30_000, 60_000, 0]) {
            assert!(count.abs_diff(expected) < 800, "{count} of {expected}");
        }
        let busy = loaded(&[(1, 1), (2, 3)]);
        let counts = counted(30_000, 2, |random| LeastRequests.pick(&busy, &[], random));
        assert!(counts[0].abs_diff(10_000) < 500, "{counts:?}");
    }

    #[test]
    fn fills_in_proportion_to_weights() {
        let mut endpoints = candidates(&[1, 2, 5]);
        counted(800, 3, |random| {
            let index = LeastRequests.pick(&endpoints, &[], random)?;
            endpoints[index].in_flight += 1;
            Some(index)
        });
        let filled: Vec<_> = endpoints.iter().map(|endpoint| endpoint.in_flight).collect();
        assert!(
            filled.iter().zip([100_u32, 200, 500]).all(|(&got, want)| got.abs_diff(want) <= 3),
            "{filled:?}"
        );
    }

    proptest! {
        #[test]
        fn nobody_else_has_less(pairs in vec((1..10_u16, 0..10_u32), 1..10), random: u64) {
            let load = |(weight, busy): (u16, u32)| f64::from(if busy == 0 { 0 } else { busy + 1 }) / f64::from(weight);
            let picked = load(pairs[LeastRequests.pick(&loaded(&pairs), &[], random).unwrap()]);
            prop_assert!(pairs.into_iter().all(|pair| picked <= load(pair) + 1e-9));
        }
    }
}
