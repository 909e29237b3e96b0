//! SAPO: a soft gate in the place of the clip.

use super::{Sampled, finite::check_positive};
use crate::LossError;

/// How steeply the gate closes around a ratio of 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Gate {
    /// `tau` where the advantage is positive; 1 in the paper.
    pub positive: f64,
    /// `tau` where it is not; 1.05 in the paper.
    pub negative: f64,
}

/// The soft gate of every word (Gao et al. 2025, arXiv 2511.20347).
///
/// ```text
/// L   = -sum_t A_t (4 / tau) sigma(tau (rho_t - 1)),   tau by the sign of A_t
/// c_t = 4 A_t rho_t g (1 - g),   g = sigma(tau (rho_t - 1))
/// ```
///
/// Under the model that drew the words, `c_t = A_t`.
///
/// # Shapes
/// The result: `[rows]`.
///
/// # Errors
/// [`LossError`] when lists differ in length, hold what is no number, or a `tau` is not above 0.
pub fn soft_gate(sampled: &Sampled<'_>, gate: Gate) -> Result<Vec<f64>, LossError> {
    check_positive("temperature of the gate", gate.positive)?;
    check_positive("temperature of the gate", gate.negative)?;
    let rows = sampled.log_ratios()?.into_iter();
    let weight = |(log_ratio, advantage): (f64, f64)| {
        let tau = if advantage > 0.0 {
            gate.positive
        } else {
            gate.negative
        };
        let ratio = log_ratio.exp();
        // g (1 - g), of which the exponential cannot overflow.
        let power = (-(tau * (ratio - 1.0)).abs()).exp();
        4.0 * advantage * ratio * power / (1.0 + power).powi(2)
    };
    Ok(rows.map(weight).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::weights::toy::Toy;

    const GATE: Gate = Gate {
        positive: 1.0,
        negative: 1.5,
    };

    fn textbook(toy: &Toy, log_p: &[f64]) -> f64 {
        let rows = log_p.iter().zip(toy.drawn()).zip(toy.advantages());
        rows.map(|((now, drawn), &a)| {
            let tau = if a > 0.0 { 1.0 } else { 1.5 };
            let gate = 1.0 / (1.0 + (-tau * ((now - drawn).exp() - 1.0)).exp());
            -a * 4.0 / tau * gate
        })
        .sum()
    }

    #[test]
    fn weights_are_those_of_the_gate() {
        for seed in 1..=5 {
            let toy = Toy::new(seed);
            let found = soft_gate(&toy.sampled(), GATE).unwrap();
            toy.check(&found, |log_p| textbook(&toy, log_p)).unwrap();
        }
    }

    #[test]
    fn one_temperature_for_both_signs_and_a_gate_without_slope_fail() {
        let toy = Toy::new(1);
        let one = Gate {
            negative: 1.0,
            ..GATE
        };
        let one = soft_gate(&toy.sampled(), one).unwrap();
        assert!(toy.check(&one, |log_p| textbook(&toy, log_p)).is_err());
        let no_slope = toy.weights(|ratio, a| {
            let tau = if a > 0.0 { 1.0 } else { 1.5 };
            2.0 * a * ratio / (1.0 + f64::exp(-tau * (ratio - 1.0)))
        });
        assert!(toy.check(&no_slope, |log_p| textbook(&toy, log_p)).is_err());
    }

    #[test]
    fn weights_are_the_advantages_under_the_model_that_drew() {
        let toy = Toy::new(2);
        let on_policy = Sampled {
            log_probability: toy.drawn(),
            ..toy.sampled()
        };
        assert_eq!(soft_gate(&on_policy, GATE).unwrap(), toy.advantages());
    }

    #[test]
    fn weights_are_finite_when_ratios_are_extreme() {
        let sampled = Sampled {
            log_probability: &[-1e-3, -1e4, -1e-3],
            drawn: &[-1e4, -1e-3, -1e4],
            advantages: &[1.0, -1.0, -1.0],
        };
        let found = soft_gate(&sampled, GATE).unwrap();
        assert!(found.iter().all(|c| c.abs() < 1e-6), "{found:?}");
        assert!(
            soft_gate(
                &sampled,
                Gate {
                    positive: 0.0,
                    ..GATE
                }
            )
            .is_err()
        );
    }
}
