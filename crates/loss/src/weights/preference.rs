//! DPO and DiCO: the best caption of an image is preferred to the others.

use super::{
    finite::{check_finite, check_positive},
    sampled_set::{SampledSet, best, check_captions, per_image, worst},
};
use crate::LossError;

/// What the best caption of an image is preferred to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Rejected {
    /// The caption of the lowest reward: the pairs of DPO.
    Worst,
    /// All captions of a lower reward, by how much lower it is, after DiCO (Moratelli et al. 2024, arXiv 2408.14547).
    ByGap {
        /// `tau` of the softmax over the gaps.
        temperature: f64,
    },
}

/// The logistic loss of preferring the best caption (DPO: Rafailov et al. 2023, eq. 7).
///
/// ```text
/// L   = -log sigma(z),   z = beta (h_* - sum_i gamma_i h_i),   h = score - score of the reference
/// a_* = beta (1 - sigma(z)),   a_i = -gamma_i a_*
/// ```
///
/// `gamma`: 1 at the worst caption, or `exp((r_* - r_i) / tau)` over their sum for all `r_i < r_*`. An image whose rewards
/// tie has no preference, and loss and weights of 0. The reference is detached.
///
/// # Shapes
/// `scores`, `reference`, `rewards`: `[images * samples]`, samples of one image side by side.
///
/// # Errors
/// [`LossError`] when these do not divide into groups of `samples` or are not finite, or an option is not above 0.
pub fn preference(
    scores: &[f64],
    reference: &[f64],
    rewards: &[f64],
    samples: usize,
    beta: f64,
    rejected: Rejected,
) -> Result<SampledSet, LossError> {
    check_captions(reference.len(), scores.len())?;
    check_finite("scores of captions", scores)?;
    check_finite("scores of the reference", reference)?;
    check_finite("rewards", rewards)?;
    check_positive("beta of the preference", beta)?;
    if let Rejected::ByGap { temperature } = rejected {
        check_positive("temperature of the gaps", temperature)?;
    }
    per_image(scores, rewards, samples, |first, scores, rewards| {
        let (best, worst) = (best(rewards), worst(rewards));
        if rewards[best] == rewards[worst] {
            return (0.0, vec![0.0; samples]);
        }
        let power = |k: usize| match rejected {
            Rejected::Worst => f64::from(u8::from(k == worst)),
            Rejected::ByGap { .. } if rewards[k] == rewards[best] => 0.0,
            Rejected::ByGap { temperature } => {
                // Around the worst, so that the exponential cannot overflow.
                ((rewards[worst] - rewards[k]) / temperature).exp()
            }
        };
        let total: f64 = (0..samples).map(power).sum();
        let h = |k: usize| scores[k] - reference[first + k];
        let others: f64 = (0..samples).map(|k| power(k) / total * h(k)).sum();
        let z = beta * (h(best) - others);
        let slope = beta / (1.0 + z.exp());
        let mut weights: Vec<f64> = (0..samples).map(|k| -power(k) / total * slope).collect();
        weights[best] = slope;
        // log(1 + exp(-z)), of which the exponential cannot overflow.
        ((-z).max(0.0) + (-z.abs()).exp().ln_1p(), weights)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::weights::toy::Toy;

    const BETA: f64 = 0.5;
    const BY_GAP: Rejected = Rejected::ByGap { temperature: 0.4 };

    /// Of one image: the second caption is the best, the first the worst.
    fn textbook(toy: &Toy, log_p: &[f64], rejected: Rejected) -> f64 {
        let (now, reference) = (toy.sums(log_p), toy.sums(toy.reference()));
        let h = |k: usize| now[k] - reference[k];
        let others = match rejected {
            Rejected::Worst => h(0),
            Rejected::ByGap { temperature } => {
                let power = |k: usize| ((0.9 - toy.rewards[k]) / temperature).exp();
                let total: f64 = [0, 2, 3].map(power).iter().sum();
                [0, 2, 3].map(|k| power(k) / total * h(k)).iter().sum()
            }
        };
        (1.0 + (-BETA * (h(1) - others)).exp()).ln()
    }

    fn found(toy: &Toy, rejected: Rejected) -> SampledSet {
        let scores = toy.sums(toy.log_probability());
        let reference = toy.sums(toy.reference());
        preference(&scores, &reference, &toy.rewards, 4, BETA, rejected).unwrap()
    }

    #[test]
    fn weights_are_those_of_the_logistic_loss() {
        for rejected in [Rejected::Worst, BY_GAP] {
            let toy = Toy::new(1);
            let set = found(&toy, rejected);
            let loss = |log_p: &[f64]| textbook(&toy, log_p, rejected);
            toy.check(&toy.at_rows(&set.weights), loss).unwrap();
            assert!((set.loss[0] - loss(toy.log_probability())).abs() < 1e-12);
        }
    }

    #[test]
    fn forgotten_reference_and_equal_shares_of_the_rejected_fail() {
        let toy = Toy::new(1);
        let scores = toy.sums(toy.log_probability());
        let none = preference(&scores, &[0.0; 4], &toy.rewards, 4, BETA, BY_GAP).unwrap();
        let loss = |log_p: &[f64]| textbook(&toy, log_p, BY_GAP);
        assert!(toy.check(&toy.at_rows(&none.weights), loss).is_err());
        let best = found(&toy, BY_GAP).weights[1];
        let equal = [-best / 3.0, best, -best / 3.0, -best / 3.0];
        assert!(toy.check(&toy.at_rows(&equal), loss).is_err());
    }

    #[test]
    fn captions_as_good_as_the_best_are_not_rejected() {
        let (scores, reference) = ([-1.0, -2.0, -3.0], [-1.5, -1.5, -2.0]);
        for rejected in [Rejected::Worst, BY_GAP] {
            let of = |rewards: &[f64]| {
                preference(&scores, &reference, rewards, 3, BETA, rejected).unwrap()
            };
            assert_eq!(of(&[0.7, 0.1, 0.7]).weights[2], 0.0);
            let tied = of(&[0.7; 3]);
            assert_eq!((tied.loss, tied.weights), (vec![0.0], vec![0.0; 3]));
        }
    }

    #[test]
    fn weights_are_finite_and_bounded_by_beta_when_probabilities_underflow() {
        for scores in [[-1e6, -1.0], [-1.0, -1e6]] {
            for rewards in [[0.0, 1e-300], [0.0, 1e300]] {
                let set = preference(&scores, &[-1.0; 2], &rewards, 2, BETA, BY_GAP).unwrap();
                assert!(set.loss[0].is_finite());
                assert!(set.weights.iter().all(|a| a.abs() <= BETA), "{set:?}");
            }
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let refused = |scores: &[f64], reference: &[f64], beta| {
            preference(scores, reference, &[0.1, 0.2], 2, beta, BY_GAP).is_err()
        };
        assert!(refused(&[-1.0; 2], &[-1.0; 3], 1.0));
        assert!(refused(&[-1.0; 2], &[f64::NAN; 2], 1.0));
        assert!(refused(&[-1.0; 2], &[-1.0; 2], 0.0));
        assert!(!refused(&[-1.0; 2], &[-1.0; 2], 1.0));
    }
}
