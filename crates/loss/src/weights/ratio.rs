//! How much more probable a word is now than when it was drawn.

use super::finite::check_finite;
use crate::{LossError, row_targets::check_rows};

/// Bound of the size of `log rho`: what lies beyond weighs as if it lay there.
///
/// `exp(20)` is 5e8. No clip reaches that far, so that a ratio beyond it has lost the model that drew the word; and a
/// weight of this size, times an advantage, is a finite number also in the 32 bits of [`RowTargets`](crate::RowTargets).
pub const MAX_LOG_RATIO: f64 = 20.0;

/// Sampled words, in rows of any order.
#[derive(Debug, Clone, Copy)]
pub struct Sampled<'a> {
    /// `l = log p(w)` of the model as it is now, nats, `[rows]`.
    pub log_probability: &'a [f64],
    /// `l_old`, the same of the model that drew the words, `[rows]`.
    pub drawn: &'a [f64],
    /// `A`, the advantage of every word, `[rows]`.
    pub advantages: &'a [f64],
}

impl Sampled<'_> {
    /// `log rho = l - l_old` within [`MAX_LOG_RATIO`], and `A`, of every row.
    pub(super) fn log_ratios(&self) -> Result<Vec<(f64, f64)>, LossError> {
        let rows = self.log_probability.len();
        check_rows("log-probabilities when drawn", self.drawn.len(), rows)?;
        check_rows("advantages", self.advantages.len(), rows)?;
        let rows = self.log_probability.iter().zip(self.drawn);
        rows.zip(self.advantages)
            .map(|((&now, &drawn), &advantage)| {
                check_log_probability("log-probability", now)?;
                check_log_probability("log-probability when drawn", drawn)?;
                check_finite("advantages", &[advantage])?;
                Ok((log_ratio(now, drawn), advantage))
            })
            .collect()
    }
}

/// `a - b` within [`MAX_LOG_RATIO`]; 0 if both are minus infinity.
pub(super) fn log_ratio(a: f64, b: f64) -> f64 {
    if a == b {
        return 0.0;
    }
    (a - b).clamp(-MAX_LOG_RATIO, MAX_LOG_RATIO)
}

/// Whether a value is a logarithm of a probability, or of 0.
pub(super) fn check_log_probability(what: &'static str, found: f64) -> Result<(), LossError> {
    // A hair above 0 is a matter of rounding.
    if found < 1e-3 {
        return Ok(());
    }
    Err(LossError::Range {
        what,
        found,
        expected: "0 or less",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_ratios_are_bounded_and_exactly_zero_for_the_model_that_drew() {
        let sampled = Sampled {
            log_probability: &[-1.5, -900.0, -0.1, f64::NEG_INFINITY, f64::NEG_INFINITY],
            drawn: &[-1.5, -0.1, -900.0, f64::NEG_INFINITY, -1.0],
            advantages: &[1.0; 5],
        };
        let found = sampled.log_ratios().unwrap();
        let found: Vec<f64> = found.into_iter().map(|(ratio, _)| ratio).collect();
        assert_eq!(found, [0.0, -20.0, 20.0, 0.0, -20.0]);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let message = |sampled: Sampled<'_>| sampled.log_ratios().unwrap_err().to_string();
        let fits = Sampled {
            log_probability: &[-1.0, -2.0],
            drawn: &[-1.0, -2.0],
            advantages: &[0.5, -0.5],
        };
        assert_eq!(
            message(Sampled {
                drawn: &[-1.0],
                ..fits
            }),
            "log-probabilities when drawn: found 1 rows, expected 2"
        );
        assert_eq!(
            message(Sampled {
                advantages: &[0.5; 3],
                ..fits
            }),
            "advantages: found 3 rows, expected 2"
        );
        assert_eq!(
            message(Sampled {
                log_probability: &[-1.0, f64::NAN],
                ..fits
            }),
            "log-probability: found NaN, expected 0 or less"
        );
        assert!(
            message(Sampled {
                advantages: &[0.5, f64::NAN],
                ..fits
            })
            .contains("advantage")
        );
    }
}
