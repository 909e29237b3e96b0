//! Caption metrics as rewards: CIDEr-D, BLEU and ROUGE-L over integer tokens, equal to coco-caption; METEOR, SPICE and
//! rewards of your own as programs that are run.
//!
//! Its own metrics work on token ids (`&[u32]`); text enters through an [`Interner`]. The one stored format, the
//! document frequencies, goes through `impl Read` and `impl Write`; only SPICE, whose program wants it so, exchanges
//! temporary files.
//!
//! | module | what is there |
//! |---|---|
//! | [`ngram`] | n-grams of order 1 to 4 as exact integers, and their counting |
//! | [`interner`] | words to ids, split as Python's `str.split` does |
//! | [`document_frequency`] | how many images hold an n-gram: built, frozen, saved, loaded, fingerprinted |
//! | [`references`] | the references of every image, as ids and as words |
//! | [`reference_ngrams`] | the n-grams of every image's references, counted once |
//! | [`cider_d`] | CIDEr-D and plain CIDEr |
//! | [`bleu`] | BLEU-1 to BLEU-4, per sentence and per corpus, from mergeable integer statistics |
//! | [`rouge_l`] | ROUGE-L |
//! | [`reward`] | the [`Reward`] trait, candidates and batches: all that a trainer sees |
//! | [`builtin`] | the metrics above as rewards |
//! | [`command`] | a reward that is another program: the protocol, time-outs, restarts, workers |
//! | [`meteor`], [`mod@spice`] | METEOR and SPICE, computed by their own jars |
//! | [`program_error`] | what can be wrong with another program |
//! | [`mixture`] | the configured list of rewards and its weighted sum |
//! | [`evaluation`] | the scores of a whole corpus, as coco-caption prints them |
//! | [`error`] | everything that can be wrong |
//!
//! Invariants: no input panics; scores are finite; equal inputs give equal bits (from another program, when it does the
//! same); every report carries a signature that names each choice that changes its numbers.

pub mod bleu;
pub mod builtin;
pub mod cider_d;
pub mod command;
pub mod document_frequency;
pub mod error;
pub mod evaluation;
mod frequency_file;
pub mod interner;
mod java;
pub mod meteor;
pub mod mixture;
pub mod ngram;
mod process;
pub mod program_error;
pub mod reference_ngrams;
pub mod references;
pub mod reward;
pub mod rouge_l;
pub mod spice;

pub use bleu::{BleuOptions, BleuScorer, BleuStatistics};
pub use builtin::{BleuReward, CiderDReward, RougeLReward};
pub use cider_d::{CiderDOptions, CiderFormula, CiderScorer};
pub use command::{CommandOptions, CommandReward};
pub use document_frequency::{DocumentFrequency, DocumentFrequencyBuilder};
pub use error::RewardError;
pub use evaluation::{
    CorpusScores, Evaluation, FrequencySource, Item, evaluate_text, evaluate_tokens,
};
pub use interner::Interner;
pub use java::TextItem;
pub use meteor::{Meteor, MeteorOptions, MeteorReward, MeteorScores};
pub use mixture::{Metric, MixtureScores, PartScores, RewardEntry, RewardMixture};
pub use ngram::MAX_ORDER;
pub use program_error::{ProgramError, ProgramFault, ProgramStage};
pub use reference_ngrams::ReferenceNgrams;
pub use references::{ImageReferences, References};
pub use reward::{Batch, Candidate, Reward, through_end_token};
pub use rouge_l::{RougeLOptions, RougeLScorer};
pub use spice::{SpiceOptions, SpiceScores, spice};

/// The version that signatures carry.
const VERSION: &str = env!("CARGO_PKG_VERSION");
