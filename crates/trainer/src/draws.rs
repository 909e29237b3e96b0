//! Seeded generators: every random draw of a run.
//!
//! A generator is a function of the run's seed, the purpose, the stage and the step, and each is
//! used for one step only. So the state of all generators is the position in the run, which every
//! checkpoint holds, and a resumed run draws what the uninterrupted one would have drawn.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// What numbers are drawn for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Purpose {
    /// Initial weights.
    Weights = 1,
    /// The choice among gold captions.
    Captions = 2,
    /// Dropout masks.
    Dropout = 3,
    /// Words of sampled captions.
    Sampling = 4,
    /// Words that scheduled sampling puts in the place of gold ones.
    ScheduledSampling = 5,
    /// Captions and images of benchmarks.
    MadeUp = 6,
    /// Regions that hard attention looks at.
    Locations = 7,
    /// Words of captions that are sampled for evaluation.
    Decoding = 8,
    /// The choice among validation images.
    ValidationImages = 9,
}

/// The generator for one purpose in one step of one stage.
pub(crate) fn generator(seed: u64, purpose: Purpose, stage: usize, step: u64) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    // A stream has 2^68 words of 32 bits: 2^32 steps of 2^36 words each.
    rng.set_stream((stage as u64) << 8 | purpose as u64);
    rng.set_word_pos(u128::from(step) << 36);
    rng
}

#[cfg(test)]
mod tests {
    use rand::Rng;

    use super::*;

    #[test]
    fn generator_differs_when_any_coordinate_does() {
        let first = |seed, purpose, stage, step| generator(seed, purpose, stage, step).next_u64();
        let base = first(1, Purpose::Dropout, 0, 0);
        assert_eq!(base, first(1, Purpose::Dropout, 0, 0));
        for other in [
            first(2, Purpose::Dropout, 0, 0),
            first(1, Purpose::Sampling, 0, 0),
            first(1, Purpose::Dropout, 1, 0),
            first(1, Purpose::Dropout, 0, 1),
        ] {
            assert_ne!(base, other);
        }
    }
}
