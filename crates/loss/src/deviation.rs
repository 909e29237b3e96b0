//! Advantages in units of their standard deviation.
//!
//! A scale that the sample itself decides on biases the gradient: `tests/policy_objectives.rs` enumerates by how much.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{LossError, groups::check_groups, row_targets::check_rows};

/// What advantages are divided by.
///
/// The gradient of the expected reward is that of `none` alone: the others weigh sources, or steps, by what their own
/// samples were worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AdvantageScale {
    /// Nothing (Dr. GRPO, Liu et al. 2025).
    None,
    /// The standard deviation of the rewards of a source's samples (GRPO, Shao et al. 2024).
    ///
    /// See [`per_deviation_of_image`].
    Group,
    /// The standard deviation of all advantages of a step, after their mean has been taken off (REINFORCE++, Hu et al.
    /// 2025).
    ///
    /// See [`standardised`].
    Batch,
}

/// What a deviation is raised by, so that nothing is divided by 0.
const LEAST_DEVIATION: f64 = 1e-4;

/// Divides the advantages of every image by the standard deviation of its rewards (GRPO, Shao et al. 2024, section 4.1.2;
/// Dr. GRPO, Liu et al. 2025, arXiv 2503.20783, leaves it out).
///
/// ```text
/// A_i / (d + 1e-4),   d^2 = sum_j (r_j - mean r)^2 / (n - 1)
/// ```
///
/// # Shapes
/// `advantages`, `rewards`: `[images * samples]`, samples of one image side by side; so is the result.
///
/// # Errors
/// [`LossError::Range`] for fewer than two samples, [`LossError::Rows`] when lists differ in length or do not divide into
/// groups of `samples`.
pub fn per_deviation_of_image(
    advantages: &[f64],
    rewards: &[f64],
    samples: usize,
) -> Result<Vec<f64>, LossError> {
    if samples < 2 {
        return Err(LossError::Range {
            what: "samples per image with a standard deviation",
            found: samples as f64,
            expected: "2 or more",
        });
    }
    check_groups("rewards", rewards.len(), samples)?;
    check_rows("advantages", advantages.len(), rewards.len())?;
    let images = advantages.chunks(samples).zip(rewards.chunks(samples));
    let divided = images.flat_map(|(advantages, rewards)| {
        let (_, deviation) = moments(rewards);
        let divide = move |a: &f64| a / (deviation + LEAST_DEVIATION);
        advantages.iter().map(divide)
    });
    Ok(divided.collect())
}

/// Shifts and scales the advantages of a whole step to mean 0 and deviation 1 (REINFORCE++, Hu et al. 2025, arXiv
/// 2501.03262; with the mean of the image as baseline it is REINFORCE++-baseline).
///
/// ```text
/// (A_i - mean A) / (d + 1e-4),   d^2 = sum_j (A_j - mean A)^2 / (n - 1)
/// ```
///
/// Fewer than two advantages have no deviation, and become 0.
///
/// # Shapes
/// `advantages`: any list; the result has its length.
pub fn standardised(advantages: &[f64]) -> Vec<f64> {
    let (mean, deviation) = moments(advantages);
    let standardise = |a: &f64| (a - mean) / (deviation + LEAST_DEVIATION);
    advantages.iter().map(standardise).collect()
}

/// Mean and standard deviation, the latter with the divisor `n - 1`; equal values have a deviation of exactly 0.
fn moments(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let Some(first) = values.first() else {
        return (0.0, 0.0);
    };
    let mean = first + values.iter().map(|x| x - first).sum::<f64>() / n;
    let squares: f64 = values.iter().map(|x| (x - mean).powi(2)).sum();
    (mean, (squares / (n - 1.0).max(1.0)).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn advantages_are_divided_by_the_deviation_of_their_image() {
        let rewards = [1.0, 3.0, 0.2, 0.2];
        let found = per_deviation_of_image(&[-1.0, 1.0, 0.0, 0.0], &rewards, 2).unwrap();
        let expected = 1.0 / (2f64.sqrt() + 1e-4);
        assert_eq!(found, [-expected, expected, 0.0, 0.0]);
    }

    #[test]
    fn standardised_advantages_have_mean_0_and_deviation_1() {
        let found = standardised(&[1.0, 2.0, 6.0, -3.0]);
        let (mean, deviation) = moments(&found);
        assert!(mean.abs() < 1e-12);
        assert!((deviation - 1.0).abs() < 1e-3);
        assert_eq!(standardised(&[0.1; 5]), [0.0; 5]);
        assert_eq!(standardised(&[0.7]), [0.0]);
        assert!(standardised(&[]).is_empty());
    }

    #[test]
    fn what_does_not_divide_into_images_is_refused() {
        assert!(per_deviation_of_image(&[0.0; 3], &[0.0; 3], 1).is_err());
        assert!(per_deviation_of_image(&[0.0; 3], &[0.0; 3], 2).is_err());
        assert!(per_deviation_of_image(&[0.0; 3], &[0.0; 4], 2).is_err());
    }
}
