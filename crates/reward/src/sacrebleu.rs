//! BLEU on raw text, as sacrebleu computes it.
//!
//! coco-caption's BLEU, of words that a tokenizer made before, is another: [`bleu`](crate::bleu).

mod options;
mod tokenizer;

use crate::bleu::BLEU_NUMBERS;
use crate::ngram::MAX_ORDER;
use crate::ngram_overlap::NgramOverlap;
use crate::text_scorer::{TextScorer, cased};
use crate::word_index::WordIndex;
use crate::{BleuScore, BleuStatistics, ReferenceLengths, RewardError};

pub use options::{SacrebleuOptions, SacrebleuSmoothing};
pub use tokenizer::SacrebleuTokenizer;

/// The version whose numbers these are.
pub(crate) const SACREBLEU: &str = "2.6.0";

/// Scores candidates by sacrebleu's BLEU.
///
/// Papineni et al. 2002 after the tokenizer, with the equation of [`BleuStatistics::score`]: `exp`, `floor`, `add_k` or no
/// smoothing, the reference length closest to the candidate's, clipped by the reference that has an n-gram most often. Its
/// [`of one candidate`](Self::score) with the default options is `sacrebleu.sentence_bleu`; that of a corpus, from
/// summed [`statistics`](Self::count), is `sacrebleu.corpus_bleu`, whose order is never an effective one. 0 to 1: a
/// hundredth of what sacrebleu prints.
#[derive(Debug, Clone)]
pub struct SacrebleuScorer {
    options: SacrebleuOptions,
}

impl SacrebleuScorer {
    /// A scorer with these options.
    ///
    /// # Errors
    /// The first of [`SacrebleuOptions::problems`].
    pub fn new(options: SacrebleuOptions) -> Result<Self, RewardError> {
        RewardError::first(options.problems())?;
        Ok(Self { options })
    }

    /// The score of one candidate, 0 to 1; 0 without a reference.
    pub fn score<R: AsRef<str>>(&self, candidate: &str, references: &[R]) -> f64 {
        self.of_sentence(&self.count(candidate, references))
    }

    /// The counts of one candidate.
    pub fn count<R: AsRef<str>>(&self, candidate: &str, references: &[R]) -> BleuStatistics {
        let references: Vec<&str> = references.iter().map(AsRef::as_ref).collect();
        self.statistics(candidate, &self.prepare(&references))
    }

    /// The score of a corpus and the numbers that it was computed from.
    pub fn corpus(&self, sum: &BleuStatistics) -> BleuScore {
        sum.score(&self.options.formula(false))
    }

    fn tokens(&self, text: &str, mut ids: impl FnMut(&str) -> Vec<u32>) -> Vec<u32> {
        ids(&self
            .options
            .tokenizer
            .tokenize(&cased(text, self.options.lowercase)))
    }
}

/// References as n-grams.
#[derive(Debug, Clone)]
pub(crate) struct PreparedBleu {
    words: WordIndex,
    ngrams: NgramOverlap,
}

impl TextScorer for SacrebleuScorer {
    type References = PreparedBleu;
    type Statistics = BleuStatistics;

    fn prepare(&self, references: &[&str]) -> PreparedBleu {
        let mut words = WordIndex::default();
        let mut ngrams = NgramOverlap::new(MAX_ORDER);
        for reference in references {
            let tokens = self.tokens(reference, |line| words.insert(tokenizer::words(line)));
            ngrams.add_reference(&tokens);
        }
        PreparedBleu { words, ngrams }
    }

    fn statistics(&self, candidate: &str, prepared: &PreparedBleu) -> BleuStatistics {
        let tokens = self.tokens(candidate, |line| {
            prepared.words.find(tokenizer::words(line))
        });
        let ngrams = &prepared.ngrams;
        let length = tokens.len() as u64;
        let mut statistics = BleuStatistics {
            candidate_length: length,
            reference_lengths: ReferenceLengths::new(&ngrams.lengths(), length),
            ..BleuStatistics::default()
        };
        let clipped = ngrams.clipped(&ngrams.count(&tokens));
        for (order, correct) in clipped.into_iter().enumerate() {
            statistics.correct[order] = correct;
            statistics.guess[order] = length.saturating_sub(order as u64);
        }
        statistics
    }

    fn add(&self, sum: &mut BleuStatistics, more: BleuStatistics) {
        *sum += more;
    }

    fn of_sentence(&self, statistics: &BleuStatistics) -> f64 {
        let options = self.options.formula(self.options.effective_order);
        statistics.score(&options).score
    }

    fn of_corpus(&self, statistics: &BleuStatistics) -> f64 {
        self.corpus(statistics).score
    }

    fn width(&self) -> usize {
        BLEU_NUMBERS
    }

    fn numbers(&self, statistics: &BleuStatistics) -> Vec<f64> {
        statistics.numbers().to_vec()
    }

    fn of_numbers(&self, numbers: &[f64]) -> BleuStatistics {
        BleuStatistics::of_numbers(numbers)
    }

    fn corpus_signature(&self) -> String {
        let options = SacrebleuOptions {
            effective_order: false,
            ..self.options
        };
        Self { options }.signature()
    }

    fn signature(&self) -> String {
        format!(
            "sacrebleu|n:{}|{}|as:{SACREBLEU}",
            self.options.order,
            self.options.signature()
        )
    }
}
