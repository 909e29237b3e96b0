//! Self-critical sequence training (Rennie et al. 2017, eq. 8-9).

mod large;
mod mixer;
mod weights;

use std::{ops::Range, sync::Arc, time::Instant};

use burn::tensor::{Tensor, s};
use scst_data::{Vocabulary, vocabulary::UNKNOWN_ID};
use scst_loss::{
    LearnedBaseline, MovingAverage, Reference, RowTargets, regularise, softmax_gradient,
};
use scst_model::{Captioner, ImageFeatures, Noise};
use scst_reward::{
    Candidate, MixtureScores, References, RewardMixture, RewardRegistry, RewardSources,
};
use scst_sampler::{END, greedy, sample, sample_continuations};
use serde::{Deserialize, Serialize};

pub(crate) use mixer::prefixes;

use crate::{
    TrainError,
    config::ScstConfig,
    decode::{Decoder, readable},
    draws::{Purpose, generator},
    objective::{
        ImageBatch, RowLosses, StepContext, caption_gradient, counts, repeat, tally_rows,
        whole_caption_gradient,
    },
    reduce::{Contribution, Tally},
    xe::teacher_forced,
};
use large::LargeRewards;
use weights::{Scores, Weights};

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
        batch: &ImageBatch,
        context: StepContext,
    ) -> Result<Contribution, TrainError> {
        let samples = self.config.samples_per_image;
        let images = batch.images.len();
        let prefixes = batch.prefixes.as_slice();
        let mut tally = Tally::default();

        let start = Instant::now();
        let image_of_caption = repeat(images, samples);
        let (state, tape) =
            captioner.start_tape(batch.features.clone(), &image_of_caption, context.noise())?;
        let mut decoder = Decoder::recording(captioner, tape);
        let mut rng = generator(context.seed, Purpose::Sampling, context.stage, context.step);
        let sampled = if prefixes.is_empty() {
            sample(&mut decoder, state, images * samples, max_length, &mut rng)?
        } else {
            sample_continuations(&mut decoder, state, prefixes, max_length, &mut rng)?
        };
        tally.add("rollout_secs", start.elapsed().as_secs_f64(), 1.0);

        let mut greedy = Vec::new();
        if self.config.decodes_greedily() {
            let start = Instant::now();
            greedy = greedy_captions(captioner, batch.features.clone(), max_length)?;
            tally.add("greedy_secs", start.elapsed().as_secs_f64(), 1.0);
        }

        let start = Instant::now();
        let image_of_sample: Vec<usize> =
            image_of_caption.iter().map(|&k| batch.images[k]).collect();
        let rows = image_of_sample.iter().copied().zip(&sampled);
        let rows = rows.chain(batch.images.iter().copied().zip(&greedy));
        let scores = self.score(vocabulary, &rows.collect::<Vec<_>>())?;
        let rewards = &scores.total[..sampled.len()];
        let (compared, greedy) = scores.self_critical.split_at(sampled.len());
        tally.add("reward_secs", start.elapsed().as_secs_f64(), 1.0);

        let start = Instant::now();
        let Some(tape) = decoder.into_tape() else {
            unreachable!("the decoder was given a tape");
        };
        let compared = Scores {
            rewards,
            compared,
            greedy,
        };
        let mut weights = self.weights(captioner, &tape, &sampled, prefixes, &compared)?;
        let counts = counts(&sampled);
        let (features, images) = (batch.features.clone(), image_of_caption.as_slice());
        let compared = self.reference_states(features, images, &sampled)?;
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
        let (gradients, rows) = if captioner.scores_whole_captions() {
            whole_caption_gradient(captioner, tape, &sampled, &weights.captions, 0.0)?
        } else {
            let row_weights = std::mem::take(&mut weights.rows);
            caption_gradient(captioner, tape, &sampled, row_weights, loss, location)?
        };
        let tokens = counts.tokens as f64;
        let weighted = rows.weights.iter().zip(&rows.log_probability);
        let loss: f64 = weighted
            .map(|(&a, &log_p)| -f64::from(a) * f64::from(log_p))
            .sum();
        tally.add("loss", loss, tokens);
        tally_rows(&mut tally, &rows, tokens);
        tally.add("caption_length", tokens, counts.sequences as f64);
        tally.add("update_secs", start.elapsed().as_secs_f64(), 1.0);

        tally_samples(&mut tally, &sampled, samples, weights, &scores);
        Ok(Contribution {
            gradients,
            counts,
            tally,
        })
    }

    /// The reference model and its hidden states along the samples, packed as a tape's, without dropout.
    fn reference_states(
        &self,
        features: ImageFeatures,
        image_of_caption: &[usize],
        sampled: &[Vec<u32>],
    ) -> Result<Option<(&Captioner, Tensor<2>)>, TrainError> {
        let Some(reference) = &self.reference else {
            return Ok(None);
        };
        let tape = teacher_forced(
            reference,
            features,
            image_of_caption,
            sampled,
            Noise::default(),
        )?;
        Ok(tape.hidden().map(|hidden| (reference, hidden)))
    }

    fn score(
        &mut self,
        vocabulary: &Vocabulary,
        captions: &[(usize, &Vec<u32>)],
    ) -> Result<MixtureScores, TrainError> {
        let with_end_token = self.config.reward_end_token;
        let texts: Vec<String> = captions
            .iter()
            .map(|(_, words)| vocabulary.decode(words))
            .collect();
        let candidates: Vec<Candidate<'_>> = captions
            .iter()
            .zip(&texts)
            .map(|(&(image, words), text)| Candidate {
                image,
                tokens: match words.strip_suffix(&[END]) {
                    Some(words) if !with_end_token => words,
                    _ => words,
                },
                text,
            })
            .collect();
        let scores = self.rewards.score(&candidates)?;
        self.large.look(
            &self.config,
            self.rewards.references(),
            &candidates,
            &scores,
        );
        Ok(scores)
    }
}

/// The greedy captions of images, dropout off.
pub(crate) fn greedy_captions(
    captioner: &Captioner,
    features: ImageFeatures,
    max_length: usize,
) -> Result<Vec<Vec<u32>>, TrainError> {
    let images = features.images();
    let state = captioner.start(features, &repeat(images, 1))?.maximising();
    let mut decoder = Decoder::reading(captioner);
    Ok(greedy(&mut decoder, state, images, &readable(max_length))?)
}

/// Standard deviation of the rewards of one image's samples.
fn deviation(rewards: &[f64]) -> f64 {
    let n = rewards.len() as f64;
    let mean = rewards.iter().sum::<f64>() / n;
    (rewards.iter().map(|r| (r - mean).powi(2)).sum::<f64>() / n).sqrt()
}

/// Metrics of rewards, over the samples of which the model chose at least one word; `samples` of them an image.
fn tally_samples(
    tally: &mut Tally,
    sampled: &[Vec<u32>],
    samples: usize,
    weights: Weights,
    scores: &MixtureScores,
) {
    let rewards = &scores.total[..sampled.len()];
    let share = |holds: bool| f64::from(u8::from(holds));
    let chosen = |n: &usize| weights.chosen[*n];
    let of_chosen = |values: &[f64]| -> Vec<f64> {
        let all = (0..sampled.len()).filter(chosen);
        all.map(|n| values[n]).collect()
    };
    tally.add_all("reward", of_chosen(rewards));
    let of_images = (0..sampled.len()).step_by(samples).map(|first| {
        let own = (first..first + samples).filter(chosen);
        own.map(|n| rewards[n]).collect::<Vec<_>>()
    });
    let of_images = of_images.filter(|rewards| !rewards.is_empty());
    tally.add_all(
        "reward_spread",
        of_images.map(|rewards| deviation(&rewards)),
    );
    tally.add_all("baseline", weights.baselines);
    let advantages = of_chosen(&weights.captions);
    tally.add_all(
        "zero_advantage_share",
        advantages.iter().map(|&a| share(a == 0.0)),
    );
    tally.add_all("advantage", advantages);
    let cut_off = sampled.iter().map(|words| share(!words.ends_with(&[END])));
    tally.add_all("cut_off_share", cut_off);
    for part in &scores.parts {
        let sampled = of_chosen(&part.scores[..sampled.len()]);
        tally.add_all(&format!("reward_{}", part.name), sampled);
    }
}

#[cfg(test)]
mod tests;
