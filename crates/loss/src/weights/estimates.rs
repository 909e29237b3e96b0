//! Divergence from a reference model, estimated at the sampled words alone.

use super::ratio::{check_log_probability, log_ratio};
use crate::{LossError, row_targets::check_rows};

/// An estimate of `KL(p, q)` at a word that was sampled from `p` (Schulman 2020, Approximating KL divergence).
///
/// The first of them, `k1 = log p - log q`, is none of these: as a loss its weight is -1 at every word, whatever `q`, with
/// an expectation of 0. It belongs into the reward.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum DivergenceEstimate {
    /// `k2 = (log p - log q)^2 / 2`: its expected gradient is that of `KL(p, q)`.
    K2,
    /// `k3 = q / p - log(q / p) - 1`, GRPO's: its expected gradient is that of `KL(q, p)`, forward.
    K3,
}

/// The weight of every sampled word that an estimated divergence from a reference asks for.
///
/// ```text
/// k2:  c = -(l - l_ref)
/// k3:  c = -(1 - exp(l_ref - l))
/// ```
///
/// `l - l_ref` within [`MAX_LOG_RATIO`](super::MAX_LOG_RATIO); the reference is detached. All words and no sampling error:
/// [`regularise`](crate::regularise).
///
/// # Shapes
/// `log_probability`, `reference`: nats, `[rows]`; so is the result.
///
/// # Errors
/// [`LossError`] when these differ in length, or hold what is no log-probability.
pub fn estimated_divergence(
    log_probability: &[f64],
    reference: &[f64],
    estimate: DivergenceEstimate,
) -> Result<Vec<f64>, LossError> {
    let what = "log-probabilities of the reference";
    check_rows(what, reference.len(), log_probability.len())?;
    let rows = log_probability.iter().zip(reference).map(|(&l, &l_ref)| {
        check_log_probability("log-probability", l)?;
        check_log_probability("log-probability of the reference", l_ref)?;
        let log_ratio = log_ratio(l, l_ref);
        Ok(match estimate {
            DivergenceEstimate::K2 => -log_ratio,
            DivergenceEstimate::K3 => (-log_ratio).exp_m1(),
        })
    });
    rows.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::weights::toy::Toy;
    use DivergenceEstimate::{K2, K3};

    fn textbook(toy: &Toy, log_p: &[f64], estimate: DivergenceEstimate) -> f64 {
        let rows = log_p.iter().zip(toy.reference());
        rows.map(|(l, l_ref)| match estimate {
            K2 => (l - l_ref).powi(2) / 2.0,
            K3 => (l_ref - l).exp() - (l_ref - l) - 1.0,
        })
        .sum()
    }

    fn found(toy: &Toy, estimate: DivergenceEstimate) -> Vec<f64> {
        estimated_divergence(toy.log_probability(), toy.reference(), estimate).unwrap()
    }

    #[test]
    fn weights_are_those_of_the_estimates_and_each_fails_as_the_other() {
        let toy = Toy::new(1);
        for (estimate, other) in [(K2, K3), (K3, K2)] {
            let loss = |log_p: &[f64]| textbook(&toy, log_p, estimate);
            toy.check(&found(&toy, estimate), loss).unwrap();
            assert!(toy.check(&found(&toy, other), loss).is_err());
            let opposite: Vec<f64> = found(&toy, estimate).iter().map(|c| -c).collect();
            assert!(toy.check(&opposite, loss).is_err());
        }
    }

    /// Every word of one row, weighted by its probability.
    #[test]
    fn expected_gradients_are_those_of_the_divergences() {
        let log_p = [0.5f64, 0.2, 0.3].map(f64::ln);
        let log_q = [0.1f64, 0.6, 0.3].map(f64::ln);
        let expected = |estimate| {
            let weights = estimated_divergence(&log_p, &log_q, estimate).unwrap();
            let of_word = |w: usize, j: usize| {
                log_p[w].exp() * weights[w] * (log_p[j].exp() - f64::from(u8::from(w == j)))
            };
            [0, 1, 2].map(|j| (0..3).map(|w| of_word(w, j)).sum::<f64>())
        };
        let ratio = |j: usize| log_p[j] - log_q[j];
        let kl: f64 = (0..3).map(|j| log_p[j].exp() * ratio(j)).sum();
        for j in 0..3 {
            let reverse = log_p[j].exp() * (ratio(j) - kl);
            let forward = log_p[j].exp() - log_q[j].exp();
            assert!((expected(K2)[j] - reverse).abs() < 1e-12);
            assert!((expected(K3)[j] - forward).abs() < 1e-12);
            assert!((reverse - forward).abs() > 1e-3);
        }
    }

    #[test]
    fn weights_are_finite_when_ratios_are_extreme() {
        for estimate in [K2, K3] {
            let impossible = f64::NEG_INFINITY;
            let now = [-1e4, -1e-3, impossible, impossible];
            let reference = [-1e-3, -1e4, -1.0, impossible];
            let found = estimated_divergence(&now, &reference, estimate).unwrap();
            assert!(found.iter().all(|c| c.is_finite()), "{found:?}");
            assert!(estimated_divergence(&now, &reference[1..], estimate).is_err());
        }
    }
}
