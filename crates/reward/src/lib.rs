//! Metrics as rewards: CIDEr-D, BLEU and ROUGE-L over integer tokens, equal to coco-caption; error rates, exact match, and
//! chrF, BLEU and ROUGE on raw text, equal to sacrebleu and rouge-score; METEOR, SPICE and rewards of your own as programs
//! that are run.
//!
//! Its own metrics work on token ids (`&[u32]`); text enters through [`ptb`] and an [`Interner`]. The one stored
//! format, the document frequencies, goes through `impl Read` and `impl Write`; only SPICE, whose program wants it so,
//! exchanges temporary files.
//!
//! | module | what is there |
//! |---|---|
//! | [`ngram`] | n-grams of order 1 to 4 as exact integers, and their counting |
//! | [`interner`] | words to ids, split as Python's `str.split` does |
//! | [`document_frequency`] | how many images hold an n-gram: built, frozen, saved, loaded, fingerprinted |
//! | [`ptb`] | raw captions to words, as coco-caption's tokenizer does |
//! | [`references`] | the references of every image, as ids and as words |
//! | [`reference_ngrams`] | the n-grams of every image's references, numbered and counted once |
//! | [`cider_d`] | CIDEr-D and plain CIDEr |
//! | [`bleu`] | BLEU-1 to BLEU-4, per sentence and per corpus, from mergeable integer statistics |
//! | [`rouge_l`] | ROUGE-L |
//! | [`mod@edit_distance`], [`error_rate`] | word, phoneme and character error rate |
//! | [`exact_match`] | whether a text is one of its references |
//! | [`chrf`] | chrF and chrF++ of sacrebleu |
//! | [`sacrebleu`] | BLEU of sacrebleu on raw text, with its tokenizers |
//! | [`rouge_score`] | ROUGE-1, ROUGE-2 and ROUGE-L of Google's rouge-score on raw text |
//! | [`text_reward`], [`text_metric`], [`text_evaluation`] | these five as rewards, by name, and of a whole corpus |
//! | [`mixer`] | the rewards of MIXER: smoothed sentence BLEU and ROUGE-4 recall against one reference |
//! | [`reward`] | the [`Reward`] trait, candidates and batches: all that a trainer sees |
//! | [`builtin`] | the metrics above as rewards |
//! | [`penalties`] | penalties for repetition, length and bad endings |
//! | [`command`] | a reward that is another program: the protocol, time-outs, restarts, workers |
//! | [`meteor`], [`mod@spice`] | METEOR and SPICE, computed by their own jars |
//! | [`serve`] | rewards for other programs: the same protocol with the roles swapped |
//! | [`program_error`] | what can be wrong with another program |
//! | [`entry`] | one entry of a configured list of rewards |
//! | [`sources`] | what rewards are made from: references, n-grams, frequencies |
//! | [`registry`] | rewards by name, those of other crates among them |
//! | [`transform`] | what a score goes through before all else: clip, sigmoid, step |
//! | [`standardisation`] | scores brought to mean 0 and deviation 1 |
//! | [`combination`] | the weighted sum or the geometric mean of several rewards |
//! | [`mixture`] | the configured list of rewards as one |
//! | [`evaluation`] | the scores of a whole corpus, as coco-caption prints them |
//! | [`report_metric`] | the numbers of such a report, by name |
//! | [`corpus_counts`] | what these count of every caption, as numbers that add up |
//! | [`diversity`] | how much the captions of an image differ: distinct-n, mBLEU, self-CIDEr |
//! | [`error`] | everything that can be wrong |
//!
//! Invariants: no input panics; scores are finite; equal inputs give equal bits (from another program, when it does the
//! same); every report carries a signature that names each choice that changes its numbers.

mod alike;
pub mod bleu;
pub mod builtin;
pub mod chrf;
pub mod cider_d;
mod cider_once;
pub mod combination;
pub mod command;
pub mod corpus_counts;
pub mod diversity;
pub mod document_frequency;
pub mod edit_continuations;
pub mod edit_distance;
mod eigenvalues;
pub mod entry;
pub mod error;
pub mod error_rate;
pub mod evaluation;
pub mod exact_match;
mod frequency_file;
pub mod interner;
mod java;
pub mod meteor;
mod metric_scorers;
pub mod mixer;
pub mod mixture;
pub mod ngram;
mod ngram_index;
mod ngram_overlap;
pub mod penalties;
mod process;
pub mod program_error;
pub mod ptb;
pub mod reference_ngrams;
pub mod references;
pub mod registry;
pub mod report_metric;
pub mod reward;
pub mod rouge_l;
pub mod rouge_score;
pub mod sacrebleu;
pub mod serve;
pub mod sources;
pub mod spice;
pub mod standardisation;
pub mod text_evaluation;
pub mod text_metric;
pub mod text_reward;
mod text_scorer;
pub mod transform;
mod word_index;

pub use alike::references_are_alike;
pub use bleu::{
    BleuOptions, BleuScore, BleuScorer, BleuSmoothing, BleuStatistics, ReferenceLength,
    ReferenceLengths,
};
pub use builtin::{BleuReward, CiderDReward, RougeLReward};
pub use chrf::{ChrfOptions, ChrfScorer};
pub use cider_d::{CiderDOptions, CiderFormula, CiderScorer};
pub use cider_once::cider_once;
pub use combination::Combination;
pub use command::{CommandOptions, CommandReward};
pub use corpus_counts::CorpusCounts;
pub use diversity::{
    Diversity, distinct_n, evaluate_diversity, evaluate_diversity_of_text, mbleu, self_cider,
};
pub use document_frequency::{DocumentFrequency, DocumentFrequencyBuilder};
pub use edit_continuations::{NextWordValues, edit_continuations};
pub use edit_distance::edit_distance;
pub use entry::{CustomOptions, RewardEntry};
pub use error::RewardError;
pub use error_rate::{ErrorCounts, ErrorRateOptions, ErrorRateScorer, ErrorUnit};
pub use evaluation::{
    CorpusScores, Evaluation, EvaluationMetric, FrequencySource, Item, evaluate_text,
    evaluate_tokens,
};
pub use exact_match::{ExactMatchOptions, ExactMatchScorer};
pub use interner::{Interner, python_words};
pub use java::TextItem;
pub use meteor::{Meteor, MeteorOptions, MeteorReward, MeteorScores};
pub use mixer::{MixerBleuOptions, MixerBleuReward, MixerScorer};
pub use mixture::{MixtureScores, PartScores, RewardMixture};
pub use ngram::MAX_ORDER;
pub use penalties::{
    BadEndingPenalty, BadEndingPenaltyOptions, LengthPenalty, LengthPenaltyOptions,
    RepetitionPenalty, RepetitionPenaltyOptions,
};
pub use program_error::{ProgramError, ProgramFault, ProgramStage};
pub use reference_ngrams::ReferenceNgrams;
pub use references::{ImageReferences, ReferenceStore, References};
pub use registry::RewardRegistry;
pub use report_metric::ReportMetric;
pub use reward::{Batch, Candidate, Reward, through_end_token};
pub use rouge_l::{RougeLOptions, RougeLScorer};
pub use rouge_score::{RougeKind, RougeScoreOptions, RougeScorer};
pub use sacrebleu::{SacrebleuOptions, SacrebleuScorer, SacrebleuSmoothing, SacrebleuTokenizer};
pub use sources::{FeatureRows, RewardSources};
pub use spice::{SpiceOptions, SpiceScores, spice};
pub use standardisation::StandardiseOver;
pub use text_evaluation::{TextEvaluation, evaluate_raw_text};
pub use text_metric::{TextMetric, TextScores};
pub use text_reward::TextReward;
pub use transform::Transform;

/// The version that signatures carry.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The example of the README, as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
