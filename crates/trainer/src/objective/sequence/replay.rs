//! The best sample so far of every source.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::judged::Judged;

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
    /// Takes in the samples of a rollout that train.
    pub(crate) fn keep(&mut self, judged: &Judged) {
        let captions = judged
            .rollout
            .image_of_sample()
            .zip(&judged.rollout.captions);
        let rewards = judged.rewards.iter().zip(&judged.trains);
        for ((image, words), (&reward, &trains)) in captions.zip(rewards) {
            let is_better = |kept: &Kept| reward > kept.reward;
            if trains && self.best.get(&image).is_none_or(is_better) {
                let words = words.clone();
                self.best.insert(image, Kept { reward, words });
            }
        }
    }

    /// The best caption of every one of these sources, and the mean of their rewards; nothing where one has none.
    pub(crate) fn captions(&self, images: &[usize]) -> Option<(Vec<Vec<u32>>, f64)> {
        let kept: Option<Vec<&Kept>> = images.iter().map(|image| self.best.get(image)).collect();
        let kept = kept?;
        let mean = kept.iter().map(|kept| kept.reward).sum::<f64>() / kept.len() as f64;
        Some((kept.iter().map(|kept| kept.words.clone()).collect(), mean))
    }
}
