//! The configuration of a run: what a TOML file may say, with all defaults.
//!
//! A file is read once, overrides from the command line are laid over it, and everything that is
//! out of range or contradictory is reported at once ([`Config::problems`]): what remains is a
//! [`ValidConfig`]. The resolved configuration, all defaults shown, goes into the run directory and every checkpoint.

mod blame;
pub(crate) mod bounds;
mod check;
mod complaint;
mod contradictions;
mod credit_check;
mod custom;
mod decoder;
mod decoder_check;
mod error;
mod example;
mod explain;
mod former_keys;
mod forms;
mod guess;
pub(crate) mod limits;
mod load;
mod optional;
mod order;
mod overrides;
mod paths;
mod problem;
#[cfg(test)]
mod ranges;
#[cfg(test)]
mod recommended;
mod reward_list;
mod root;
mod sacreeos;
mod schema;
mod scst;
mod scst_check;
mod sequence_objective;
mod shape;
mod stage;
mod task;
mod valid;
mod wording;

use std::path::PathBuf;

use schemars::JsonSchema;
use scst_data::{CaptionSource, FeatureSource, TextSource, WordSplit};
use scst_kernels::product::Precision;
use scst_model::{CaptionerConfig, TextEncoderConfig};
use scst_reward::TextMetric;
use serde::{Deserialize, Serialize};

pub use complaint::Complaint;
pub(crate) use contradictions::Words;
pub use custom::CustomChoice;
pub use decoder::{DecoderConfig, Rerank, SearchConfig};
pub use error::ConfigError;
pub use explain::{KeyDescription, explain, keys_like};
pub use overrides::Override;
pub use problem::Problem;
pub use reward_list::parse_rewards;
pub use schema::json_schema;
pub use scst::{Candidates, Credit, DivergenceConfig, MixerConfig, ScstConfig, UnlikelihoodConfig};
pub use scst_sampler::{BeamOptions, Draw, LengthNormalisation, SamplingOptions};
pub use sequence_objective::{CapConfig, ClipConfig, GateConfig, SequenceObjective};
pub use stage::{
    AdamConfig, AdamWConfig, Clip, DistillationConfig, HardAttentionConfig, OptimiserConfig,
    ScheduleConfig, ScheduledSampling, StageConfig, StartFrom, WordLoss, XeConfig,
};
pub use task::{Names, Task};
pub use valid::ValidConfig;

use crate::Backend;

/// A whole run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Name of the run: its directory is `runs/NAME`. The configuration file's name if absent.
    #[serde(default)]
    pub name: String,
    /// Seed of every random draw.
    #[serde(default = "default_seed")]
    #[schemars(range(max = i64::MAX))]
    pub seed: u64,
    /// Where tensors live and are computed.
    #[serde(default)]
    pub backend: Backend,
    /// What the inputs of the matrix products of training steps are rounded to: nothing, or bfloat16, which is faster on some
    /// CPUs. Weights, sums and all else are 32-bit floats.
    #[serde(default)]
    pub precision: Precision,
    /// CPU threads; all of the machine's if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = limits::THREADS), extend("examples" = [2]))]
    pub threads: Option<usize>,
    /// Parts of a batch that may be in memory at a time; as many as are computed at a time if absent: on the CPU as many as
    /// there are threads, on a GPU one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = limits::SOURCES), extend("examples" = [4]))]
    pub parts_in_memory: Option<usize>,
    /// Captions and features, or texts.
    pub data: DataConfig,
    /// The captioner and its sizes.
    pub model: CaptionerConfig,
    /// What reads the texts of `data.text` for the captioner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoder: Option<TextEncoderConfig>,
    /// How the validation sources are scored during training.
    #[serde(default)]
    pub validation: ValidationConfig,
    /// How often checkpoints are written, and how many are kept.
    #[serde(default)]
    pub checkpoints: CheckpointConfig,
    /// Steps between two records of training metrics.
    #[serde(default = "default_log_every")]
    #[schemars(range(min = 1, max = limits::COUNT))]
    pub log_every_steps: u64,
    /// What is trained for, one after the other.
    pub stages: Vec<StageConfig>,
}

fn default_seed() -> u64 {
    1
}

fn default_log_every() -> u64 {
    20
}

/// Captions and features, or texts. Paths are relative to the current directory.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DataConfig {
    /// Where the captions are; with `features`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub captions: Option<CaptionSource>,
    /// What a word is; if absent, tokens where the layout of the captions has them, else words of the raw captions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("examples" = ["characters"]))]
    pub words: Option<WordSplit>,
    /// Where the image features are; with `captions`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub features: Option<FeatureSource>,
    /// Texts to read and texts to write, in place of captions and features: translation, pronunciation, paraphrase.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<TextSource>,
    /// Whether features are shifted and scaled to mean 0 and deviation 1 in every dimension, by
    /// the statistics of the training images.
    #[serde(default)]
    pub standardise: bool,
    /// The words of another run or of imported weights: their `tokenizer.json`. If absent, words are those of the
    /// training captions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("examples" = ["runs/NAME/best/tokenizer.json"]))]
    pub vocabulary: Option<PathBuf>,
    /// Words that the training captions hold less often become the unknown word, unless `vocabulary` is given.
    #[serde(default = "default_minimum_count")]
    #[schemars(range(min = 1, max = limits::COUNT))]
    pub minimum_count: u64,
    /// Longest caption that is trained on or decoded, in words, the end token included. Longer
    /// gold captions are cut and then have no end token.
    #[serde(default = "default_max_length")]
    #[schemars(range(min = 1, max = limits::WORDS))]
    pub max_length: usize,
}

fn default_minimum_count() -> u64 {
    5
}

fn default_max_length() -> usize {
    16
}

/// A metric that checkpoints are compared by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ValidationMetric {
    /// CIDEr-D, what coco-caption prints as "CIDEr".
    CiderD,
    /// BLEU-4.
    #[serde(rename = "bleu_4", alias = "bleu4")]
    Bleu4,
    /// ROUGE-L of coco-caption.
    RougeL,
    /// Word error rate; smaller is better.
    WordErrorRate,
    /// Phoneme error rate: the same, where words are phonemes; smaller is better.
    PhonemeErrorRate,
    /// Character error rate; smaller is better.
    CharacterErrorRate,
    /// Share of outputs that are a reference.
    ExactMatch,
    /// chrF of sacrebleu.
    Chrf,
    /// chrF++ of sacrebleu.
    #[serde(rename = "chrf++")]
    ChrfPlusPlus,
    /// BLEU of sacrebleu on raw text, tokenizer 13a.
    Sacrebleu,
    /// The same with the tokenizer intl.
    SacrebleuIntl,
    /// The same with characters as words.
    SacrebleuChar,
    /// The same with words as they stand.
    SacrebleuNone,
    /// ROUGE-1 of rouge-score.
    #[serde(rename = "rouge_score_1")]
    RougeScore1,
    /// ROUGE-2 of rouge-score.
    #[serde(rename = "rouge_score_2")]
    RougeScore2,
    /// ROUGE-L of rouge-score.
    RougeScoreL,
}

/// How the validation sources are scored during training.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ValidationConfig {
    /// The metric that the best checkpoint is best in, largest but for error rates; where it ties, CIDEr-D, BLEU-4 and
    /// ROUGE-L decide, and then the later step.
    pub metric: ValidationMetric,
    /// Metrics of raw text that validations and `scst eval` have beside CIDEr-D, BLEU and ROUGE-L.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("examples" = [["sacrebleu", "chrf"]]))]
    pub text_metrics: Vec<TextMetric>,
    /// At most so many sources (images or texts) of the validation split, the first of an order that the seed decides, the same in every validation; all
    /// if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = limits::COUNT), extend("examples" = [5000]))]
    pub sources: Option<usize>,
    /// Captions of so many validation sources are shown at every validation and kept in `samples.jsonl`; the seed decides
    /// which, the same at every validation; none with 0.
    #[schemars(range(max = limits::SAMPLES_SHOWN))]
    pub samples: usize,
    /// Sources decoded at a time.
    #[schemars(range(min = 1, max = limits::SOURCES_DECODED))]
    pub sources_per_batch: usize,
    /// How captions are decoded.
    pub decoder: DecoderConfig,
}

impl ValidationConfig {
    /// The metrics of raw text that a validation computes.
    pub fn raw_text(&self) -> Vec<TextMetric> {
        let own = self.metric.of_text();
        own.into_iter()
            .chain(self.text_metrics.iter().copied())
            .collect()
    }
}

impl Default for ValidationConfig {
    fn default() -> Self {
        Self {
            metric: ValidationMetric::CiderD,
            text_metrics: Vec::new(),
            sources: None,
            samples: 5,
            sources_per_batch: 100,
            decoder: DecoderConfig::default(),
        }
    }
}

/// How often checkpoints are written, and how many are kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CheckpointConfig {
    /// Steps between two checkpoints, beside those after every validation; none if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = limits::COUNT), extend("examples" = [1000]))]
    pub every_steps: Option<u64>,
    /// Minutes between two checkpoints, whatever was written in between; none if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("exclusiveMinimum" = 0.0), extend("examples" = [30]))]
    pub every_minutes: Option<f64>,
    /// Number of the newest checkpoints that are kept.
    #[schemars(range(min = 1, max = limits::COUNT))]
    pub keep: usize,
}

impl Default for CheckpointConfig {
    fn default() -> Self {
        Self {
            every_steps: None,
            every_minutes: None,
            keep: 2,
        }
    }
}
