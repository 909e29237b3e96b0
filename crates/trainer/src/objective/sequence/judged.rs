//! Sampled captions with their rewards, and what these make of every word.

use std::time::Instant;

use scst_data::Vocabulary;
use scst_model::Captioner;
use scst_reward::MixtureScores;
use scst_sampler::END;

use super::{
    critic::SelfCritic,
    rollout::Rollout,
    weights::{Scores, Weights},
};
use crate::{TrainError, objective::batch::LossWeights, optimise::reduce::Tally};

/// Captions that have been judged: how much each of them, and each of their words, counts.
pub(super) struct Judged {
    pub(super) rollout: Rollout,
    /// Advantages, or what the objective has in their place; 1 at words that were given.
    pub(super) weights: LossWeights,
}

impl SelfCritic {
    /// Scores samples and compares them with the baseline, which learns from them.
    pub(super) fn judge(
        &mut self,
        captioner: &Captioner,
        vocabulary: &Vocabulary,
        rollout: Rollout,
        tally: &mut Tally,
    ) -> Result<Judged, TrainError> {
        let start = Instant::now();
        let Rollout {
            batch,
            captions,
            source_of_sequence,
            greedy,
            ..
        } = &rollout;
        let image_of_sample = source_of_sequence.iter().map(|&k| batch.images[k]);
        let rows = image_of_sample.zip(captions);
        let rows = rows.chain(batch.images.iter().copied().zip(greedy));
        let scores = self.score(vocabulary, &rows.collect::<Vec<_>>())?;
        tally.add("reward_secs", start.elapsed().as_secs_f64(), 1.0);

        let start = Instant::now();
        let (compared, greedy) = scores.self_critical.split_at(captions.len());
        let compared = Scores {
            rewards: &scores.total[..captions.len()],
            compared,
            greedy,
        };
        let weights = self.weights(captioner, &rollout, &compared)?;
        // A part of the update, which counts it once.
        tally.add("update_secs", start.elapsed().as_secs_f64(), 0.0);
        let samples = self.config.samples_per_source;
        tally_samples(tally, &rollout.captions, samples, &weights, &scores);
        let weights = LossWeights {
            rows: weights.rows,
            captions: weights.captions,
            position_weight: Some(0.0),
        };
        Ok(Judged { rollout, weights })
    }
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
    weights: &Weights,
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
    tally.add_all("baseline", weights.baselines.iter().copied());
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
