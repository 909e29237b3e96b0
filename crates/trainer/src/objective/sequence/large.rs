//! Rewards that are too large for gradients to be made of.

use std::collections::BTreeSet;

use scst_reward::{Candidate, MixtureScores, References};

use crate::{config::ScstConfig, warning::Warning};

/// Beyond this size a reward is named.
const LARGE: f64 = 1e6;

/// The largest reward of a step, and what is to be said about large ones.
#[derive(Default)]
pub(super) struct LargeRewards {
    /// The largest beyond the bound in the step.
    pub(super) largest: Option<LargeReward>,
    /// Rewards that were warned of.
    pub(super) known: BTreeSet<String>,
    pub(super) warnings: Vec<Warning>,
}

/// A reward beyond the bound.
#[derive(Clone)]
pub(super) struct LargeReward {
    /// What of it reaches the gradient, without a sign.
    reached: f64,
    pub(super) reward: String,
    pub(super) value: f64,
    pub(super) weight: f64,
    pub(super) example: String,
    pub(super) caption: String,
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
            let example = references.images().get(candidate.image);
            let found = LargeReward {
                reached,
                reward: part.name.clone(),
                value,
                weight: part.weight,
                example: example.map_or_else(String::new, |example| example.id.to_string()),
                caption: candidate.text.to_owned(),
            };
            if self.known.insert(part.name.clone()) {
                self.warnings.push(found.warning(is_standardised));
            }
            let most = self.largest.as_ref().map_or(LARGE, |large| large.reached);
            if reached > most {
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
            example,
            caption,
            ..
        } = self.clone();
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
