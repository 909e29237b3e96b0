//! The metrics of raw text by name.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A metric of raw text, with the options that reports have.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TextMetric {
    /// Word error rate: edits over words of the references. Smaller is better.
    WordErrorRate,
    /// Phoneme error rate: the same over phonemes between spaces. Smaller is better.
    PhonemeErrorRate,
    /// Character error rate. Smaller is better.
    CharacterErrorRate,
    /// The share of outputs that are a reference, 0 to 1.
    ExactMatch,
    /// chrF of sacrebleu, 0 to 1.
    Chrf,
    /// chrF++ of sacrebleu, 0 to 1.
    #[serde(rename = "chrf++")]
    ChrfPlusPlus,
    /// BLEU of sacrebleu on raw text, tokenizer 13a, 0 to 1.
    Sacrebleu,
    /// The same with the tokenizer intl.
    SacrebleuIntl,
    /// The same with characters as words.
    SacrebleuChar,
    /// The same with words as they stand.
    SacrebleuNone,
    /// ROUGE-1 of rouge-score, 0 to 1.
    #[serde(rename = "rouge_score_1")]
    RougeScore1,
    /// ROUGE-2 of rouge-score, 0 to 1.
    #[serde(rename = "rouge_score_2")]
    RougeScore2,
    /// ROUGE-L of rouge-score, 0 to 1.
    RougeScoreL,
}

impl TextMetric {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::WordErrorRate,
        Self::PhonemeErrorRate,
        Self::CharacterErrorRate,
        Self::ExactMatch,
        Self::Chrf,
        Self::ChrfPlusPlus,
        Self::Sacrebleu,
        Self::SacrebleuIntl,
        Self::SacrebleuChar,
        Self::SacrebleuNone,
        Self::RougeScore1,
        Self::RougeScore2,
        Self::RougeScoreL,
    ];

    /// The name in configurations, flags and logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::WordErrorRate => "word_error_rate",
            Self::PhonemeErrorRate => "phoneme_error_rate",
            Self::CharacterErrorRate => "character_error_rate",
            Self::ExactMatch => "exact_match",
            Self::Chrf => "chrf",
            Self::ChrfPlusPlus => "chrf++",
            Self::Sacrebleu => "sacrebleu",
            Self::SacrebleuIntl => "sacrebleu_intl",
            Self::SacrebleuChar => "sacrebleu_char",
            Self::SacrebleuNone => "sacrebleu_none",
            Self::RougeScore1 => "rouge_score_1",
            Self::RougeScore2 => "rouge_score_2",
            Self::RougeScoreL => "rouge_score_l",
        }
    }

    /// The name in tables and on pictures.
    pub fn label(self) -> &'static str {
        match self {
            Self::WordErrorRate => "WER",
            Self::PhonemeErrorRate => "PER",
            Self::CharacterErrorRate => "CER",
            Self::ExactMatch => "exact match",
            Self::Chrf => "chrF",
            Self::ChrfPlusPlus => "chrF++",
            Self::Sacrebleu => "sacreBLEU",
            Self::SacrebleuIntl => "sacreBLEU intl",
            Self::SacrebleuChar => "sacreBLEU char",
            Self::SacrebleuNone => "sacreBLEU none",
            Self::RougeScore1 => "ROUGE-1 (rouge-score)",
            Self::RougeScore2 => "ROUGE-2 (rouge-score)",
            Self::RougeScoreL => "ROUGE-L (rouge-score)",
        }
    }

    /// Whether a smaller value is a better one.
    pub fn smaller_is_better(self) -> bool {
        matches!(
            self,
            Self::WordErrorRate | Self::PhonemeErrorRate | Self::CharacterErrorRate
        )
    }

    /// Whether one value is better than another.
    pub fn is_better(self, value: f64, other: f64) -> bool {
        if self.smaller_is_better() {
            value < other
        } else {
            value > other
        }
    }
}

/// The values of those metrics that were asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct TextScores {
    values: [Option<f64>; TextMetric::ALL.len()],
}

impl TextScores {
    /// The value of a metric, if it was asked for.
    pub fn get(&self, metric: TextMetric) -> Option<f64> {
        self.values[metric as usize]
    }

    /// The same with the value of a metric.
    pub fn set(&mut self, metric: TextMetric, value: f64) {
        self.values[metric as usize] = Some(value);
    }

    /// Every metric that was asked for, with its value.
    pub fn iter(&self) -> impl Iterator<Item = (TextMetric, f64)> {
        let metrics = TextMetric::ALL.into_iter();
        metrics.filter_map(|metric| Some((metric, self.get(metric)?)))
    }

    /// Whether none was asked for.
    pub fn is_empty(&self) -> bool {
        self.values.iter().all(Option::is_none)
    }
}

impl Serialize for TextScores {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'de> Deserialize<'de> for TextScores {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut scores = Self::default();
        for (metric, value) in BTreeMap::<TextMetric, f64>::deserialize(deserializer)? {
            scores.set(metric, value);
        }
        Ok(scores)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::CorpusScores;

    #[test]
    fn names_are_those_of_configurations_when_metrics_are_written() {
        for (index, metric) in TextMetric::ALL.into_iter().enumerate() {
            assert_eq!(metric as usize, index);
            assert_eq!(serde_json::to_value(metric).expect("a name"), metric.name());
        }
    }

    #[test]
    fn scores_come_back_when_written_and_read() {
        let mut scores = TextScores::default();
        assert!(scores.is_empty());
        scores.set(TextMetric::ChrfPlusPlus, 0.25);
        scores.set(TextMetric::ExactMatch, 1.0);
        let json = serde_json::to_string(&scores).expect("plain values");
        assert_eq!(json, r#"{"exact_match":1.0,"chrf++":0.25}"#);
        let read: TextScores = serde_json::from_str(&json).expect("what was written");
        assert_eq!(read, scores);
        assert_eq!(read.get(TextMetric::Chrf), None);
    }

    #[test]
    fn scores_without_metrics_of_text_stay_readable_when_they_were_written_before() {
        let written = r#"{"cider_d":1.5,"bleu":[0.5,0.25,0.125,0.0],"rouge_l":0.75}"#;
        let scores: CorpusScores = serde_json::from_str(written).expect("scores");
        assert!(scores.text.is_empty());
        assert_eq!(
            serde_json::to_string(&scores).expect("plain values"),
            written
        );
    }
}
