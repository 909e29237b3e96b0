//! ROUGE-1, ROUGE-2 and ROUGE-L on raw text, as Google's rouge-score computes them.
//!
//! coco-caption's ROUGE-L, of words that a tokenizer made before and with its own F, is another: [`rouge_l`](crate::rouge_l).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ngram_overlap::NgramOverlap;
use crate::text_scorer::{Mean, TextScorer};
use crate::word_index::WordIndex;
use crate::{RewardError, RougeLScorer};

/// The version whose numbers these are.
const ROUGE_SCORE: &str = "0.1.2";

/// What candidate and reference have in common.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub enum RougeKind {
    /// ROUGE-1: words.
    #[serde(rename = "1")]
    One,
    /// ROUGE-2: pairs of words.
    #[serde(rename = "2")]
    Two,
    /// ROUGE-L: the longest common subsequence of words.
    #[default]
    #[serde(rename = "l")]
    L,
}

impl RougeKind {
    /// The name of the metric in logs.
    pub fn key(self) -> &'static str {
        match self {
            Self::One => "rouge_score_1",
            Self::Two => "rouge_score_2",
            Self::L => "rouge_score_l",
        }
    }

    /// Its longest n-gram.
    fn order(self) -> usize {
        match self {
            Self::One => 1,
            Self::Two => 2,
            Self::L => 0,
        }
    }
}

/// The choices of rouge-score.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RougeScoreOptions {
    /// Which ROUGE: `"1"`, `"2"` or `"l"`.
    pub kind: RougeKind,
}

impl RougeScoreOptions {
    /// The options outside their ranges: none ever are.
    pub fn problems(&self) -> Vec<RewardError> {
        Vec::new()
    }
}

/// Scores candidates by ROUGE: Lin 2004, as rouge-score 0.1.2 computes it without its stemmer.
///
/// ```text
/// ROUGE-N  common = n-grams in common, each as often as the side that has fewer
///          P = common / n-grams of c        R = common / n-grams of r
/// ROUGE-L  P = LCS(c, r) / len_c            R = LCS(c, r) / len_r
/// F = 2 P R / (P + R)                       0 if P + R is 0
/// ```
/// Words are the runs of `a` to `z` and `0` to `9` in the lower-cased text: all other characters, letters of other
/// scripts included, part words and are lost. Of several references the highest F counts; the score of a corpus is the
/// mean.
#[derive(Debug, Clone)]
pub struct RougeScorer {
    kind: RougeKind,
}

impl RougeScorer {
    /// A scorer with these options.
    pub fn new(options: RougeScoreOptions) -> Self {
        Self { kind: options.kind }
    }

    /// The F of one candidate, 0 to 1; 0 without a reference.
    pub fn score<R: AsRef<str>>(&self, candidate: &str, references: &[R]) -> f64 {
        let references: Vec<&str> = references.iter().map(AsRef::as_ref).collect();
        self.of_sentence(&self.statistics(candidate, &self.prepare(&references)))
    }
}

/// References as ids and as n-grams.
#[derive(Debug, Clone)]
pub(crate) struct PreparedRouge {
    words: WordIndex,
    references: Vec<Vec<u32>>,
    ngrams: NgramOverlap,
}

fn words(lowered: &str) -> impl Iterator<Item = &str> {
    lowered
        .split(|character: char| !matches!(character, 'a'..='z' | '0'..='9'))
        .filter(|word| !word.is_empty())
}

fn f_measure(common: u64, candidate: u64, reference: u64) -> f64 {
    if common == 0 {
        return 0.0;
    }
    let precision = common as f64 / candidate as f64;
    let recall = common as f64 / reference as f64;
    2.0 * precision * recall / (precision + recall)
}

impl TextScorer for RougeScorer {
    type References = PreparedRouge;
    type Statistics = Mean;

    fn prepare(&self, references: &[&str]) -> PreparedRouge {
        let mut prepared = PreparedRouge {
            words: WordIndex::default(),
            references: Vec::new(),
            ngrams: NgramOverlap::new(self.kind.order()),
        };
        for reference in references {
            let ids = prepared.words.insert(words(&reference.to_lowercase()));
            prepared.ngrams.add_reference(&ids);
            prepared.references.push(ids);
        }
        prepared
    }

    fn statistics(&self, candidate: &str, prepared: &PreparedRouge) -> Mean {
        let ids = prepared.words.find(words(&candidate.to_lowercase()));
        let best = match self.kind {
            RougeKind::One | RougeKind::Two => {
                let counts = prepared.ngrams.count(&ids);
                let overlaps = prepared.ngrams.overlaps(ids.len(), &counts);
                overlaps
                    .filter_map(|orders| orders.last().copied())
                    .map(|last| f_measure(last.common, last.candidate, last.reference))
                    .fold(0.0, f64::max)
            }
            RougeKind::L => {
                let mut table = RougeLScorer::default();
                let references = prepared.references.iter();
                references
                    .map(|reference| {
                        let common = table.longest_common_subsequence(&ids, reference);
                        f_measure(common.into(), ids.len() as u64, reference.len() as u64)
                    })
                    .fold(0.0, f64::max)
            }
        };
        Mean::of_one(best)
    }

    fn add(&self, sum: &mut Mean, more: Mean) {
        sum.add(more);
    }

    fn of_sentence(&self, mean: &Mean) -> f64 {
        mean.score()
    }

    fn width(&self) -> usize {
        Mean::WIDTH
    }

    fn numbers(&self, mean: &Mean) -> Vec<f64> {
        mean.numbers()
    }

    fn of_numbers(&self, numbers: &[f64]) -> Mean {
        Mean::of_numbers(numbers)
    }

    fn signature(&self) -> String {
        let key = self.kind.key();
        format!("{key}|f:1|refs:highest|stemmer:no|as:{ROUGE_SCORE}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn score(kind: RougeKind, candidate: &str, references: &[&str]) -> f64 {
        RougeScorer::new(RougeScoreOptions { kind }).score(candidate, references)
    }

    #[test]
    fn score_equals_the_hand_computed_when_texts_are_short() {
        let references = ["zzz", "The cat's 2 mats!"];
        // the, cat, 2 of 4 and 5 words.
        let close =
            |found: f64, expected: f64| assert!((found - expected).abs() < 1e-15, "{found}");
        close(
            score(RougeKind::One, "the 2 CAT sat", &references),
            2.0 * 0.75 * 0.6 / 1.35,
        );
        assert_eq!(score(RougeKind::Two, "the 2 cat sat", &references), 0.0);
        // the, cat or the, 2.
        close(
            score(RougeKind::L, "the 2 cat sat", &references),
            2.0 * 0.5 * 0.4 / 0.9,
        );
    }

    #[test]
    fn score_is_zero_when_a_side_has_no_word() {
        for kind in [RougeKind::One, RougeKind::Two, RougeKind::L] {
            assert_eq!(score(kind, "", &[""]), 0.0);
            assert_eq!(score(kind, "кот", &["кот"]), 0.0);
        }
    }
}
