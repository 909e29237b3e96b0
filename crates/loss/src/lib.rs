//! Training objectives as closed-form gradients at the softmax inputs.
//!
//! A captioner ends in a softmax. Whatever it is trained for, the objective hands the network one
//! thing: the gradient with respect to the softmax inputs `s` (the logits). With `p = softmax(s)`,
//! target distribution `q` and a signed weight `a` per row, every objective here is
//!
//! ```text
//! dL/ds = a (p - q)
//! ```
//!
//! | objective | `a` | `q` | where |
//! |---|---|---|---|
//! | cross-entropy | 1 | gold word | [`softmax_gradient`] |
//! | label smoothing | 1 | `(1 - eps) 1_w + eps / V` | [`softmax_gradient`] |
//! | self-critical, REINFORCE | `r - b` | sampled word | [`softmax_gradient`] with [`Baseline`] |
//! | the same over whole labelings of a graph | 1 or `r - b` | gold or sampled labeling | [`structured`] |
//!
//! [`output_gradient`] carries that gradient through the output projection in chunks of rows, so
//! that logits of all timesteps never exist at once. [`Normaliser`] turns summed gradients into
//! the mean that the optimiser sees.
#![cfg_attr(
    test,
    allow(clippy::unwrap_used, reason = "tests may stop at the first surprise")
)]

mod advantage;
mod error;
mod normaliser;
mod output_layer;
mod softmax;
pub mod structured;

pub use advantage::{Baseline, MovingAverage, leave_one_out};
pub use error::LossError;
pub use normaliser::{Counts, Normaliser};
pub use output_layer::{OutputGradient, OutputLayer, output_gradient};
pub use softmax::{RowTargets, SoftmaxGradient, softmax_gradient};
