//! The configured list of rewards and its weighted sum.

use std::sync::Arc;

use crate::entry::weight_problem;
use crate::{
    Batch, Candidate, References, Reward, RewardEntry, RewardError, RewardRegistry, RewardSources,
};

/// The scores of one reward of a mixture, before standardisation and weight.
#[derive(Debug, Clone, PartialEq)]
pub struct PartScores {
    /// The reward's name.
    pub name: String,
    /// Its weight.
    pub weight: f64,
    /// One score per caption.
    pub scores: Vec<f64>,
}

/// The scores of a batch.
#[derive(Debug, Clone, PartialEq)]
pub struct MixtureScores {
    /// One weighted sum per caption.
    pub total: Vec<f64>,
    /// The same sum over the self-critical rewards only: what baselines are computed from.
    pub self_critical: Vec<f64>,
    /// What the sums are made of, in the order of the list.
    pub parts: Vec<PartScores>,
}

struct Part {
    weight: f64,
    standardise: bool,
    self_critical: bool,
    reward: Box<dyn Reward>,
}

/// Several rewards as one: `total = sum_i weight_i * score_i`.
pub struct RewardMixture {
    references: Arc<References>,
    parts: Vec<Part>,
}

impl RewardMixture {
    /// The rewards of a configured list.
    ///
    /// # Errors
    /// [`RewardError::NoRewards`] for an empty list; [`RewardError::Entry`] with the first of
    /// [`RewardEntry::problems`], [`RewardError::DuplicateReward`], [`RewardError::EndTokenUnseen`],
    /// [`RewardError::NotRegistered`] or, for a program that does not pass its first test, [`RewardError::Program`].
    pub fn build(
        entries: &[RewardEntry],
        sources: &RewardSources,
        registry: &RewardRegistry,
    ) -> Result<Self, RewardError> {
        if entries.is_empty() {
            return Err(RewardError::NoRewards);
        }
        let mut mixture = Self::new(Arc::clone(sources.references()));
        for (index, entry) in entries.iter().enumerate() {
            let added = registry.reward(entry, sources).and_then(|reward| {
                mixture.add_part(Part {
                    weight: entry.weight,
                    standardise: entry.standardise,
                    self_critical: entry.self_critical,
                    reward,
                })
            });
            added.map_err(|problem| RewardError::Entry {
                entry: index,
                problem: Box::new(problem),
            })?;
        }
        Ok(mixture)
    }

    /// A mixture without any reward yet, for rewards from other crates.
    pub fn new(references: Arc<References>) -> Self {
        Self {
            references,
            parts: Vec::new(),
        }
    }

    /// Adds a reward, self-critical and not standardised.
    ///
    /// # Errors
    /// [`RewardError::DuplicateReward`] when there is one of the same name, [`RewardError::OptionRange`] when the
    /// weight is not finite.
    pub fn add(&mut self, weight: f64, reward: Box<dyn Reward>) -> Result<(), RewardError> {
        self.add_part(Part {
            weight,
            standardise: false,
            self_critical: true,
            reward,
        })
    }

    fn add_part(&mut self, part: Part) -> Result<(), RewardError> {
        weight_problem(part.weight).map_or(Ok(()), Err)?;
        let name = part.reward.name();
        if self.parts.iter().any(|other| other.reward.name() == name) {
            return Err(RewardError::DuplicateReward {
                name: name.to_owned(),
            });
        }
        self.parts.push(part);
        Ok(())
    }

    /// The references that captions are compared with.
    pub fn references(&self) -> &References {
        &self.references
    }

    /// Every part's weight and signature: `1 * cider_d|n:4|... + 0.5 * standardised bleu|n:4|...`.
    pub fn signature(&self) -> String {
        let parts = self.parts.iter().map(|part| {
            let standardised = if part.standardise {
                "standardised "
            } else {
                ""
            };
            let own = if part.self_critical {
                ""
            } else {
                "|baseline:none"
            };
            let signature = part.reward.signature();
            format!("{} * {standardised}{signature}{own}", part.weight)
        });
        parts.collect::<Vec<_>>().join(" + ")
    }

    /// Scores a batch with every reward and adds the weighted scores up.
    ///
    /// # Errors
    /// [`RewardError::NoRewards`] for a mixture that is still empty, [`RewardError::UnknownImage`], any error of a
    /// reward, [`RewardError::ScoreCount`] or [`RewardError::NotFinite`] when a reward is something else than one finite
    /// score per caption, and [`RewardError::Overflow`] when the sum is not finite.
    pub fn score(&mut self, candidates: &[Candidate<'_>]) -> Result<MixtureScores, RewardError> {
        if self.parts.is_empty() {
            return Err(RewardError::NoRewards);
        }
        let batch = Batch::new(&self.references, candidates)?;
        let mut total = vec![0.0; candidates.len()];
        let mut self_critical = total.clone();
        let mut parts = Vec::with_capacity(self.parts.len());
        for part in &mut self.parts {
            let scores = part.reward.score(&batch)?;
            check_scores(part.reward.name(), &scores, &batch)?;
            let comparable = if part.standardise {
                standardised(&scores)
            } else {
                scores.clone()
            };
            let sums = total.iter_mut().zip(&mut self_critical);
            for (caption, ((total, self_critical), score)) in sums.zip(comparable).enumerate() {
                *total += part.weight * score;
                if part.self_critical {
                    *self_critical += part.weight * score;
                }
                if !total.is_finite() || !self_critical.is_finite() {
                    return Err(overflow(part, scores[caption], &batch, caption));
                }
            }
            parts.push(PartScores {
                name: part.reward.name().to_owned(),
                weight: part.weight,
                scores,
            });
        }
        Ok(MixtureScores {
            total,
            self_critical,
            parts,
        })
    }
}

/// `(s - mean) / deviation`, the deviation that of the whole batch; 0 where all are equal.
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

/// That the score of a caption is too large for the sum.
fn overflow(part: &Part, value: f64, batch: &Batch<'_>, caption: usize) -> RewardError {
    let found = batch.iter().nth(caption);
    RewardError::Overflow {
        reward: part.reward.name().to_owned(),
        weight: part.weight,
        text: found.map_or_else(String::new, |(candidate, _)| candidate.text.to_owned()),
        image: found.map_or_else(String::new, |(_, image)| image.id.to_string()),
        value,
    }
}

fn check_scores(reward: &str, scores: &[f64], batch: &Batch<'_>) -> Result<(), RewardError> {
    let (found, expected) = (scores.len(), batch.candidates().len());
    if found != expected {
        return Err(RewardError::ScoreCount {
            reward: reward.to_owned(),
            found,
            expected,
        });
    }
    for (caption, (&value, (_, image))) in scores.iter().zip(batch.iter()).enumerate() {
        if !value.is_finite() {
            let (reward, image) = (reward.to_owned(), image.id.to_string());
            return Err(RewardError::NotFinite {
                reward,
                caption,
                image,
                value,
            });
        }
    }
    Ok(())
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
