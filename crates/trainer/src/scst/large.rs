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
    weight: f64,
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
        let mut most = LARGE;
        for (k, part) in scores.parts.iter().enumerate() {
            let is_standardised = config.rewards.get(k).is_some_and(|e| e.standardise);
            let pairs = part.scores.iter().zip(candidates);
            let largest = pairs.max_by(|(a, _), (b, _)| a.abs().total_cmp(&b.abs()));
            let Some((&value, candidate)) = largest else {
                continue;
            };
            // What of it reaches the gradient; standardised scores have a size near 1.
            let reached = part.weight.abs() * if is_standardised { 1.0 } else { value.abs() };
            if value.abs().max(reached) <= LARGE {
                continue;
            }
            let image = references.images().get(candidate.image);
            let found = LargeReward {
                reward: part.name.clone(),
                value,
                weight: part.weight,
                image: image.map_or_else(String::new, |image| image.id.clone()),
                caption: candidate.text.to_owned(),
            };
            if self.known.insert(part.name.clone()) {
                self.warnings.push(found.warning(is_standardised));
            }
            if reached > most {
                most = reached;
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
            weight,
            image,
            caption,
        } = self.clone();
        Warning::LargeReward {
            reward,
            value,
            weight,
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
            weight,
            image,
            caption,
        } = large;
        TrainError::RewardOverflow {
            stage,
            step,
            what,
            reward,
            value,
            weight,
            image: image.into(),
            caption: caption.into(),
        }
    }
}
