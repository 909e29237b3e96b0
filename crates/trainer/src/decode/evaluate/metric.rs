//! What checkpoints are compared by.

use std::cmp::Ordering;

use scst_reward::{CorpusScores, TextMetric};

use crate::config::ValidationMetric;

/// Where the value of a metric stands.
enum Kind {
    CiderD,
    Bleu4,
    RougeL,
    Text(TextMetric),
}

impl ValidationMetric {
    fn kind(self) -> Kind {
        Kind::Text(match self {
            Self::CiderD => return Kind::CiderD,
            Self::Bleu4 => return Kind::Bleu4,
            Self::RougeL => return Kind::RougeL,
            Self::WordErrorRate => TextMetric::WordErrorRate,
            Self::PhonemeErrorRate => TextMetric::PhonemeErrorRate,
            Self::CharacterErrorRate => TextMetric::CharacterErrorRate,
            Self::ExactMatch => TextMetric::ExactMatch,
            Self::Chrf => TextMetric::Chrf,
            Self::ChrfPlusPlus => TextMetric::ChrfPlusPlus,
            Self::Sacrebleu => TextMetric::Sacrebleu,
            Self::SacrebleuIntl => TextMetric::SacrebleuIntl,
            Self::SacrebleuChar => TextMetric::SacrebleuChar,
            Self::SacrebleuNone => TextMetric::SacrebleuNone,
            Self::RougeScore1 => TextMetric::RougeScore1,
            Self::RougeScore2 => TextMetric::RougeScore2,
            Self::RougeScoreL => TextMetric::RougeScoreL,
        })
    }

    /// The metric of raw text that it is.
    pub fn of_text(self) -> Option<TextMetric> {
        match self.kind() {
            Kind::Text(metric) => Some(metric),
            Kind::CiderD | Kind::Bleu4 | Kind::RougeL => None,
        }
    }

    /// What checkpoints are compared by: this metric, and where it ties CIDEr-D, BLEU-4 and ROUGE-L, those that are others.
    pub fn in_order(self) -> Vec<Self> {
        let all = [Self::CiderD, Self::Bleu4, Self::RougeL];
        let others = all.into_iter().filter(|other| *other != self);
        std::iter::once(self).chain(others).collect()
    }

    /// Its value among the scores of a corpus; not a number where it was not computed.
    pub fn of(self, scores: &CorpusScores) -> f64 {
        match self.kind() {
            Kind::CiderD => scores.cider_d,
            Kind::Bleu4 => scores.bleu[3],
            Kind::RougeL => scores.rouge_l,
            Kind::Text(metric) => scores.text.get(metric).unwrap_or(f64::NAN),
        }
    }

    /// Whether a smaller value is a better one: of error rates.
    pub fn smaller_is_better(self) -> bool {
        self.of_text().is_some_and(TextMetric::smaller_is_better)
    }

    /// By how much one value is better than another, in the units of the metric.
    pub(crate) fn gain(self, value: f64, other: f64) -> f64 {
        if self.smaller_is_better() {
            other - value
        } else {
            value - other
        }
    }

    /// Orders the scores of two corpora by this metric, the better as the greater; nothing where one lacks it.
    pub fn compare(self, a: &CorpusScores, b: &CorpusScores) -> Option<Ordering> {
        let order = self.of(a).partial_cmp(&self.of(b));
        if self.smaller_is_better() {
            order.map(Ordering::reverse)
        } else {
            order
        }
    }

    /// The name in logs.
    pub fn name(self) -> &'static str {
        match self.kind() {
            Kind::CiderD => "cider_d",
            Kind::Bleu4 => "bleu_4",
            Kind::RougeL => "rouge_l",
            Kind::Text(metric) => metric.name(),
        }
    }

    /// The name on pictures.
    pub fn label(self) -> &'static str {
        match self.kind() {
            Kind::CiderD => "CIDEr-D",
            Kind::Bleu4 => "BLEU-4",
            Kind::RougeL => "ROUGE-L",
            Kind::Text(metric) => metric.label(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn smaller_values_are_better_when_the_metric_is_an_error_rate() {
        let scores = |value| {
            let mut scores = CorpusScores::default();
            scores.text.set(TextMetric::PhonemeErrorRate, value);
            scores.text.set(TextMetric::ExactMatch, value);
            scores
        };
        let (low, high) = (scores(0.25), scores(0.5));
        let rate = ValidationMetric::PhonemeErrorRate;
        assert_eq!(rate.compare(&low, &high), Some(Ordering::Greater));
        assert_eq!(rate.gain(0.25, 0.5), 0.25);
        let exact = ValidationMetric::ExactMatch;
        assert_eq!(exact.compare(&low, &high), Some(Ordering::Less));
        assert_eq!(exact.gain(0.25, 0.5), -0.25);
        // A checkpoint of a run that was validated by another metric.
        assert_eq!(rate.compare(&low, &CorpusScores::default()), None);
    }

    #[test]
    fn names_are_those_of_configurations_when_metrics_are_logged() {
        for metric in TextMetric::ALL {
            let of_name = serde_json::from_value::<ValidationMetric>(metric.name().into());
            let of_name = of_name.expect("a metric of every name");
            assert_eq!(
                (of_name.of_text(), of_name.name()),
                (Some(metric), metric.name())
            );
        }
        assert_eq!(ValidationMetric::Bleu4.name(), "bleu_4");
    }
}
