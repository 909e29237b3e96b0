//! How the scores of several rewards become one number a caption.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{RewardEntry, RewardError, Transform};

/// How the scores of the rewards of a list become one. A reward that does not apply to a caption is left out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Combination {
    /// The weighted sum.
    ///
    /// ```text
    /// sum_i w_i s_i
    /// ```
    #[default]
    Sum,
    /// The weighted geometric mean of scores of 0 or more, weights above 0: no other score makes up for one near 0.
    ///
    /// ```text
    /// exp(sum_i w_i ln s_i / sum_i w_i),   0 if an s_i is 0
    /// ```
    GeometricMean,
}

impl Combination {
    /// What in an entry of a list does not go with it, beside [`RewardEntry::problems`].
    pub fn problems(self, entry: &RewardEntry) -> Vec<RewardError> {
        if self == Self::Sum {
            return Vec::new();
        }
        let problem = |good: bool, option, found: &str, expected| {
            (!good).then(|| RewardError::OptionValue {
                option,
                found: found.to_owned(),
                expected,
            })
        };
        let fits = entry.transform.is_some_and(Transform::is_never_negative);
        let penalty = entry.never_positive_key().filter(|_| !fits);
        let problems = [
            self.weight_problem(entry.weight),
            problem(
                !entry.standardise,
                "standardise",
                "true",
                "false with `combine = \"geometric_mean\"`, since standardised scores are negative, too",
            ),
            problem(
                entry.self_critical,
                "self_critical",
                "false",
                "true with `combine = \"geometric_mean\"`, of which no reward can be left out for a baseline",
            ),
            penalty.and_then(|key| {
                problem(
                    false,
                    key,
                    "scores of 0 or less",
                    "a `transform` to 0 or more beside it with `combine = \"geometric_mean\"`",
                )
            }),
        ];
        problems.into_iter().flatten().collect()
    }

    /// That a finite weight is not one of these.
    pub(crate) fn weight_problem(self, weight: f64) -> Option<RewardError> {
        let good = self == Self::Sum || weight > 0.0 || !weight.is_finite();
        let expected = "a number above 0 with `combine = \"geometric_mean\"`";
        RewardError::option(good, "weight", weight, expected)
    }
}

/// `exp(sum_i w_i ln s_i / sum_i w_i)` of weights `w_i` above 0 and scores `s_i` of 0 or more; 0 if a score is 0, and
/// nothing of nothing.
pub(crate) fn geometric_mean(weighted: &[(f64, f64)]) -> Option<f64> {
    let (first, rest) = weighted.split_first()?;
    let (mut heaviest, mut least, mut most) = (first.0, first.1, first.1);
    for &(weight, score) in rest {
        heaviest = heaviest.max(weight);
        least = least.min(score);
        most = most.max(score);
    }
    if least <= 0.0 {
        return Some(0.0);
    }
    let (mut logarithms, mut weights) = (0.0, 0.0);
    for (weight, score) in weighted {
        // Sums of shares of the heaviest weight are finite, whatever the weights.
        let share = weight / heaviest;
        logarithms += share * score.ln();
        weights += share;
    }
    // A mean lies between what it is of, which rounding does not know.
    let mean: f64 = (logarithms / weights).exp();
    Some(mean.clamp(least, most))
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    /// The same as a product of powers.
    fn product(weighted: &[(f64, f64)]) -> f64 {
        let sum: f64 = weighted.iter().map(|(weight, _)| weight).sum();
        weighted.iter().map(|(w, s)| s.powf(w / sum)).product()
    }

    fn close(found: f64, expected: f64) -> bool {
        (found - expected).abs() <= 1e-12 * expected.abs()
    }

    fn mean(weighted: &[(f64, f64)]) -> f64 {
        geometric_mean(weighted).expect("a score")
    }

    proptest! {
        #[test]
        fn mean_is_a_product_of_powers_in_any_unit(
            weighted in vec((1e-3..10.0, 0.0..10.0), 1..6), unit in 1e-9..1e9,
        ) {
            let found = mean(&weighted);
            prop_assert!(close(found, product(&weighted)), "{found}");
            let scaled: Vec<_> = weighted.iter().map(|&(w, s)| (w, s * unit)).collect();
            prop_assert!(close(mean(&scaled), found * unit));
            let heavier: Vec<_> = weighted.iter().map(|&(w, s)| (w * unit, s)).collect();
            prop_assert!(close(mean(&heavier), found));
            // The weighted sum is another number as soon as scores differ.
            let weights: f64 = weighted.iter().map(|(w, _)| w).sum();
            let arithmetic = weighted.iter().map(|(w, s)| w * s).sum::<f64>() / weights;
            prop_assert!(found <= arithmetic * (1.0 + 1e-12));
        }

        #[test]
        fn mean_of_equal_scores_is_that_score(
            weights in vec(f64::MIN_POSITIVE..f64::MAX, 1..6), score in 0.0..f64::MAX,
        ) {
            let weighted: Vec<_> = weights.iter().map(|&weight| (weight, score)).collect();
            prop_assert_eq!(geometric_mean(&weighted), Some(score));
        }
    }

    #[test]
    fn mean_is_0_when_a_score_is_and_finite_at_the_ends_of_numbers() {
        assert_eq!(geometric_mean(&[(1e-300, 0.0), (1e300, 5.0)]), Some(0.0));
        assert_eq!(geometric_mean(&[]), None);
        let (small, large) = (f64::MIN_POSITIVE, f64::MAX);
        let found = mean(&[(large, small), (large, large)]);
        assert!((1.9..2.1).contains(&found), "{found}");
    }
}
