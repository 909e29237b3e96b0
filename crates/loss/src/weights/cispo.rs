//! CISPO and truncated importance sampling: a ratio that weighs and has no gradient.

use super::Sampled;
use crate::LossError;

/// Weights by a ratio that is cut off from above (CISPO: MiniMax 2025, arXiv 2506.13585; Ionides 2008).
///
/// ```text
/// L   = -sum_t sg(min(rho_t, cap)) A_t l_t,   sg: taken as a constant
/// c_t = A_t min(rho_t, cap)
/// ```
///
/// No word loses its gradient. CISPO: `cap = 1 + eps_high`. `cap` infinite: importance weights. With `drawn` of a sampler
/// that is not the model itself, as one of another temperature or of the most probable words only, it is
/// truncated importance sampling.
///
/// # Shapes
/// The result: `[rows]`.
///
/// # Errors
/// [`LossError`] when lists differ in length, hold what is no number, or `cap` is not above 0.
pub fn clipped_importance(sampled: &Sampled<'_>, cap: f64) -> Result<Vec<f64>, LossError> {
    if cap.is_nan() || cap <= 0.0 {
        return Err(LossError::Range {
            what: "largest importance weight",
            found: cap,
            expected: "more than 0",
        });
    }
    let rows = sampled.log_ratios()?.into_iter();
    Ok(rows
        .map(|(log_ratio, a)| a * log_ratio.exp().min(cap))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::weights::toy::Toy;

    const CAP: f64 = 1.28;

    /// The factor, at the point where the gradient is taken.
    fn factors(toy: &Toy) -> Vec<f64> {
        toy.weights(|ratio, a| ratio.min(CAP) * a)
    }

    fn textbook(factors: &[f64], log_p: &[f64]) -> f64 {
        let rows = factors.iter().zip(log_p);
        rows.map(|(factor, log_p)| -factor * log_p).sum()
    }

    #[test]
    fn weights_are_those_of_the_loss_with_a_constant_factor() {
        for seed in 1..=5 {
            let toy = Toy::new(seed);
            let found = clipped_importance(&toy.sampled(), CAP).unwrap();
            let factors = factors(&toy);
            toy.check(&found, |log_p| textbook(&factors, log_p))
                .unwrap();
        }
    }

    #[test]
    fn ratio_that_is_not_detached_fails() {
        let toy = Toy::new(1);
        let found = clipped_importance(&toy.sampled(), CAP).unwrap();
        let check = toy.check(&found, |log_p| {
            let rows = log_p.iter().zip(toy.drawn()).zip(toy.advantages());
            rows.map(|((l, drawn), a)| -(l - drawn).exp().min(CAP) * a * l)
                .sum()
        });
        assert!(check.is_err());
    }

    #[test]
    fn mask_of_the_clip_fails() {
        let toy = Toy::new(1);
        let wrong = toy.weights(|ratio, a| {
            if a > 0.0 && ratio > CAP {
                0.0
            } else {
                a * ratio
            }
        });
        let factors = factors(&toy);
        let check = toy.check(&wrong, |log_p| textbook(&factors, log_p));
        assert!(check.is_err());
    }

    /// Under a temperature that is not the model's, importance weights give the gradient of the expected reward.
    #[test]
    fn importance_weights_make_up_for_another_sampler() {
        let logits = [0.4f64, -1.0, 1.3];
        let rewards = [0.2, 1.0, 0.5];
        let softmax = |temperature: f64| {
            let powers = logits.map(|s| (s / temperature).exp());
            powers.map(|power| power / powers.iter().sum::<f64>())
        };
        let (p, drawn) = (softmax(1.0), softmax(2.0));
        let sampled = Sampled {
            log_probability: &p.map(f64::ln),
            drawn: &drawn.map(f64::ln),
            advantages: &rewards,
        };
        let mean_reward: f64 = p.iter().zip(rewards).map(|(p, r)| p * r).sum();
        for (cap, right) in [(f64::INFINITY, true), (1.0, false)] {
            let weights = clipped_importance(&sampled, cap).unwrap();
            for j in 0..3 {
                let expected = -p[j] * (rewards[j] - mean_reward);
                let of_word = |w: usize| {
                    let word = f64::from(u8::from(w == j));
                    drawn[w] * weights[w] * (p[j] - word)
                };
                let found: f64 = (0..3).map(of_word).sum();
                assert_eq!((found - expected).abs() < 1e-12, right);
            }
        }
    }

    #[test]
    fn weights_are_finite_when_ratios_are_extreme() {
        let sampled = Sampled {
            log_probability: &[-1e-3, -1e4],
            drawn: &[-1e4, -1e-3],
            advantages: &[1.0, -1.0],
        };
        let found = clipped_importance(&sampled, f64::INFINITY).unwrap();
        assert!(found.iter().all(|c| (*c as f32).is_finite()), "{found:?}");
        assert!(clipped_importance(&sampled, 0.0).is_err());
    }
}
