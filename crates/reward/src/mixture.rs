//! The configured list of rewards as one.

use std::sync::Arc;

use crate::combination::geometric_mean;
use crate::entry::weight_problem;
use crate::{
    Batch, Candidate, Combination, References, Reward, RewardEntry, RewardError, RewardRegistry,
    RewardSources, StandardiseOver, Transform,
};

/// The scores of one reward of a mixture, before transform, standardisation and weight.
#[derive(Debug, Clone, PartialEq)]
pub struct PartScores {
    /// The reward's name.
    pub name: String,
    /// Its weight.
    pub weight: f64,
    /// One score per caption; none where the reward does not apply.
    pub scores: Vec<Option<f64>>,
}

/// The scores of a batch.
#[derive(Debug, Clone, PartialEq)]
pub struct MixtureScores {
    /// One number per caption, by the mixture's [`Combination`]; 0 where no reward applies.
    pub total: Vec<f64>,
    /// The same of the self-critical rewards only: what baselines are computed from.
    pub self_critical: Vec<f64>,
    /// For every caption, whether a reward applies to it that baselines are computed from; any, where none is.
    pub applies: Vec<bool>,
    /// What the totals are made of, in the order of the list.
    pub parts: Vec<PartScores>,
}

struct Part {
    weight: f64,
    transform: Option<Transform>,
    standardise: Option<StandardiseOver>,
    self_critical: bool,
    reward: Box<dyn Reward>,
}

impl Part {
    /// Scores as they are combined with those of other rewards, but for the weight.
    fn comparable(&self, scores: &[Option<f64>], batch: &Batch<'_>) -> Vec<Option<f64>> {
        let apply = |score| {
            self.transform
                .map_or(score, |transform| transform.apply(score))
        };
        let scores: Vec<_> = scores.iter().map(|score| score.map(apply)).collect();
        match self.standardise {
            Some(over) => over.standardise(&scores, batch),
            None => scores,
        }
    }

    /// Its weight and every choice that changes its scores.
    fn signature(&self) -> String {
        let standardised = match self.standardise {
            None => "",
            Some(StandardiseOver::Batch) => "standardised ",
            Some(StandardiseOver::Source) => "standardised per source ",
        };
        let transform = self.transform.map_or_else(String::new, |transform| {
            format!("|{}", transform.signature())
        });
        let own = if self.self_critical {
            ""
        } else {
            "|baseline:none"
        };
        let (weight, signature) = (self.weight, self.reward.signature());
        format!("{weight} * {standardised}{signature}{transform}{own}")
    }
}

/// Several rewards as one, by default their weighted sum.
pub struct RewardMixture {
    references: Arc<References>,
    combination: Combination,
    parts: Vec<Part>,
}

impl RewardMixture {
    /// The weighted sum of the rewards of a configured list.
    ///
    /// # Errors
    /// As [`build_combined`](Self::build_combined).
    pub fn build(
        entries: &[RewardEntry],
        sources: &RewardSources,
        registry: &RewardRegistry,
    ) -> Result<Self, RewardError> {
        Self::build_combined(Combination::Sum, entries, sources, registry)
    }

    /// The rewards of a configured list, combined.
    ///
    /// # Errors
    /// [`RewardError::NoRewards`] for an empty list; [`RewardError::Entry`] with the first of
    /// [`Combination::problems`] and [`RewardEntry::problems`], [`RewardError::DuplicateReward`],
    /// [`RewardError::EndTokenUnseen`], [`RewardError::NotRegistered`] or, for a program that does not pass its first test, [`RewardError::Program`].
    pub fn build_combined(
        combination: Combination,
        entries: &[RewardEntry],
        sources: &RewardSources,
        registry: &RewardRegistry,
    ) -> Result<Self, RewardError> {
        if entries.is_empty() {
            return Err(RewardError::NoRewards);
        }
        let mut mixture = Self {
            combination,
            ..Self::new(Arc::clone(sources.references()))
        };
        for (index, entry) in entries.iter().enumerate() {
            let fits = RewardError::first(combination.problems(entry));
            let reward = fits.and_then(|()| registry.reward(entry, sources));
            let added = reward.and_then(|reward| {
                mixture.add_part(Part {
                    weight: entry.weight,
                    transform: entry.transform,
                    standardise: entry.standardised_over(),
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
            combination: Combination::Sum,
            parts: Vec::new(),
        }
    }

    /// Adds a reward, self-critical, its scores as they are.
    ///
    /// # Errors
    /// [`RewardError::DuplicateReward`] when there is one of the same name, [`RewardError::OptionRange`] when the
    /// weight is not finite, or not above 0 in a geometric mean.
    pub fn add(&mut self, weight: f64, reward: Box<dyn Reward>) -> Result<(), RewardError> {
        self.add_part(Part {
            weight,
            transform: None,
            standardise: None,
            self_critical: true,
            reward,
        })
    }

    fn add_part(&mut self, part: Part) -> Result<(), RewardError> {
        let problem = weight_problem(part.weight);
        let problem = problem.or_else(|| self.combination.weight_problem(part.weight));
        problem.map_or(Ok(()), Err)?;
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

    /// Every part's weight and signature: `1 * cider_d|n:4|... + 0.5 * standardised bleu|n:4|...`; of a geometric mean,
    /// `geometric_mean(1 * cider_d|n:4|..., 0.5 * bleu|n:4|...)`.
    pub fn signature(&self) -> String {
        let parts: Vec<_> = self.parts.iter().map(Part::signature).collect();
        match self.combination {
            Combination::Sum => parts.join(" + "),
            Combination::GeometricMean => format!("geometric_mean({})", parts.join(", ")),
        }
    }

    /// Scores a batch with every reward and combines the scores.
    ///
    /// # Errors
    /// Those of [`raw_scores`](Self::raw_scores) and [`combine`](Self::combine).
    pub fn score(&mut self, candidates: &[Candidate<'_>]) -> Result<MixtureScores, RewardError> {
        let scores = self.raw_scores(candidates)?;
        self.combine(candidates, scores)
    }

    /// What every reward gives to the captions of a batch, in the order of the list: before transform, standardisation and
    /// weight, so that the scores of several batches can be put together before they are [combined](Self::combine).
    ///
    /// # Errors
    /// [`RewardError::NoRewards`] for a mixture that is still empty, [`RewardError::UnknownImage`], any error of a
    /// reward, [`RewardError::ScoreCount`] or [`RewardError::NotFinite`] when a reward is something else than one finite
    /// score per caption or none.
    pub fn raw_scores(
        &mut self,
        candidates: &[Candidate<'_>],
    ) -> Result<Vec<Vec<Option<f64>>>, RewardError> {
        if self.parts.is_empty() {
            return Err(RewardError::NoRewards);
        }
        let batch = Batch::new(&self.references, candidates)?;
        let mut all = Vec::with_capacity(self.parts.len());
        for part in &mut self.parts {
            let scores = part.reward.applicable_scores(&batch)?;
            check_scores(part.reward.name(), &scores, &batch)?;
            all.push(scores);
        }
        Ok(all)
    }

    /// One score per caption of a batch, from what the rewards give to them, in the order of the list.
    ///
    /// # Errors
    /// [`RewardError::UnknownImage`], [`RewardError::ScoreCount`] when there is not one score of every reward per caption,
    /// [`RewardError::Overflow`] when a sum is not finite and [`RewardError::NegativeScore`] when a geometric mean has no meaning.
    pub fn combine(
        &self,
        candidates: &[Candidate<'_>],
        scores: Vec<Vec<Option<f64>>>,
    ) -> Result<MixtureScores, RewardError> {
        let batch = Batch::new(&self.references, candidates)?;
        let mut scores = scores.into_iter();
        let mut parts = Vec::with_capacity(self.parts.len());
        let mut comparable = Vec::with_capacity(self.parts.len());
        for part in &self.parts {
            let scores = scores.next().unwrap_or_default();
            check_scores(part.reward.name(), &scores, &batch)?;
            comparable.push(part.comparable(&scores, &batch));
            parts.push(PartScores {
                name: part.reward.name().to_owned(),
                weight: part.weight,
                scores,
            });
        }
        let (total, self_critical) = match self.combination {
            Combination::Sum => self.sums(&comparable, &parts, &batch)?,
            Combination::GeometricMean => {
                let total = self.geometric_means(&comparable, &batch)?;
                (total.clone(), total)
            }
        };
        let no_baselines = !self.parts.iter().any(|part| part.self_critical);
        let counts = self
            .parts
            .iter()
            .map(|part| part.self_critical || no_baselines);
        let counted: Vec<&Vec<Option<f64>>> = comparable
            .iter()
            .zip(counts)
            .filter_map(|(scores, counts)| counts.then_some(scores))
            .collect();
        let applies = |caption: usize| counted.iter().any(|scores| scores[caption].is_some());
        Ok(MixtureScores {
            total,
            self_critical,
            applies: (0..candidates.len()).map(applies).collect(),
            parts,
        })
    }

    /// The weighted sum of every caption's scores, and that of the self-critical rewards alone.
    fn sums(
        &self,
        comparable: &[Vec<Option<f64>>],
        raw: &[PartScores],
        batch: &Batch<'_>,
    ) -> Result<(Vec<f64>, Vec<f64>), RewardError> {
        let mut total = vec![0.0; batch.candidates().len()];
        let mut self_critical = total.clone();
        for ((part, scores), raw) in self.parts.iter().zip(comparable).zip(raw) {
            let sums = total.iter_mut().zip(&mut self_critical);
            for (caption, ((total, self_critical), score)) in sums.zip(scores).enumerate() {
                let Some(score) = score else { continue };
                *total += part.weight * score;
                if part.self_critical {
                    *self_critical += part.weight * score;
                }
                if !total.is_finite() || !self_critical.is_finite() {
                    let (text, image) = text_and_image(batch, caption);
                    return Err(RewardError::Overflow {
                        reward: raw.name.clone(),
                        weight: part.weight,
                        text,
                        image,
                        value: raw.scores[caption].unwrap_or(*score),
                    });
                }
            }
        }
        Ok((total, self_critical))
    }

    /// The weighted geometric mean of every caption's scores.
    fn geometric_means(
        &self,
        comparable: &[Vec<Option<f64>>],
        batch: &Batch<'_>,
    ) -> Result<Vec<f64>, RewardError> {
        let mean = |caption: usize| {
            let mut weighted = Vec::with_capacity(self.parts.len());
            for (part, scores) in self.parts.iter().zip(comparable) {
                let Some(value) = scores[caption] else {
                    continue;
                };
                if value < 0.0 {
                    let (text, image) = text_and_image(batch, caption);
                    return Err(RewardError::NegativeScore {
                        reward: part.reward.name().to_owned(),
                        text,
                        image,
                        value,
                    });
                }
                weighted.push((part.weight, value));
            }
            Ok(geometric_mean(&weighted).unwrap_or(0.0))
        };
        (0..batch.candidates().len()).map(mean).collect()
    }
}

/// The words of a caption and the id of its image, for messages.
fn text_and_image(batch: &Batch<'_>, caption: usize) -> (String, String) {
    let (candidate, image) = batch.of(caption);
    (candidate.text.to_owned(), image.id.to_string())
}

fn check_scores(
    reward: &str,
    scores: &[Option<f64>],
    batch: &Batch<'_>,
) -> Result<(), RewardError> {
    let (found, expected) = (scores.len(), batch.candidates().len());
    if found != expected {
        return Err(RewardError::ScoreCount {
            reward: reward.to_owned(),
            found,
            expected,
        });
    }
    for (caption, score) in scores.iter().enumerate() {
        if let Some(value) = score.filter(|score| !score.is_finite()) {
            let (reward, (_, image)) = (reward.to_owned(), text_and_image(batch, caption));
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
