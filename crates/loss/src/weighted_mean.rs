//! Weighted means of the rewards of an image as baselines: what is constant over the samples of an image leaves least
//! variance where it weighs rewards by the squared sizes of their gradients.

use crate::{LossError, groups::check_groups, row_targets::check_rows};

/// Whether a sample's own reward is in the mean that it is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OwnSample {
    /// As published. Biased: the advantage is that over the others, times `1 - w_i / sum_j w_j`.
    Included,
    /// Unbiased.
    LeftOut,
}

/// The mean of the rewards of the same image, weighted by the words of the captions (OPO, Hao et al. 2025, arXiv
/// 2505.23585): as if the squared size of a caption's gradient were its length.
///
/// ```text
/// b_i = sum_j T_j r_j / sum_j T_j,   over all samples j of the image, or over those but i
/// ```
///
/// Where all weights are 0 the mean is the plain one.
///
/// # Shapes
/// `rewards`, `lengths`: `[images * samples]`, samples of one image side by side; so is the result.
///
/// # Errors
/// [`LossError::Range`] for fewer than two samples when the own one is left out, [`LossError::Rows`] when lists differ in
/// length or do not divide into groups of `samples`.
pub fn length_weighted_mean(
    rewards: &[f64],
    lengths: &[usize],
    samples: usize,
    own: OwnSample,
) -> Result<Vec<f64>, LossError> {
    check_rows("lengths", lengths.len(), rewards.len())?;
    let weights: Vec<f64> = lengths.iter().map(|&words| words as f64).collect();
    weighted_mean(rewards, &weights, samples, own)
}

/// The mean of the rewards of the same image, weighted by the energies of the captions, sums of [`row_energy`] over their
/// words (OTB, Li et al. 2026, arXiv 2602.07078, who take the energy up to every word; this is that of the whole caption).
/// Of all constants it leaves least variance, as far as gradients at the softmax inputs stand for those of the weights.
///
/// ```text
/// b_i = sum_j e_j r_j / sum_j e_j,   over all samples j of the image, or over those but i
/// e_j = sum_t |p_t - 1_w|^2
/// ```
///
/// Where all weights are 0 the mean is the plain one.
///
/// # Shapes
/// `rewards`, `energies`: `[images * samples]`, samples of one image side by side; so is the result.
///
/// # Errors
/// As [`length_weighted_mean`], and [`LossError::Range`] for an energy that is no finite number of 0 or more.
pub fn energy_weighted_mean(
    rewards: &[f64],
    energies: &[f64],
    samples: usize,
    own: OwnSample,
) -> Result<Vec<f64>, LossError> {
    check_rows("energies", energies.len(), rewards.len())?;
    let is_energy = |energy: &f64| energy.is_finite() && *energy >= 0.0;
    if let Some(&found) = energies.iter().find(|energy| !is_energy(energy)) {
        return Err(LossError::Range {
            what: "energy of a caption",
            found,
            expected: "a finite number of 0 or more",
        });
    }
    weighted_mean(rewards, energies, samples, own)
}

/// The squared size of the gradient of a word's log-probability at the softmax inputs, from 0 to 2.
///
/// ```text
/// |p - 1_w|^2 = 1 - 2 p_w + sum_k p_k^2 = (1 - p_w)^2 + sum_{k != w} p_k^2
/// ```
///
/// # Shapes
/// `probabilities`: `[V]`, those of all words.
///
/// # Errors
/// [`LossError::WordOutOfRange`] when the word has no probability.
pub fn row_energy(probabilities: &[f64], word: u32) -> Result<f64, LossError> {
    let vocab = probabilities.len();
    if word as usize >= vocab {
        return Err(LossError::WordOutOfRange {
            row: 0,
            word,
            vocab,
        });
    }
    let squares = probabilities.iter().enumerate().map(|(k, p)| {
        let slope = if k == word as usize { 1.0 - p } else { *p };
        slope * slope
    });
    Ok(squares.sum())
}

/// `weights`: finite, 0 or more.
fn weighted_mean(
    rewards: &[f64],
    weights: &[f64],
    samples: usize,
    own: OwnSample,
) -> Result<Vec<f64>, LossError> {
    if samples < 2 && own == OwnSample::LeftOut {
        return Err(LossError::Range {
            what: "samples per image with a mean of the others",
            found: samples as f64,
            expected: "2 or more",
        });
    }
    check_groups("rewards", rewards.len(), samples)?;
    let images = rewards.chunks(samples).zip(weights.chunks(samples));
    let baselines = images.flat_map(|(rewards, weights)| {
        (0..samples).map(move |i| baseline(rewards, weights, i, own))
    });
    Ok(baselines.collect())
}

/// The baseline of sample `i` of one image.
fn baseline(rewards: &[f64], weights: &[f64], i: usize, own: OwnSample) -> f64 {
    let counts = |j: usize| own == OwnSample::Included || j != i;
    let counted = || (0..rewards.len()).filter(|&j| counts(j));
    // Relative to the largest, so that neither sum nor quotient leaves the range of numbers.
    let largest = counted().map(|j| weights[j]).fold(0.0, f64::max);
    let weight = |j: usize| {
        if largest > 0.0 {
            weights[j] / largest
        } else {
            1.0
        }
    };
    let total: f64 = counted().map(weight).sum();
    // Written around the own reward, so that equal rewards give an advantage of exactly 0.
    let above: f64 = counted()
        .map(|j| weight(j) * (rewards[j] - rewards[i]))
        .sum();
    rewards[i] + above / total
}

#[cfg(test)]
mod tests;
