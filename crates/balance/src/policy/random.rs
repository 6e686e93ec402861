//! By lot. Needs no state, so workers and machines that know nothing of each other still share the work evenly, in the
//! long run.

use propylon_base::random::scale;

use super::eligible;
use crate::Candidate;

/// Weighted random choice.
#[derive(Clone, Copy, Debug, Default)]
pub struct WeightedRandom;

impl WeightedRandom {
    /// See [`super::Policy::pick`].
    pub fn pick(self, candidates: &[Candidate], tried: &[usize], random: u64) -> Option<usize> {
        let shares = eligible(candidates, tried);
        let total = shares.clone().map(|(_, share)| share).sum();
        let mut lot = scale(random, total);
        for (index, share) in shares {
            match lot.checked_sub(share) {
                Some(rest) => lot = rest,
                None => return Some(index),
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::policy::tests::{candidates, counted};

    #[test]
    fn follows_weights() {
        let endpoints = candidates(&[1, 0, 3, 6]);
        let counts = counted(100_000, 4, |random| WeightedRandom.pick(&endpoints, &[], random));
        assert_eq!(counts[1], 0);
        for (count, expected) in counts.into_iter().zip([10_000_u32, 0, 30_000, 60_000]) {
            assert!(count.abs_diff(expected) < 800, "{count} of {expected}");
        }
    }

    proptest! {
        /// Stepping evenly through all random numbers gives each exactly its share, give or take one for rounding.
        #[test]
        fn shares_are_exact(weights in proptest::collection::vec(0..20_u16, 1..8)) {
            let endpoints = candidates(&weights);
            let total: u64 = weights.iter().map(|&weight| u64::from(weight)).sum();
            let mut counts = vec![0; weights.len()];
            for step in 0..total * 10 {
                let random = u64::MAX / (total * 10) * step + 1;
                counts[WeightedRandom.pick(&endpoints, &[], random).unwrap()] += 1;
            }
            for (count, weight) in counts.into_iter().zip(weights) {
                prop_assert!(u16::abs_diff(count, weight * 10) <= 1);
            }
        }
    }
}
