//! Which images are scored in the validations of a run.

use rand::seq::SliceRandom;
use scst_data::{Example, Split};

use crate::{
    TrainError,
    config::Config,
    corpus::Corpus,
    draws::{Purpose, generator},
};

/// The validation images of a run: all, or as many as its configuration asks for, the same in every validation.
pub(super) fn validation_images<'a>(
    config: &Config,
    corpus: &'a Corpus,
) -> Result<Vec<&'a Example>, TrainError> {
    let examples = corpus.split(Split::Val)?;
    let chosen = chosen(config.seed, config.validation.sources, examples.len());
    Ok(chosen.into_iter().map(|image| &examples[image]).collect())
}

/// The first `wanted` of a seeded order of `0..available`, or all, in ascending order.
pub(super) fn chosen(seed: u64, wanted: Option<usize>, available: usize) -> Vec<usize> {
    let mut images: Vec<usize> = (0..available).collect();
    if let Some(wanted) = wanted.filter(|&wanted| wanted < available) {
        images.shuffle(&mut generator(seed, Purpose::ValidationImages, 0, 0));
        images.truncate(wanted);
        images.sort_unstable();
    }
    images
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_a_function_of_the_seed_and_grow_with_their_number() {
        let few = chosen(1, Some(10), 100);
        assert_eq!(few.len(), 10);
        assert!(few.is_sorted_by(|a, b| a < b) && few[9] < 100, "{few:?}");
        assert_ne!(few, (0..10).collect::<Vec<_>>());
        assert_eq!(few, chosen(1, Some(10), 100));
        assert_ne!(few, chosen(2, Some(10), 100));
        let more = chosen(1, Some(20), 100);
        assert!(
            few.iter().all(|image| more.contains(image)),
            "{few:?} {more:?}"
        );
        let all: Vec<usize> = (0..100).collect();
        for wanted in [None, Some(100), Some(5000)] {
            assert_eq!(chosen(1, wanted, 100), all);
        }
    }
}
