//! Rewards that are too large for gradients to be made of.

use std::collections::BTreeSet;

use scst_reward::{Candidate, MixtureScores, References};
use serde::{Deserialize, Serialize};

use crate::{TrainError, config::ScstConfig, optimise::division::Division, warning::Warning};

/// Beyond this size a reward is named.
const LARGE: f64 = 1e6;

/// The largest reward of a step, and what is to be said about large ones.
#[derive(Default)]
pub(super) struct LargeRewards {
    /// The largest beyond the bound in the step.
    pub(super) largest: Option<LargeReward>,
    /// Rewards that were warned of.
    known: BTreeSet<String>,
    /// What is to be warned of.
    new: Vec<LargeReward>,
}

/// A reward beyond the bound.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct LargeReward {
    /// What of it reaches the gradient, without a sign.
    reached: f64,
    pub(super) reward: String,
    pub(super) value: f64,
    pub(super) weight: f64,
    pub(super) example: String,
    pub(super) caption: String,
    is_standardised: bool,
}

impl LargeRewards {
    /// Forgets the step before.
    pub(super) fn begin_step(&mut self) {
        self.largest = None;
    }

    /// Takes note of the scores of captions of the step: samples, or what these are compared with.
    pub(super) fn look(
        &mut self,
        config: &ScstConfig,
        references: &References,
        candidates: &[Candidate<'_>],
        scores: &MixtureScores,
    ) {
        for (k, part) in scores.parts.iter().enumerate() {
            let entry = config.rewards.get(k);
            let is_standardised = entry.is_some_and(|e| e.standardise);
            let transform = entry.and_then(|e| e.transform);
            let transformed = |score| transform.map_or(score, |t| t.apply(score));
            let pairs = part.scores.iter().zip(candidates);
            let pairs =
                pairs.filter_map(|(score, caption)| Some((transformed((*score)?), caption)));
            let largest = pairs.max_by(|(a, _), (b, _)| a.abs().total_cmp(&b.abs()));
            let Some((value, candidate)) = largest else {
                continue;
            };
            // What of it reaches the gradient; standardised scores have a size near 1.
            let reached = part.weight.abs() * if is_standardised { 1.0 } else { value.abs() };
            if value.abs().max(reached) <= LARGE {
                continue;
            }
            let example = references.image(candidate.image);
            let found = LargeReward {
                reached,
                reward: part.name.clone(),
                value,
                weight: part.weight,
                example: example.map_or_else(String::new, |example| example.id.to_string()),
                caption: candidate.text.to_owned(),
                is_standardised,
            };
            self.note(found);
        }
    }

    fn note(&mut self, found: LargeReward) {
        let most = self.largest.as_ref().map_or(LARGE, |large| large.reached);
        if found.reached > most {
            self.largest = Some(found.clone());
        }
        if self.known.insert(found.reward.clone()) {
            self.new.push(found);
        }
    }

    /// Takes note of what other ranks have seen in captions that they alone have scored.
    ///
    /// # Errors
    /// [`TrainError::Group`] when another rank cannot be reached.
    pub(super) fn share(&mut self, division: Division<'_>) -> Result<(), TrainError> {
        let own = self.new.iter().chain(&self.largest).cloned().collect();
        let all: Vec<LargeReward> = division.gather(own, "rewards that are too large")?;
        // In the order of ranks on all of them.
        for found in std::mem::take(&mut self.new) {
            self.known.remove(&found.reward);
        }
        self.largest = None;
        for found in all {
            self.note(found);
        }
        Ok(())
    }

    /// What is to be said since the last call.
    pub(super) fn take_warnings(&mut self) -> Vec<Warning> {
        let new = std::mem::take(&mut self.new);
        new.into_iter().map(LargeReward::warning).collect()
    }
}

impl LargeReward {
    fn warning(self) -> Warning {
        let Self {
            reward,
            value,
            weight,
            example,
            caption,
            is_standardised,
            ..
        } = self;
        Warning::LargeReward {
            reward,
            value,
            weight,
            example,
            caption,
            is_standardised,
        }
    }
}
