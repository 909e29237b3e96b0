//! REINVENT's DAP: log-probabilities that regress a prior raised by the reward.

use super::finite::check_finite;
use crate::{LossError, row_targets::check_rows};

/// The difference between augmented and posterior log-probability, squared (Olivecrona et al. 2017; Blaschke et al. 2020).
///
/// ```text
/// L = (log P_prior + sigma r - log P)^2
/// a = 2 (log P_prior + sigma r - log P)
/// ```
///
/// On samples of the model, REINFORCE with the reward `2 sigma r` minus twice the log-ratio to the prior.
///
/// # Shapes
/// `scores`: `log P` of whole captions, nats, `[captions]`; `prior`, `rewards` and the result, a weight of every caption,
/// likewise.
///
/// # Errors
/// [`LossError`] when these differ in length or are not finite.
pub fn augmented_likelihood(
    scores: &[f64],
    prior: &[f64],
    rewards: &[f64],
    sigma: f64,
) -> Result<Vec<f64>, LossError> {
    check_rows("scores of the prior", prior.len(), scores.len())?;
    check_rows("rewards", rewards.len(), scores.len())?;
    check_finite("scores of captions", scores)?;
    check_finite("scores of the prior", prior)?;
    check_finite("rewards", rewards)?;
    check_finite("sigma of the reward", &[sigma])?;
    let captions = scores.iter().zip(prior).zip(rewards);
    Ok(captions
        .map(|((score, prior), reward)| 2.0 * (prior + sigma * reward - score))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::weights::toy::Toy;

    const SIGMA: f64 = 12.0;

    fn textbook(toy: &Toy, log_p: &[f64]) -> f64 {
        let captions = toy.sums(log_p).into_iter().zip(toy.sums(toy.reference()));
        captions
            .zip(toy.rewards)
            .map(|((log_p, prior), r)| (prior + SIGMA * r - log_p).powi(2))
            .sum()
    }

    #[test]
    fn weights_are_those_of_the_square_and_those_without_the_prior_fail() {
        let toy = Toy::new(1);
        let scores = toy.sums(toy.log_probability());
        let found = |prior: &[f64]| {
            let of_captions = augmented_likelihood(&scores, prior, &toy.rewards, SIGMA).unwrap();
            toy.check(&toy.at_rows(&of_captions), |log_p| textbook(&toy, log_p))
        };
        found(&toy.sums(toy.reference())).unwrap();
        assert!(found(&[0.0; 4]).is_err());
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let of = |scores: &[f64], rewards: &[f64]| {
            augmented_likelihood(scores, &[-1.0; 2], rewards, SIGMA).unwrap_err()
        };
        assert_eq!(
            of(&[-1.0; 2], &[0.5]).to_string(),
            "rewards: found 1 rows, expected 2"
        );
        assert_eq!(
            of(&[-1.0, f64::NEG_INFINITY], &[0.5; 2]).to_string(),
            "scores of captions: found -inf, expected finite numbers"
        );
    }
}
