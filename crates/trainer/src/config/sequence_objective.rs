//! What becomes of the rewards of sampled captions.

use schemars::JsonSchema;
use scst_loss::{Clip, Gate};
use serde::{Deserialize, Serialize};

use super::custom::CustomChoice;

/// What becomes of the rewards of the captions that were sampled for a source.
///
/// Each is the weight `c` of every sampled word in `c (p - 1_w)`; the crate `loss` has the equations.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum SequenceObjective {
    /// `(r - b)(p - 1_w)` (Rennie et al. 2017; Ranzato et al. 2016), for samples that are used once.
    PolicyGradient,
    /// The clipped ratio of every word: PPO (Schulman et al. 2017), GRPO, DAPO.
    ///
    /// See [`token_clip`](scst_loss::token_clip).
    TokenClip(ClipConfig),
    /// The clipped ratio of the whole caption (Zheng et al. 2025).
    ///
    /// See [`sequence_clip`](scst_loss::sequence_clip).
    Gspo(ClipConfig),
    /// The geometric mean of the clipped ratios of a caption (Zhao et al. 2025).
    ///
    /// See [`geometric_clip`](scst_loss::geometric_clip).
    Gmpo(ClipConfig),
    /// The advantage times the ratio, which is capped and detached: CISPO (MiniMax 2025), truncated importance weights.
    ///
    /// See [`clipped_importance`](scst_loss::clipped_importance).
    Cispo(CapConfig),
    /// A soft gate in place of the clip (Gao et al. 2025).
    ///
    /// See [`soft_gate`](scst_loss::soft_gate).
    Sapo(GateConfig),
    /// The expected risk over the different captions of the sample (Shen et al. 2016).
    ///
    /// See [`minimum_risk`](scst_loss::minimum_risk).
    MinimumRisk {
        /// Exponent of the captions' probabilities.
        #[schemars(extend("exclusiveMinimum" = 0.0), extend("examples" = [1.0]))]
        alpha: f64,
    },
    /// The structured hinge loss on mean log-probabilities a word (Edunov et al. 2018).
    ///
    /// See [`max_margin`](scst_loss::max_margin).
    MaxMargin,
    /// The hinge loss of every caption against the best (Edunov et al. 2018).
    ///
    /// See [`multi_margin`](scst_loss::multi_margin).
    MultiMargin,
    /// The likelihood of the best caption among those of its source (Edunov et al. 2018).
    ///
    /// See [`sequence_likelihood`](scst_loss::sequence_likelihood).
    SequenceNll,
    /// The same, every caption raised by the reward that it falls short of the best (Gimpel and Smith 2010).
    SoftmaxMargin,
    /// Cross-entropy on the best caption of every source (Dong et al. 2023).
    ///
    /// See [`best_of_samples`](scst_loss::best_of_samples).
    BestOfN,
    /// The best caption is preferred to the worst, as measured from the model that the stage began with (Rafailov et al.
    /// 2023).
    ///
    /// See [`preference`](scst_loss::preference).
    Dpo {
        /// Inverse temperature of the preference.
        #[schemars(extend("exclusiveMinimum" = 0.0), extend("examples" = [0.1]))]
        beta: f64,
    },
    /// The best caption is preferred to all others by how much less these are worth (Moratelli et al. 2024).
    ///
    /// See [`preference`](scst_loss::preference).
    Dico {
        /// Inverse temperature of the preference.
        #[schemars(extend("exclusiveMinimum" = 0.0), extend("examples" = [0.2]))]
        beta: f64,
        /// Temperature of the softmax over the gaps in reward.
        #[schemars(extend("exclusiveMinimum" = 0.0), extend("examples" = [1.0]))]
        temperature: f64,
    },
    /// The difference of log-ratios of best and worst caption regresses that of their rewards (Gao et al. 2024).
    ///
    /// See [`reward_regression`](scst_loss::reward_regression).
    Rebel {
        /// What log-ratios are divided by.
        #[schemars(extend("exclusiveMinimum" = 0.0), extend("examples" = [1.0]))]
        eta: f64,
    },
    /// The value of every word that might come next, at every word of the samples: minus the edits that the caption then
    /// still needs, over the words of the reference (Sabour et al. 2019). For an error rate as the only reward, counted in
    /// tokens.
    ///
    /// See [`action_value_gradient`](scst_loss::action_value_gradient) and
    /// [`edit_continuations`](scst_reward::edit_continuations()).
    AllAction,
    /// Log-probabilities regress those of the model that the stage began with, raised by the reward (Olivecrona et al.
    /// 2017).
    ///
    /// See [`augmented_likelihood`](scst_loss::augmented_likelihood).
    Dap {
        /// What rewards are multiplied by.
        #[schemars(extend("exclusiveMinimum" = 0.0), extend("examples" = [10.0]))]
        sigma: f64,
    },
    /// An objective in Rust that the program around this library registered.
    Custom(CustomChoice),
}

impl SequenceObjective {
    /// Whether words are weighted by advantages, against a baseline; else captions of a source are, against each other.
    pub(crate) fn is_policy_gradient(&self) -> bool {
        matches!(
            self,
            Self::PolicyGradient
                | Self::TokenClip(_)
                | Self::Gspo(_)
                | Self::Gmpo(_)
                | Self::Cispo(_)
                | Self::Sapo(_)
                | Self::Custom(_)
        )
    }

    /// Whether captions of a source are compared with each other, so that each needs a reward.
    pub(crate) fn compares_captions(&self) -> bool {
        !self.is_policy_gradient() && !matches!(self, Self::Dap { .. } | Self::AllAction)
    }

    /// Whether captions are compared with what the model of the stage's beginning makes of them.
    pub(crate) fn has_reference(&self) -> bool {
        matches!(
            self,
            Self::Dpo { .. } | Self::Dico { .. } | Self::Dap { .. }
        )
    }

    /// Its name in a configuration.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::PolicyGradient => "policy_gradient",
            Self::TokenClip(_) => "token_clip",
            Self::Gspo(_) => "gspo",
            Self::Gmpo(_) => "gmpo",
            Self::Cispo(_) => "cispo",
            Self::Sapo(_) => "sapo",
            Self::MinimumRisk { .. } => "minimum_risk",
            Self::MaxMargin => "max_margin",
            Self::MultiMargin => "multi_margin",
            Self::SequenceNll => "sequence_nll",
            Self::SoftmaxMargin => "softmax_margin",
            Self::BestOfN => "best_of_n",
            Self::Dpo { .. } => "dpo",
            Self::Dico { .. } => "dico",
            Self::Rebel { .. } => "rebel",
            Self::AllAction => "all_action",
            Self::Dap { .. } => "dap",
            Self::Custom(_) => "custom",
        }
    }
}

/// How far the ratio of a word's probability to that when it was drawn may move.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ClipConfig {
    /// Below `1 - low`, what was worse than its baseline has no gradient.
    #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1.0))]
    pub low: f64,
    /// Above `1 + high`, what was better than its baseline has no gradient.
    #[schemars(range(min = 0.0))]
    pub high: f64,
    /// Above it, what was worse than its baseline has no gradient (dual clip, Ye et al. 2020); no bound if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("exclusiveMinimum" = 1.0), extend("examples" = [3.0]))]
    pub dual: Option<f64>,
}

impl Default for ClipConfig {
    fn default() -> Self {
        Self {
            low: 0.2,
            high: 0.2,
            dual: None,
        }
    }
}

impl From<ClipConfig> for Clip {
    fn from(ClipConfig { low, high, dual }: ClipConfig) -> Self {
        Self { low, high, dual }
    }
}

/// The largest importance weight.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CapConfig {
    /// The largest ratio that counts.
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    pub cap: f64,
}

impl Default for CapConfig {
    fn default() -> Self {
        Self { cap: 2.0 }
    }
}

/// How steeply the gate closes around a ratio of 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct GateConfig {
    /// Where a caption was better than its baseline.
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    pub positive: f64,
    /// Where it was not.
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    pub negative: f64,
}

impl Default for GateConfig {
    fn default() -> Self {
        Self {
            positive: 1.0,
            negative: 1.05,
        }
    }
}

impl From<GateConfig> for Gate {
    fn from(GateConfig { positive, negative }: GateConfig) -> Self {
        Self { positive, negative }
    }
}
