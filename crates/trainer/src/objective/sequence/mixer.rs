//! The gold words that the samples of MIXER begin with.

use scst_data::choose_captions;

use crate::{
    config::MixerConfig,
    draws::Purpose,
    objective::{batch::StepContext, word::target},
};

/// The first `D` words of as many gold captions of every source as it has samples (see [`MixerConfig`] for `D`).
///
/// `gold` holds the captions of every source of the batch, full length, ended. A caption of fewer than `D`
/// words is given whole, with its end token.
pub(crate) fn prefixes(
    config: &MixerConfig,
    gold: &[&[Vec<u32>]],
    samples: usize,
    max_length: usize,
    context: StepContext,
) -> Vec<Vec<u32>> {
    let given = given_words(config, max_length, context.epoch);
    let mut rng = context.generator(Purpose::Captions);
    let mut prefixes = Vec::with_capacity(gold.len() * samples);
    for gold in gold {
        for k in choose_captions(&mut rng, gold.len(), samples) {
            let mut words = target(&gold[k], max_length);
            words.truncate(given);
            prefixes.push(words);
        }
    }
    prefixes
}

/// `D`.
fn given_words(config: &MixerConfig, max_length: usize, epoch: u64) -> usize {
    let times = 1 + epoch / config.every_epochs;
    max_length.saturating_sub(config.shrink.saturating_mul(times as usize))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_words_shrink_to_none() {
        let config = MixerConfig {
            shrink: 3,
            every_epochs: 2,
        };
        let given = |epoch| given_words(&config, 8, epoch);
        assert_eq!([0, 1, 2, 3, 4, 5, 100].map(given), [5, 5, 2, 2, 0, 0, 0]);
    }

    #[test]
    fn prefixes_are_cut_and_short_captions_are_whole() {
        let captions = [vec![5, 6, 7, 8, 9, 10, 0], vec![2, 0]];
        let context = StepContext {
            seed: 1,
            stage: 0,
            step: 0,
            epoch: 0,
            dropout: 0.0,
            hard_attention: None,
            part: 0,
        };
        let config = MixerConfig::default();
        let found = prefixes(&config, &[captions.as_slice()], 2, 7, context);
        let mut found: Vec<&[u32]> = found.iter().map(Vec::as_slice).collect();
        found.sort_unstable();
        assert_eq!(found, [&[2, 0][..], &[5, 6, 7, 8]]);
    }
}
