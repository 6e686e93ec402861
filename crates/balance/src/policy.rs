//! The policies behind one face. Each is a file with its state, its algorithm and its tests; a further one is a file,
//! a variant and an arm.

mod least_requests;
mod random;
mod round_robin;

pub use least_requests::LeastRequests;
pub use random::WeightedRandom;
pub use round_robin::RoundRobin;

use crate::Candidate;

/// How one worker chooses among the endpoints of one upstream.
#[derive(Clone, Debug)]
pub enum Policy {
    /// In turn, each as often as its weight says.
    RoundRobin(RoundRobin),
    /// By lot, each as likely as its weight says.
    Random(WeightedRandom),
    /// The one with the least to do for its weight.
    LeastRequests(LeastRequests),
}

impl Policy {
    /// Chooses an endpoint among those that are available, have a weight, and are not in `tried`: the attempts that
    /// this exchange has behind it, few and in any order. `None` if there is no such endpoint.
    ///
    /// `random` is a fresh number of 64 bits. Takes time in proportion to the number of candidates.
    pub fn pick(&mut self, candidates: &[Candidate], tried: &[usize], random: u64) -> Option<usize> {
        match self {
            Self::RoundRobin(policy) => policy.pick(candidates, tried),
            Self::Random(policy) => policy.pick(candidates, tried, random),
            Self::LeastRequests(policy) => policy.pick(candidates, tried, random),
        }
    }
}

/// The candidates that may be chosen, each with its index and its weight, which is not zero.
fn eligible<'a>(
    candidates: &'a [Candidate],
    tried: &'a [usize],
) -> impl Iterator<Item = (usize, u64)> + Clone + 'a {
    candidates
        .iter()
        .enumerate()
        .map(|(index, candidate)| (index, candidate.share()))
        .filter(|(index, share)| *share > 0 && !tried.contains(index))
}

#[cfg(test)]
mod tests;
