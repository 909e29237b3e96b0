//! Which examples are scored in the validations of a run.

use rand::seq::SliceRandom;
use scst_data::{Example, Split};

use crate::{
    TrainError,
    config::Config,
    corpus::Corpus,
    draws::{Purpose, generator},
};

/// The validation examples of a run: all, or as many as its configuration asks for, the same in every validation.
pub(super) fn validation_examples<'a>(
    config: &Config,
    corpus: &'a Corpus,
) -> Result<Vec<&'a Example>, TrainError> {
    let examples = corpus.split(Split::Val)?;
    let chosen = chosen(config.seed, config.validation.sources, examples.len());
    Ok(chosen.into_iter().map(|k| &examples[k]).collect())
}

/// The first `wanted` of a seeded order of `0..available`, or all, in ascending order.
pub(super) fn chosen(seed: u64, wanted: Option<usize>, available: usize) -> Vec<usize> {
    let mut examples: Vec<usize> = (0..available).collect();
    if let Some(wanted) = wanted.filter(|&wanted| wanted < available) {
        examples.shuffle(&mut generator(seed, Purpose::ValidationExamples, 0, 0));
        examples.truncate(wanted);
        examples.sort_unstable();
    }
    examples
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_are_a_function_of_the_seed_and_grow_with_their_number() {
        let few = chosen(1, Some(10), 100);
        assert_eq!(few.len(), 10);
        assert!(few.is_sorted_by(|a, b| a < b) && few[9] < 100, "{few:?}");
        assert_ne!(few, (0..10).collect::<Vec<_>>());
        assert_eq!(few, chosen(1, Some(10), 100));
        assert_ne!(few, chosen(2, Some(10), 100));
        let more = chosen(1, Some(20), 100);
        assert!(
            few.iter().all(|example| more.contains(example)),
            "{few:?} {more:?}"
        );
        let all: Vec<usize> = (0..100).collect();
        for wanted in [None, Some(100), Some(5000)] {
            assert_eq!(chosen(1, wanted, 100), all);
        }
    }
}
