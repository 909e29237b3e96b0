//! The clip of a ratio of probabilities: which words still have a gradient.

use crate::LossError;

/// How far a ratio may move in the direction that its advantage pulls it.
///
/// PPO has `low = high = 0.2` (Schulman et al. 2017, eq. 7), DAPO `0.2` and `0.28` (Yu et al. 2025, arXiv 2503.14476); GMPO, in log space, `low = 1 - exp(-0.4)` and `high = exp(0.4) - 1`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Clip {
    /// `eps_low`: no lower ratio than `1 - eps_low` has a gradient where the advantage is negative.
    pub low: f64,
    /// `eps_high`: no higher ratio than `1 + eps_high` has a gradient where the advantage is positive.
    pub high: f64,
    /// `delta`: no higher ratio has a gradient where the advantage is negative (dual clip, Ye et al. 2020).
    pub dual: Option<f64>,
}

impl Clip {
    /// The bounds `1 - eps_low` and `1 + eps_high`.
    pub(super) fn bounds(self) -> (f64, f64) {
        (1.0 - self.low, 1.0 + self.high)
    }

    /// Whether the gradient passes.
    ///
    /// One-sided by the sign of the advantage: a ratio that has moved against its advantage is pulled back.
    pub(super) fn passes(self, advantage: f64, ratio: f64) -> bool {
        let (lowest, highest) = self.bounds();
        if advantage > 0.0 {
            ratio <= highest
        } else {
            ratio >= lowest && self.dual.is_none_or(|delta| ratio <= delta)
        }
    }

    /// `A rho`, or 0 where the gradient does not pass.
    pub(super) fn weight(self, advantage: f64, ratio: f64) -> f64 {
        if self.passes(advantage, ratio) {
            advantage * ratio
        } else {
            0.0
        }
    }

    /// Whether these are bounds on either side of 1.
    pub(super) fn check(self) -> Result<(), LossError> {
        let range = |what, found, holds, expected| {
            if holds {
                return Ok(());
            }
            Err(LossError::Range {
                what,
                found,
                expected,
            })
        };
        let (low, high) = (self.low, self.high);
        let lower = (0.0..1.0).contains(&low);
        range("lower clip", low, lower, "0 or more, less than 1")?;
        range("upper clip", high, high >= 0.0, "0 or more")?;
        let delta = self.dual.unwrap_or(f64::INFINITY);
        range("dual clip", delta, delta > 1.0, "more than 1")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gradient_passes_by_the_sign_of_the_advantage() {
        let clip = Clip {
            low: 0.2,
            high: 0.28,
            dual: Some(3.0),
        };
        for (advantage, ratio, passes) in [
            (1.0, 1.28, true),
            (1.0, 1.29, false),
            (1.0, 0.1, true),
            (-1.0, 0.8, true),
            (-1.0, 0.79, false),
            (-1.0, 2.9, true),
            (-1.0, 3.1, false),
        ] {
            assert_eq!(clip.passes(advantage, ratio), passes, "{advantage} {ratio}");
        }
    }

    #[test]
    fn bounds_that_do_not_enclose_1_are_refused() {
        let fits = Clip {
            low: 0.0,
            high: f64::INFINITY,
            dual: None,
        };
        fits.check().unwrap();
        for wrong in [
            Clip { low: 1.0, ..fits },
            Clip { low: -0.1, ..fits },
            Clip { high: -0.1, ..fits },
            Clip {
                high: f64::NAN,
                ..fits
            },
            Clip {
                dual: Some(1.0),
                ..fits
            },
        ] {
            assert!(wrong.check().is_err(), "{wrong:?}");
        }
    }
}
