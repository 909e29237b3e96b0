//! From rewards to advantages: how much better every sampled word was than its baseline.

use scst_loss::{
    AdvantageScale, Baseline, LossError, OwnSample, energy_weighted_mean, leave_one_out,
    length_weighted_mean, mean_of_image, per_deviation_of_image, standardised,
};

use super::{credit::WordBaselines, critic::SelfCritic, sampled::Sampled};
use crate::{TrainError, config::ScstConfig};

/// What the samples of a step were given, part after part.
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
    /// Of every word of every part, packed as its tape is; none at all if the objective has no advantages.
    pub(super) rows: Vec<Vec<f64>>,
    /// The baseline of every sample, or of every word, that the model chose; empty if there is none.
    pub(super) baselines: Vec<f64>,
}

impl ScstConfig {
    /// Whether the baseline is that of greedy captions.
    pub(super) fn decodes_greedily(&self) -> bool {
        self.objective.is_policy_gradient() && self.baseline == Baseline::Greedy
    }
}

impl SelfCritic {
    /// The advantage of every word over the baseline, which learns from the samples; `own`: baselines of single words of
    /// every part.
    pub(super) fn advantages(
        &mut self,
        parts: &[Sampled],
        scores: &Scores<'_>,
        own: &[WordBaselines],
    ) -> Result<Advantages, TrainError> {
        let mut baselines = Vec::new();
        if !self.actor.config.objective.is_policy_gradient() {
            let rows = vec![Vec::new(); parts.len()];
            return Ok(Advantages { rows, baselines });
        }
        if self.actor.config.baseline == Baseline::Learned
            && parts.iter().all(|part| part.states.is_some())
        {
            return self.learned_advantages(parts, scores);
        }
        let chosen = parts.iter().flat_map(|part| part.choice().samples());
        let chosen: Vec<bool> = chosen.collect();
        let all = self.baselines(parts, scores, &chosen)?;
        let rewards = scores.rewards.iter().zip(&all);
        let advantages: Vec<f64> = rewards.map(|(r, b)| r - b).collect();
        let advantages = self.scaled(advantages, scores.rewards, &chosen)?;
        if own.iter().all(Vec::is_empty) {
            let of_chosen = all.iter().zip(&chosen).filter(|&(_, &chosen)| chosen);
            baselines.extend(of_chosen.map(|(b, _)| b));
        }
        let mut rows = Vec::with_capacity(parts.len());
        let mut first = 0;
        for (part, own) in parts.iter().zip(own) {
            let (start, row) = (first, part.choice().rows().into_iter());
            let row = row.map(|(n, _)| start + n);
            first += part.captions.len();
            if own.is_empty() {
                rows.push(row.map(|n| advantages[n]).collect());
                continue;
            }
            let words: Vec<(usize, &Option<f64>)> = row.zip(own).collect();
            let of_chosen = words.iter().filter(|(n, _)| chosen[*n]);
            baselines.extend(of_chosen.map(|(n, own)| own.unwrap_or(all[*n])));
            let advantage = |(n, own): (usize, &Option<f64>)| {
                own.map_or(advantages[n], |own| scores.rewards[n] - own)
            };
            rows.push(words.into_iter().map(advantage).collect());
        }
        Ok(Advantages { rows, baselines })
    }

    /// The advantages over what the model's states let expect, which is learnt from the rows that are not left out.
    fn learned_advantages(
        &mut self,
        parts: &[Sampled],
        scores: &Scores<'_>,
    ) -> Result<Advantages, TrainError> {
        let learned = &mut self.baseline.learned;
        let (mut rows, mut baselines) = (Vec::with_capacity(parts.len()), Vec::new());
        let (mut counted, mut targets, mut width) = (Vec::new(), Vec::new(), 0);
        let mut first = 0;
        for part in parts {
            let Some((states, own)) = &part.states else {
                continue;
            };
            width = *own;
            let all = learned.predict(states, width)?;
            let row = part.choice().rows();
            for ((&(n, given), &b), state) in row.iter().zip(&all).zip(states.chunks_exact(width)) {
                if !given && part.has_reward[n] {
                    counted.extend_from_slice(state);
                    baselines.push(b);
                    targets.push(scores.compared[first + n]);
                }
            }
            let of_rows = row.iter().zip(&all);
            let advantages = of_rows.map(|(&(n, _), b)| scores.rewards[first + n] - b);
            rows.push(advantages.collect());
            first += part.captions.len();
        }
        if width > 0 {
            learned.update(&counted, width, &baselines, &targets)?;
        }
        Ok(Advantages { rows, baselines })
    }

    /// Advantages in units of their deviation, if the configuration wants that: of the samples that count, and 0 of the others.
    fn scaled(
        &self,
        advantages: Vec<f64>,
        rewards: &[f64],
        chosen: &[bool],
    ) -> Result<Vec<f64>, LossError> {
        let samples = self.actor.config.samples_per_source;
        let of = |index: &[usize], values: &[f64]| -> Vec<f64> {
            index.iter().map(|&n| values[n]).collect()
        };
        match self.actor.config.advantage_scale {
            AdvantageScale::None => Ok(advantages),
            AdvantageScale::Group => {
                of_sources(rewards, samples, chosen, &|index, own| match own {
                    // A reward alone does not deviate.
                    [_] => Ok(vec![0.0]),
                    own => per_deviation_of_image(&of(index, &advantages), own, own.len()),
                })
            }
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
        parts: &[Sampled],
        scores: &Scores<'_>,
        chosen: &[bool],
    ) -> Result<Vec<f64>, TrainError> {
        let rewards = scores.compared;
        let samples = self.actor.config.samples_per_source;
        let (mut total, mut count) = (0.0, 0.0);
        for (reward, _) in rewards.iter().zip(chosen).filter(|(_, chosen)| **chosen) {
            total += reward;
            count += 1.0;
        }
        // The source has no others: those of the other sources take their place.
        let of_others = |reward: f64| match count {
            1.0 => Ok(vec![0.0]),
            _ => Ok(vec![(total - reward) / (count - 1.0)]),
        };
        let of_sources =
            |baselines: &Baselines<'_>| of_sources(rewards, samples, chosen, baselines);
        Ok(match self.actor.config.baseline {
            Baseline::None | Baseline::Learned => vec![0.0; rewards.len()],
            Baseline::LeaveOneOut => of_sources(&|_, own| match own {
                [reward] => of_others(*reward),
                own => leave_one_out(own, own.len()),
            })?,
            Baseline::Mean => of_sources(&|_, own| mean_of_image(own, own.len()))?,
            Baseline::LengthWeighted | Baseline::LengthWeightedOthers => {
                let lengths = parts.iter().flat_map(|part| part.choice().words());
                let lengths: Vec<usize> = lengths.collect();
                let sample = self.own_sample();
                of_sources(&|index, own| match (own, sample) {
                    ([reward], OwnSample::LeftOut) => of_others(*reward),
                    _ => {
                        let lengths: Vec<usize> = index.iter().map(|&n| lengths[n]).collect();
                        length_weighted_mean(own, &lengths, own.len(), sample)
                    }
                })?
            }
            Baseline::EnergyWeighted | Baseline::EnergyWeightedOthers => {
                let energies = parts.iter().flat_map(|part| part.energies.iter().copied());
                let energies: Vec<f64> = energies.collect();
                let sample = self.own_sample();
                of_sources(&|index, own| match (own, sample) {
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
        match self.actor.config.baseline {
            Baseline::LengthWeightedOthers | Baseline::EnergyWeightedOthers => OwnSample::LeftOut,
            _ => OwnSample::Included,
        }
    }
}

/// Numbers of some samples of a source: which these are, and their rewards.
type Baselines<'a> = dyn Fn(&[usize], &[f64]) -> Result<Vec<f64>, LossError> + 'a;

/// A number of every sample, from the chosen samples of its source; 0 for the others.
fn of_sources(
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
