//! Objectives over the set of captions that were sampled for an image.
//!
//! Each is a loss of the scores of whole captions; what it hands on is the weight of every caption,
//!
//! ```text
//! a_i = -dL / d score_i,   so that   dL/ds = a_i (p - 1_w) d score_i / d log p(w)   at the words of caption i
//! ```

use crate::LossError;

/// The losses of all images, and the weight of every caption.
#[derive(Debug, Clone, PartialEq)]
pub struct SampledSet {
    /// The loss of every image, `[images]`.
    pub loss: Vec<f64>,
    /// `a_i`, `[images * samples]`, samples of one image side by side.
    pub weights: Vec<f64>,
}

/// The expected risk under the model's distribution, sharpened and restricted to the sampled captions
/// (Shen et al. 2016, eq. 8; risk = minus reward).
///
/// ```text
/// Q_i = p(y_i)^alpha / sum_j p(y_j)^alpha,   L = -sum_i Q_i r_i,   score_i = log p(y_i)
/// a_i = alpha Q_i (r_i - sum_j Q_j r_j)
/// ```
///
/// A caption that was sampled more than once counts once. The weights of an image sum to 0, and all are 0 when its
/// rewards tie.
///
/// # Shapes
/// `captions`, `log_probability` (nats), `rewards`: `[images * samples]`, samples of one image side by side.
///
/// # Errors
/// [`LossError::Rows`] when these do not divide into groups of `samples`.
pub fn minimum_risk(
    captions: &[Vec<u32>],
    log_probability: &[f64],
    rewards: &[f64],
    samples: usize,
    alpha: f64,
) -> Result<SampledSet, LossError> {
    check_groups(captions.len(), samples)?;
    check_groups_match(log_probability.len(), captions.len())?;
    per_image(
        log_probability,
        rewards,
        samples,
        |first, scores, rewards| {
            let captions = &captions[first..first + samples];
            let repeated = |k: usize| captions[..k].contains(&captions[k]);
            let top = scores.iter().fold(f64::NEG_INFINITY, |m, &s| m.max(s));
            let power = |k: usize| {
                if repeated(k) {
                    0.0
                } else {
                    (alpha * (scores[k] - top)).exp()
                }
            };
            let powers: Vec<f64> = (0..samples).map(power).collect();
            let total: f64 = powers.iter().sum();
            // Written around one reward, so that equal rewards give exactly 0.
            let base = rewards[0];
            let above = powers.iter().zip(rewards).map(|(q, r)| q * (r - base));
            let above = above.sum::<f64>() / total;
            let weights = powers.iter().zip(rewards);
            let weights = weights.map(|(q, r)| alpha * q / total * ((r - base) - above));
            (-(base + above), weights.collect())
        },
    )
}

/// The structured hinge loss between the caption of the highest reward, `*`, and the one that violates its margin most
/// (Taskar et al. 2004; for sampled sets Edunov et al. 2018, section 4).
///
/// ```text
/// L = max_i max(0, (r_* - r_i) - (score_* - score_i)) / 2
/// a_* = 1/2, a_i = -1/2   for the i of the maximum, if it is above 0;   all others 0
/// ```
///
/// # Shapes
/// `scores`, `rewards`: `[images * samples]`, samples of one image side by side.
///
/// # Errors
/// [`LossError::Rows`] when these do not divide into groups of `samples`.
pub fn max_margin(
    scores: &[f64],
    rewards: &[f64],
    samples: usize,
) -> Result<SampledSet, LossError> {
    per_image(scores, rewards, samples, |_, scores, rewards| {
        let best = (0..samples).fold(
            0,
            |best, k| if rewards[k] > rewards[best] { k } else { best },
        );
        let violation = |k: usize| (rewards[best] - rewards[k]) - (scores[best] - scores[k]);
        let worst = (0..samples).fold(best, |worst, k| {
            if violation(k) > violation(worst) {
                k
            } else {
                worst
            }
        });
        let mut weights = vec![0.0; samples];
        if worst != best {
            weights[best] = 0.5;
            weights[worst] = -0.5;
        }
        (violation(worst) / 2.0, weights)
    })
}

fn per_image(
    scores: &[f64],
    rewards: &[f64],
    samples: usize,
    of_image: impl Fn(usize, &[f64], &[f64]) -> (f64, Vec<f64>),
) -> Result<SampledSet, LossError> {
    check_groups(scores.len(), samples)?;
    check_groups_match(rewards.len(), scores.len())?;
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

fn check_groups(found: usize, samples: usize) -> Result<(), LossError> {
    if samples > 0 && found.is_multiple_of(samples) {
        return Ok(());
    }
    Err(LossError::Rows {
        what: "captions of images",
        found,
        expected: found.next_multiple_of(samples.max(1)),
    })
}

fn check_groups_match(found: usize, expected: usize) -> Result<(), LossError> {
    if found == expected {
        return Ok(());
    }
    Err(LossError::Rows {
        what: "scores or rewards of captions",
        found,
        expected,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn captions(n: usize) -> Vec<Vec<u32>> {
        (0..n as u32).map(|k| vec![k, 0]).collect()
    }

    /// The weights against central differences of the loss, away from the kinks of a maximum.
    fn assert_gradient(scores: &[f64], of: impl Fn(&[f64]) -> SampledSet) {
        let found = of(scores);
        for k in 0..scores.len() {
            let moved = |by: f64| {
                let mut scores = scores.to_vec();
                scores[k] += by;
                of(&scores).loss.iter().sum::<f64>()
            };
            let expected = -(moved(1e-6) - moved(-1e-6)) / 2e-6;
            let error = (found.weights[k] - expected).abs();
            assert!(error < 1e-8, "{k}: {} {expected}", found.weights[k]);
        }
    }

    #[test]
    fn weights_equal_finite_differences_of_the_loss() {
        let scores = [-3.0, -4.5, -2.2, -9.0, -1.0, -1.5, -30.0, -2.0];
        let rewards = [0.3, 0.9, 0.1, 0.5, 0.2, 0.8, 0.4, 0.7];
        for alpha in [0.1, 1.0, 3.0] {
            assert_gradient(&scores, |scores| {
                minimum_risk(&captions(8), scores, &rewards, 4, alpha).unwrap()
            });
        }
        assert_gradient(&scores, |scores| max_margin(scores, &rewards, 4).unwrap());
    }

    #[test]
    fn minimum_risk_is_the_expected_risk_when_the_set_is_the_whole_space() {
        let p = [0.2f64, 0.5, 0.3];
        let log_p = p.map(f64::ln);
        let rewards = [1.0, 2.0, 4.0];
        let set = minimum_risk(&captions(3), &log_p, &rewards, 3, 1.0).unwrap();
        assert!((set.loss[0] + 2.4).abs() < 1e-12);
    }

    #[test]
    fn minimum_risk_counts_a_caption_once_however_often_it_was_sampled() {
        let twice = vec![vec![1, 0], vec![2, 0], vec![1, 0]];
        let set = minimum_risk(&twice, &[-1.0, -2.0, -1.0], &[0.5, 0.9, 0.5], 3, 1.0).unwrap();
        let once = minimum_risk(&twice[..2], &[-1.0, -2.0], &[0.5, 0.9], 2, 1.0).unwrap();
        assert_eq!(set.loss, once.loss);
        assert_eq!(set.weights, [once.weights[0], once.weights[1], 0.0]);
    }

    #[test]
    fn weights_are_finite_when_rewards_tie_and_probabilities_underflow() {
        let scores = [-2000.0, -1.0, -900.0];
        let set = minimum_risk(&captions(3), &scores, &[0.7; 3], 3, 1.0).unwrap();
        assert_eq!(set.weights, [0.0; 3]);
        let set = max_margin(&scores, &[0.7; 3], 3).unwrap();
        assert!(set.loss[0].is_finite());
        let set = minimum_risk(&captions(3), &scores, &[0.1, 0.2, 0.3], 3, 1.0).unwrap();
        assert!(set.weights.iter().all(|weight| weight.is_finite()));
    }

    #[test]
    fn max_margin_is_zero_when_the_best_caption_leads_by_the_margin() {
        let set = max_margin(&[2.0, 0.0], &[1.0, 0.5], 2).unwrap();
        assert_eq!((set.loss[0], set.weights), (0.0, vec![0.0, 0.0]));
    }

    #[test]
    fn captions_that_do_not_divide_into_images_are_refused() {
        assert!(max_margin(&[0.0; 3], &[0.0; 3], 2).is_err());
        assert!(max_margin(&[0.0; 4], &[0.0; 3], 2).is_err());
        assert!(minimum_risk(&captions(2), &[0.0; 3], &[0.0; 3], 3, 1.0).is_err());
    }

    proptest! {
        #[test]
        fn weights_of_an_image_sum_to_zero(
            scores in prop::collection::vec(-40.0..0.0f64, 12),
            rewards in prop::collection::vec(0.0..3.0f64, 12),
        ) {
            let risk = minimum_risk(&captions(12), &scores, &rewards, 4, 0.5).unwrap();
            let margin = max_margin(&scores, &rewards, 4).unwrap();
            for set in [risk, margin] {
                for weights in set.weights.chunks(4) {
                    prop_assert!(weights.iter().sum::<f64>().abs() < 1e-12);
                }
            }
        }
    }
}
