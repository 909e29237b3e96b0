//! From rewards to the weight of every sampled word.

use scst_loss::{
    Baseline, OutputLayer, leave_one_out, log_probabilities, max_margin, mean_of_image,
    minimum_risk,
};
use scst_model::{Captioner, Tape};

use super::SelfCritic;
use crate::{
    TrainError,
    config::{ScstConfig, SequenceObjective},
    objective::{CHUNK_ROWS, pack},
};

/// What the samples of a step were given.
pub(super) struct Scores<'a> {
    /// The whole reward of every sample.
    pub(super) rewards: &'a [f64],
    /// The part of it that has a baseline.
    pub(super) compared: &'a [f64],
    /// The same of the greedy captions, if there are any.
    pub(super) greedy: &'a [f64],
}

/// The weights of a step.
pub(super) struct Weights {
    /// Of every word, packed as the tape is.
    pub(super) rows: Vec<f32>,
    /// The mean over the words of every sample that the model chose.
    pub(super) captions: Vec<f64>,
    /// The baseline of every sample, or of every word; empty if there is none.
    pub(super) baselines: Vec<f64>,
}

impl ScstConfig {
    /// Whether the baseline is that of greedy captions.
    pub(super) fn decodes_greedily(&self) -> bool {
        self.objective == SequenceObjective::PolicyGradient && self.baseline == Baseline::Greedy
    }
}

impl SelfCritic {
    /// The weight of every word: that of the objective where the model chose it, 1 where it was given.
    pub(super) fn weights(
        &mut self,
        captioner: &Captioner,
        tape: &Tape,
        sampled: &[Vec<u32>],
        prefixes: &[Vec<u32>],
        scores: &Scores<'_>,
    ) -> Result<Weights, TrainError> {
        let samples = self.config.samples_per_image;
        let given = |n: usize, t: usize| prefixes.get(n).is_some_and(|words| t < words.len());
        let row = pack(sampled, |n, t| (n, given(n, t)));
        let mut baselines = Vec::new();
        let of_rows: Vec<f64> = match self.config.objective {
            SequenceObjective::PolicyGradient if self.config.baseline == Baseline::Learned => {
                baselines = self.learned_baselines(tape, &row, scores.compared)?;
                let rows = row.iter().zip(&baselines);
                rows.map(|(&(n, _), b)| scores.rewards[n] - b).collect()
            }
            SequenceObjective::PolicyGradient => {
                let chosen = |n: &usize| !given(*n, sampled[*n].len().saturating_sub(1));
                let chosen: Vec<usize> = (0..sampled.len()).filter(chosen).collect();
                baselines = self.baselines(scores, &chosen)?;
                let advantage = |n: usize| scores.rewards[n] - baselines[n];
                row.iter().map(|&(n, _)| advantage(n)).collect()
            }
            SequenceObjective::MinimumRisk { alpha } => {
                let log_p = caption_log_probabilities(captioner, tape, sampled)?;
                let rewards = scores.rewards;
                let set = minimum_risk(sampled, &log_p, rewards, samples, alpha)?;
                row.iter().map(|&(n, _)| set.weights[n]).collect()
            }
            SequenceObjective::MaxMargin => {
                let log_p = caption_log_probabilities(captioner, tape, sampled)?;
                let words = |n: usize| sampled[n].len() as f64;
                let means = log_p.iter().enumerate().map(|(n, l)| l / words(n));
                let means: Vec<f64> = means.collect();
                let set = max_margin(&means, scores.rewards, samples)?;
                row.iter()
                    .map(|&(n, _)| set.weights[n] / words(n))
                    .collect()
            }
        };
        let mut sums = vec![(0.0, 0.0f64); sampled.len()];
        for (&(n, given), weight) in row.iter().zip(&of_rows) {
            if !given {
                sums[n].0 += weight;
                sums[n].1 += 1.0;
            }
        }
        let with_given = row.iter().zip(of_rows);
        let rows = with_given.map(|(&(_, given), weight)| if given { 1.0 } else { weight as f32 });
        Ok(Weights {
            rows: rows.collect(),
            captions: sums.into_iter().map(|(sum, n)| sum / n.max(1.0)).collect(),
            baselines,
        })
    }

    /// The baseline of every sample. `chosen`: the samples of which the model chose at least one word.
    fn baselines(&mut self, scores: &Scores<'_>, chosen: &[usize]) -> Result<Vec<f64>, TrainError> {
        let rewards = scores.compared;
        let samples = self.config.samples_per_image;
        Ok(match self.config.baseline {
            Baseline::None | Baseline::Learned => vec![0.0; rewards.len()],
            Baseline::LeaveOneOut => leave_one_out(rewards, samples)?,
            Baseline::Mean => mean_of_image(rewards, samples)?,
            Baseline::Greedy => {
                let repeated = |&reward: &f64| std::iter::repeat_n(reward, samples);
                scores.greedy.iter().flat_map(repeated).collect()
            }
            Baseline::MovingAverage => {
                let average = &mut self.baseline.moving_average;
                let baseline = average.value();
                if !chosen.is_empty() {
                    let total: f64 = chosen.iter().map(|&n| rewards[n]).sum();
                    average.update(total / chosen.len() as f64);
                }
                vec![baseline; rewards.len()]
            }
        })
    }

    /// The learnt baseline of every row, which then learns from the rows that the model chose.
    fn learned_baselines(
        &mut self,
        tape: &Tape,
        row: &[(usize, bool)],
        rewards: &[f64],
    ) -> Result<Vec<f64>, TrainError> {
        let Some(hidden) = tape.hidden() else {
            return Ok(Vec::new());
        };
        let width = hidden.dims()[1];
        let hidden: Vec<f32> = hidden.try_into_vec_as()?;
        let learned = &mut self.baseline.learned;
        let baselines = learned.predict(&hidden, width)?;
        let (mut states, mut predicted, mut targets) = (Vec::new(), Vec::new(), Vec::new());
        let rows = row.iter().zip(&baselines).zip(hidden.chunks_exact(width));
        for ((&(n, given), &baseline), state) in rows {
            if !given {
                states.extend_from_slice(state);
                predicted.push(baseline);
                targets.push(rewards[n]);
            }
        }
        learned.update(&states, width, &predicted, &targets)?;
        Ok(baselines)
    }
}

/// `log p` of every caption, nats.
fn caption_log_probabilities(
    captioner: &Captioner,
    tape: &Tape,
    captions: &[Vec<u32>],
) -> Result<Vec<f64>, TrainError> {
    let Some(hidden) = tape.hidden() else {
        return Ok(vec![0.0; captions.len()]);
    };
    let (weight, bias) = captioner.output_layer()?;
    let layer = OutputLayer { weight, bias };
    let words = pack(captions, |n, t| captions[n][t]);
    let of_words = log_probabilities(&hidden, &layer, &words, CHUNK_ROWS)?;
    let mut sums = vec![0.0; captions.len()];
    for (n, log_p) in pack(captions, |n, _| n).into_iter().zip(of_words) {
        sums[n] += f64::from(log_p);
    }
    Ok(sums)
}
