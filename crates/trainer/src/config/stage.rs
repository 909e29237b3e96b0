//! The configuration of one stage.

use std::path::PathBuf;

use schemars::JsonSchema;
use scst_loss::Normaliser;
use serde::{Deserialize, Serialize};

use super::{ScstConfig, limits};

/// Sources in a batch of a stage of self-critical training, where the file does not say.
pub(super) const SCST_SOURCES_PER_BATCH: usize = 50;
/// Its learning rate, where the file does not say.
pub(super) const SCST_LEARNING_RATE: f64 = 1e-4;

/// One stage: an objective (`xe` or `scst`) and how long and how fast it is pursued.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(extend("x-one-of" = ["epochs", "steps"], "x-never-both" = ["xe", "scst"]))]
pub struct StageConfig {
    /// Name in logs; the objective's by default. Names of stages differ.
    pub name: String,
    /// Length of the stage in passes over the training sources; either this or `steps`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = limits::EPOCHS), extend("examples" = [20]))]
    pub epochs: Option<u64>,
    /// Length of the stage in steps; either this or `epochs`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = limits::STEPS), extend("examples" = [10000]))]
    pub steps: Option<u64>,
    /// Sources (images or texts) in a batch; those that do not fill a batch are left out of their epoch. If absent, 10,
    /// and 50 in an `scst` stage.
    #[schemars(range(min = 1, max = limits::SOURCES), extend("x-default-scst" = SCST_SOURCES_PER_BATCH))]
    pub sources_per_batch: usize,
    /// Parts that a batch is computed in, several at a time or one after the other: so many consecutive lists of sources,
    /// as equal as can be, whose sums are added. Random draws depend on the part.
    #[schemars(range(min = 1, max = limits::SOURCES))]
    pub parts: usize,
    /// Peak learning rate. If absent, 5e-4, and 1e-4 in an `scst` stage.
    #[schemars(extend("exclusiveMinimum" = 0.0), extend("x-default-scst" = SCST_LEARNING_RATE))]
    pub learning_rate: f64,
    /// How the learning rate changes.
    pub schedule: ScheduleConfig,
    /// Steps over which the learning rate rises linearly from 0 at the start.
    #[schemars(range(max = limits::STEPS))]
    pub warmup_steps: u64,
    /// The optimiser; its state begins anew with every stage.
    pub optimiser: OptimiserConfig,
    /// Clipping of the gradient.
    pub clip: Clip,
    /// What summed gradients are divided by.
    pub normaliser: Normaliser,
    /// Dropout rate in place of the captioner's own; the captioner's if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1.0), extend("examples" = [0.5]))]
    pub dropout: Option<f64>,
    /// Steps between two validations; once an epoch if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = limits::COUNT), extend("examples" = [1000]))]
    pub validate_every_steps: Option<u64>,
    /// The stage ends after so many validations in a row without a new best; never if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = limits::COUNT), extend("examples" = [5]))]
    pub patience: Option<u64>,
    /// The weights that the stage begins with.
    pub start_from: StartFrom,
    /// How the choice of regions is trained, with a captioner that attends hard; with the defaults if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hard_attention: Option<HardAttentionConfig>,
    /// Gold captions, word by word: cross-entropy or another loss.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub xe: Option<XeConfig>,
    /// Self-critical sequence training.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scst: Option<ScstConfig>,
}

impl StageConfig {
    /// Its objective by name: `xe` or `scst`.
    pub fn kind(&self) -> &'static str {
        if self.scst.is_some() { "scst" } else { "xe" }
    }
}

impl Default for StageConfig {
    fn default() -> Self {
        Self {
            name: String::new(),
            epochs: None,
            steps: None,
            sources_per_batch: 10,
            parts: 1,
            learning_rate: 5e-4,
            schedule: ScheduleConfig::Constant,
            warmup_steps: 0,
            optimiser: OptimiserConfig::Adam(AdamConfig::default()),
            clip: Clip::Value(0.1),
            normaliser: Normaliser::Token,
            dropout: None,
            validate_every_steps: None,
            patience: None,
            start_from: StartFrom::Best,
            hard_attention: None,
            xe: None,
            scst: None,
        }
    }
}

/// Training of hard attention (Xu et al. 2015, section 4.1): regions are drawn, and their weights `alpha` learn from
/// what came of them.
///
/// ```text
/// at the inputs of the softmax that alpha comes from:   reward_weight a (alpha - 1_r) - entropy_weight dH/de
/// xe:    a = log p(caption given the regions) - its moving average
/// scst:  a = the weight of the word, the same as at the softmax over words
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct HardAttentionConfig {
    /// Weight of what came of the regions.
    #[schemars(range(min = 0.0))]
    pub reward_weight: f64,
    /// Weight of the entropy of `alpha`.
    #[schemars(range(min = 0.0))]
    pub entropy_weight: f64,
    /// Share of its value that the moving average keeps at every step.
    #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1.0))]
    pub baseline_decay: f64,
    /// Probability that the regions of a step are drawn; else the captioner attends softly in it.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub sampling_probability: f64,
}

impl Default for HardAttentionConfig {
    fn default() -> Self {
        Self {
            reward_weight: 1.0,
            entropy_weight: 0.002,
            baseline_decay: 0.9,
            sampling_probability: 0.5,
        }
    }
}

/// Gold captions, word by word.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct XeConfig {
    /// Targets (gold captions) of every source in a batch.
    #[schemars(range(min = 1, max = limits::CAPTIONS))]
    pub targets_per_source: usize,
    /// The loss of every word.
    pub loss: WordLoss,
    /// Probability mass of the gold word that cross-entropy spreads evenly over the vocabulary.
    #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1.0))]
    pub label_smoothing: f64,
    /// Share of input words that the model draws itself; none if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scheduled_sampling: Option<ScheduledSampling>,
    /// Weight of the cross-entropy of single words beside that of the whole caption, with the captioner `markov`; 0.5
    /// if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.0), extend("examples" = [0.5]))]
    pub position_weight: Option<f64>,
}

impl Default for XeConfig {
    fn default() -> Self {
        Self {
            targets_per_source: 5,
            loss: WordLoss::CrossEntropy,
            label_smoothing: 0.0,
            scheduled_sampling: None,
            position_weight: None,
        }
    }
}

/// The loss of every word of a gold caption.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum WordLoss {
    /// Cross-entropy.
    CrossEntropy,
    /// The Brier score: squared error of the model's distribution.
    Brier,
    /// Cross-entropy of which words that the model is sure of count less (Lin et al. 2017).
    Focal {
        /// How much less; 0 is cross-entropy.
        #[schemars(range(min = 0.0), extend("examples" = [2.0]))]
        gamma: f64,
    },
    /// Cross-entropy of which every word counts as much as it is probable (Wu et al. 2025, dynamic fine-tuning).
    Dft,
    /// Cross-entropy, mixed with that against a teacher's distributions (Hinton et al. 2015).
    Distillation(DistillationConfig),
}

/// A teacher. It reads the same gold words, without dropout.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DistillationConfig {
    /// Another run (its best checkpoint) or a checkpoint, with the same vocabulary and features and
    /// the same standardisation of features.
    #[schemars(extend("examples" = ["runs/NAME"]))]
    pub teacher: PathBuf,
    /// Share of the teacher in the loss; the gold words have the rest.
    #[serde(default = "default_weight")]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub weight: f64,
    /// What the logits of teacher and student are divided by: above 1, distributions are softer.
    #[serde(default = "default_temperature")]
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    pub temperature: f64,
}

fn default_weight() -> f64 {
    0.5
}

fn default_temperature() -> f64 {
    2.0
}

/// Scheduled sampling (Bengio et al. 2015): input words are replaced by the model's own draws.
///
/// ```text
/// probability = min(maximum, increase * floor(epoch / every_epochs)),   epochs from 0
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ScheduledSampling {
    /// What the probability grows by.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub increase: f64,
    /// Epochs between two increases.
    #[schemars(range(min = 1, max = limits::COUNT))]
    pub every_epochs: u64,
    /// Largest probability.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub maximum: f64,
}

impl Default for ScheduledSampling {
    fn default() -> Self {
        Self {
            increase: 0.05,
            every_epochs: 5,
            maximum: 0.25,
        }
    }
}

/// The weights that a stage begins with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum StartFrom {
    /// The best checkpoint of the stage before; the first stage begins with random weights.
    Best,
    /// The last weights of the stage before; the first stage begins with random weights.
    Last,
    /// Another run (its best checkpoint) or a checkpoint, with the same vocabulary and the same
    /// standardisation of features.
    Checkpoint(#[schemars(extend("examples" = ["runs/NAME"]))] PathBuf),
}

/// How the learning rate changes over a stage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ScheduleConfig {
    /// Not at all.
    Constant,
    /// Multiplied by `factor` after every `every_epochs` epochs.
    StepDecay {
        /// What the rate is multiplied by.
        #[schemars(range(min = 0.0, max = 1.0), extend("examples" = [0.8]))]
        factor: f64,
        /// Epochs between two decays.
        #[schemars(range(min = 1, max = limits::COUNT), extend("examples" = [3]))]
        every_epochs: u64,
    },
    /// Half a cosine from the peak down to `final_fraction` of it.
    Cosine {
        /// Last rate as a fraction of the peak.
        #[schemars(range(min = 0.0, max = 1.0), extend("examples" = [0.1]))]
        final_fraction: f64,
    },
}

/// Gradient clipping.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Clip {
    /// None at all.
    None,
    /// Every element into `[-value, value]`.
    Value(#[schemars(extend("exclusiveMinimum" = 0.0, "examples" = [0.1]))] f64),
    /// The whole gradient scaled down to this Euclidean norm if it is longer.
    Norm(#[schemars(extend("exclusiveMinimum" = 0.0, "examples" = [5.0]))] f64),
}

/// The optimiser.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum OptimiserConfig {
    /// Adam (Kingma and Ba 2015).
    Adam(AdamConfig),
    /// Adam with decoupled weight decay (Loshchilov and Hutter 2019).
    Adamw(AdamWConfig),
}

/// Options of Adam.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AdamConfig {
    /// Decay of the first moment.
    #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1.0))]
    pub beta_1: f64,
    /// Decay of the second moment.
    #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1.0))]
    pub beta_2: f64,
    /// Added to the root of the second moment.
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    pub epsilon: f64,
}

impl Default for AdamConfig {
    fn default() -> Self {
        Self {
            beta_1: 0.9,
            beta_2: 0.999,
            epsilon: 1e-8,
        }
    }
}

/// Options of AdamW.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AdamWConfig {
    /// Decay of the first moment.
    #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1.0))]
    pub beta_1: f64,
    /// Decay of the second moment.
    #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1.0))]
    pub beta_2: f64,
    /// Added to the root of the second moment.
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    pub epsilon: f64,
    /// Share of every weight, times the learning rate, that is taken off in a step.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub weight_decay: f64,
}

impl Default for AdamWConfig {
    fn default() -> Self {
        let AdamConfig {
            beta_1,
            beta_2,
            epsilon,
        } = AdamConfig::default();
        Self {
            beta_1,
            beta_2,
            epsilon,
            weight_decay: 0.01,
        }
    }
}
