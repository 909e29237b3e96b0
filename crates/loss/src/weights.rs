//! Policy objectives as row weights.
//!
//! Every objective here has the gradient `c_t (p_t - 1_w)` at the softmax inputs of a word `w`: only the signed number
//! `c_t` differs. With `l_t = log p_t(w)`,
//!
//! ```text
//! c_t = -dL / dl_t
//! ```
//!
//! What a function returns goes into [`RowTargets`](crate::RowTargets) as it is: sums and divisions come later, by the
//! [`Normaliser`](crate::Normaliser), and so do GRPO, Dr. GRPO, BNPO and DAPO differ, which share [`token_clip`].

mod captions;
mod cispo;
mod clip;
mod dap;
mod estimates;
mod finite;
mod gmpo;
mod gspo;
mod likelihood;
mod margin;
mod minimum_risk;
mod preference;
mod ratio;
mod rebel;
mod sampled_set;
mod sapo;
mod token_clip;
#[cfg(test)]
mod toy;
mod unlikelihood;

pub use cispo::clipped_importance;
pub use clip::Clip;
pub use dap::augmented_likelihood;
pub use estimates::{DivergenceEstimate, estimated_divergence};
pub use gmpo::geometric_clip;
pub use gspo::sequence_clip;
pub use likelihood::{best_of_samples, sequence_likelihood};
pub use margin::{max_margin, multi_margin};
pub use minimum_risk::minimum_risk;
pub use preference::{Rejected, preference};
pub use ratio::{MAX_LOG_RATIO, Sampled};
pub use rebel::reward_regression;
pub use sampled_set::SampledSet;
pub use sapo::{Gate, soft_gate};
pub use token_clip::token_clip;
pub use unlikelihood::unlikelihood;

#[cfg(test)]
mod tests;
