//! The likelihood of the best caption: among the others, and alone.

use super::{
    finite::check_finite,
    sampled_set::{SampledSet, best, per_image},
};
use crate::LossError;

/// The likelihood of the best caption among those of its image, each raised by its margin (Edunov et al. 2018:
/// sequence NLL and softmax margin; Gimpel and Smith 2010).
///
/// ```text
/// L   = -log P_*,   P_i = exp(score_i - m r_i) / sum_j exp(score_j - m r_j)
/// a_i = 1[i = *] - P_i
/// ```
///
/// `m = 0`: sequence NLL; `m = 1`: softmax margin, whose cost is the reward that a caption falls short of the best.
///
/// # Shapes
/// `scores`, `rewards`: `[images * samples]`, samples of one image side by side.
///
/// # Errors
/// [`LossError`] when these do not divide into groups of `samples`, or are not finite.
pub fn sequence_likelihood(
    scores: &[f64],
    rewards: &[f64],
    samples: usize,
    margin: f64,
) -> Result<SampledSet, LossError> {
    check_finite("scores of captions", scores)?;
    check_finite("rewards", rewards)?;
    check_finite("margin", &[margin])?;
    per_image(scores, rewards, samples, |_, scores, rewards| {
        let best = best(rewards);
        let raised = |k: usize| scores[k] - margin * (rewards[k] - rewards[best]);
        let top = (0..samples).map(raised).fold(f64::NEG_INFINITY, f64::max);
        let powers: Vec<f64> = (0..samples).map(|k| (raised(k) - top).exp()).collect();
        let total: f64 = powers.iter().sum();
        let loss = top - raised(best) + total.ln();
        let mut weights: Vec<f64> = powers.iter().map(|power| -power / total).collect();
        weights[best] += 1.0;
        (loss, weights)
    })
}

/// Cross-entropy on the best caption of every image alone (best of n; Dong et al. 2023, RAFT).
///
/// ```text
/// L   = -score_*
/// a_i = 1[i = *]
/// ```
///
/// # Shapes
/// `scores`, `rewards`: `[images * samples]`, samples of one image side by side.
///
/// # Errors
/// [`LossError`] when these do not divide into groups of `samples`, or are not finite.
pub fn best_of_samples(
    scores: &[f64],
    rewards: &[f64],
    samples: usize,
) -> Result<SampledSet, LossError> {
    check_finite("scores of captions", scores)?;
    check_finite("rewards", rewards)?;
    per_image(scores, rewards, samples, |_, scores, rewards| {
        let best = best(rewards);
        let mut weights = vec![0.0; samples];
        weights[best] = 1.0;
        (-scores[best], weights)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::weights::toy::{LENGTHS, Toy};

    /// Of one image of four captions, whose scores are means; the second is the best.
    fn textbook(toy: &Toy, log_p: &[f64], margin: f64) -> f64 {
        let scores = toy.means(log_p).into_iter().zip(toy.rewards);
        let powers: Vec<f64> = scores.map(|(s, r)| (s - margin * r).exp()).collect();
        -(powers[1] / powers.iter().sum::<f64>()).ln()
    }

    fn at_rows(toy: &Toy, set: &SampledSet) -> Vec<f64> {
        let shared = set.weights.iter().zip(LENGTHS);
        let shared: Vec<f64> = shared.map(|(a, words)| a / words as f64).collect();
        toy.at_rows(&shared)
    }

    fn found(toy: &Toy, margin: f64) -> SampledSet {
        let scores = toy.means(toy.log_probability());
        sequence_likelihood(&scores, &toy.rewards, 4, margin).unwrap()
    }

    #[test]
    fn weights_are_those_of_the_likelihood() {
        for margin in [0.0, 1.0, 2.5] {
            let toy = Toy::new(1);
            let set = found(&toy, margin);
            let loss = |log_p: &[f64]| textbook(&toy, log_p, margin);
            toy.check(&at_rows(&toy, &set), loss).unwrap();
            assert!((set.loss[0] - loss(toy.log_probability())).abs() < 1e-12);
        }
    }

    #[test]
    fn forgotten_margin_and_a_margin_of_the_other_sign_fail() {
        let toy = Toy::new(1);
        for wrong in [0.0, -1.0] {
            let wrong = at_rows(&toy, &found(&toy, wrong));
            assert!(
                toy.check(&wrong, |log_p| textbook(&toy, log_p, 1.0))
                    .is_err()
            );
        }
    }

    #[test]
    fn best_of_samples_is_cross_entropy_on_the_best() {
        let toy = Toy::new(1);
        let scores = toy.sums(toy.log_probability());
        let set = best_of_samples(&scores, &toy.rewards, 4).unwrap();
        let loss = |log_p: &[f64]| -toy.sums(log_p)[1];
        toy.check(&toy.at_rows(&set.weights), loss).unwrap();
        // On the last caption instead.
        let wrong = toy.at_rows(&[0.0, 0.0, 0.0, 1.0]);
        assert!(toy.check(&wrong, loss).is_err());
    }

    #[test]
    fn weights_are_finite_and_sum_to_zero_when_probabilities_underflow() {
        let set = sequence_likelihood(&[-2000.0, -1.0, -900.0], &[0.7; 3], 3, 1.0).unwrap();
        assert_eq!(set.weights, [1.0, -1.0, 0.0]);
        assert_eq!(set.loss, [1999.0]);
        assert!(sequence_likelihood(&[f64::NEG_INFINITY; 2], &[0.7; 2], 2, 1.0).is_err());
        assert!(sequence_likelihood(&[-1.0; 3], &[0.7; 3], 2, 1.0).is_err());
        assert!(best_of_samples(&[-1.0; 2], &[0.7; 3], 3).is_err());
    }
}
