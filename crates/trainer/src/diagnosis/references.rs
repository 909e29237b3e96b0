//! What the references of a data set are good for.

use std::fmt;

use scst_data::Example;
use scst_reward::{CorpusScores, FrequencySource, Item, evaluate_text};

use crate::config::ValidationMetric;

/// How far the normal distribution goes that holds 95 %.
const NORMAL: f64 = 1.96;
/// The largest deviation of scores from 0 to 1.
const LARGEST_DEVIATION: f64 = 0.5;
/// Fewer validation sources tell runs apart that nobody needs to measure.
const FEW: usize = 100;

/// How many references sources have.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ReferenceCounts {
    /// The fewest.
    pub fewest: usize,
    /// The mean.
    pub mean: f64,
    /// The most.
    pub most: usize,
}

impl ReferenceCounts {
    /// Of some sources; nothing of none.
    pub(crate) fn of(examples: &[Example]) -> Option<Self> {
        let counts = || examples.iter().map(|example| example.references().len());
        Some(Self {
            fewest: counts().min()?,
            mean: counts().sum::<usize>() as f64 / examples.len() as f64,
            most: counts().max()?,
        })
    }
}

/// What validations can tell apart.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Resolution {
    /// The validation metric.
    pub metric: ValidationMetric,
    /// Sources that are validated.
    pub sources: usize,
    /// The difference of two captioners that chance exceeds in one of twenty cases.
    ///
    /// ```text
    /// 1.96 s / sqrt(sources),   s: deviation of the scores of single sources
    /// ```
    /// With the first reference of every source as its caption, and scores of two captioners that correlate by a half, as is
    /// usual. Where references cannot be scored, the largest `s` that scores from 0 to 1 can have.
    pub difference: f64,
}

impl Resolution {
    /// Of these sources; nothing of none.
    pub(crate) fn of(metric: ValidationMetric, examples: &[&Example]) -> Option<Self> {
        let references: Vec<Vec<&str>> =
            examples.iter().map(|e| e.references().collect()).collect();
        Self::of_references(metric, &references)
    }

    /// The same from the references of every source.
    fn of_references<R: AsRef<str> + Sync>(
        metric: ValidationMetric,
        references: &[Vec<R>],
    ) -> Option<Self> {
        let sources = references.len();
        let deviation = deviation(metric, references).unwrap_or(LARGEST_DEVIATION);
        (sources > 0).then(|| Self {
            metric,
            sources,
            difference: NORMAL * deviation / (sources as f64).sqrt(),
        })
    }

    /// Whether there are too few sources to tell apart what matters.
    pub(crate) fn is_low(&self) -> bool {
        self.sources < FEW
    }
}

impl fmt::Display for Resolution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            metric,
            sources,
            difference,
        } = self;
        write!(
            f,
            "key `validation`: found {sources} sources, which tell two captioners apart by differences in {} of {difference:.2} and more, \
             expected enough for .01: validate on more of them, or compare runs of several seeds",
            metric.label()
        )
    }
}

/// The deviation of the scores of single references; none where sources have one alone, or the metric is of raw text.
fn deviation<R: AsRef<str> + Sync>(metric: ValidationMetric, references: &[Vec<R>]) -> Option<f64> {
    if metric.of_text().is_some() {
        return None;
    }
    let pairs = references.iter().filter_map(|references| {
        let (first, others) = references.split_first()?;
        (!others.is_empty()).then_some((first, others))
    });
    let items: Vec<Item<'_, str, R>> = pairs
        .map(|(candidate, references)| Item {
            candidate: candidate.as_ref(),
            references,
        })
        .collect();
    let scores = evaluate_text(&items, FrequencySource::Corpus)
        .ok()?
        .captions;
    let values: Vec<f64> = scores.iter().map(|s: &CorpusScores| metric.of(s)).collect();
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let squares = values.iter().map(|value| (value - mean).powi(2));
    Some((squares.sum::<f64>() / values.len() as f64).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources(texts: &[&[&str]]) -> Vec<Vec<String>> {
        let own = |texts: &&[&str]| texts.iter().map(|&text| text.to_owned()).collect();
        texts.iter().map(own).collect()
    }

    fn of(metric: ValidationMetric, sources: &[Vec<String>]) -> Option<Resolution> {
        Resolution::of_references(metric, sources)
    }

    #[test]
    fn resolution_is_that_of_the_scores_of_held_out_references() {
        // ROUGE-L of the first reference against the others: 1 for every second source, 0 for the rest.
        let alike: &[&str] = &["a dog", "a dog"];
        let apart: &[&str] = &["a dog", "two cats"];
        let all = sources(&[[alike, apart]; 50].concat());
        let found = of(ValidationMetric::RougeL, &all).unwrap();
        assert_eq!(found.sources, 100);
        assert!((found.difference - 1.96 * 0.5 / 10.0).abs() < 1e-9);
        assert!(!found.is_low() && of(ValidationMetric::RougeL, &all[1..]).unwrap().is_low());
    }

    #[test]
    fn resolution_has_a_bound_where_nothing_can_be_held_out() {
        let single = sources(&[&["a dog"], &["a cat"], &["a cow"], &["a man"]]);
        for metric in [ValidationMetric::CiderD, ValidationMetric::ExactMatch] {
            let found = of(metric, &single).unwrap();
            assert!((found.difference - 0.49).abs() < 1e-12, "{metric:?}");
        }
        assert_eq!(of(ValidationMetric::CiderD, &[]), None);
    }
}
