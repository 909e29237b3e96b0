//! Caption metrics as rewards: CIDEr-D, BLEU and ROUGE-L over integer tokens, equal to coco-caption; METEOR, SPICE and
//! rewards of your own as programs that are run.
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
//! | [`mixture`] | the configured list of rewards and its weighted sum |
//! | [`evaluation`] | the scores of a whole corpus, as coco-caption prints them |
//! | [`diversity`] | how much the captions of an image differ: distinct-n, mBLEU, self-CIDEr |
//! | [`error`] | everything that can be wrong |
//!
//! Invariants: no input panics; scores are finite; equal inputs give equal bits (from another program, when it does the
//! same); every report carries a signature that names each choice that changes its numbers.

mod alike;
pub mod bleu;
pub mod builtin;
pub mod cider_d;
pub mod command;
pub mod diversity;
pub mod document_frequency;
mod eigenvalues;
pub mod entry;
pub mod error;
pub mod evaluation;
mod frequency_file;
pub mod interner;
mod java;
pub mod meteor;
pub mod mixer;
pub mod mixture;
pub mod ngram;
mod ngram_index;
pub mod penalties;
mod process;
pub mod program_error;
pub mod ptb;
pub mod reference_ngrams;
pub mod references;
pub mod registry;
pub mod reward;
pub mod rouge_l;
pub mod serve;
pub mod sources;
pub mod spice;

pub use alike::references_are_alike;
pub use bleu::{
    BleuOptions, BleuScore, BleuScorer, BleuSmoothing, BleuStatistics, ReferenceLength,
    ReferenceLengths,
};
pub use builtin::{BleuReward, CiderDReward, RougeLReward};
pub use cider_d::{CiderDOptions, CiderFormula, CiderScorer};
pub use command::{CommandOptions, CommandReward};
pub use diversity::{
    Diversity, distinct_n, evaluate_diversity, evaluate_diversity_of_text, mbleu, self_cider,
};
pub use document_frequency::{DocumentFrequency, DocumentFrequencyBuilder};
pub use entry::{CustomOptions, RewardEntry};
pub use error::RewardError;
pub use evaluation::{
    CorpusScores, Evaluation, EvaluationMetric, FrequencySource, Item, evaluate_text,
    evaluate_tokens,
};
pub use interner::Interner;
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
pub use references::{ImageReferences, References};
pub use registry::RewardRegistry;
pub use reward::{Batch, Candidate, Reward, through_end_token};
pub use rouge_l::{RougeLOptions, RougeLScorer};
pub use sources::RewardSources;
pub use spice::{SpiceOptions, SpiceScores, spice};

/// The version that signatures carry.
const VERSION: &str = env!("CARGO_PKG_VERSION");
