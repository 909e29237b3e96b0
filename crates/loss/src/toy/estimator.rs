//! What turns rewards into advantages, of those that are measured on the toy.

use std::fmt;

use serde::Serialize;

use super::moments::Group;
use crate::{
    LossError, OwnSample, energy_weighted_mean, leave_one_out, length_weighted_mean, mean_of_image,
    per_deviation_of_image,
};

/// How the rewards of a group become its advantages.
///
/// What is shifted or scaled over many images (REINFORCE++) is not here: a group alone does not tell it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ToyEstimator {
    /// The rewards themselves.
    None,
    /// Over the mean of the other samples.
    LeaveOneOut,
    /// Over the mean of all samples.
    Mean,
    /// Over the mean of all samples, divided by their standard deviation (GRPO).
    MeanPerDeviation,
    /// Over the mean by lengths (OPO).
    LengthWeightedMean,
    /// The same without the own sample.
    LengthWeightedMeanOfOthers,
    /// Over the mean by energies of whole captions (OTB).
    EnergyWeightedMean,
    /// The same without the own sample.
    EnergyWeightedMeanOfOthers,
    /// Over the mean of the other samples, the loss divided by the words of the own one (GRPO's 1/T).
    LeaveOneOutPerLength,
}

impl ToyEstimator {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::None,
        Self::LeaveOneOut,
        Self::Mean,
        Self::MeanPerDeviation,
        Self::LengthWeightedMean,
        Self::LengthWeightedMeanOfOthers,
        Self::EnergyWeightedMean,
        Self::EnergyWeightedMeanOfOthers,
        Self::LeaveOneOutPerLength,
    ];

    /// The advantage of every sample of a group.
    ///
    /// # Errors
    /// Those of the baseline, such as too few samples.
    pub fn advantages(self, group: &Group) -> Result<Vec<f64>, LossError> {
        let (rewards, samples) = (&group.rewards, group.rewards.len());
        let by_length = |own| length_weighted_mean(rewards, &group.lengths, samples, own);
        let by_energy = |own| energy_weighted_mean(rewards, &group.energies, samples, own);
        let baselines = match self {
            Self::None => return Ok(rewards.clone()),
            Self::LeaveOneOut | Self::LeaveOneOutPerLength => leave_one_out(rewards, samples)?,
            Self::Mean | Self::MeanPerDeviation => mean_of_image(rewards, samples)?,
            Self::LengthWeightedMean => by_length(OwnSample::Included)?,
            Self::LengthWeightedMeanOfOthers => by_length(OwnSample::LeftOut)?,
            Self::EnergyWeightedMean => by_energy(OwnSample::Included)?,
            Self::EnergyWeightedMeanOfOthers => by_energy(OwnSample::LeftOut)?,
        };
        let pairs = rewards.iter().zip(baselines);
        let advantages: Vec<f64> = pairs.map(|(r, b)| r - b).collect();
        match self {
            Self::MeanPerDeviation => per_deviation_of_image(&advantages, rewards, samples),
            Self::LeaveOneOutPerLength => {
                let pairs = advantages.iter().zip(&group.lengths);
                Ok(pairs.map(|(a, &words)| a / words as f64).collect())
            }
            _ => Ok(advantages),
        }
    }
}

impl fmt::Display for ToyEstimator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::None => "none",
            Self::LeaveOneOut => "leave-one-out",
            Self::Mean => "mean",
            Self::MeanPerDeviation => "mean, per deviation (GRPO)",
            Self::LengthWeightedMean => "length-weighted mean (OPO)",
            Self::LengthWeightedMeanOfOthers => "length-weighted mean of others",
            Self::EnergyWeightedMean => "energy-weighted mean (OTB)",
            Self::EnergyWeightedMeanOfOthers => "energy-weighted mean of others",
            Self::LeaveOneOutPerLength => "leave-one-out, per own length",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_rewards_give_advantages_of_exactly_zero() {
        let group = Group {
            rewards: vec![0.1; 3],
            lengths: vec![1, 3, 2],
            energies: vec![0.3, 1.7, 0.9],
        };
        for estimator in &ToyEstimator::ALL[1..] {
            assert_eq!(
                estimator.advantages(&group).unwrap(),
                [0.0; 3],
                "{estimator}"
            );
        }
    }
}
