//! Self-critical sequence training, as a stage configures it.

use schemars::JsonSchema;
use scst_loss::{AdvantageScale, Baseline, Entropy};
use scst_reward::{CiderDOptions, Combination, RewardEntry};
use scst_sampler::SamplingOptions;
use serde::{Deserialize, Serialize};

use super::{SequenceObjective, limits};

/// Self-critical sequence training (Rennie et al. 2017).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ScstConfig {
    /// Sequences sampled for every source.
    #[schemars(range(min = 1, max = limits::CAPTIONS))]
    pub samples_per_source: usize,
    /// What becomes of the rewards of sampled captions.
    pub objective: SequenceObjective,
    /// Where the captions come from that the objective weighs.
    pub candidates: Candidates,
    /// How samples are drawn, if not from the model's own distribution; words are then weighted by how probable they are to
    /// how probable they were there, as `objective` says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sampling: Option<SamplingOptions>,
    /// Steps of the optimiser on the same samples. With more than one, words are weighted by how much more probable they
    /// are than when they were drawn, as `objective` says.
    #[schemars(range(min = 1, max = limits::UPDATES))]
    pub updates_per_rollout: usize,
    /// Sources in each of these steps, a divisor of `sources_per_batch`: all of the batch if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = limits::SOURCES), extend("examples" = [10]))]
    pub sources_per_update: Option<usize>,
    /// What a sampled caption's reward is compared with, in a policy gradient.
    pub baseline: Baseline,
    /// What advantages are divided by, in a policy gradient.
    pub advantage_scale: AdvantageScale,
    /// What a word is credited with, in a policy gradient.
    pub credit: Credit,
    /// Share of its value that the moving-average baseline keeps at every step.
    #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1.0))]
    pub moving_average_decay: f64,
    /// Weight of the entropy of every word's distribution: a bonus that keeps captions various.
    #[schemars(range(min = 0.0))]
    pub entropy_bonus: f64,
    /// That entropy.
    pub entropy: Entropy,
    /// Weight of the divergence from the model that the stage began with, at every word, in nats.
    #[schemars(range(min = 0.0))]
    pub kl_weight: f64,
    /// That divergence.
    pub divergence: DivergenceConfig,
    /// Weight of cross-entropy on gold captions of the same sources, as many as samples.
    #[schemars(range(min = 0.0))]
    pub xe_weight: f64,
    /// Weight of cross-entropy on the best sample so far of the same sources, which the stage keeps (Liang et al. 2018).
    #[schemars(range(min = 0.0))]
    pub replay_weight: f64,
    /// Words of samples that are made less probable, whatever the reward.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unlikelihood: Option<UnlikelihoodConfig>,
    /// Whether samples that were cut off at the maximum length train nothing.
    pub leave_out_cut_off: bool,
    /// Whether sources whose samples all have the same reward count for nothing, in the normaliser neither.
    pub leave_out_equal_rewards: bool,
    /// Samples that begin with words of gold captions; from the first word on they are the model's own if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mixer: Option<MixerConfig>,
    /// Whether the end token is part of the captions that are rewarded, and of the references.
    pub reward_end_token: bool,
    /// How rewards become one.
    pub combine: Combination,
    /// Rewards and their weights. CIDEr-D alone if absent.
    pub rewards: Vec<RewardEntry>,
}

impl ScstConfig {
    /// Whether updates compare samples with their drawing that were the model's own.
    pub(crate) fn compares_with_drawing(&self) -> bool {
        let objective = &self.objective;
        let has_ratio =
            objective.is_policy_gradient() || matches!(objective, SequenceObjective::Rebel { .. });
        has_ratio && self.updates_per_rollout > 1
    }

    /// Whether something is measured from the model that the stage began with.
    pub(crate) fn compares_with_start(&self) -> bool {
        self.kl_weight > 0.0 || self.objective.has_reference()
    }
}

impl Default for ScstConfig {
    fn default() -> Self {
        let cider_d = RewardEntry {
            cider_d: Some(CiderDOptions::default()),
            ..RewardEntry::default()
        };
        Self {
            samples_per_source: 5,
            objective: SequenceObjective::PolicyGradient,
            candidates: Candidates::Samples,
            sampling: None,
            updates_per_rollout: 1,
            sources_per_update: None,
            baseline: Baseline::LeaveOneOut,
            advantage_scale: AdvantageScale::None,
            credit: Credit::Caption,
            moving_average_decay: 0.9,
            entropy_bonus: 0.0,
            entropy: Entropy::Shannon,
            kl_weight: 0.0,
            divergence: DivergenceConfig::Reverse,
            xe_weight: 0.0,
            replay_weight: 0.0,
            unlikelihood: None,
            leave_out_cut_off: false,
            leave_out_equal_rewards: false,
            mixer: None,
            reward_end_token: true,
            combine: Combination::Sum,
            rewards: vec![cider_d],
        }
    }
}

/// Where the captions of a source come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Candidates {
    /// Drawn from the model.
    Samples,
    /// The most probable captions that a beam finds, dropout off, for objectives that compare captions with each other.
    Beam,
}

/// What a word of a sample is credited with: the baseline of the single word. None of these biases the gradient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Credit {
    /// The reward of its caption: `A_t = r(y) - b`.
    Caption,
    /// What the reward grows by from it on: `A_t = r(y) - r(y_<t) - b_t`, with `b_t` the same of the other samples of the
    /// source that have a word there. For metrics that beginnings of captions can be scored by, such as those of n-grams.
    Prefix,
    /// What the rest is worth more than other rests: `A_t = r(y) - mean_k r(z_k)` over captions `z_k` that begin as `y` does,
    /// up to the last place of those that lie some words apart, and are drawn to their ends (Kazemnejad et al. 2025).
    Rollouts {
        /// Words between the places from which captions are drawn anew.
        #[schemars(range(min = 1, max = limits::COUNT), extend("examples" = [4]))]
        every: usize,
        /// Captions that are drawn from each of these places.
        #[schemars(range(min = 1, max = limits::CAPTIONS), extend("examples" = [2]))]
        samples: usize,
    },
}

/// Unlikelihood training on samples (Welleck et al. 2020): `-log(1 - p_w)` of every unwanted word.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct UnlikelihoodConfig {
    /// Weight of the loss.
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    pub weight: f64,
    /// Words of an n-gram of so many words are unwanted where the caption had it before.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = limits::WORDS), extend("examples" = [3]))]
    pub repeated_ngram: Option<usize>,
    /// Words that are unwanted everywhere; what is not one word of the vocabulary has no effect, and is warned of.
    #[schemars(extend("examples" = [["things"]]))]
    pub words: Vec<String>,
}

impl Default for UnlikelihoodConfig {
    fn default() -> Self {
        Self {
            weight: 1.0,
            repeated_ngram: None,
            words: Vec::new(),
        }
    }
}

/// How far the model has gone from the one that its stage began with, `q`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DivergenceConfig {
    /// `KL(p, q)` over all words.
    Reverse,
    /// `KL(q, p)` over all words.
    Forward,
    /// The mean of the divergences of `p` and `q` from their mean, over all words.
    JensenShannon,
    /// `(log p - log q)^2 / 2` at the sampled word, an estimate of `KL(p, q)` (Schulman 2020).
    K2,
    /// `q / p - log(q / p) - 1` at the sampled word, that of GRPO; its gradient is that of `KL(q, p)`.
    K3,
}

/// MIXER (Ranzato et al. 2016): the first `D` words of a sample are those of a gold caption, and are trained on by
/// cross-entropy; the model goes on from there and is rewarded for the whole.
///
/// ```text
/// D = max(0, max_length - shrink (1 + floor(epoch / every_epochs))),   epochs from 0
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MixerConfig {
    /// What `D` shrinks by.
    #[schemars(range(min = 1, max = limits::COUNT))]
    pub shrink: usize,
    /// Epochs after which it shrinks again.
    #[schemars(range(min = 1, max = limits::COUNT))]
    pub every_epochs: u64,
}

impl Default for MixerConfig {
    fn default() -> Self {
        Self {
            shrink: 3,
            every_epochs: 5,
        }
    }
}
