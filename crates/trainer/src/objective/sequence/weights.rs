//! From rewards to the weight of every sampled word.

use scst_loss::{
    Baseline, LossError, OutputLayer, leave_one_out, log_probabilities, max_margin, mean_of_image,
    minimum_risk,
};
use scst_model::{Captioner, Tape};

use super::{critic::SelfCritic, rollout::Rollout};
use crate::{
    TrainError,
    config::{ScstConfig, SequenceObjective},
    objective::batch::{CHUNK_ROWS, pack},
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
    /// Of which samples the model chose at least one word; the others were given whole.
    pub(super) chosen: Vec<bool>,
    /// The baseline of every such sample, or of every word that the model chose; empty if there is none.
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
        rollout: &Rollout,
        scores: &Scores<'_>,
    ) -> Result<Weights, TrainError> {
        let samples = self.config.samples_per_source;
        let (tape, sampled) = (&rollout.tape, rollout.captions.as_slice());
        let prefixes = rollout.batch.prefixes.as_slice();
        let given = |n: usize, t: usize| prefixes.get(n).is_some_and(|words| t < words.len());
        let row = pack(sampled, |n, t| (n, given(n, t)));
        let last_is_chosen = |n: usize| !given(n, sampled[n].len().saturating_sub(1));
        let chosen: Vec<bool> = (0..sampled.len()).map(last_is_chosen).collect();
        let mut baselines = Vec::new();
        let of_rows: Vec<f64> = match self.config.objective {
            SequenceObjective::PolicyGradient if self.config.baseline == Baseline::Learned => {
                let all = self.learned_baselines(tape, &row, scores.compared)?;
                let rows = row.iter().zip(&all);
                baselines.extend(
                    rows.clone()
                        .filter(|((_, given), _)| !given)
                        .map(|(_, b)| b),
                );
                rows.map(|(&(n, _), b)| scores.rewards[n] - b).collect()
            }
            SequenceObjective::PolicyGradient => {
                let all = self.baselines(scores, &chosen)?;
                let with_chosen = all.iter().zip(&chosen);
                baselines.extend(with_chosen.filter(|&(_, &chosen)| chosen).map(|(b, _)| b));
                let advantage = |n: usize| scores.rewards[n] - all[n];
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
            chosen,
            baselines,
        })
    }

    /// The baseline of every sample. `chosen`: of which samples the model chose at least one word; only these count.
    fn baselines(&mut self, scores: &Scores<'_>, chosen: &[bool]) -> Result<Vec<f64>, TrainError> {
        let rewards = scores.compared;
        let samples = self.config.samples_per_source;
        let (mut total, mut count) = (0.0, 0.0);
        for (reward, _) in rewards.iter().zip(chosen).filter(|(_, chosen)| **chosen) {
            total += reward;
            count += 1.0;
        }
        Ok(match self.config.baseline {
            Baseline::None | Baseline::Learned => vec![0.0; rewards.len()],
            Baseline::LeaveOneOut => of_images(rewards, samples, chosen, |own| match own {
                // The image has no others: those of the other images take their place.
                [_] if count == 1.0 => Ok(vec![0.0]),
                [reward] => Ok(vec![(total - reward) / (count - 1.0)]),
                own => leave_one_out(own, own.len()),
            })?,
            Baseline::Mean => of_images(rewards, samples, chosen, |own| {
                mean_of_image(own, own.len())
            })?,
            Baseline::Greedy => {
                let repeated = |&reward: &f64| std::iter::repeat_n(reward, samples);
                scores.greedy.iter().flat_map(repeated).collect()
            }
            Baseline::MovingAverage => {
                let average = &mut self.baseline.moving_average;
                let baseline = average.value();
                if count > 0.0 {
                    average.update(total / count);
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

/// A baseline of every sample, from the chosen samples of its image; 0 for those that were given whole.
fn of_images(
    rewards: &[f64],
    samples: usize,
    chosen: &[bool],
    baselines: impl Fn(&[f64]) -> Result<Vec<f64>, LossError>,
) -> Result<Vec<f64>, LossError> {
    let mut all = Vec::with_capacity(rewards.len());
    for (rewards, chosen) in rewards.chunks(samples).zip(chosen.chunks(samples)) {
        let own = rewards.iter().zip(chosen).filter(|(_, chosen)| **chosen);
        let own: Vec<f64> = own.map(|(&reward, _)| reward).collect();
        let mut own = if own.is_empty() {
            own.into_iter()
        } else {
            baselines(&own)?.into_iter()
        };
        let of_sample = |&chosen: &bool| if chosen { own.next() } else { None };
        all.extend(chosen.iter().map(of_sample).map(Option::unwrap_or_default));
    }
    Ok(all)
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
