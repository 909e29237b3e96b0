//! BLEU-1 to BLEU-4, per sentence and per corpus.

use std::ops::{Add, AddAssign};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::ngram::MAX_ORDER;
use crate::ngram_index::CountedNgrams;
use crate::reference_ngrams::ImageNgrams;
use crate::{ReferenceNgrams, RewardError};

/// Keeps a numerator above 0.
const TINY: f64 = 1e-15;
/// Keeps a denominator above 0.
const SMALL: f64 = 1e-9;

/// What determines BLEU's numbers beyond the order, for signatures.
pub(crate) const SIGNATURE: &str = "length:closest|tiny:1e-15|small:1e-9";

/// The choices of sentence BLEU as a reward.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BleuOptions {
    /// The longest n-gram counted, 1 to 4.
    pub order: usize,
}

impl Default for BleuOptions {
    fn default() -> Self {
        Self { order: MAX_ORDER }
    }
}

impl BleuOptions {
    /// The options outside their ranges.
    pub fn problems(&self) -> Vec<RewardError> {
        let good = (1..=MAX_ORDER).contains(&self.order);
        RewardError::option(good, "bleu.order", self.order as f64, "1, 2, 3 or 4")
            .into_iter()
            .collect()
    }
}

/// The integers that BLEU is computed from; those of a corpus are the sum of those of its sentences.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BleuStatistics {
    /// N-grams of the candidate that a reference holds, clipped, by order.
    pub correct: [u64; MAX_ORDER],
    /// N-grams of the candidate, by order.
    pub guess: [u64; MAX_ORDER],
    /// Tokens of the candidate.
    pub candidate_length: u64,
    /// Tokens of the reference closest in length, the shorter of two equally close.
    pub reference_length: u64,
}

impl BleuStatistics {
    /// Compares one candidate of `length` tokens, whose n-grams were counted, with its image's references.
    pub(crate) fn count(length: usize, counted: &CountedNgrams, image: ImageNgrams<'_>) -> Self {
        let length = length as u64;
        let lengths = image
            .lengths()
            .iter()
            .map(|&reference| u64::from(reference));
        let closest = lengths.min_by_key(|&reference| (reference.abs_diff(length), reference));
        let mut statistics = Self {
            candidate_length: length,
            reference_length: closest.unwrap_or(0),
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

    /// BLEU-1 to BLEU-4, 0 to 1.
    ///
    /// Papineni et al. 2002, section 2.3, with the constants of coco-caption:
    /// ```text
    /// p_n    = (correct_n + tiny) / (guess_n + small)        tiny 1e-15, small 1e-9
    /// ratio  = (len_c + tiny) / (len_r + small)
    /// BLEU_n = (p_1 ... p_n)^(1/n) * min(1, exp(1 - 1/ratio))
    /// ```
    /// A perfect caption scores just under 1; an order without any n-gram counts as a precision of 1e-6.
    pub fn scores(&self) -> [f64; MAX_ORDER] {
        let ratio = (self.candidate_length as f64 + TINY) / (self.reference_length as f64 + SMALL);
        let brevity = if ratio < 1.0 {
            (1.0 - 1.0 / ratio).exp()
        } else {
            1.0
        };
        let mut product = 1.0;
        let mut scores = [0.0; MAX_ORDER];
        for (order, score) in scores.iter_mut().enumerate() {
            product *= (self.correct[order] as f64 + TINY) / (self.guess[order] as f64 + SMALL);
            *score = product.powf(1.0 / (order + 1) as f64) * brevity;
        }
        scores
    }
}

impl AddAssign for BleuStatistics {
    fn add_assign(&mut self, other: Self) {
        for order in 0..MAX_ORDER {
            self.correct[order] += other.correct[order];
            self.guess[order] += other.guess[order];
        }
        self.candidate_length += other.candidate_length;
        self.reference_length += other.reference_length;
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
#[derive(Debug)]
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

    /// The statistics of one caption of the image at this index; [`BleuStatistics::scores`] gives its sentence BLEU.
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
    fn reference_length_is_the_shorter_when_two_are_equally_close() {
        assert_eq!(
            statistics(&[1, 2, 3], &[&[1; 4], &[1; 2]]).reference_length,
            2
        );
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
}
