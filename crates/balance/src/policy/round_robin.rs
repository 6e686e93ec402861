//! In turn, smoothly: weights 5, 1, 1 give `a a b a c a a`, not five in a row.
//!
//! nginx's algorithm. At each choice every endpoint gains its weight in credit, the one with the most credit is
//! chosen, and it pays back what all gained together. So credits always add up to zero, and over as many choices as
//! the weights add up to, each endpoint is chosen exactly as often as its weight says.

use propylon_base::random::scale;

use super::eligible;
use crate::Candidate;

/// Smooth weighted round robin.
#[derive(Clone, Debug)]
pub struct RoundRobin {
    /// One per endpoint, by its index.
    credits: Vec<i64>,
    /// Where the first turn begins, or workers would all begin with the first endpoint.
    seed: u64,
}

impl RoundRobin {
    /// A first turn that begins at a place given by `seed`, a random number that differs per worker.
    pub fn new(seed: u64) -> Self {
        Self { credits: Vec::new(), seed }
    }

    /// See [`super::Policy::pick`].
    pub fn pick(&mut self, candidates: &[Candidate], tried: &[usize]) -> Option<usize> {
        // Other endpoints than before: what the old ones were owed means nothing.
        if self.credits.len() != candidates.len() {
            self.credits = vec![0; candidates.len()];
        }
        let first = scale(self.seed, candidates.len() as u64) as usize;
        let mut total = 0;
        let mut best = None;
        for (index, share) in eligible(candidates, tried) {
            let share = share as i64;
            total += share;
            let credit = &mut self.credits[index];
            *credit += share;
            // Among equals those from `first` on come first.
            let rank = (*credit, index >= first);
            if best.is_none_or(|(highest, _)| rank > highest) {
                best = Some((rank, index));
            }
        }
        let (_, index) = best?;
        self.credits[index] -= total;
        Some(index)
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::policy::tests::candidates;

    fn turns(policy: &mut RoundRobin, endpoints: &[Candidate], count: usize) -> Vec<usize> {
        (0..count).map(|_| policy.pick(endpoints, &[]).unwrap()).collect()
    }

    #[test]
    fn is_smooth() {
        let mut policy = RoundRobin::new(0);
        let order = [0, 0, 1, 0, 2, 0, 0];
        assert_eq!(turns(&mut policy, &candidates(&[5, 1, 1]), 14), [order, order].concat());
        assert_eq!(turns(&mut RoundRobin::new(0), &candidates(&[1, 1, 1]), 4), [0, 1, 2, 0]);
    }

    #[test]
    fn begins_where_the_seed_says() {
        let endpoints = candidates(&[1; 4]);
        assert_eq!(turns(&mut RoundRobin::new(u64::MAX), &endpoints, 5), [3, 0, 1, 2, 3]);
        assert_eq!(turns(&mut RoundRobin::new(u64::MAX / 2 + 1), &endpoints, 5), [2, 3, 0, 1, 2]);
    }

    #[test]
    fn goes_on_when_endpoints_come_and_go() {
        let mut policy = RoundRobin::new(0);
        assert_eq!(turns(&mut policy, &candidates(&[1, 1, 1]), 2), [0, 1]);
        let mut endpoints = candidates(&[1, 1, 1]);
        endpoints[2].available = false;
        assert_eq!(turns(&mut policy, &endpoints, 4), [0, 1, 0, 1]);
        endpoints[2].available = true;
        // The one that was away is owed its turn, and no more than that.
        assert_eq!(turns(&mut policy, &endpoints, 4), [2, 0, 1, 2]);
        assert_eq!(turns(&mut policy, &candidates(&[1, 1]), 2), [0, 1]);
    }

    proptest! {
        #[test]
        fn each_gets_exactly_its_weight(weights in vec(0..50_u16, 1..12), seed: u64, rounds in 1..4_usize) {
            let endpoints = candidates(&weights);
            let total: usize = weights.iter().map(|&weight| usize::from(weight)).sum();
            let mut policy = RoundRobin::new(seed);
            for _ in 0..rounds {
                let mut counts = vec![0; weights.len()];
                for _ in 0..total {
                    counts[policy.pick(&endpoints, &[]).unwrap()] += 1;
                }
                prop_assert_eq!(&counts, &weights);
                prop_assert!(policy.credits.iter().all(|&credit| credit == 0));
            }
        }

        /// Whatever comes and goes, no endpoint is forgotten or piles up credit without end.
        #[test]
        fn credits_stay_bounded(
            weights in vec(0..50_u16, 1..8),
            masks in vec((any::<u8>(), 0..8_usize), 0..200),
        ) {
            let mut endpoints = candidates(&weights);
            let total: i64 = weights.iter().map(|&weight| i64::from(weight)).sum();
            let mut policy = RoundRobin::new(0);
            for (mask, tried) in masks {
                for (bit, endpoint) in endpoints.iter_mut().enumerate() {
                    endpoint.available = mask >> bit & 1 == 1;
                }
                policy.pick(&endpoints, &[tried]);
                prop_assert_eq!(policy.credits.iter().sum::<i64>(), 0);
                prop_assert!(policy.credits.iter().all(|credit| credit.abs() <= total * weights.len() as i64));
            }
        }
    }
}
