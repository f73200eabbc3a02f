//! Chance from a seed.

/// Splitmix64 (Steele, Lea and Flood, 2014): a short generator that is the same everywhere.
#[derive(Debug, Clone, Copy)]
pub(super) struct Random(u64);

impl Random {
    /// The generator of a seed.
    pub(super) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// A number below `end`, or 0.
    pub(super) fn below(&mut self, end: usize) -> usize {
        ((u128::from(self.bits()) * end as u128) >> 64) as usize
    }

    /// About normally distributed with mean 0 and variance 1: the sum of twelve even draws (Irwin–Hall).
    pub(super) fn normal(&mut self) -> f32 {
        let even = |random: &mut Self| (random.bits() >> 40) as f32 / (1u32 << 24) as f32;
        (0..12).map(|_| even(self)).sum::<f32>() - 6.0
    }

    /// Puts values into any sequence (Fisher and Yates).
    pub(super) fn shuffle<T>(&mut self, values: &mut [T]) {
        for end in (1..values.len()).rev() {
            values.swap(end, self.below(end + 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_have_the_mean_and_the_variance_that_are_promised() {
        let mut random = Random::new(1);
        let drawn: Vec<f32> = (0..10_000).map(|_| random.normal()).collect();
        let mean = drawn.iter().sum::<f32>() / 10_000.0;
        let variance = drawn.iter().map(|one| one * one).sum::<f32>() / 10_000.0;
        assert!(
            mean.abs() < 0.05 && (variance - 1.0).abs() < 0.05,
            "{mean} {variance}"
        );
        assert_eq!(random.below(0), 0);
    }

    #[test]
    fn a_shuffle_loses_nothing() {
        let mut values: Vec<usize> = (0..50).collect();
        Random::new(3).shuffle(&mut values);
        assert!(!values.is_sorted());
        values.sort_unstable();
        assert!(values.into_iter().eq(0..50));
    }
}
