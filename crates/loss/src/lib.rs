//! Training objectives as closed-form gradients at the softmax inputs.
//!
//! A captioner ends in a softmax. Whatever it is trained for, the objective hands the network one
//! thing: the gradient with respect to the softmax inputs `s` (the logits). With `p = softmax(s)`
//! and a signed weight `a` per row:
//!
//! | objective | `a` | gradient at `s_j` | where |
//! |---|---|---|---|
//! | cross-entropy | 1 | `a (p_j - 1[j=w])`, gold word `w` | [`softmax_gradient`] |
//! | label smoothing | 1 | `a (p_j - q_j)`, `q = (1 - eps) 1_w + eps / V` | [`softmax_gradient`] |
//! | soft targets | 1 | `a (p_j - q_j)`, any distribution `q` | [`soft_target_gradient`] |
//! | distillation | 1 | soft targets from a teacher, beside the gold word | [`distillation_gradient`] |
//! | Brier score | 1 | `a 2 p_j ((p_j - y_j) - sum_k (p_k - y_k) p_k)` | [`brier_gradient`], [`soft_brier_gradient`] |
//! | focal loss | 1 | `a c (p_j - 1_{j=w})`, `c = (1 - p_w)^g - g p_w (1 - p_w)^(g-1) log p_w` | [`focal_gradient`] |
//! | probability-weighted cross-entropy | 1 | `a p_w (p_j - 1_{j=w})` | [`probability_weighted_gradient`] |
//! | self-critical, REINFORCE | `r - b` | `a (p_j - 1[j=w])`, sampled word `w` | [`softmax_gradient`] with [`Baseline`] |
//! | values of all words | 1 | `a p_j (sum_k p_k Q_k - Q_j)` | [`action_value_gradient`] |
//! | MIXER | 1, then `r - b` | the same: gold words, then sampled ones | [`softmax_gradient`] with [`LearnedBaseline`] |
//! | entropy bonus, KL to a reference | every row | `p_j (log p_j + H)`, `p_j (log p_j - log q_j - KL)` | [`regularise`], [`Divergence`] |
//! | policy objectives, from PPO's clip to DPO | `c_t = -dL / d log p_t(w)` | the same, sampled words | [`token_clip`], [`minimum_risk`], [`preference`] and their kin |
//!
//! `README.md` beside the sources says which test holds which formula against what.
//!
//! [`output_gradient`] carries any of them through the output projection in chunks of rows, so
//! that logits of all timesteps never exist at once. [`Normaliser`] turns summed gradients into
//! the mean that the optimiser sees.
#![cfg_attr(
    test,
    allow(clippy::unwrap_used, reason = "tests may stop at the first surprise")
)]

mod action_values;
mod advantage;
mod brier;
mod deviation;
mod distillation;
mod error;
mod focal;
#[cfg(test)]
mod gradient_check;
mod groups;
mod learned_baseline;
mod normaliser;
mod output_layer;
mod regularisers;
mod row_targets;
mod soft_targets;
mod softmax;
pub mod toy;
mod weighted_mean;
mod weights;
mod word_gradient;

pub use action_values::action_value_gradient;
pub use advantage::{Baseline, MovingAverage, leave_one_out, mean_of_image};
pub use brier::{brier_gradient, soft_brier_gradient};
pub use deviation::{AdvantageScale, per_deviation_of_image, standardised};
pub use distillation::{Distillation, distillation_gradient};
pub use error::{LossError, SOFT_TARGET_TOLERANCE};
pub use focal::{focal_gradient, probability_weighted_gradient};
pub use learned_baseline::LearnedBaseline;
pub use normaliser::{Counts, Normaliser};
pub use output_layer::{
    OutputGradient, OutputLayer, log_probabilities, output_gradient, row_energies,
};
pub use regularisers::{Divergence, Entropy, EntropyBonus, Reference, regularise};
pub use row_targets::RowTargets;
pub use soft_targets::{SoftTargetGradient, SoftTargets, soft_target_gradient};
pub use softmax::softmax_gradient;
pub use weighted_mean::{OwnSample, energy_weighted_mean, length_weighted_mean, row_energy};
pub use weights::{
    Clip, DivergenceEstimate, Gate, MAX_LOG_RATIO, Rejected, Sampled, SampledSet,
    augmented_likelihood, best_of_samples, clipped_importance, estimated_divergence,
    geometric_clip, max_margin, minimum_risk, multi_margin, preference, reward_regression,
    sequence_clip, sequence_likelihood, soft_gate, token_clip, unlikelihood,
};
pub use word_gradient::SoftmaxGradient;

/// The example of the README, as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
