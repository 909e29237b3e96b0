//! The best sample so far of every source.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::sampled::Sampled;

/// The best sample so far of every source that has had one, by its index in the training set.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Replay {
    best: BTreeMap<usize, Kept>,
}

/// A sample and its reward.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    reward: f64,
    words: Vec<u32>,
}

impl Replay {
    /// Takes in the samples of a part of a batch that train.
    pub(crate) fn keep(&mut self, part: &Sampled) {
        let captions = part.example_of_sample().zip(&part.captions);
        let rewards = part.rewards.iter().zip(&part.trains);
        for ((example, words), (&reward, &trains)) in captions.zip(rewards) {
            let is_better = |kept: &Kept| reward > kept.reward;
            if trains && self.best.get(&example).is_none_or(is_better) {
                let words = words.clone();
                self.best.insert(example, Kept { reward, words });
            }
        }
    }

    /// Of those of these sources that have a best caption: their places in the list, the captions, and the mean reward.
    pub(crate) fn captions(&self, examples: &[usize]) -> (Vec<usize>, Vec<Vec<u32>>, f64) {
        let found = examples.iter().map(|example| self.best.get(example));
        let found = found.enumerate().filter_map(|(k, kept)| Some((k, kept?)));
        let (places, kept): (Vec<usize>, Vec<&Kept>) = found.unzip();
        let sum: f64 = kept.iter().map(|kept| kept.reward).sum();
        let words = kept.iter().map(|kept| kept.words.clone()).collect();
        (places, words, sum / kept.len().max(1) as f64)
    }
}
