//! From rewards to advantages: how much better every sampled word was than its baseline.

use scst_loss::{
    AdvantageScale, Baseline, LossError, OwnSample, energy_weighted_mean, leave_one_out,
    length_weighted_mean, mean_of_image, per_deviation_of_image, standardised,
};
use scst_model::{Captioner, Tape};

use super::{
    credit::WordBaselines, critic::SelfCritic, likelihood::row_energies, rollout::Rollout,
};
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

    /// Which samples count in baselines and in metrics of rewards: those that have a reward and of which the model chose at
    /// least one word; the others were given whole.
    pub(super) fn chosen(&self) -> Vec<bool> {
        let captions = self.captions.iter().enumerate().zip(&self.has_reward);
        captions
            .map(|((n, words), has)| *has && !self.given(n, words.len().saturating_sub(1)))
            .collect()
    }

    /// How many words of every sample the model chose.
    fn chosen_words(&self) -> Vec<usize> {
        let captions = self.captions.iter().enumerate();
        captions
            .map(|(n, words)| (0..words.len()).filter(|&t| !self.given(n, t)).count())
            .collect()
    }

    fn given(&self, n: usize, t: usize) -> bool {
        let prefixes = &self.batch.prefixes;
        prefixes.get(n).is_some_and(|words| t < words.len())
    }
}

impl SelfCritic {
    /// The advantage of every word over the baseline, which learns from the samples; `own`: baselines of single words.
    pub(super) fn advantages(
        &mut self,
        captioner: &Captioner,
        rollout: &Rollout,
        scores: &Scores<'_>,
        own: &WordBaselines,
    ) -> Result<Advantages, TrainError> {
        let mut baselines = Vec::new();
        if !self.config.objective.is_policy_gradient() {
            let rows = Vec::new();
            return Ok(Advantages { rows, baselines });
        }
        let (row, chosen) = (rollout.rows(), rollout.chosen());
        let rows: Vec<f64> = match (&rollout.tape, self.config.baseline) {
            (Some(tape), Baseline::Learned) => {
                let is_left_out = |&(n, given): &(usize, bool)| given || !rollout.has_reward[n];
                let left_out = row.iter().map(|row| (row.0, is_left_out(row)));
                let left_out: Vec<(usize, bool)> = left_out.collect();
                let all = self.learned_baselines(tape, &left_out, scores.compared)?;
                let counted = left_out.iter().zip(&all).filter(|((_, out), _)| !out);
                baselines.extend(counted.map(|(_, b)| b));
                let rows = row.iter().zip(&all);
                rows.map(|(&(n, _), b)| scores.rewards[n] - b).collect()
            }
            _ => {
                let all = self.baselines(captioner, rollout, scores, &chosen)?;
                let rewards = scores.rewards.iter().zip(&all);
                let advantages: Vec<f64> = rewards.map(|(r, b)| r - b).collect();
                let advantages = self.scaled(advantages, scores.rewards, &chosen)?;
                if own.is_empty() {
                    let of_chosen = all.iter().zip(&chosen).filter(|&(_, &chosen)| chosen);
                    baselines.extend(of_chosen.map(|(b, _)| b));
                    row.iter().map(|&(n, _)| advantages[n]).collect()
                } else {
                    let words = || row.iter().map(|(n, _)| *n).zip(own);
                    let of_chosen = words().filter(|(n, _)| chosen[*n]);
                    baselines.extend(of_chosen.map(|(n, own)| own.unwrap_or(all[n])));
                    let advantage = |(n, own): (usize, &Option<f64>)| {
                        own.map_or(advantages[n], |own| scores.rewards[n] - own)
                    };
                    words().map(advantage).collect()
                }
            }
        };
        Ok(Advantages { rows, baselines })
    }

    /// Advantages in units of their deviation, if the configuration wants that: of the samples that count, and 0 of the others.
    fn scaled(
        &self,
        advantages: Vec<f64>,
        rewards: &[f64],
        chosen: &[bool],
    ) -> Result<Vec<f64>, LossError> {
        let samples = self.config.samples_per_source;
        let of = |index: &[usize], values: &[f64]| -> Vec<f64> {
            index.iter().map(|&n| values[n]).collect()
        };
        match self.config.advantage_scale {
            AdvantageScale::None => Ok(advantages),
            AdvantageScale::Group => of_images(rewards, samples, chosen, &|index, own| match own {
                // A reward alone does not deviate.
                [_] => Ok(vec![0.0]),
                own => per_deviation_of_image(&of(index, &advantages), own, own.len()),
            }),
            AdvantageScale::Batch => {
                let index: Vec<usize> = (0..chosen.len()).filter(|&n| chosen[n]).collect();
                let mut scaled = vec![0.0; advantages.len()];
                for (&n, value) in index.iter().zip(standardised(&of(&index, &advantages))) {
                    scaled[n] = value;
                }
                Ok(scaled)
            }
        }
    }

    /// The baseline of every sample. `chosen`: which samples count in it.
    fn baselines(
        &mut self,
        captioner: &Captioner,
        rollout: &Rollout,
        scores: &Scores<'_>,
        chosen: &[bool],
    ) -> Result<Vec<f64>, TrainError> {
        let rewards = scores.compared;
        let samples = self.config.samples_per_source;
        let (mut total, mut count) = (0.0, 0.0);
        for (reward, _) in rewards.iter().zip(chosen).filter(|(_, chosen)| **chosen) {
            total += reward;
            count += 1.0;
        }
        // The image has no others: those of the other images take their place.
        let of_others = |reward: f64| match count {
            1.0 => Ok(vec![0.0]),
            _ => Ok(vec![(total - reward) / (count - 1.0)]),
        };
        let of_images = |baselines: &Baselines<'_>| of_images(rewards, samples, chosen, baselines);
        Ok(match self.config.baseline {
            Baseline::None | Baseline::Learned => vec![0.0; rewards.len()],
            Baseline::LeaveOneOut => of_images(&|_, own| match own {
                [reward] => of_others(*reward),
                own => leave_one_out(own, own.len()),
            })?,
            Baseline::Mean => of_images(&|_, own| mean_of_image(own, own.len()))?,
            Baseline::LengthWeighted | Baseline::LengthWeightedOthers => {
                let lengths = rollout.chosen_words();
                let sample = self.own_sample();
                of_images(&|index, own| match (own, sample) {
                    ([reward], OwnSample::LeftOut) => of_others(*reward),
                    _ => {
                        let lengths: Vec<usize> = index.iter().map(|&n| lengths[n]).collect();
                        length_weighted_mean(own, &lengths, own.len(), sample)
                    }
                })?
            }
            Baseline::EnergyWeighted | Baseline::EnergyWeightedOthers => {
                let energies = chosen_energies(captioner, rollout)?;
                let sample = self.own_sample();
                of_images(&|index, own| match (own, sample) {
                    ([reward], OwnSample::LeftOut) => of_others(*reward),
                    _ => {
                        let energies: Vec<f64> = index.iter().map(|&n| energies[n]).collect();
                        energy_weighted_mean(own, &energies, own.len(), sample)
                    }
                })?
            }
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

    /// Whether a weighted mean counts the sample that it is the baseline of.
    fn own_sample(&self) -> OwnSample {
        match self.config.baseline {
            Baseline::LengthWeightedOthers | Baseline::EnergyWeightedOthers => OwnSample::LeftOut,
            _ => OwnSample::Included,
        }
    }

    /// The learnt baseline of every row, which then learns from the rows that are not left out.
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
        for ((&(n, left_out), &baseline), state) in rows {
            if !left_out {
                states.extend_from_slice(state);
                predicted.push(baseline);
                targets.push(rewards[n]);
            }
        }
        learned.update(&states, width, &predicted, &targets)?;
        Ok(baselines)
    }
}

/// The squared sizes of the gradients of every sample's words at the softmax inputs, summed over those that the model chose.
fn chosen_energies(captioner: &Captioner, rollout: &Rollout) -> Result<Vec<f64>, TrainError> {
    let hidden = rollout.tape.as_ref().and_then(Tape::hidden);
    let of_rows = row_energies(captioner, hidden, &rollout.captions)?;
    let mut energies = vec![0.0; rollout.captions.len()];
    for ((n, given), energy) in rollout.rows().into_iter().zip(of_rows) {
        if !given {
            energies[n] += energy;
        }
    }
    Ok(energies)
}

/// Numbers of some samples of an image: which these are, and their rewards.
type Baselines<'a> = dyn Fn(&[usize], &[f64]) -> Result<Vec<f64>, LossError> + 'a;

/// A number of every sample, from the chosen samples of its image; 0 for the others.
fn of_images(
    rewards: &[f64],
    samples: usize,
    chosen: &[bool],
    baselines: &Baselines<'_>,
) -> Result<Vec<f64>, LossError> {
    let mut all = vec![0.0; rewards.len()];
    for first in (0..rewards.len()).step_by(samples) {
        let own = first..(first + samples).min(rewards.len());
        let index: Vec<usize> = own.filter(|&n| chosen[n]).collect();
        if index.is_empty() {
            continue;
        }
        let own: Vec<f64> = index.iter().map(|&n| rewards[n]).collect();
        for (&n, baseline) in index.iter().zip(baselines(&index, &own)?) {
            all[n] = baseline;
        }
    }
    Ok(all)
}
