//! Margins between the best caption of an image and the others.

use super::sampled_set::{SampledSet, best, per_image};
use crate::LossError;

/// The caption of the highest reward, `*`, and by how much every caption violates its margin.
///
/// ```text
/// (r_* - r_i) - (score_* - score_i)
/// ```
fn violations(scores: &[f64], rewards: &[f64]) -> (usize, Vec<f64>) {
    let best = best(rewards);
    let of = |(score, reward): (&f64, &f64)| (rewards[best] - reward) - (scores[best] - score);
    (best, scores.iter().zip(rewards).map(of).collect())
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
        let (best, violations) = violations(scores, rewards);
        let worst = (0..samples).fold(best, |worst, k| {
            if violations[k] > violations[worst] {
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
        (violations[worst] / 2.0, weights)
    })
}

/// The mean of the margins' violations, in the place of their maximum (`multi_margin` of Luo's self-critical.pytorch; Weston
/// and Watkins 1999).
///
/// ```text
/// L   = sum_i v_i / n,   v_i = max(0, (r_* - r_i) - (score_* - score_i)),   n: captions of the image
/// a_i = -1[v_i > 0] / n,   a_* = (number of v_i > 0) / n
/// ```
///
/// # Shapes
/// `scores`, `rewards`: `[images * samples]`, samples of one image side by side.
///
/// # Errors
/// [`LossError::Rows`] when these do not divide into groups of `samples`.
pub fn multi_margin(
    scores: &[f64],
    rewards: &[f64],
    samples: usize,
) -> Result<SampledSet, LossError> {
    per_image(scores, rewards, samples, |_, scores, rewards| {
        let (best, violations) = violations(scores, rewards);
        let share = 1.0 / samples as f64;
        let (mut loss, mut weights) = (0.0, vec![0.0; samples]);
        for (k, violation) in violations.into_iter().enumerate() {
            if violation > 0.0 {
                loss += violation * share;
                weights[k] -= share;
                weights[best] += share;
            }
        }
        (loss, weights)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::weights::toy::{LENGTHS, Toy};

    type Objective = fn(&[f64], &[f64], usize) -> Result<SampledSet, LossError>;

    /// Of one image of four captions, whose scores are means.
    fn violations(toy: &Toy, log_p: &[f64]) -> Vec<f64> {
        let (scores, rewards) = (toy.means(log_p), toy.rewards);
        let violation = |k: usize| (rewards[1] - rewards[k]) - (scores[1] - scores[k]);
        (0..4).map(|k| violation(k).max(0.0)).collect()
    }

    fn largest(toy: &Toy, log_p: &[f64]) -> f64 {
        violations(toy, log_p).into_iter().fold(0.0, f64::max) / 2.0
    }

    fn mean(toy: &Toy, log_p: &[f64]) -> f64 {
        violations(toy, log_p).iter().sum::<f64>() / 4.0
    }

    fn at_rows(toy: &Toy, objective: Objective) -> Vec<f64> {
        let scores = toy.means(toy.log_probability());
        let set = objective(&scores, &toy.rewards, 4).unwrap();
        let shared = set.weights.iter().zip(LENGTHS);
        let shared: Vec<f64> = shared.map(|(a, words)| a / words as f64).collect();
        toy.at_rows(&shared)
    }

    #[test]
    fn weights_are_those_of_the_margins() {
        for seed in 1..=5 {
            let toy = Toy::new(seed);
            toy.check(&at_rows(&toy, max_margin), |log_p| largest(&toy, log_p))
                .unwrap();
            toy.check(&at_rows(&toy, multi_margin), |log_p| mean(&toy, log_p))
                .unwrap();
        }
    }

    #[test]
    fn each_of_the_margins_fails_as_the_other_and_without_the_best() {
        let toy = Toy::new(1);
        assert!(
            violations(&toy, toy.log_probability())
                .iter()
                .any(|v| *v > 0.0)
        );
        let (max, multi) = (at_rows(&toy, max_margin), at_rows(&toy, multi_margin));
        assert!(toy.check(&multi, |log_p| largest(&toy, log_p)).is_err());
        assert!(toy.check(&max, |log_p| mean(&toy, log_p)).is_err());
        let without: Vec<f64> = multi.iter().map(|c| c.min(0.0)).collect();
        assert!(toy.check(&without, |log_p| mean(&toy, log_p)).is_err());
    }

    #[test]
    fn max_margin_is_zero_when_the_best_caption_leads_by_the_margin() {
        let set = max_margin(&[2.0, 0.0], &[1.0, 0.5], 2).unwrap();
        assert_eq!((set.loss[0], set.weights), (0.0, vec![0.0, 0.0]));
    }

    #[test]
    fn weights_are_zero_when_rewards_and_scores_tie() {
        for objective in [max_margin, multi_margin] {
            let set = objective(&[-2000.0; 3], &[0.7; 3], 3).unwrap();
            assert_eq!((set.loss[0], set.weights), (0.0, vec![0.0; 3]));
        }
    }

    #[test]
    fn captions_that_do_not_divide_into_images_are_refused() {
        for objective in [max_margin, multi_margin] {
            assert!(objective(&[0.0; 3], &[0.0; 3], 2).is_err());
            assert!(objective(&[0.0; 4], &[0.0; 3], 2).is_err());
        }
    }

    proptest! {
        #[test]
        fn weights_of_an_image_sum_to_zero(
            scores in prop::collection::vec(-40.0..0.0f64, 12),
            rewards in prop::collection::vec(0.0..3.0f64, 12),
        ) {
            for objective in [max_margin, multi_margin] {
                let set = objective(&scores, &rewards, 4).unwrap();
                for weights in set.weights.chunks(4) {
                    prop_assert!(weights.iter().sum::<f64>().abs() < 1e-12);
                }
            }
        }
    }
}
