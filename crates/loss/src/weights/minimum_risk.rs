//! Minimum risk and MWER: the expected reward over a list of captions.

use super::sampled_set::{SampledSet, check_captions, per_image};
use crate::{LossError, groups::check_groups};

/// The expected risk under the model's distribution, sharpened and restricted to the sampled captions
/// (Shen et al. 2016, eq. 8; risk = minus reward).
///
/// ```text
/// Q_i = p(y_i)^alpha / sum_j p(y_j)^alpha,   L = -sum_i Q_i r_i,   score_i = log p(y_i)
/// a_i = alpha Q_i (r_i - sum_j Q_j r_j)
/// ```
///
/// With `alpha = 1` on captions of a beam it is MWER (Prabhavalkar et al. 2018, arXiv 1712.01818: `Q` renormalised over the
/// list; the mean number of errors that is subtracted there changes no gradient). A caption that was sampled more than
/// once counts once. The weights of an image sum to 0, and all are 0 when its rewards tie.
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
    check_groups("captions of images", captions.len(), samples)?;
    check_captions(log_probability.len(), captions.len())?;
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::weights::toy::Toy;

    fn captions(n: usize) -> Vec<Vec<u32>> {
        (0..n as u32).map(|k| vec![k, 0]).collect()
    }

    /// `Q` of the four captions of one image.
    fn shares(toy: &Toy, log_p: &[f64], alpha: f64) -> Vec<f64> {
        let powers = toy.sums(log_p).into_iter().map(|s| (alpha * s).exp());
        let powers: Vec<f64> = powers.collect();
        let total: f64 = powers.iter().sum();
        powers.iter().map(|power| power / total).collect()
    }

    fn textbook(toy: &Toy, log_p: &[f64], alpha: f64) -> f64 {
        let terms = shares(toy, log_p, alpha).into_iter().zip(toy.rewards);
        -terms.map(|(q, r)| q * r).sum::<f64>()
    }

    fn found(toy: &Toy, alpha: f64) -> SampledSet {
        let scores = toy.sums(toy.log_probability());
        minimum_risk(&captions(4), &scores, &toy.rewards, 4, alpha).unwrap()
    }

    #[test]
    fn weights_are_those_of_the_risk() {
        for alpha in [0.1, 1.0, 3.0] {
            let toy = Toy::new(1);
            let set = found(&toy, alpha);
            let loss = |log_p: &[f64]| textbook(&toy, log_p, alpha);
            toy.check(&toy.at_rows(&set.weights), loss).unwrap();
            let sum: f64 = set.loss.iter().sum();
            assert!((sum - loss(toy.log_probability())).abs() < 1e-12);
        }
    }

    #[test]
    fn baseline_without_probabilities_and_a_forgotten_exponent_fail() {
        let toy = Toy::new(1);
        let loss = |log_p: &[f64]| textbook(&toy, log_p, 0.5);
        let forgotten: Vec<f64> = found(&toy, 0.5).weights.iter().map(|c| c / 0.5).collect();
        assert!(toy.check(&toy.at_rows(&forgotten), loss).is_err());
        let mean = toy.rewards.iter().sum::<f64>() / 4.0;
        let shares = shares(&toy, toy.log_probability(), 0.5);
        let plain = shares.iter().zip(toy.rewards);
        let plain: Vec<f64> = plain.map(|(q, r)| 0.5 * q * (r - mean)).collect();
        assert!(toy.check(&toy.at_rows(&plain), loss).is_err());
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
        let set = minimum_risk(&captions(3), &scores, &[0.1, 0.2, 0.3], 3, 1.0).unwrap();
        assert!(set.weights.iter().all(|weight| weight.is_finite()));
    }

    #[test]
    fn captions_that_do_not_divide_into_images_are_refused() {
        assert!(minimum_risk(&captions(2), &[0.0; 3], &[0.0; 3], 3, 1.0).is_err());
        assert!(minimum_risk(&captions(3), &[0.0; 3], &[0.0; 3], 2, 1.0).is_err());
    }

    proptest! {
        #[test]
        fn weights_of_an_image_sum_to_zero(
            scores in prop::collection::vec(-40.0..0.0f64, 12),
            rewards in prop::collection::vec(0.0..3.0f64, 12),
        ) {
            let set = minimum_risk(&captions(12), &scores, &rewards, 4, 0.5).unwrap();
            for weights in set.weights.chunks(4) {
                prop_assert!(weights.iter().sum::<f64>().abs() < 1e-12);
            }
        }
    }
}
