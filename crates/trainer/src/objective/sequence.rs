//! Self-critical sequence training (Rennie et al. 2017, eq. 8-9).

mod actor;
mod advantages;
pub(crate) mod baseline;
mod credit;
mod critic;
mod judged;
mod large;
mod likelihood;
mod mixer;
mod replay;
mod rollout;
mod sampled;
mod unwanted;
mod updates;
mod weights;
mod word_values;

use std::{ops::Range, time::Instant};

use burn::tensor::{Device, Float, Tensor, TensorData, s};
use scst_data::Vocabulary;
use scst_kernels::traffic::send;
use scst_loss::{
    Divergence, EntropyBonus, Reference, RowTargets, action_value_gradient, regularise,
    softmax_gradient,
};
use scst_model::{Captioner, Gradients, HandOut, Noise, Tape};

pub(crate) use actor::Actor;
pub(crate) use critic::SelfCritic;
pub(crate) use judged::{Judged, Judgement};
pub(crate) use mixer::prefixes;
pub(crate) use replay::Replay;

use crate::{
    TrainError,
    config::DivergenceConfig,
    objective::{
        batch::{
            LossWeights, RowLosses, SourceBatch, StepContext, caption_gradient, counts, tally_rows,
        },
        word::teacher_forced,
    },
    optimise::{
        division::Division,
        early_sums::groups,
        reduce::{Contribution, Tally, sum_of_parts},
    },
};
use likelihood::row_log_probabilities;
use rollout::{Drawing, Rollout, Times};
use updates::Updates;
use weights::Likelihoods;

impl SelfCritic {
    /// What a step contributes whose samples are used once.
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
        let reads = (captioner, vocabulary, max_length);
        let whole = Division::whole();
        let mut judged = self.judged_rollout(reads, vec![batch], whole, context, &mut tally)?;
        let start = Instant::now();
        let mut sum = match judged.own.first_mut() {
            Some(part) => self.actor.update(captioner, part, context)?,
            None => Contribution::default(),
        };
        tally.add("update_secs", start.elapsed().as_secs_f64(), 1.0);
        tally.merge(sum.tally);
        sum.tally = tally;
        Ok(sum)
    }

    /// What draws the samples, and takes the gradient at them.
    pub(crate) fn actor(&self) -> &Actor {
        &self.actor
    }

    /// Samples and their judgement, for one update or several, of this rank's parts of a batch.
    pub(crate) fn judged_rollout(
        &mut self,
        (captioner, vocabulary, max_length): (&Captioner, &Vocabulary, usize),
        batches: Vec<SourceBatch>,
        division: Division<'_>,
        context: StepContext,
        tally: &mut Tally,
    ) -> Result<Judgement, TrainError> {
        let keeps_all = division.workers.hold(batches.len());
        let mut rollouts = Vec::with_capacity(batches.len());
        let mut times = Times::default();
        let start = Instant::now();
        let actor = &self.actor;
        let roll_out = |(part, batch)| {
            let context = context.of_part(part);
            let (mut rollout, times) = actor.roll_out(captioner, max_length, batch, context)?;
            if !keeps_all {
                // For the sake of memory; the run is made again when it is its turn.
                rollout.set_aside();
            }
            Ok((rollout, times))
        };
        let take = |(rollout, of_part)| {
            rollouts.push(rollout);
            times += of_part;
        };
        division.each(division.own().zip(batches), roll_out, take)?;
        // Parts that are computed at the same time share the time that has passed.
        let share = start.elapsed().as_secs_f64() / times.secs();
        let times = times.scaled(share);
        tally.spend("rollout", times.rollout, 1.0);
        if actor.config.decodes_greedily() {
            tally.spend("greedy", times.greedy, 1.0);
        }
        // A part of the update, which counts it once.
        tally.spend("update", times.update, 0.0);
        let reads = (captioner, vocabulary, max_length);
        self.judge(reads, rollouts, division, context, tally)
    }

    /// All updates that the stage takes on the samples of a batch of `sources`.
    pub(crate) fn updates<'a>(
        &self,
        judged: Vec<Judged>,
        (division, sources): (Division<'a>, usize),
        context: StepContext,
    ) -> Updates<'a> {
        Updates::new(&self.actor.config, judged, (division, sources), context)
    }
}

impl Actor {
    /// The sum of what all parts of an update contribute, those of other ranks too.
    pub(crate) fn gradient(
        &self,
        captioner: &Captioner,
        samples: &mut [Judged],
        (division, device): (Division<'_>, &Device),
        context: StepContext,
    ) -> Result<Contribution, TrainError> {
        let samples = samples.iter_mut().map(|own| (own.part(), own));
        let update = |_, own: &mut Judged, hand_out: HandOut<'_>| {
            let update = self.update_in_groups(captioner, own, context, hand_out);
            update.map(Some)
        };
        let to = (groups(captioner), device);
        let sum = sum_of_parts(division, to, samples, update)?;
        Ok(sum.unwrap_or_default())
    }

    /// The gradient of the objective at captions of a part of the batch that have been judged.
    pub(crate) fn update(
        &self,
        captioner: &Captioner,
        judged: &mut Judged,
        context: StepContext,
    ) -> Result<Contribution, TrainError> {
        let mut early = Gradients::default();
        let mut own = self.update_in_groups(captioner, judged, context, &mut |_, group| {
            early.merge(group);
        })?;
        own.gradients.merge(early);
        Ok(own)
    }

    /// As [`update`](Self::update); gradients are handed out early or returned.
    fn update_in_groups(
        &self,
        captioner: &Captioner,
        judged: &mut Judged,
        context: StepContext,
        hand_out: HandOut<'_>,
    ) -> Result<Contribution, TrainError> {
        let mut tally = Tally::default();
        let context = context.of_part(judged.part());
        // A run that is not that of the drawing is of a model that has changed since.
        let is_gone = matches!(judged.rollout.drawing, Drawing::Gone);
        let is_another = is_gone || judged.rollout.is_reshaped;
        let tape = judged.rollout.take_tape(captioner, context)?;
        let compared = self.reference_states(&judged.rollout)?;
        let likelihoods =
            self.likelihoods(captioner, &tape, judged, compared.as_ref(), is_another)?;
        let weights = self.weights(judged, &likelihoods, &mut tally)?;
        let trains = judged.row_mask();
        let divergence = self.divergence();
        let bonus = EntropyBonus {
            entropy: self.config.entropy,
            weight: self.config.entropy_bonus,
        };
        let values = judged.word_values.as_slice();
        let of_words = |logits: Tensor<2>, targets: &RowTargets<'_>, rows: Range<usize>| {
            if values.is_empty() {
                return softmax_gradient(logits, targets, 0.0);
            }
            let values = word_values::table(&values[rows], logits.dims()[1], &logits.device());
            action_value_gradient(logits, values, targets)
        };
        let loss = |logits: Tensor<2>, targets: &RowTargets<'_>, rows: Range<usize>| {
            let compared = compared.as_ref().zip(divergence);
            if bonus.weight == 0.0 && compared.is_none() {
                return of_words(logits, targets, rows);
            }
            let objective = of_words(logits.clone(), targets, rows.clone())?;
            let reference = compared.map(|((model, hidden), divergence)| Reference {
                divergence,
                logits: model.logits(hidden.clone().slice(s![rows.clone()])),
                weight: self.config.kl_weight,
            });
            let mut found = regularise(objective, logits, bonus, reference)?;
            if let Some(mask) = &trains {
                let mask = TensorData::new(mask[rows.clone()].to_vec(), [rows.len(), 1]);
                let mask = send::<2, Float>(mask, &found.gradient.device());
                found.gradient = found.gradient * mask;
            }
            Ok(found)
        };
        let location = |rows: &RowLosses| {
            let hard = context.hard_attention?;
            let weight = |a: &f32| (hard.reward_weight * f64::from(*a)) as f32;
            Some((
                rows.weights.iter().map(weight).collect(),
                hard.entropy_weight,
            ))
        };
        let captions = &judged.rollout.captions;
        let all = counts(captions);
        let counts = judged.counts();
        let weights = LossWeights {
            rows: weights.rows,
            captions: weights.captions,
            position_weight: Some(0.0),
        };
        let (gradients, rows) =
            caption_gradient(captioner, tape, captions, weights, loss, location, hand_out)?;
        let losses = if values.is_empty() {
            rows.log_probability.iter().map(|log_p| -log_p).collect()
        } else {
            rows.loss.clone()
        };
        let weighted = rows.weights.iter().zip(losses);
        let loss: f64 = weighted
            .map(|(&a, loss)| f64::from(a) * f64::from(loss))
            .sum();
        let tokens = all.tokens as f64;
        tally.add("loss", loss, tokens);
        tally_rows(&mut tally, &rows, tokens);
        tally.add("caption_length", tokens, all.sequences as f64);
        Ok(Contribution {
            gradients,
            counts,
            tally,
            ..Contribution::default()
        })
    }

    /// What the weights of the objective are made of.
    fn likelihoods(
        &self,
        captioner: &Captioner,
        tape: &Tape,
        judged: &Judged,
        compared: Option<&(&Captioner, Tensor<2>)>,
        is_another: bool,
    ) -> Result<Likelihoods, TrainError> {
        let captions = &judged.rollout.captions;
        let now = if self.asks_for_likelihoods(is_another) {
            row_log_probabilities(captioner, tape.hidden(), captions)?
        } else {
            Vec::new()
        };
        let reference = match compared {
            Some((reference, hidden)) if self.asks_for_reference() => {
                row_log_probabilities(reference, Some(hidden.clone()), captions)?
            }
            _ => Vec::new(),
        };
        Ok(Likelihoods { now, reference })
    }

    /// The divergence from the reference over all words, if it is measured so.
    fn divergence(&self) -> Option<Divergence> {
        match self.config.divergence {
            _ if self.config.kl_weight == 0.0 => None,
            DivergenceConfig::Reverse => Some(Divergence::Reverse),
            DivergenceConfig::Forward => Some(Divergence::Forward),
            DivergenceConfig::JensenShannon => Some(Divergence::JensenShannon { share: 0.5 }),
            DivergenceConfig::K2 | DivergenceConfig::K3 => None,
        }
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
