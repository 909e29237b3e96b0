//! Baselines and advantages: the signed weight of a sampled caption.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{LossError, groups::check_groups};

/// What a sampled caption's reward is compared with.
///
/// The estimator `(r - b)(p - 1_w)` is unbiased for every `b` that does not depend on the sample
/// (Williams 1992; Ranzato et al. 2016): all of these qualify but for the mean, which only scales the gradient, and the
/// weighted means that count the own sample. `scst estimators --toy` enumerates what each does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Baseline {
    /// `b = r(y^g)`, the reward of the greedy caption of the same image (Rennie et al. 2017, eq. 9).
    Greedy,
    /// `b` = mean reward of the other samples of the same image (Luo 2020).
    LeaveOneOut,
    /// `b` = mean reward of all samples of the same image, the own one included (Cornia et al. 2020): the gradient of
    /// the leave-one-out baseline, times `(n - 1) / n`.
    Mean,
    /// `b_t`: a linear regression on the hidden state at every timestep, learnt along (Ranzato et al. 2016).
    ///
    /// See [`LearnedBaseline`](crate::LearnedBaseline).
    Learned,
    /// `b` = moving average of the mean rewards of earlier steps.
    MovingAverage,
    /// `b` = mean reward of all samples of the same image, weighted by their words (OPO, Hao et al. 2025): biased.
    ///
    /// See [`length_weighted_mean`](crate::length_weighted_mean).
    LengthWeighted,
    /// The same of the other samples alone.
    LengthWeightedOthers,
    /// `b` = mean reward of all samples of the same image, weighted by the squared sizes of their gradients at the softmax
    /// inputs (OTB of whole captions, Li et al. 2026): biased.
    ///
    /// See [`energy_weighted_mean`](crate::energy_weighted_mean).
    EnergyWeighted,
    /// The same of the other samples alone.
    EnergyWeightedOthers,
    /// `b = 0`.
    None,
}

/// The mean reward of the other samples of the same image, for every sample.
///
/// ```text
/// b_i = (sum_j r_j - r_i) / (n - 1)
/// ```
///
/// # Shapes
/// `rewards`: `[images * samples]`, samples of one image side by side; so is the result.
///
/// # Errors
/// [`LossError::Range`] for fewer than two samples, [`LossError::Rows`] when `rewards` does not
/// divide into groups of `samples`.
pub fn leave_one_out(rewards: &[f64], samples: usize) -> Result<Vec<f64>, LossError> {
    if samples < 2 {
        return Err(LossError::Range {
            what: "samples per image with the leave-one-out baseline",
            found: samples as f64,
            expected: "2 or more",
        });
    }
    check_groups("rewards", rewards.len(), samples)?;
    Ok(rewards
        .chunks_exact(samples)
        .flat_map(|group| {
            (0..samples).map(move |own| {
                // Written around the own reward, so that equal rewards give an advantage of
                // exactly 0.
                let above: f64 = group.iter().map(|reward| reward - group[own]).sum();
                group[own] + above / (samples - 1) as f64
            })
        })
        .collect())
}

/// The mean reward of all samples of the same image, for every sample.
///
/// # Shapes
/// `rewards`: `[images * samples]`, samples of one image side by side; so is the result.
///
/// # Errors
/// [`LossError::Rows`] when `rewards` does not divide into groups of `samples`.
pub fn mean_of_image(rewards: &[f64], samples: usize) -> Result<Vec<f64>, LossError> {
    check_groups("rewards", rewards.len(), samples)?;
    let images = rewards.chunks_exact(samples);
    Ok(images
        .flat_map(|group| {
            // Written around one reward, so that equal rewards give an advantage of exactly 0.
            let above: f64 = group.iter().map(|reward| reward - group[0]).sum();
            std::iter::repeat_n(group[0] + above / samples as f64, samples)
        })
        .collect())
}

/// An exponential moving average of mean rewards, the baseline of REINFORCE.
///
/// The average that a step uses holds earlier steps only, so it does not depend on the sample.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct MovingAverage {
    decay: f64,
    value: Option<f64>,
}

impl MovingAverage {
    /// An empty average that keeps `decay` of its value at every update.
    pub fn new(decay: f64) -> Self {
        Self { decay, value: None }
    }

    /// The average of the steps so far; 0 before the first.
    pub fn value(&self) -> f64 {
        self.value.unwrap_or(0.0)
    }

    /// Takes in the mean reward of one step.
    pub fn update(&mut self, mean_reward: f64) {
        self.value = Some(match self.value {
            None => mean_reward,
            Some(value) => self.decay * value + (1.0 - self.decay) * mean_reward,
        });
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn leave_one_out_is_the_mean_of_the_others() {
        let baselines = leave_one_out(&[1.0, 2.0, 6.0, 0.0, 0.0, 3.0], 3).unwrap();
        assert_eq!(baselines, [4.0, 3.5, 1.5, 1.5, 1.5, 0.0]);
    }

    #[test]
    fn mean_of_image_scales_the_leave_one_out_advantage() {
        let rewards = [1.0, 2.0, 6.0, 0.4, 0.4, 0.4];
        let mean = mean_of_image(&rewards, 3).unwrap();
        assert_eq!(mean, [3.0, 3.0, 3.0, 0.4, 0.4, 0.4]);
        let others = leave_one_out(&rewards, 3).unwrap();
        for ((r, mean), others) in rewards.iter().zip(mean).zip(others) {
            assert!(((r - mean) - (r - others) * 2.0 / 3.0).abs() < 1e-12);
        }
        assert!(mean_of_image(&rewards, 4).is_err());
    }

    #[test]
    fn leave_one_out_advantages_are_exactly_zero_when_rewards_tie() {
        let rewards = [0.1, 0.1, 0.1, 0.1, 0.1, 0.7, 0.7, 0.7, 0.7, 0.7];
        assert_eq!(leave_one_out(&rewards, 5).unwrap(), rewards);
    }

    #[test]
    fn leave_one_out_is_refused_when_an_image_has_one_sample() {
        let error = leave_one_out(&[1.0], 1).unwrap_err();
        assert!(matches!(error, LossError::Range { .. }));
        assert!(error.to_string().contains("found 1, expected 2 or more"));
    }

    #[test]
    fn moving_average_lags_one_step() {
        let mut average = MovingAverage::new(0.9);
        assert_eq!(average.value(), 0.0);
        average.update(1.0);
        assert_eq!(average.value(), 1.0);
        average.update(2.0);
        assert!((average.value() - 1.1).abs() < 1e-12);
    }

    proptest! {
        #[test]
        fn leave_one_out_advantages_sum_to_zero_per_image(
            samples in 2usize..6,
            seed in prop::collection::vec(-10.0..10.0f64, 30),
        ) {
            let rewards = &seed[..seed.len() / samples * samples];
            let baselines = leave_one_out(rewards, samples).unwrap();
            for (r, b) in rewards.chunks(samples).zip(baselines.chunks(samples)) {
                let sum: f64 = r.iter().zip(b).map(|(r, b)| r - b).sum();
                prop_assert!(sum.abs() < 1e-9);
            }
        }
    }
}
