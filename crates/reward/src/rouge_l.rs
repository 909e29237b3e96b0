//! ROUGE-L: the longest common subsequence.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::RewardError;

/// The choices of ROUGE-L.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RougeLOptions {
    /// How much recall weighs against precision; 0 or more.
    #[schemars(range(min = 0.0, max = LARGEST_BETA))]
    pub beta: f64,
}

impl Default for RougeLOptions {
    fn default() -> Self {
        Self::COCO
    }
}

impl RougeLOptions {
    /// The choice of coco-caption.
    pub const COCO: Self = Self { beta: 1.2 };

    /// The options outside their ranges.
    pub fn problems(&self) -> Vec<RewardError> {
        let good = (0.0..=LARGEST_BETA).contains(&self.beta);
        RewardError::option(good, "rouge_l.beta", self.beta, "a number from 0 to 1e6")
            .into_iter()
            .collect()
    }
}

/// Recall alone decides long before; above 1e154 the square would overflow.
const LARGEST_BETA: f64 = 1e6;

/// Scores candidates against references.
#[derive(Debug, Clone, Default)]
pub struct RougeLScorer {
    options: RougeLOptions,
    row: Vec<u32>,
}

impl RougeLScorer {
    /// A scorer with these options.
    ///
    /// # Errors
    /// [`RewardError::OptionRange`] when an option is outside its range.
    pub fn new(options: RougeLOptions) -> Result<Self, RewardError> {
        RewardError::first(options.problems())?;
        Ok(Self {
            options,
            row: Vec::new(),
        })
    }

    /// ROUGE-L of one candidate, 0 to 1.
    ///
    /// Lin 2004, eq. 2 to 4, as coco-caption computes it: the two maxima may come from different references.
    /// ```text
    /// P = max_r LCS(c, r) / len_c
    /// R = max_r LCS(c, r) / len_r
    /// F = (1 + beta^2) P R / (R + beta^2 P)        beta 1.2; 0 if P or R is 0
    /// ```
    /// A sequence without tokens matches nothing, so that an empty candidate scores 0 even against an empty reference;
    /// coco-caption's 1 there comes from its way of splitting text, which
    /// [`evaluate_text`](crate::evaluate_text) follows.
    pub fn score<R: AsRef<[u32]>>(&mut self, candidate: &[u32], references: &[R]) -> f64 {
        let (mut precision, mut recall) = (0.0, 0.0);
        for reference in references {
            let reference = reference.as_ref();
            let common = self.longest_common_subsequence(candidate, reference);
            if common > 0 {
                precision = f64::max(precision, f64::from(common) / candidate.len() as f64);
                recall = f64::max(recall, f64::from(common) / reference.len() as f64);
            }
        }
        if precision == 0.0 {
            return 0.0;
        }
        let square = self.options.beta * self.options.beta;
        (1.0 + square) * precision * recall / (recall + square * precision)
    }

    /// Its length, row by row of the usual table.
    pub(crate) fn longest_common_subsequence(&mut self, left: &[u32], right: &[u32]) -> u32 {
        self.row.clear();
        self.row.resize(right.len(), 0);
        for token in left {
            let (mut diagonal, mut before) = (0, 0);
            for (other, length) in right.iter().zip(&mut self.row) {
                let above = *length;
                *length = if token == other {
                    diagonal + 1
                } else {
                    above.max(before)
                };
                (diagonal, before) = (above, *length);
            }
        }
        self.row.last().copied().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scorer() -> RougeLScorer {
        RougeLScorer::new(RougeLOptions::default()).expect("default options")
    }

    #[test]
    fn maxima_are_independent_when_references_differ() {
        let long: Vec<u32> = (0..12).collect();
        let mut scorer = scorer();
        let score = scorer.score(&long[..6], &[long.clone(), vec![5]]);
        assert!((score - 1.0).abs() < 1e-15, "{score}");
    }

    #[test]
    fn score_is_zero_when_a_sequence_is_empty() {
        let mut scorer = scorer();
        assert_eq!(scorer.score(&[], &[&[1, 2][..]]), 0.0);
        assert_eq!(scorer.score(&[1], &[&[][..]]), 0.0);
        assert_eq!(scorer.score(&[], &[&[][..]]), 0.0);
    }

    #[test]
    fn subsequence_may_have_gaps_when_words_are_inserted() {
        let mut scorer = scorer();
        assert_eq!(
            scorer.longest_common_subsequence(&[1, 9, 2, 8, 3], &[1, 2, 7, 3]),
            3
        );
        assert_eq!(scorer.longest_common_subsequence(&[1, 2, 3], &[3, 2, 1]), 1);
    }
}
