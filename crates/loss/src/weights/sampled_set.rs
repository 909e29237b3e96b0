//! Objectives over the set of captions that were sampled for an image.
//!
//! Each is a loss of the scores of whole captions; what it hands on is the weight of every caption,
//!
//! ```text
//! a_i = -dL / d score_i,   so that   dL/ds = a_i (p - 1_w) d score_i / d log p(w)   at the words of caption i
//! ```

use crate::{LossError, groups::check_groups, row_targets::check_rows};

/// The losses of all images, and the weight of every caption.
#[derive(Debug, Clone, PartialEq)]
pub struct SampledSet {
    /// The loss of every image, `[images]`.
    pub loss: Vec<f64>,
    /// `a_i`, `[images * samples]`, samples of one image side by side.
    pub weights: Vec<f64>,
}

/// The caption of the highest reward; the first of several.
pub(super) fn best(rewards: &[f64]) -> usize {
    (0..rewards.len()).fold(
        0,
        |best, k| if rewards[k] > rewards[best] { k } else { best },
    )
}

/// The caption of the lowest reward; the first of several.
pub(super) fn worst(rewards: &[f64]) -> usize {
    (0..rewards.len()).fold(0, |worst, k| {
        if rewards[k] < rewards[worst] {
            k
        } else {
            worst
        }
    })
}

/// Losses and weights, image by image: `of_image` is given the first caption, the scores and the rewards.
///
/// # Errors
/// [`LossError::Rows`] when these do not divide into groups of `samples`.
pub(super) fn per_image(
    scores: &[f64],
    rewards: &[f64],
    samples: usize,
    of_image: impl Fn(usize, &[f64], &[f64]) -> (f64, Vec<f64>),
) -> Result<SampledSet, LossError> {
    check_groups("captions of images", scores.len(), samples)?;
    check_captions(rewards.len(), scores.len())?;
    let mut set = SampledSet {
        loss: Vec::new(),
        weights: Vec::with_capacity(scores.len()),
    };
    let images = scores.chunks(samples).zip(rewards.chunks(samples));
    for (image, (scores, rewards)) in images.enumerate() {
        let (loss, weights) = of_image(image * samples, scores, rewards);
        set.loss.push(loss);
        set.weights.extend(weights);
    }
    Ok(set)
}

/// Whether there is a number for every caption.
pub(super) fn check_captions(found: usize, expected: usize) -> Result<(), LossError> {
    check_rows("scores or rewards of captions", found, expected)
}
