//! Self-critical sequence training (Rennie et al. 2017, eq. 8-9).

pub(crate) mod baseline;
mod critic;
mod judged;
mod large;
mod mixer;
mod rollout;
mod weights;

use std::{ops::Range, time::Instant};

use burn::tensor::{Tensor, s};
use scst_data::Vocabulary;
use scst_loss::{Divergence, Reference, RowTargets, regularise, softmax_gradient};
use scst_model::{Captioner, Noise};

pub(crate) use critic::SelfCritic;
pub(crate) use mixer::prefixes;

use crate::{
    TrainError,
    objective::{
        batch::{RowLosses, SourceBatch, StepContext, caption_gradient, counts, tally_rows},
        word::teacher_forced,
    },
    optimise::reduce::{Contribution, Tally},
};
use judged::Judged;
use rollout::Rollout;

impl SelfCritic {
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
        batch: SourceBatch,
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
                divergence: Divergence::Reverse,
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
        let source = rollout.batch.source.clone();
        let tape = teacher_forced(
            reference,
            source,
            &rollout.source_of_sequence,
            &rollout.captions,
            Noise::default(),
        )?;
        Ok(tape.hidden().map(|hidden| (reference, hidden)))
    }
}

#[cfg(test)]
mod tests;
