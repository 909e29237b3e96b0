//! The configured list of rewards and its weighted sum.

use std::cell::LazyCell;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::rouge_l::RougeLOptions;
use crate::{
    Batch, BleuOptions, BleuReward, Candidate, CiderDOptions, CiderDReward, DocumentFrequency,
    ReferenceNgrams, References, Reward, RewardError, RougeLReward,
};

/// The metrics that an entry may set, for messages.
const METRICS: &str = "cider_d, bleu, rouge_l";

/// One entry of the list of rewards: a weight and exactly one metric, such as `weight = 1.0, cider_d = {}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RewardEntry {
    /// What the metric's scores are multiplied by; may be negative.
    pub weight: f64,
    /// CIDEr-D, 0 to 10.
    pub cider_d: Option<CiderDOptions>,
    /// Sentence BLEU, 0 to 1.
    pub bleu: Option<BleuOptions>,
    /// ROUGE-L, 0 to 1.
    pub rouge_l: Option<RougeLOptions>,
}

impl Default for RewardEntry {
    fn default() -> Self {
        Self {
            weight: 1.0,
            cider_d: None,
            bleu: None,
            rouge_l: None,
        }
    }
}

/// The metric of an entry.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Metric {
    /// CIDEr-D.
    CiderD(CiderDOptions),
    /// Sentence BLEU.
    Bleu(BleuOptions),
    /// ROUGE-L.
    RougeL(RougeLOptions),
}

impl Metric {
    /// The key that sets it.
    fn key(&self) -> &'static str {
        match self {
            Self::CiderD(_) => "cider_d",
            Self::Bleu(_) => "bleu",
            Self::RougeL(_) => "rouge_l",
        }
    }

    /// The options outside their ranges.
    fn problems(&self) -> Vec<RewardError> {
        match self {
            Self::CiderD(options) => options.problems(),
            Self::Bleu(options) => options.problems(),
            Self::RougeL(options) => options.problems(),
        }
    }
}

impl RewardEntry {
    /// The one metric that is set.
    ///
    /// # Errors
    /// [`RewardError::MetricCount`] when none or several are set.
    pub fn metric(&self) -> Result<Metric, RewardError> {
        let metrics = [
            self.cider_d.map(Metric::CiderD),
            self.bleu.map(Metric::Bleu),
            self.rouge_l.map(Metric::RougeL),
        ];
        let metrics: Vec<_> = metrics.into_iter().flatten().collect();
        if let [metric] = metrics[..] {
            return Ok(metric);
        }
        let keys: Vec<_> = metrics.iter().map(Metric::key).collect();
        let found = if keys.is_empty() {
            "no metric".to_owned()
        } else {
            keys.join(" and ")
        };
        Err(RewardError::MetricCount {
            found,
            expected: METRICS,
        })
    }

    /// Everything that is wrong with the entry; empty when it can be built.
    pub fn problems(&self) -> Vec<RewardError> {
        let mut problems = match self.metric() {
            Ok(metric) => metric.problems(),
            Err(error) => vec![error],
        };
        problems.extend(weight_problem(self.weight));
        problems
    }
}

fn weight_problem(weight: f64) -> Option<RewardError> {
    RewardError::option(weight.is_finite(), "weight", weight, "a finite number")
}

/// The scores of one reward of a mixture, before its weight.
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
    /// What the sums are made of, in the order of the list.
    pub parts: Vec<PartScores>,
}

struct Part {
    weight: f64,
    reward: Box<dyn Reward>,
}

/// What the built-in rewards are made from.
struct Sources<'a, F> {
    references: &'a References,
    ngrams: LazyCell<Arc<ReferenceNgrams>, F>,
    frequency: Arc<DocumentFrequency>,
}

impl<F: FnOnce() -> Arc<ReferenceNgrams>> Sources<'_, F> {
    fn reward(&self, entry: &RewardEntry) -> Result<Box<dyn Reward>, RewardError> {
        RewardError::first(entry.problems())?;
        let references = self.references;
        let ngrams = || Arc::clone(&self.ngrams);
        Ok(match entry.metric()? {
            Metric::CiderD(options) => Box::new(CiderDReward::new(
                options,
                references,
                ngrams(),
                Arc::clone(&self.frequency),
            )?),
            Metric::Bleu(options) => Box::new(BleuReward::new(options, references, ngrams())?),
            Metric::RougeL(options) => Box::new(RougeLReward::new(options, references)?),
        })
    }
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
    /// [`RewardEntry::problems`], [`RewardError::DuplicateReward`] or [`RewardError::EndTokenUnseen`].
    pub fn build(
        entries: &[RewardEntry],
        references: Arc<References>,
        frequency: Arc<DocumentFrequency>,
    ) -> Result<Self, RewardError> {
        if entries.is_empty() {
            return Err(RewardError::NoRewards);
        }
        let mut mixture = Self::new(Arc::clone(&references));
        let sources = Sources {
            ngrams: LazyCell::new(|| Arc::new(ReferenceNgrams::new(&references))),
            references: &references,
            frequency,
        };
        for (index, entry) in entries.iter().enumerate() {
            let added = sources
                .reward(entry)
                .and_then(|reward| mixture.add(entry.weight, reward));
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

    /// Adds a reward.
    ///
    /// # Errors
    /// [`RewardError::DuplicateReward`] when there is one of the same name, [`RewardError::OptionRange`] when the
    /// weight is not finite.
    pub fn add(&mut self, weight: f64, reward: Box<dyn Reward>) -> Result<(), RewardError> {
        weight_problem(weight).map_or(Ok(()), Err)?;
        if self
            .parts
            .iter()
            .any(|part| part.reward.name() == reward.name())
        {
            return Err(RewardError::DuplicateReward {
                name: reward.name().to_owned(),
            });
        }
        self.parts.push(Part { weight, reward });
        Ok(())
    }

    /// The references that captions are compared with.
    pub fn references(&self) -> &References {
        &self.references
    }

    /// Every part's weight and signature: `1 * cider_d|n:4|... + 0.5 * bleu|n:4|...`.
    pub fn signature(&self) -> String {
        let parts = self
            .parts
            .iter()
            .map(|part| format!("{} * {}", part.weight, part.reward.signature()));
        parts.collect::<Vec<_>>().join(" + ")
    }

    /// Scores a batch with every reward and adds the weighted scores up.
    ///
    /// # Errors
    /// [`RewardError::NoRewards`] for a mixture that is still empty, [`RewardError::UnknownImage`], any error of a
    /// reward, and [`RewardError::ScoreCount`] or [`RewardError::NotFinite`] when a reward, or the sum, is something
    /// else than one finite score per caption.
    pub fn score(&mut self, candidates: &[Candidate<'_>]) -> Result<MixtureScores, RewardError> {
        if self.parts.is_empty() {
            return Err(RewardError::NoRewards);
        }
        let batch = Batch::new(&self.references, candidates)?;
        let mut total = vec![0.0; candidates.len()];
        let mut parts = Vec::with_capacity(self.parts.len());
        for Part { weight, reward } in &mut self.parts {
            let scores = reward.score(&batch)?;
            check_scores(reward.name(), &scores, &batch)?;
            for (total, score) in total.iter_mut().zip(&scores) {
                *total += *weight * score;
            }
            parts.push(PartScores {
                name: reward.name().to_owned(),
                weight: *weight,
                scores,
            });
        }
        check_scores("total", &total, &batch)?;
        Ok(MixtureScores { total, parts })
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
            let (reward, image) = (reward.to_owned(), image.id.clone());
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
