//! Error rates by edit distance: of words, of phonemes and of characters.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::RewardError;
use crate::edit_distance::edit_distance;
use crate::interner::{is_python_space, python_words};
use crate::text_scorer::{TextScorer, case_name, cased, whole};
use crate::word_index::WordIndex;

/// What is inserted, deleted and substituted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorUnit {
    /// Words between white space: the word error rate (WER) of speech recognition.
    Word,
    /// Phonemes between white space: the phoneme error rate (PER). It is counted as that of words is; only the name
    /// differs, because a "word" of grapheme-to-phoneme conversion is the whole sequence of phonemes, and its "word
    /// error rate" is 1 less the [exact match](crate::exact_match).
    Phoneme,
    /// Unicode code points, white space between words included: the character error rate (CER).
    Character,
}

impl ErrorUnit {
    /// The name of the error rate in configurations and logs.
    pub fn key(self) -> &'static str {
        match self {
            Self::Word => "word_error_rate",
            Self::Phoneme => "phoneme_error_rate",
            Self::Character => "character_error_rate",
        }
    }
}

/// The choices of an error rate.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ErrorRateOptions {
    /// Whether both sides are brought to lower case first.
    pub lowercase: bool,
}

impl ErrorRateOptions {
    /// The options outside their ranges: none ever are.
    pub fn problems(&self) -> Vec<RewardError> {
        Vec::new()
    }
}

/// The edits of a candidate, or their sum over a corpus, and the length of what it is compared with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ErrorCounts {
    /// Insertions, deletions and substitutions.
    pub edits: u64,
    /// Units of the reference.
    pub length: u64,
}

impl ErrorCounts {
    /// The error rate, 0 or more; above 1 where there are more edits than the references have units.
    ///
    /// ```text
    /// rate = sum edits / max(1, sum length)
    /// ```
    /// As jiwer 4.0 has it, also for references that are all empty: the number of insertions.
    pub fn rate(self) -> f64 {
        self.edits as f64 / self.length.max(1) as f64
    }

    /// Of several references the one with the lowest rate, of equal rates the one with the fewest edits.
    fn better(self, other: Self) -> Self {
        let rate =
            |ours: Self, theirs: Self| u128::from(ours.edits) * u128::from(theirs.length.max(1));
        if (rate(other, self), other.edits) < (rate(self, other), self.edits) {
            other
        } else {
            self
        }
    }
}

/// Counts the edits of candidates.
///
/// ```text
/// (edits, length) = (d(c, r), len r) of the reference r for which d(c, r) / max(1, len r) is lowest
/// ```
/// where `d` is the [edit distance](crate::edit_distance::edit_distance). Which of several references counts is decided per candidate,
/// as for words with several pronunciations in PRONALSYL and its successors; jiwer knows one reference only.
#[derive(Debug, Clone, Copy)]
pub struct ErrorRateScorer {
    unit: ErrorUnit,
    lowercase: bool,
}

impl ErrorRateScorer {
    /// A scorer with these options.
    pub fn new(unit: ErrorUnit, options: ErrorRateOptions) -> Self {
        Self {
            unit,
            lowercase: options.lowercase,
        }
    }

    /// The edits of one candidate; none and no length without a reference.
    pub fn count<R: AsRef<str>>(&self, candidate: &str, references: &[R]) -> ErrorCounts {
        let references: Vec<&str> = references.iter().map(AsRef::as_ref).collect();
        self.statistics(candidate, &self.prepare(&references))
    }
}

/// References as ids.
#[derive(Debug, Clone, Default)]
pub(crate) struct PreparedUnits {
    words: WordIndex,
    references: Vec<Vec<u32>>,
}

fn characters(text: &str) -> Vec<u32> {
    let text = text.trim_matches(is_python_space);
    text.chars().map(u32::from).collect()
}

impl TextScorer for ErrorRateScorer {
    type References = PreparedUnits;
    type Statistics = ErrorCounts;

    fn prepare(&self, references: &[&str]) -> PreparedUnits {
        let mut prepared = PreparedUnits::default();
        for reference in references {
            let text = cased(reference, self.lowercase);
            prepared.references.push(match self.unit {
                ErrorUnit::Word | ErrorUnit::Phoneme => prepared.words.insert(python_words(&text)),
                ErrorUnit::Character => characters(&text),
            });
        }
        prepared
    }

    fn statistics(&self, candidate: &str, prepared: &PreparedUnits) -> ErrorCounts {
        let text = cased(candidate, self.lowercase);
        let units = match self.unit {
            ErrorUnit::Word | ErrorUnit::Phoneme => prepared.words.find(python_words(&text)),
            ErrorUnit::Character => characters(&text),
        };
        let counts = prepared.references.iter().map(|reference| ErrorCounts {
            edits: edit_distance(&units, reference) as u64,
            length: reference.len() as u64,
        });
        counts.reduce(ErrorCounts::better).unwrap_or_default()
    }

    fn add(&self, sum: &mut ErrorCounts, more: ErrorCounts) {
        sum.edits += more.edits;
        sum.length += more.length;
    }

    fn of_sentence(&self, counts: &ErrorCounts) -> f64 {
        counts.rate()
    }

    fn width(&self) -> usize {
        2
    }

    fn numbers(&self, counts: &ErrorCounts) -> Vec<f64> {
        vec![counts.edits as f64, counts.length as f64]
    }

    fn of_numbers(&self, numbers: &[f64]) -> ErrorCounts {
        ErrorCounts {
            edits: whole(numbers[0]),
            length: whole(numbers[1]),
        }
    }

    fn signature(&self) -> String {
        let (key, case) = (self.unit.key(), case_name(self.lowercase));
        format!("{key}|refs:lowest|case:{case}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(unit: ErrorUnit, candidate: &str, references: &[&str]) -> (u64, u64) {
        let counts =
            ErrorRateScorer::new(unit, ErrorRateOptions::default()).count(candidate, references);
        (counts.edits, counts.length)
    }

    #[test]
    fn lowest_rate_counts_when_another_reference_has_fewer_edits() {
        // 2 of 5 against 1 of 2.
        let references = ["a x", "a b y d z"];
        assert_eq!(count(ErrorUnit::Word, "a b c d e", &references), (2, 5));
        assert_eq!(count(ErrorUnit::Phoneme, "a", &references), (1, 2));
        // 1 of 2 and 2 of 4 are the same rate.
        assert_eq!(count(ErrorUnit::Word, "a b", &["a b c d", "a x"]), (1, 2));
    }

    #[test]
    fn rate_is_the_number_of_insertions_when_references_are_empty() {
        assert_eq!(count(ErrorUnit::Word, "", &[""]), (0, 0));
        let scorer = ErrorRateScorer::new(ErrorUnit::Character, ErrorRateOptions::default());
        assert_eq!(scorer.count(" ab ", &[""]).rate(), 2.0);
        assert_eq!(scorer.count("", &["ab"]).rate(), 1.0);
    }

    #[test]
    fn units_are_split_when_words_or_characters_are_asked_for() {
        assert_eq!(count(ErrorUnit::Word, " a\tc ", &["a  b"]), (1, 2));
        assert_eq!(count(ErrorUnit::Character, "aé 🐕", &["ae 🐕"]), (1, 4));
        assert_eq!(count(ErrorUnit::Character, "ab", &["a b"]), (1, 3));
    }

    #[test]
    fn case_is_ignored_when_it_is_lowered() {
        let scorer = ErrorRateScorer::new(ErrorUnit::Word, ErrorRateOptions { lowercase: true });
        assert_eq!(scorer.count("A b", &["a B"]).edits, 0);
        assert_eq!(count(ErrorUnit::Word, "A b", &["a B"]).0, 2);
    }
}
