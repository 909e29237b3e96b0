//! Caption metrics as rewards: CIDEr-D, BLEU and ROUGE-L over integer tokens, equal to coco-caption.
//!
//! Everything works on token ids (`&[u32]`); text enters through [`ptb`] and an [`Interner`]. The crate
//! reads and writes no files: the one stored format, the document frequencies, goes through `impl Read` and
//! `impl Write`.
//!
//! | module | what is there |
//! |---|---|
//! | [`ngram`] | n-grams of order 1 to 4 as exact integers, and their counting |
//! | [`interner`] | words to ids, split as Python's `str.split` does |
//! | [`document_frequency`] | how many images hold an n-gram: built, frozen, saved, loaded, fingerprinted |
//! | [`ptb`] | raw captions to words, as coco-caption's tokenizer does |
//! | [`references`] | the references of every image, as ids and as words |
//! | [`reference_ngrams`] | the n-grams of every image's references, counted once |
//! | [`cider_d`] | CIDEr-D and plain CIDEr |
//! | [`bleu`] | BLEU-1 to BLEU-4, per sentence and per corpus, from mergeable integer statistics |
//! | [`rouge_l`] | ROUGE-L |
//! | [`mixer`] | the rewards of MIXER: smoothed sentence BLEU and ROUGE-4 recall against one reference |
//! | [`reward`] | the [`Reward`] trait, candidates and batches: all that a trainer sees |
//! | [`builtin`] | the metrics above as rewards |
//! | [`penalties`] | penalties for repetition, length and bad endings |
//! | [`mixture`] | the configured list of rewards and its weighted sum |
//! | [`evaluation`] | the scores of a whole corpus, as coco-caption prints them |
//! | [`diversity`] | how much the captions of an image differ: distinct-n, mBLEU, self-CIDEr |
//! | [`error`] | everything that can be wrong |
//!
//! Invariants: no input panics; scores are finite; equal inputs give equal bits; every report carries a signature that
//! names each choice that changes its numbers.

pub mod bleu;
pub mod builtin;
pub mod cider_d;
pub mod diversity;
pub mod document_frequency;
mod eigenvalues;
pub mod error;
pub mod evaluation;
mod frequency_file;
pub mod interner;
pub mod mixer;
pub mod mixture;
pub mod ngram;
mod ngram_index;
pub mod penalties;
pub mod ptb;
pub mod reference_ngrams;
pub mod references;
pub mod reward;
pub mod rouge_l;

pub use bleu::{
    BleuOptions, BleuScore, BleuScorer, BleuSmoothing, BleuStatistics, ReferenceLength,
    ReferenceLengths,
};
pub use builtin::{BleuReward, CiderDReward, RougeLReward};
pub use cider_d::{CiderDOptions, CiderFormula, CiderScorer};
pub use diversity::{Diversity, distinct_n, evaluate_diversity, mbleu, self_cider};
pub use document_frequency::{DocumentFrequency, DocumentFrequencyBuilder};
pub use error::RewardError;
pub use evaluation::{
    CorpusScores, Evaluation, EvaluationMetric, FrequencySource, Item, evaluate_text,
    evaluate_tokens,
};
pub use interner::Interner;
pub use mixer::{MixerBleuOptions, MixerBleuReward, MixerScorer};
pub use mixture::{Metric, MixtureScores, PartScores, RewardEntry, RewardMixture};
pub use ngram::MAX_ORDER;
pub use penalties::{
    BadEndingPenalty, BadEndingPenaltyOptions, LengthPenalty, LengthPenaltyOptions,
    RepetitionPenalty, RepetitionPenaltyOptions,
};
pub use reference_ngrams::ReferenceNgrams;
pub use references::{ImageReferences, References};
pub use reward::{Batch, Candidate, Reward, through_end_token};
pub use rouge_l::{RougeLOptions, RougeLScorer};

/// The version that signatures carry.
const VERSION: &str = env!("CARGO_PKG_VERSION");
