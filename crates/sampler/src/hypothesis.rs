//! A caption with its log-probability, and how captions of different lengths compare.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{END, OptionProblem, error::require};

/// A caption and the log-probability that the model gives it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Hypothesis {
    /// Word ids up to and including the end token, if it was reached.
    pub words: Vec<u32>,
    /// `sum_t log p(w_t given w_<t)`, nats; the end token counts, length is not normalised.
    pub log_probability: f64,
    /// The constraints that the caption breaks, by their names; empty unless it ended where they left no word.
    pub broken: Vec<&'static str>,
}

impl Hypothesis {
    pub(crate) fn is_finished(&self) -> bool {
        self.words.last() == Some(&END)
    }
}

/// How the log-probabilities of captions of different lengths are compared.
///
/// Longer captions are less probable, so that the most probable one is short.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum LengthNormalisation {
    /// `log p`.
    #[default]
    None,
    /// `log p / n`: the mean over words.
    Mean,
    /// `log p / ((5 + n) / 6)^alpha` (Wu et al. 2016, eq. 14).
    Gnmt {
        /// 0 is `none`; Wu et al. use 0.6 to 0.7.
        #[schemars(range(min = 0.0), extend("examples" = [0.6]))]
        alpha: f64,
    },
}

impl LengthNormalisation {
    /// The normalised log-probability; `n` counts the words, the end token among them.
    pub fn score(&self, hypothesis: &Hypothesis) -> f64 {
        let n = hypothesis.words.len().max(1) as f64;
        let divisor = match self {
            Self::None => 1.0,
            Self::Mean => n,
            Self::Gnmt { alpha } => ((5.0 + n) / 6.0).powf(*alpha),
        };
        hypothesis.log_probability / divisor
    }

    /// What is out of range.
    pub fn problems(&self) -> Vec<OptionProblem> {
        let mut problems = Vec::new();
        if let Self::Gnmt { alpha } = *self {
            let inside = alpha >= 0.0 && alpha.is_finite();
            let expected = "a finite number, 0 or more";
            require(&mut problems, inside, "gnmt.alpha", alpha, expected);
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normalised_scores_equal_those_by_hand() {
        let hypothesis = Hypothesis {
            words: vec![4, 2, 7, 0],
            log_probability: -6.0,
            broken: Vec::new(),
        };
        let score = |normalisation: LengthNormalisation| normalisation.score(&hypothesis);
        assert_eq!(score(LengthNormalisation::None), -6.0);
        assert_eq!(score(LengthNormalisation::Mean), -1.5);
        assert_eq!(score(LengthNormalisation::Gnmt { alpha: 0.0 }), -6.0);
        // (9 / 6)^2 = 2.25
        let gnmt = score(LengthNormalisation::Gnmt { alpha: 2.0 });
        assert!((gnmt + 6.0 / 2.25).abs() < 1e-12, "{gnmt}");
        assert_eq!(
            LengthNormalisation::Mean.score(&Hypothesis::default()),
            0.0,
            "no words"
        );
    }

    #[test]
    fn alpha_is_refused_when_it_is_no_number_from_0() {
        for alpha in [-0.1, f64::NAN, f64::INFINITY] {
            assert_eq!(LengthNormalisation::Gnmt { alpha }.problems().len(), 1);
        }
        assert!(
            LengthNormalisation::Gnmt { alpha: 0.7 }
                .problems()
                .is_empty()
        );
    }
}
