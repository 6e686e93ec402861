//! Random numbers for choices that need no secrecy: which endpoint, which jitter. Never for keys, tokens or nonces.

/// A wyrand generator: one multiplication per number, eight bytes of state, no lock. Each worker has its own.
#[derive(Clone, Debug)]
pub struct Random {
    state: u64,
}

impl Random {
    /// A generator that gives the same numbers for the same seed. The caller finds a seed that differs per worker.
    pub const fn seeded(seed: u64) -> Self {
        Self { state: seed }
    }

    /// The next number; every value of 64 bits is possible.
    pub const fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0xa076_1d64_78bd_642f);
        let product = self.state as u128 * (self.state ^ 0xe703_7ed1_a0b4_28db) as u128;
        (product >> 64) as u64 ^ product as u64
    }

    /// A number below `bound`; zero when `bound` is.
    pub const fn below(&mut self, bound: u64) -> u64 {
        scale(self.next_u64(), bound)
    }
}

/// Maps a random number of 64 bits onto `0..bound`, or to zero when `bound` is.
///
/// By multiplication, without a division or a loop: values differ in likelihood by `bound` / 2⁶⁴ at most, which no
/// balancer could notice.
pub const fn scale(random: u64, bound: u64) -> u64 {
    ((random as u128 * bound as u128) >> 64) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_seed_same_numbers() {
        let numbers = |seed| {
            let mut random = Random::seeded(seed);
            [random.next_u64(), random.next_u64(), random.next_u64()]
        };
        assert_eq!(numbers(7), numbers(7));
        assert_ne!(numbers(7), numbers(8));
    }

    #[test]
    fn scales_onto_the_whole_range() {
        assert_eq!([scale(0, 10), scale(u64::MAX, 10), scale(u64::MAX / 2, 10)], [0, 9, 4]);
        assert_eq!([scale(u64::MAX, 0), scale(u64::MAX, 1)], [0, 0]);
        assert_eq!(scale(u64::MAX, u64::MAX), u64::MAX - 1);
    }

    #[test]
    fn spreads_evenly() {
        let mut random = Random::seeded(1);
        let mut counts = [0_u32; 10];
        for _ in 0..100_000 {
            counts[random.below(10) as usize] += 1;
        }
        // Ten thousand each, with a standard deviation of 95.
        assert!(counts.iter().all(|count| (9_500..10_500).contains(count)), "{counts:?}");
    }
}
