//! From rewards to advantages: how much better every sampled word was than its baseline.

use scst_loss::{
    AdvantageScale, Baseline, LossError, leave_one_out, mean_of_image, per_deviation_of_image,
    standardised,
};
use scst_model::Tape;

use super::{critic::SelfCritic, rollout::Rollout};
use crate::{TrainError, config::ScstConfig, objective::batch::pack};

/// What the samples of a step were given.
pub(super) struct Scores<'a> {
    /// The whole reward of every sample.
    pub(super) rewards: &'a [f64],
    /// The part of it that has a baseline.
    pub(super) compared: &'a [f64],
    /// The same of the greedy captions, if there are any.
    pub(super) greedy: &'a [f64],
}

/// The advantages of a step.
pub(super) struct Advantages {
    /// Of every word, packed as the tape is; none at all if the objective has no advantages.
    pub(super) rows: Vec<f64>,
    /// The baseline of every sample, or of every word, that the model chose; empty if there is none.
    pub(super) baselines: Vec<f64>,
}

impl ScstConfig {
    /// Whether the baseline is that of greedy captions.
    pub(super) fn decodes_greedily(&self) -> bool {
        self.objective.is_policy_gradient() && self.baseline == Baseline::Greedy
    }
}

impl Rollout {
    /// Sample of every word, and whether the word was given, packed as a tape is.
    pub(super) fn rows(&self) -> Vec<(usize, bool)> {
        pack(&self.captions, |n, t| (n, self.given(n, t)))
    }

    /// Of which samples the model chose at least one word; the others were given whole.
    pub(super) fn chosen(&self) -> Vec<bool> {
        let captions = self.captions.iter().enumerate();
        captions
            .map(|(n, words)| !self.given(n, words.len().saturating_sub(1)))
            .collect()
    }

    fn given(&self, n: usize, t: usize) -> bool {
        let prefixes = &self.batch.prefixes;
        prefixes.get(n).is_some_and(|words| t < words.len())
    }
}

impl SelfCritic {
    /// The advantage of every word over the baseline, which learns from the samples.
    pub(super) fn advantages(
        &mut self,
        rollout: &Rollout,
        scores: &Scores<'_>,
    ) -> Result<Advantages, TrainError> {
        let mut baselines = Vec::new();
        if !self.config.objective.is_policy_gradient() {
            let rows = Vec::new();
            return Ok(Advantages { rows, baselines });
        }
        let (row, chosen) = (rollout.rows(), rollout.chosen());
        let rows: Vec<f64> = match (&rollout.tape, self.config.baseline) {
            (Some(tape), Baseline::Learned) => {
                let all = self.learned_baselines(tape, &row, scores.compared)?;
                let rows = row.iter().zip(&all);
                let of_model = rows.clone().filter(|((_, given), _)| !given);
                baselines.extend(of_model.map(|(_, b)| b));
                rows.map(|(&(n, _), b)| scores.rewards[n] - b).collect()
            }
            _ => {
                let all = self.baselines(scores, &chosen)?;
                let with_chosen = all.iter().zip(&chosen);
                baselines.extend(with_chosen.filter(|&(_, &chosen)| chosen).map(|(b, _)| b));
                let rewards = scores.rewards.iter().zip(&all);
                let advantages: Vec<f64> = rewards.map(|(r, b)| r - b).collect();
                let advantages = self.scaled(advantages, scores.rewards)?;
                row.iter().map(|&(n, _)| advantages[n]).collect()
            }
        };
        Ok(Advantages { rows, baselines })
    }

    /// Advantages of samples in units of their deviation, if the configuration wants that.
    fn scaled(&self, advantages: Vec<f64>, rewards: &[f64]) -> Result<Vec<f64>, LossError> {
        Ok(match self.config.advantage_scale {
            AdvantageScale::None => advantages,
            AdvantageScale::Group => {
                per_deviation_of_image(&advantages, rewards, self.config.samples_per_source)?
            }
            AdvantageScale::Batch => standardised(&advantages),
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
