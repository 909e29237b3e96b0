//! Seeded choices whose results depend on no library's sampling algorithm.

use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};

/// What a generator is used for; each use has its own stream, so that changing one part of the
/// dataset leaves the others as they were.
#[derive(Clone, Copy, Debug)]
pub(super) enum Stream {
    Worlds,
    Captions,
    Encoder,
    Noise,
    Splits,
}

/// A stream of the dataset's seed.
#[derive(Debug)]
pub(super) struct Dice(ChaCha8Rng);

impl Dice {
    pub(super) fn new(seed: u64, stream: Stream) -> Self {
        let mut generator = ChaCha8Rng::seed_from_u64(seed);
        generator.set_stream(stream as u64);
        Self(generator)
    }

    /// Uniform in `0..n`; the bias of the multiplication is below `n / 2^32`.
    pub(super) fn below(&mut self, n: usize) -> usize {
        ((u64::from(self.0.next_u32()) * n as u64) >> 32) as usize
    }

    /// Uniform in `low..=high`.
    pub(super) fn between(&mut self, low: i32, high: i32) -> i32 {
        low + self.below((high - low + 1) as usize) as i32
    }

    /// True `percent` times in a hundred.
    pub(super) fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// An index with probability proportional to its weight.
    pub(super) fn weighted(&mut self, weights: impl Iterator<Item = u32> + Clone) -> usize {
        let total: u32 = weights.clone().sum();
        assert!(
            total > 0,
            "a choice among {} without weight",
            weights.count()
        );
        let mut left = self.below(total as usize) as u32;
        for (index, weight) in weights.enumerate() {
            if left < weight {
                return index;
            }
            left -= weight;
        }
        unreachable!("the remainder is below the total weight")
    }

    /// An entry of a table with probability proportional to its weight.
    pub(super) fn pick<T: Copy>(&mut self, table: &[(T, u32)]) -> T {
        table[self.weighted(table.iter().map(|entry| entry.1))].0
    }

    /// Standard normal in good approximation: the sum of twelve uniform numbers minus six, which
    /// needs no function whose last bit differs between platforms.
    pub(super) fn normal(&mut self) -> f32 {
        let total: f32 = (0..12)
            .map(|_| (self.0.next_u32() >> 8) as f32 / 16_777_216.0)
            .sum();
        total - 6.0
    }
}
