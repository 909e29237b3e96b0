//! Unlikelihood: words that should not have been said.

use super::ratio::check_log_probability;
use crate::LossError;

/// The least `1 - p` that a weight is divided by: `p / (1 - p)` has no bound where the model is sure of the word.
const LEAST_REST: f64 = 1e-5;

/// Unlikelihood of words, as repeated or banned ones (Welleck et al. 2020).
///
/// ```text
/// L = -log(1 - p_w)
/// c = -p_w / (1 - p_w),   1 - p_w at least 1e-5
/// ```
///
/// # Shapes
/// `log_probability`: nats, `[rows]`; so is the result.
///
/// # Errors
/// [`LossError::Range`] for what is no log-probability.
pub fn unlikelihood(log_probability: &[f64]) -> Result<Vec<f64>, LossError> {
    let rows = log_probability.iter().map(|&log_p| {
        check_log_probability("log-probability", log_p)?;
        let rest = -log_p.exp_m1();
        Ok(-log_p.exp() / rest.max(LEAST_REST))
    });
    rows.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::weights::toy::Toy;

    fn textbook(log_p: &[f64]) -> f64 {
        log_p.iter().map(|log_p| -(1.0 - log_p.exp()).ln()).sum()
    }

    #[test]
    fn weights_are_those_of_the_unlikelihood() {
        let toy = Toy::new(1);
        let found = unlikelihood(toy.log_probability()).unwrap();
        toy.check(&found, textbook).unwrap();
        // Cross-entropy with a negative sign is something else.
        let negative = vec![-1.0; found.len()];
        assert!(toy.check(&negative, textbook).is_err());
    }

    #[test]
    fn weights_are_bounded_when_the_model_is_sure() {
        let found = unlikelihood(&[0.0, -1e-12, -1e4, f64::NEG_INFINITY]).unwrap();
        assert!(
            found[..2].iter().all(|c| (c + 1e5).abs() < 1.0),
            "{found:?}"
        );
        assert_eq!(found[2..], [0.0, 0.0]);
        assert!(unlikelihood(&[f64::NAN]).is_err());
    }
}
