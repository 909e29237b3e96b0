//! REBEL: log-ratios that regress differences of rewards.

use super::{
    finite::{check_finite, check_positive},
    sampled_set::{SampledSet, best, check_captions, per_image, worst},
};
use crate::LossError;

/// The squared error of the difference of rewards (Gao et al. 2024, REBEL), between best and worst caption of every image.
///
/// ```text
/// L   = (z / eta - (r_* - r_-))^2,   z = h_* - h_-,   h = score - score when drawn
/// a_* = -2 (z / eta - (r_* - r_-)) / eta,   a_- = -a_*
/// ```
///
/// # Shapes
/// `scores`, `drawn`, `rewards`: `[images * samples]`, samples of one image side by side.
///
/// # Errors
/// [`LossError`] when these do not divide into groups of `samples` or are not finite, or `eta` is not above 0.
pub fn reward_regression(
    scores: &[f64],
    drawn: &[f64],
    rewards: &[f64],
    samples: usize,
    eta: f64,
) -> Result<SampledSet, LossError> {
    check_captions(drawn.len(), scores.len())?;
    check_finite("scores of captions", scores)?;
    check_finite("scores when drawn", drawn)?;
    check_finite("rewards", rewards)?;
    check_positive("eta of the regression", eta)?;
    per_image(scores, rewards, samples, |first, scores, rewards| {
        let (best, worst) = (best(rewards), worst(rewards));
        let h = |k: usize| scores[k] - drawn[first + k];
        let error = (h(best) - h(worst)) / eta - (rewards[best] - rewards[worst]);
        let mut weights = vec![0.0; samples];
        weights[best] -= 2.0 * error / eta;
        weights[worst] += 2.0 * error / eta;
        (error * error, weights)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::weights::toy::Toy;

    const ETA: f64 = 0.7;

    fn textbook(toy: &Toy, log_p: &[f64]) -> f64 {
        let (now, drawn) = (toy.sums(log_p), toy.sums(toy.drawn()));
        let z = (now[1] - drawn[1]) - (now[0] - drawn[0]);
        (z / ETA - (toy.rewards[1] - toy.rewards[0])).powi(2)
    }

    fn found(toy: &Toy, drawn: &[f64]) -> SampledSet {
        let scores = toy.sums(toy.log_probability());
        reward_regression(&scores, &toy.sums(drawn), &toy.rewards, 4, ETA).unwrap()
    }

    #[test]
    fn weights_are_those_of_the_squared_error() {
        for seed in 1..=5 {
            let toy = Toy::new(seed);
            let set = found(&toy, toy.drawn());
            toy.check(&toy.at_rows(&set.weights), |log_p| textbook(&toy, log_p))
                .unwrap();
            let loss = textbook(&toy, toy.log_probability());
            assert!((set.loss[0] - loss).abs() < 1e-12);
        }
    }

    #[test]
    fn ratio_to_another_model_and_a_forgotten_eta_fail() {
        let toy = Toy::new(1);
        let other = found(&toy, toy.reference()).weights;
        let undivided: Vec<f64> = found(&toy, toy.drawn()).weights;
        let undivided: Vec<f64> = undivided.iter().map(|a| a * ETA).collect();
        for wrong in [other, undivided] {
            let check = toy.check(&toy.at_rows(&wrong), |log_p| textbook(&toy, log_p));
            assert!(check.is_err());
        }
    }

    #[test]
    fn it_is_the_policy_gradient_of_a_pair_under_the_model_that_drew() {
        let scores = [-3.0, -1.0];
        let set = reward_regression(&scores, &scores, &[0.9, 0.2], 2, 1.0).unwrap();
        assert_eq!(set.weights, [1.4, -1.4]);
        let tied = reward_regression(&scores, &[-1.0; 2], &[0.9; 2], 2, 1.0).unwrap();
        assert_eq!(tied.weights, [0.0; 2]);
        assert!(reward_regression(&scores, &scores, &[0.9, 0.2], 2, 0.0).is_err());
        assert!(reward_regression(&scores, &scores[..1], &[0.9, 0.2], 2, 1.0).is_err());
    }
}
