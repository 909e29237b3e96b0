//! What metrics of raw text have in common.

use std::borrow::Cow;

/// A metric of raw text: what it keeps of references, what it counts of a candidate, and its score of counts.
pub(crate) trait TextScorer: Clone + Send + Sync {
    /// The references of one candidate or several, prepared.
    type References: Clone + Send + Sync;
    /// What is counted of a candidate against its references.
    type Statistics: Send;

    fn prepare(&self, references: &[&str]) -> Self::References;

    fn statistics(&self, candidate: &str, references: &Self::References) -> Self::Statistics;

    /// The statistics of two corpora, or two sentences, as one.
    fn add(&self, sum: &mut Self::Statistics, more: Self::Statistics);

    /// The score of one candidate.
    fn of_sentence(&self, statistics: &Self::Statistics) -> f64;

    /// The score of a corpus, from summed statistics.
    fn of_corpus(&self, statistics: &Self::Statistics) -> f64 {
        self.of_sentence(statistics)
    }

    /// How many numbers the statistics are.
    fn width(&self) -> usize;

    /// The statistics as numbers, which add up as the statistics do.
    fn numbers(&self, statistics: &Self::Statistics) -> Vec<f64>;

    /// The statistics that these are the numbers of.
    fn of_numbers(&self, numbers: &[f64]) -> Self::Statistics;

    /// Every choice that changes the score, without references and versions.
    fn signature(&self) -> String;

    /// Every choice that changes the score of a corpus.
    fn corpus_signature(&self) -> String {
        self.signature()
    }
}

/// Numbers that are whole.
pub(crate) fn whole(number: f64) -> u64 {
    number.round() as u64
}

/// A mean over sentences, as statistics.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Mean {
    pub(crate) sum: f64,
    pub(crate) sentences: u64,
}

impl Mean {
    pub(crate) fn of_one(score: f64) -> Self {
        Self {
            sum: score,
            sentences: 1,
        }
    }

    pub(crate) fn add(&mut self, more: Self) {
        self.sum += more.sum;
        self.sentences += more.sentences;
    }

    pub(crate) fn score(&self) -> f64 {
        self.sum / self.sentences.max(1) as f64
    }

    /// How many numbers it is.
    pub(crate) const WIDTH: usize = 2;

    pub(crate) fn numbers(self) -> Vec<f64> {
        vec![self.sum, self.sentences as f64]
    }

    pub(crate) fn of_numbers(numbers: &[f64]) -> Self {
        Self {
            sum: numbers[0],
            sentences: whole(numbers[1]),
        }
    }
}

/// Text in lower case, where that is asked for; as Python's `str.lower` does.
pub(crate) fn cased(text: &str, lowercase: bool) -> Cow<'_, str> {
    if lowercase {
        Cow::Owned(text.to_lowercase())
    } else {
        Cow::Borrowed(text)
    }
}

/// The case of letters, for signatures.
pub(crate) fn case_name(lowercase: bool) -> &'static str {
    if lowercase { "lc" } else { "mixed" }
}

/// A choice of two, for signatures.
pub(crate) fn yes_no(choice: bool) -> &'static str {
    if choice { "yes" } else { "no" }
}
