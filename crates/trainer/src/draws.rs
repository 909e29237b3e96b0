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
    /// Captions and sources of benchmarks.
    MadeUp = 6,
    /// Regions that hard attention looks at.
    Locations = 7,
    /// Words of captions that are sampled for evaluation.
    Decoding = 8,
    /// The choice among validation examples.
    ValidationExamples = 9,
    /// The order of the sources of an epoch, which takes the place of the step.
    Order = 10,
    /// The order of the sources of a batch in the updates on one rollout.
    Updates = 11,
    /// Words of captions that are drawn from the beginnings of samples.
    Continuations = 12,
}

/// The generator for one purpose in one step of one stage.
pub(crate) fn generator(seed: u64, purpose: Purpose, stage: usize, step: u64) -> ChaCha8Rng {
    generator_of_part(seed, purpose, stage, step, 0)
}

/// That of one part of the batch; the first part's is that of the step.
pub(crate) fn generator_of_part(
    seed: u64,
    purpose: Purpose,
    stage: usize,
    step: u64,
    part: usize,
) -> ChaCha8Rng {
    let (stream, word) = place(purpose, stage, step, part);
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(stream);
    rng.set_word_pos(word);
    rng
}

/// The stream of a generator and its first word there. A stream has 2^68 words of 32 bits: 2^32 steps of 2^36 words
/// each, and no two purposes, stages or parts share one.
fn place(purpose: Purpose, stage: usize, step: u64, part: usize) -> (u64, u128) {
    let stream = (part as u64) << 40 | (stage as u64) << 8 | purpose as u64;
    (stream, u128::from(step) << WORDS.ilog2())
}

/// Words of one generator.
const WORDS: u128 = 1 << 36;

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use rand::Rng;

    use super::*;

    const ALL: [Purpose; 12] = [
        Purpose::Weights,
        Purpose::Captions,
        Purpose::Dropout,
        Purpose::Sampling,
        Purpose::ScheduledSampling,
        Purpose::MadeUp,
        Purpose::Locations,
        Purpose::Decoding,
        Purpose::ValidationExamples,
        Purpose::Order,
        Purpose::Updates,
        Purpose::Continuations,
    ];

    #[test]
    fn no_two_generators_share_a_word() {
        let mut begins: BTreeMap<(u64, u128), (Purpose, usize, u64, usize)> = BTreeMap::new();
        let stages = [0, 1, 2, 255, 256, 1_000];
        let steps = [0, 1, 2, 1_000, u64::from(u32::MAX)];
        for purpose in ALL {
            for (stage, step) in stages.into_iter().flat_map(|s| steps.map(|step| (s, step))) {
                for part in [0, 1, 2, 255, 256, 1_000_000] {
                    let (stream, word) = place(purpose, stage, step, part);
                    let rng = generator_of_part(7, purpose, stage, step, part);
                    assert_eq!((rng.get_stream(), rng.get_word_pos()), (stream, word));
                    // The words of the last step are still in the stream.
                    assert!(word + WORDS <= 1 << 68);
                    let own = (purpose, stage, step, part);
                    let other = begins.insert((stream, word), own);
                    assert!(other.is_none(), "{other:?} and {own:?}");
                }
            }
        }
        // In the order of streams and words, each begins where the one before has ended, or later.
        let begins: Vec<(u64, u128)> = begins.into_keys().collect();
        for pair in begins.windows(2) {
            let [(stream, word), (next_stream, next_word)] = [pair[0], pair[1]];
            assert!(stream < next_stream || word + WORDS <= next_word);
        }
    }

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
