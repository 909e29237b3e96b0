//! What the score of a reward goes through before it is standardised, weighted and combined with others.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::RewardError;

/// A function of the score `s` of a caption by one reward. Parameters are in the unit of that reward's scores, which
/// are 0 to 10 for CIDEr-D.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Transform {
    /// The score, no lower than `low` and no higher than `high`; one of the two may be left out.
    ///
    /// ```text
    /// min(max(s, low), high)
    /// ```
    /// In the unit of the score.
    Clip {
        /// Scores below become this one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(extend("examples" = [0.0]))]
        low: Option<f64>,
        /// Scores above become this one; more than `low`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(extend("examples" = [1.0]))]
        high: Option<f64>,
    },
    /// Between 0 and 1, and 1/2 at `centre`.
    ///
    /// ```text
    /// 1 / (1 + exp(-steepness (s - centre)))
    /// ```
    /// Without a unit.
    Sigmoid {
        /// The score that becomes 1/2.
        #[schemars(extend("examples" = [0.5]))]
        centre: f64,
        /// How fast it rises, per unit of the score; below 0 it falls, and 0 is no steepness.
        #[schemars(extend("examples" = [10.0]))]
        steepness: f64,
    },
    /// Whether the score reaches `threshold`: 1, else 0.
    ///
    /// ```text
    /// 1 if s >= threshold, else 0
    /// ```
    /// Without a unit.
    Step {
        /// The least score that becomes 1.
        #[schemars(extend("examples" = [0.5]))]
        threshold: f64,
    },
}

impl Transform {
    /// What becomes of a finite score: another finite number, whatever the sizes of both.
    pub fn apply(self, score: f64) -> f64 {
        match self {
            Self::Clip { low, high } => {
                let raised = low.map_or(score, |low| score.max(low));
                high.map_or(raised, |high| raised.min(high))
            }
            Self::Sigmoid { centre, steepness } => {
                // The difference of halves is finite where that of the numbers may not be.
                sigmoid(2.0 * (steepness * (score / 2.0 - centre / 2.0)))
            }
            Self::Step { threshold } => f64::from(u8::from(score >= threshold)),
        }
    }

    /// Whether no score becomes less than 0.
    pub(crate) fn is_never_negative(self) -> bool {
        match self {
            Self::Clip { low, .. } => low.is_some_and(|low| low >= 0.0),
            Self::Sigmoid { .. } | Self::Step { .. } => true,
        }
    }

    /// The parameters outside their ranges.
    pub fn problems(&self) -> Vec<RewardError> {
        let finite = |option, value: f64| {
            RewardError::option(value.is_finite(), option, value, "a finite number")
        };
        let problems = match *self {
            Self::Clip {
                low: None,
                high: None,
            } => vec![Some(RewardError::OptionValue {
                option: "transform.clip",
                found: "nothing".to_owned(),
                expected: "low, high or both",
            })],
            Self::Clip { low, high } => vec![
                low.and_then(|low| finite("transform.clip.low", low)),
                high.and_then(|high| finite("transform.clip.high", high)),
                crossed(low, high),
            ],
            Self::Sigmoid { centre, steepness } => vec![
                finite("transform.sigmoid.centre", centre),
                RewardError::option(
                    steepness.is_finite() && steepness != 0.0,
                    "transform.sigmoid.steepness",
                    steepness,
                    "a finite number other than 0",
                ),
            ],
            Self::Step { threshold } => vec![finite("transform.step.threshold", threshold)],
        };
        problems.into_iter().flatten().collect()
    }

    /// The transform in a signature: `transform:clip|low:0|high:1`.
    pub(crate) fn signature(self) -> String {
        match self {
            Self::Clip { low, high } => {
                let end = |name, end: Option<f64>| {
                    end.map_or_else(String::new, |end| format!("|{name}:{end}"))
                };
                format!("transform:clip{}{}", end("low", low), end("high", high))
            }
            Self::Sigmoid { centre, steepness } => {
                format!("transform:sigmoid|centre:{centre}|steepness:{steepness}")
            }
            Self::Step { threshold } => format!("transform:step|threshold:{threshold}"),
        }
    }
}

/// That the ends of a clip are the wrong way round, if both are numbers.
fn crossed(low: Option<f64>, high: Option<f64>) -> Option<RewardError> {
    let (low, high) = low.zip(high)?;
    (low.is_finite() && high.is_finite() && low >= high).then(|| RewardError::OptionValue {
        option: "transform.clip.high",
        found: format!("{high:?} with a low of {low:?}"),
        expected: "more than low",
    })
}

/// `1 / (1 + exp(-x))`, by the exponential that does not overflow.
fn sigmoid(x: f64) -> f64 {
    let small = (-x.abs()).exp();
    let numerator = if x < 0.0 { small } else { 1.0 };
    numerator / (1.0 + small)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn finite() -> impl Strategy<Value = f64> {
        prop_oneof![
            -5.0..5.0,
            any::<f64>().prop_filter("finite", |x| x.is_finite())
        ]
    }

    fn transform() -> impl Strategy<Value = Transform> {
        prop_oneof![
            (finite(), finite()).prop_map(|(a, b)| Transform::Clip {
                low: Some(a.min(b)),
                high: Some(a.max(b)),
            }),
            finite().prop_map(|low| Transform::Clip {
                low: Some(low),
                high: None,
            }),
            (finite(), finite()).prop_map(|(centre, steepness)| Transform::Sigmoid {
                centre,
                steepness: steepness.abs(),
            }),
            finite().prop_map(|threshold| Transform::Step { threshold }),
        ]
    }

    proptest! {
        #[test]
        fn larger_scores_never_become_smaller_and_stay_within_bounds(
            transform in transform(), a in finite(), b in finite(),
        ) {
            let (less, more) = (a.min(b), a.max(b));
            let (before, after) = (transform.apply(less), transform.apply(more));
            // Exponentials are exact to the last bits alone.
            prop_assert!(before <= after || before - after < 1e-15, "{before} {after}");
            let bounds = match transform {
                Transform::Clip { low, high } => {
                    (low.unwrap_or(f64::MIN), high.unwrap_or(f64::MAX))
                }
                _ => (0.0, 1.0),
            };
            prop_assert!((bounds.0..=bounds.1).contains(&before), "{before} of {bounds:?}");
            prop_assert_eq!(transform.is_never_negative(), bounds.0 >= 0.0);
        }

        #[test]
        fn falling_sigmoid_is_what_a_rising_one_leaves_of_1(
            centre in -5.0..5.0, steepness in 0.01..10.0, score in -9.0..9.0,
        ) {
            let rising = Transform::Sigmoid { centre, steepness }.apply(score);
            let falling = Transform::Sigmoid { centre, steepness: -steepness }.apply(score);
            prop_assert!((rising + falling - 1.0).abs() < 1e-15);
            let naive = 1.0 / (1.0 + (-steepness * (score - centre)).exp());
            prop_assert!((rising - naive).abs() < 1e-14, "{rising} {naive}");
        }
    }

    #[test]
    fn scores_of_any_size_become_numbers() {
        let sigmoid = |centre, steepness| Transform::Sigmoid { centre, steepness };
        assert_eq!(sigmoid(-f64::MAX, f64::MAX).apply(f64::MAX), 1.0);
        assert_eq!(sigmoid(f64::MAX, f64::MAX).apply(-f64::MAX), 0.0);
        assert_eq!(sigmoid(f64::MAX, 1.0).apply(f64::MAX), 0.5);
        // A difference beyond all numbers, which the steepness brings back to 2.
        let found = sigmoid(-f64::MAX, f64::MAX.recip()).apply(f64::MAX);
        assert!(
            (found - 1.0 / (1.0 + (-2.0_f64).exp())).abs() < 1e-12,
            "{found}"
        );
        // Small, and not yet 0.
        assert!(sigmoid(0.0, 1.0).apply(-740.0) > 0.0);
        let step = Transform::Step { threshold: 0.5 };
        assert_eq!([0.4, 0.5, f64::MAX].map(|s| step.apply(s)), [0.0, 1.0, 1.0]);
        let clip = Transform::Clip {
            low: Some(-1.0),
            high: Some(2.0),
        };
        assert_eq!([-7.0, 0.5, 7.0].map(|s| clip.apply(s)), [-1.0, 0.5, 2.0]);
    }

    #[test]
    fn parameters_are_refused_when_they_are_out_of_range() {
        let clip = |low, high| Transform::Clip { low, high };
        let sigmoid = |centre, steepness| Transform::Sigmoid { centre, steepness };
        for (transform, expected) in [
            (
                clip(None, None),
                "transform.clip: found nothing, expected low, high or both",
            ),
            (
                clip(Some(f64::NAN), Some(1.0)),
                "transform.clip.low: found NaN, expected a finite number",
            ),
            (
                clip(None, Some(f64::INFINITY)),
                "transform.clip.high: found inf, expected a finite number",
            ),
            (
                clip(Some(1.0), Some(1.0)),
                "transform.clip.high: found 1.0 with a low of 1.0, expected more than low",
            ),
            (
                sigmoid(f64::NAN, 1.0),
                "transform.sigmoid.centre: found NaN, expected a finite number",
            ),
            (
                sigmoid(0.0, 0.0),
                "transform.sigmoid.steepness: found 0, expected a finite number other than 0",
            ),
            (
                Transform::Step {
                    threshold: f64::INFINITY,
                },
                "transform.step.threshold: found inf, expected a finite number",
            ),
        ] {
            let problems = transform.problems();
            let messages: Vec<_> = problems.iter().map(ToString::to_string).collect();
            assert_eq!(messages, [expected]);
        }
        assert!(clip(None, Some(1.0)).problems().is_empty());
        assert!(sigmoid(1.0, -2.0).problems().is_empty());
    }

    #[test]
    fn signature_names_every_parameter() {
        let clip = Transform::Clip {
            low: Some(0.0),
            high: None,
        };
        assert_eq!(clip.signature(), "transform:clip|low:0");
        let sigmoid = Transform::Sigmoid {
            centre: 0.5,
            steepness: -2.0,
        };
        assert_eq!(
            sigmoid.signature(),
            "transform:sigmoid|centre:0.5|steepness:-2"
        );
        let step = Transform::Step { threshold: -0.1 };
        assert_eq!(step.signature(), "transform:step|threshold:-0.1");
    }
}
