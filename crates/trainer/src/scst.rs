//! Self-critical sequence training (Rennie et al. 2017, eq. 8-9).

mod judged;
mod large;
mod mixer;
mod rollout;
mod weights;

use std::{ops::Range, sync::Arc, time::Instant};

use burn::tensor::{Tensor, s};
use scst_data::{Vocabulary, vocabulary::UNKNOWN_ID};
use scst_loss::{
    LearnedBaseline, MovingAverage, Reference, RowTargets, regularise, softmax_gradient,
};
use scst_model::{Captioner, Noise};
use scst_reward::{References, RewardMixture, RewardRegistry, RewardSources};
use serde::{Deserialize, Serialize};

pub(crate) use mixer::prefixes;
pub(crate) use rollout::greedy_captions;

use crate::{
    TrainError,
    config::ScstConfig,
    objective::{ImageBatch, RowLosses, StepContext, caption_gradient, counts, tally_rows},
    reduce::{Contribution, Tally},
    xe::teacher_forced,
};
use judged::Judged;
use large::LargeRewards;
use rollout::Rollout;

/// The rewards of a stage and the state of its baseline.
pub(crate) struct SelfCritic {
    config: ScstConfig,
    rewards: RewardMixture,
    fingerprint: String,
    baseline: BaselineState,
    /// The model that the stage began with, where the divergence from it counts.
    reference: Option<Captioner>,
    large: LargeRewards,
}

/// What a baseline has learnt so far.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BaselineState {
    moving_average: MovingAverage,
    learned: LearnedBaseline,
}

impl SelfCritic {
    /// Rewards over the references of the training images; a baseline that goes on, or a fresh one.
    ///
    /// # Errors
    /// [`TrainError::Reward`] when they cannot be built.
    pub(crate) fn new(
        config: &ScstConfig,
        references: Arc<References>,
        registry: &RewardRegistry,
        baseline: Option<BaselineState>,
    ) -> Result<Self, TrainError> {
        let sources = RewardSources::new(references)?.with_unknown(UNKNOWN_ID);
        let fingerprint = sources.frequency().fingerprint();
        let rewards = RewardMixture::build(&config.rewards, &sources, registry)?;
        let fresh = || BaselineState {
            moving_average: MovingAverage::new(config.moving_average_decay),
            learned: LearnedBaseline::default(),
        };
        Ok(Self {
            config: config.clone(),
            rewards,
            fingerprint,
            baseline: baseline.unwrap_or_else(fresh),
            reference: None,
            large: LargeRewards::default(),
        })
    }

    /// Sets the model that the divergence of the configuration is measured from.
    pub(crate) fn compare_with(&mut self, reference: Option<Captioner>) {
        self.reference = reference;
    }

    /// Fingerprint of the document frequencies.
    pub(crate) fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// Every choice that changes the rewards.
    pub(crate) fn signature(&self) -> String {
        self.rewards.signature()
    }

    /// The state of the baseline, for the checkpoint.
    pub(crate) fn baseline(&self) -> BaselineState {
        self.baseline.clone()
    }

    /// One step's contribution.
    ///
    /// ```text
    /// y^s ~ p,   A = r(y^s) - b,   dL/ds = A (p - 1_w) at every word of y^s
    /// ```
    ///
    /// The gradient covers the first end token and nothing after it. The samples are drawn with
    /// dropout on, and the gradient is that of the same run with the same masks: training is
    /// exactly on-policy. The greedy caption is decoded with dropout off. Where a sample begins with
    /// given words, `A` is 1 at these; a sample that was given whole counts in no baseline and no metric of rewards.
    pub(crate) fn contribution(
        &mut self,
        captioner: &Captioner,
        vocabulary: &Vocabulary,
        max_length: usize,
        batch: ImageBatch,
        context: StepContext,
    ) -> Result<Contribution, TrainError> {
        let mut tally = Tally::default();
        let rollout = self.roll_out(captioner, max_length, batch, context, &mut tally)?;
        let judged = self.judge(captioner, vocabulary, rollout, &mut tally)?;
        self.gradient(captioner, judged, context, tally)
    }

    /// The gradient of the objective at captions that have been judged.
    fn gradient(
        &self,
        captioner: &Captioner,
        judged: Judged,
        context: StepContext,
        mut tally: Tally,
    ) -> Result<Contribution, TrainError> {
        let start = Instant::now();
        let Judged { rollout, weights } = judged;
        let counts = counts(&rollout.captions);
        let compared = self.reference_states(&rollout)?;
        let (entropy_bonus, weight) = (self.config.entropy_bonus, self.config.kl_weight);
        let loss = |logits: Tensor<2>, targets: &RowTargets<'_>, rows: Range<usize>| {
            if entropy_bonus == 0.0 && compared.is_none() {
                return softmax_gradient(logits, targets, 0.0);
            }
            let objective = softmax_gradient(logits.clone(), targets, 0.0)?;
            let reference = compared.as_ref().map(|(model, hidden)| Reference {
                logits: model.logits(hidden.clone().slice(s![rows])),
                weight,
            });
            regularise(objective, logits, entropy_bonus, reference)
        };
        let location = |rows: &RowLosses| {
            let hard = context.hard_attention?;
            let weight = |a: &f32| (hard.reward_weight * f64::from(*a)) as f32;
            Some((
                rows.weights.iter().map(weight).collect(),
                hard.entropy_weight,
            ))
        };
        let Rollout { captions, tape, .. } = rollout;
        let (gradients, rows) =
            caption_gradient(captioner, tape, &captions, weights, loss, location)?;
        let tokens = counts.tokens as f64;
        let weighted = rows.weights.iter().zip(&rows.log_probability);
        let loss: f64 = weighted
            .map(|(&a, &log_p)| -f64::from(a) * f64::from(log_p))
            .sum();
        tally.add("loss", loss, tokens);
        tally_rows(&mut tally, &rows, tokens);
        tally.add("caption_length", tokens, counts.sequences as f64);
        tally.add("update_secs", start.elapsed().as_secs_f64(), 1.0);
        Ok(Contribution {
            gradients,
            counts,
            tally,
        })
    }

    /// The reference model and its hidden states along the samples, packed as a tape's, without dropout.
    fn reference_states(
        &self,
        rollout: &Rollout,
    ) -> Result<Option<(&Captioner, Tensor<2>)>, TrainError> {
        let Some(reference) = &self.reference else {
            return Ok(None);
        };
        let features = rollout.batch.features.clone();
        let tape = teacher_forced(
            reference,
            features,
            &rollout.image_of_caption,
            &rollout.captions,
            Noise::default(),
        )?;
        Ok(tape.hidden().map(|hidden| (reference, hidden)))
    }
}

#[cfg(test)]
mod tests;
