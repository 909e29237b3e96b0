//! BLEU-1 to BLEU-4, per sentence and per corpus.

mod formula;
mod options;

use std::ops::{Add, AddAssign};
use std::sync::Arc;

use crate::ngram::MAX_ORDER;
use crate::ngram_index::CountedNgrams;
use crate::reference_ngrams::ImageNgrams;
use crate::text_scorer::whole;
use crate::{ReferenceNgrams, RewardError};

pub use formula::BleuScore;
pub use options::{BleuOptions, BleuSmoothing, ReferenceLength};

/// What determines BLEU's numbers beyond the order with the default options, for signatures.
pub(crate) const SIGNATURE: &str = "length:closest|tiny:1e-15|small:1e-9";

/// The counts that BLEU is computed from, whatever its options; those of a corpus are the sum of those of its sentences.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct BleuStatistics {
    /// N-grams of the candidate that a reference holds, clipped, by order.
    pub correct: [u64; MAX_ORDER],
    /// N-grams of the candidate, by order.
    pub guess: [u64; MAX_ORDER],
    /// Tokens of the candidate.
    pub candidate_length: u64,
    /// Tokens of the reference, by each way to choose it.
    pub reference_lengths: ReferenceLengths,
}

/// The reference length of one sentence, or their sum, by each way to choose it.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct ReferenceLengths {
    /// Of the reference closest in length, the shorter of two equally close.
    pub closest: u64,
    /// Of the shortest reference.
    pub shortest: u64,
    /// The mean over the references, which need not be whole.
    pub average: f64,
}

impl ReferenceLengths {
    /// Those of a candidate of `length` tokens; 0 without references.
    pub(crate) fn new(references: &[u32], length: u64) -> Self {
        let lengths = references.iter().map(|&reference| u64::from(reference));
        let (mut closest, mut shortest, mut total) = ((u64::MAX, 0), u64::MAX, 0);
        for reference in lengths {
            closest = closest.min((reference.abs_diff(length), reference));
            shortest = shortest.min(reference);
            total += reference;
        }
        if references.is_empty() {
            return Self::default();
        }
        Self {
            closest: closest.1,
            shortest,
            average: total as f64 / references.len() as f64,
        }
    }

    /// The one that an option asks for.
    pub fn length(&self, which: ReferenceLength) -> f64 {
        match which {
            ReferenceLength::Closest => self.closest as f64,
            ReferenceLength::Shortest => self.shortest as f64,
            ReferenceLength::Average => self.average,
        }
    }
}

impl AddAssign for ReferenceLengths {
    fn add_assign(&mut self, other: Self) {
        self.closest += other.closest;
        self.shortest += other.shortest;
        self.average += other.average;
    }
}

impl BleuStatistics {
    /// Compares one candidate of `length` tokens, whose n-grams were counted, with its image's references.
    pub(crate) fn count(length: usize, counted: &CountedNgrams, image: ImageNgrams<'_>) -> Self {
        let length = length as u64;
        let mut statistics = Self {
            candidate_length: length,
            reference_lengths: ReferenceLengths::new(image.lengths(), length),
            ..Self::default()
        };
        for order in 1..=MAX_ORDER {
            statistics.guess[order - 1] = (length + 1).saturating_sub(order as u64);
            for seen in counted.seen(order) {
                let counts = image.holders(order, seen.id).iter();
                let most = counts.map(|posting| posting.count).max().unwrap_or(0);
                statistics.correct[order - 1] += u64::from(seen.count.min(most));
            }
        }
        statistics
    }
}

/// Numbers of [`BleuStatistics`].
pub(crate) const BLEU_NUMBERS: usize = 2 * MAX_ORDER + 4;

impl BleuStatistics {
    /// All of them as numbers, which add up.
    pub(crate) fn numbers(&self) -> [f64; BLEU_NUMBERS] {
        let mut numbers = [0.0; BLEU_NUMBERS];
        for order in 0..MAX_ORDER {
            numbers[order] = self.correct[order] as f64;
            numbers[MAX_ORDER + order] = self.guess[order] as f64;
        }
        let lengths = &self.reference_lengths;
        let (closest, shortest) = (lengths.closest as f64, lengths.shortest as f64);
        let others = [
            self.candidate_length as f64,
            closest,
            shortest,
            lengths.average,
        ];
        numbers[2 * MAX_ORDER..].copy_from_slice(&others);
        numbers
    }

    /// Those that these are the numbers of.
    pub(crate) fn of_numbers(numbers: &[f64]) -> Self {
        let mut statistics = Self::default();
        for order in 0..MAX_ORDER {
            statistics.correct[order] = whole(numbers[order]);
            statistics.guess[order] = whole(numbers[MAX_ORDER + order]);
        }
        let others = &numbers[2 * MAX_ORDER..];
        statistics.candidate_length = whole(others[0]);
        statistics.reference_lengths = ReferenceLengths {
            closest: whole(others[1]),
            shortest: whole(others[2]),
            average: others[3],
        };
        statistics
    }
}

impl AddAssign for BleuStatistics {
    fn add_assign(&mut self, other: Self) {
        for order in 0..MAX_ORDER {
            self.correct[order] += other.correct[order];
            self.guess[order] += other.guess[order];
        }
        self.candidate_length += other.candidate_length;
        self.reference_lengths += other.reference_lengths;
    }
}

impl Add for BleuStatistics {
    type Output = Self;

    fn add(mut self, other: Self) -> Self {
        self += other;
        self
    }
}

/// Counts candidates against references whose n-grams were counted once.
#[derive(Debug, Clone)]
pub struct BleuScorer {
    references: Arc<ReferenceNgrams>,
    counted: CountedNgrams,
}

impl BleuScorer {
    /// A scorer for these references.
    pub fn new(references: Arc<ReferenceNgrams>) -> Self {
        Self {
            references,
            counted: CountedNgrams::default(),
        }
    }

    /// The statistics of one caption of the image at this index; [`BleuStatistics::score`] gives its sentence BLEU.
    ///
    /// # Errors
    /// [`RewardError::UnknownImage`] when there is no such image.
    pub fn statistics(
        &mut self,
        image: usize,
        tokens: &[u32],
    ) -> Result<BleuStatistics, RewardError> {
        let image = self.references.image(image)?;
        self.counted.count(self.references.index(), tokens);
        Ok(BleuStatistics::count(tokens.len(), &self.counted, image))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statistics(candidate: &[u32], references: &[&[u32]]) -> BleuStatistics {
        let references = ReferenceNgrams::of_images([references].into_iter());
        let mut scorer = BleuScorer::new(Arc::new(references));
        scorer.statistics(0, candidate).expect("one image")
    }

    #[test]
    fn closest_length_is_the_shorter_when_two_are_equally_close() {
        let lengths = statistics(&[1, 2, 3], &[&[1; 4], &[1; 2], &[1; 9]]).reference_lengths;
        assert_eq!((lengths.closest, lengths.shortest), (2, 2));
        assert_eq!(lengths.average, 5.0);
        let lengths = statistics(&[1, 2, 3], &[&[1; 4], &[]]).reference_lengths;
        assert_eq!((lengths.closest, lengths.shortest), (4, 0));
    }

    #[test]
    fn correct_is_clipped_by_the_largest_count_when_references_repeat() {
        let statistics = statistics(&[1, 1, 1, 2], &[&[1, 2], &[1, 1]]);
        assert_eq!(statistics.correct, [3, 2, 0, 0]);
        assert_eq!(statistics.guess, [4, 3, 2, 1]);
    }

    #[test]
    fn scores_are_zero_when_the_candidate_is_empty() {
        assert_eq!(statistics(&[], &[&[1, 2]]).scores(), [0.0; 4]);
        assert_eq!(statistics(&[], &[&[]]).scores(), [0.0; 4]);
    }

    #[test]
    fn statistics_add_up_when_sentences_are_merged() {
        let sum = statistics(&[1, 2], &[&[1, 2, 3], &[1]]) + statistics(&[4], &[&[4]]);
        assert_eq!(sum.correct, [3, 1, 0, 0]);
        assert_eq!(sum.guess, [3, 1, 0, 0]);
        let lengths = sum.reference_lengths;
        assert_eq!((lengths.closest, lengths.shortest), (2, 2));
        assert_eq!((sum.candidate_length, lengths.average), (3, 3.0));
    }

    #[test]
    fn evaluation_signature_is_that_of_the_default_options() {
        let expected = format!("n:4|{SIGNATURE}");
        assert_eq!(BleuOptions::default().signature(), expected);
    }
}
