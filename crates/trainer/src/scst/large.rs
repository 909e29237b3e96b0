//! Rewards that are too large for gradients to be made of.

use std::collections::BTreeSet;

use scst_reward::{Candidate, MixtureScores, References};

use super::SelfCritic;
use crate::{TrainError, config::ScstConfig, warning::Warning};

/// Beyond this size a reward is named.
const LARGE: f64 = 1e6;

/// The largest reward of a step, and what is to be said about large ones.
#[derive(Default)]
pub(super) struct LargeRewards {
    /// The largest beyond the bound in the last step.
    largest: Option<LargeReward>,
    /// Rewards that were warned of.
    known: BTreeSet<String>,
    warnings: Vec<Warning>,
}

/// A reward beyond the bound.
#[derive(Clone)]
struct LargeReward {
    reward: String,
    value: f64,
    image: String,
    caption: String,
}

impl LargeRewards {
    /// Takes note of the scores of a batch.
    pub(super) fn look(
        &mut self,
        config: &ScstConfig,
        references: &References,
        candidates: &[Candidate<'_>],
        scores: &MixtureScores,
    ) {
        self.largest = None;
        let mut most = 0.0;
        let parts = scores.parts.iter().enumerate();
        let parts = parts.map(|(k, part)| {
            let standardised = config.rewards.get(k).is_some_and(|e| e.standardise);
            let name = part.name.as_str();
            (name, part.scores.as_slice(), part.weight, standardised)
        });
        // Weights come after the parts, so the sum can be large when no part is.
        let total = ("total", &scores.total[..], 1.0, false);
        for (reward, scores, weight, is_standardised) in parts.chain([total]) {
            let largest = scores.iter().zip(candidates);
            let largest = largest.max_by(|(a, _), (b, _)| a.abs().total_cmp(&b.abs()));
            let Some((&value, candidate)) = largest.filter(|(value, _)| value.abs() > LARGE) else {
                continue;
            };
            let image = references.images().get(candidate.image);
            let found = LargeReward {
                reward: reward.to_owned(),
                value,
                image: image.map_or_else(String::new, |image| image.id.clone()),
                caption: candidate.text.to_owned(),
            };
            let is_sum_of_known = reward == "total" && self.largest.is_some();
            if !is_sum_of_known && self.known.insert(found.reward.clone()) {
                self.warnings.push(found.warning(is_standardised));
            }
            let weighted = (weight * value).abs();
            if !is_standardised && !is_sum_of_known && weighted > LARGE.max(most) {
                most = weighted;
                self.largest = Some(found);
            }
        }
    }
}

impl LargeReward {
    fn warning(&self, is_standardised: bool) -> Warning {
        let Self {
            reward,
            value,
            image,
            caption,
        } = self.clone();
        Warning::LargeReward {
            reward,
            value,
            image,
            caption,
            is_standardised,
        }
    }
}

impl SelfCritic {
    /// What is to be said since the last call.
    pub(crate) fn take_warnings(&mut self) -> Vec<Warning> {
        std::mem::take(&mut self.large.warnings)
    }

    /// Why `what` is not finite in a step: the largest reward of the step, if it is large.
    pub(crate) fn overflow(&self, stage: String, step: u64, what: &'static str) -> TrainError {
        let Some(large) = self.large.largest.clone() else {
            return TrainError::NotFinite { stage, step, what };
        };
        let LargeReward {
            reward,
            value,
            image,
            caption,
        } = large;
        TrainError::RewardOverflow {
            stage,
            step,
            what,
            reward,
            value,
            image,
            caption,
        }
    }
}
