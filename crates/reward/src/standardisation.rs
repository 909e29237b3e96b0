//! Scores brought to mean 0 and deviation 1.

use rustc_hash::FxHashMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Batch;

/// The captions that a reward is standardised over, greedy ones among them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StandardiseOver {
    /// All captions that are scored together.
    #[default]
    Batch,
    /// Those of the same source, each source by itself (GDPO, Liu et al. 2026).
    Source,
}

impl StandardiseOver {
    /// `(s - mean) / deviation` within each group of captions, 0 where all are equal. Captions without a score are no
    /// part of their group.
    pub(crate) fn standardise(self, scores: &[Option<f64>], batch: &Batch<'_>) -> Vec<Option<f64>> {
        let mut all = vec![None; scores.len()];
        for mut group in self.groups(batch) {
            group.retain(|&caption| scores[caption].is_some());
            let own: Vec<f64> = group
                .iter()
                .filter_map(|&caption| scores[caption])
                .collect();
            for (caption, score) in group.into_iter().zip(standardised(&own)) {
                all[caption] = Some(score);
            }
        }
        all
    }

    /// Captions that belong together.
    fn groups(self, batch: &Batch<'_>) -> Vec<Vec<usize>> {
        let candidates = batch.candidates();
        match self {
            Self::Batch => vec![(0..candidates.len()).collect()],
            Self::Source => {
                let mut groups: Vec<Vec<usize>> = Vec::new();
                let mut of_image = FxHashMap::default();
                for (caption, candidate) in candidates.iter().enumerate() {
                    let group = *of_image.entry(candidate.image).or_insert(groups.len());
                    if group == groups.len() {
                        groups.push(Vec::new());
                    }
                    groups[group].push(caption);
                }
                groups
            }
        }
    }
}

/// `(s - mean) / deviation`, the deviation that of all these scores; 0 where all are equal.
fn standardised(scores: &[f64]) -> Vec<f64> {
    // Differences from the first, so that equal scores are exactly 0 apart.
    let first = scores.first().copied().unwrap_or(0.0);
    let count = scores.len() as f64;
    let mean = scores.iter().map(|score| score - first).sum::<f64>() / count;
    let centred: Vec<f64> = scores.iter().map(|score| score - first - mean).collect();
    let variance = centred.iter().map(|score| score * score).sum::<f64>() / count;
    if !variance.is_normal() {
        // All are equal, or their squares are no numbers any more, which they are in another unit.
        let is_finite = centred.iter().all(|score| score.is_finite());
        let within = if is_finite { &centred } else { scores };
        let unit = within.iter().fold(0.0, |a: f64, score| a.max(score.abs()));
        if unit == 0.0 {
            return vec![0.0; scores.len()];
        }
        let scaled = scores.iter().map(|score| score / unit);
        return standardised(&scaled.collect::<Vec<_>>());
    }
    let scale = variance.sqrt().recip();
    centred.iter().map(|score| score * scale).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn standardised_scores_do_not_depend_on_their_unit() {
        let scores = [1.0, 2.0, 4.0, 4.0, 9.0];
        let expected = standardised(&scores);
        for unit in [1e-300, 1e-200, 1e-3, 1e3, 1e160, 1e300, 1e307] {
            let found = standardised(&scores.map(|score| score * unit));
            for (found, expected) in found.iter().zip(&expected) {
                assert!((found - expected).abs() < 1e-12, "{unit:e}: {found}");
            }
        }
        // Even the differences of these are no numbers.
        let found = standardised(&[f64::MAX, -f64::MAX]);
        assert_eq!(found, [1.0, -1.0]);
        for equal in [0.0, 1e-300, 1e300] {
            assert_eq!(standardised(&[equal; 3]), [0.0; 3]);
        }
    }
}
