//! Exact match.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::RewardError;
use crate::interner::python_words;
use crate::text_scorer::{Mean, TextScorer, case_name, cased};

/// The choices of exact match.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ExactMatchOptions {
    /// Whether both sides are brought to lower case first.
    pub lowercase: bool,
}

impl ExactMatchOptions {
    /// The options outside their ranges: none ever are.
    pub fn problems(&self) -> Vec<RewardError> {
        Vec::new()
    }
}

/// Whether a candidate is a reference.
///
/// ```text
/// match = 1 if the words of c are those of some reference, else 0
/// ```
/// Words stand between white space, however much of it. The mean over a corpus is the accuracy; 1 less it is the "word
/// error rate" of grapheme-to-phoneme conversion.
#[derive(Debug, Clone, Copy)]
pub struct ExactMatchScorer {
    options: ExactMatchOptions,
}

impl ExactMatchScorer {
    /// A scorer with these options.
    pub fn new(options: ExactMatchOptions) -> Self {
        Self { options }
    }

    /// Whether the candidate is one of the references.
    pub fn is_match<R: AsRef<str>>(&self, candidate: &str, references: &[R]) -> bool {
        let references: Vec<&str> = references.iter().map(AsRef::as_ref).collect();
        self.prepare(&references).contains(&self.words(candidate))
    }

    /// The words, joined by single spaces.
    fn words(self, text: &str) -> String {
        let text = cased(text, self.options.lowercase);
        python_words(&text).collect::<Vec<_>>().join(" ")
    }
}

impl TextScorer for ExactMatchScorer {
    type References = Vec<String>;
    type Statistics = Mean;

    fn prepare(&self, references: &[&str]) -> Vec<String> {
        references.iter().map(|text| self.words(text)).collect()
    }

    fn statistics(&self, candidate: &str, references: &Vec<String>) -> Mean {
        let is_match = references.contains(&self.words(candidate));
        Mean::of_one(f64::from(u8::from(is_match)))
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
        format!("exact_match|case:{}", case_name(self.options.lowercase))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_reference_matches_when_there_are_several() {
        let scorer = ExactMatchScorer::new(ExactMatchOptions::default());
        assert!(scorer.is_match(" HH AH0  L OW1", &["x", "HH AH0 L OW1"]));
        assert!(!scorer.is_match("HH AH0 L", &["x", "HH AH0 L OW1"]));
        assert!(!scorer.is_match("hh", &["HH"]));
        assert!(scorer.is_match("", &[" "]));
        let lowered = ExactMatchScorer::new(ExactMatchOptions { lowercase: true });
        assert!(lowered.is_match("hh", &["HH"]));
    }
}
