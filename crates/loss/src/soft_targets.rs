//! Cross-entropy against whole distributions.

use burn::tensor::{Tensor, activation::log_softmax};
use scst_kernels::traffic::read;

use crate::{
    LossError, SOFT_TARGET_TOLERANCE,
    row_targets::{check_rows, column_of},
};

/// The distribution that each row of logits is pulled towards, and how strongly.
#[derive(Debug, Clone)]
pub struct SoftTargets<'a> {
    /// `q`, `[rows, vocab]`: 0 or more, rows sum to 1 within [`SOFT_TARGET_TOLERANCE`].
    pub distributions: Tensor<2>,
    /// `a`: the weight of every row, `[rows]`.
    pub weights: &'a [f32],
}

/// Losses of single rows and the gradient at the softmax inputs, not yet summed or divided.
#[derive(Debug, Clone)]
pub struct SoftTargetGradient {
    /// `a dL/ds`, `[rows, vocab]`.
    pub gradient: Tensor<2>,
    /// `L` without the weight, `[rows, 1]`; cross-entropies in nats.
    pub loss: Tensor<2>,
}

/// The gradient of weighted cross-entropy against soft targets at the softmax inputs.
///
/// ```text
/// L        = -sum_k q_k log p_k,   p = softmax(s),   sum_k q_k = 1
/// a dL/ds  = a (p - q)
/// ```
///
/// Goodfellow, Bengio, Courville, Deep Learning, 6.2.2. Words with `q_k = 0` contribute nothing to
/// the loss, even where `log p_k` is infinite. The targets are constants.
///
/// # Shapes
/// `logits`: `[rows, vocab]`, of any float type; targets and results have the same type and device.
///
/// # Errors
/// [`LossError`] when targets and logits do not fit together, or a target is no distribution.
pub fn soft_target_gradient(
    logits: Tensor<2>,
    targets: &SoftTargets<'_>,
) -> Result<SoftTargetGradient, LossError> {
    targets.check(logits.dims())?;
    let weights = column_of(targets.weights, &logits.device(), logits.dtype());
    Ok(cross_entropy(
        logits,
        targets.distributions.clone(),
        weights,
    ))
}

/// As [`soft_target_gradient`], with distributions that need no check, and weights `[rows, 1]`.
pub(crate) fn cross_entropy(
    logits: Tensor<2>,
    distributions: Tensor<2>,
    weights: Tensor<2>,
) -> SoftTargetGradient {
    let log_p = log_softmax(logits, 1);
    let gradient = (log_p.clone().exp() - distributions.clone()) * weights;
    let absent = distributions.clone().equal_elem(0.0);
    let terms = (distributions * log_p).mask_fill(absent, 0.0);
    SoftTargetGradient {
        gradient,
        loss: terms.sum_dim(1).neg(),
    }
}

impl SoftTargets<'_> {
    /// Whether there is one distribution over the vocabulary and one weight a row.
    pub(crate) fn check(&self, logits: [usize; 2]) -> Result<(), LossError> {
        check_shape("soft targets", self.distributions.dims(), logits)?;
        check_rows("row weights", self.weights.len(), logits[0])?;
        if logits.contains(&0) {
            return Ok(());
        }
        let sums = column(self.distributions.clone().sum_dim(1))?;
        let smallest = column(self.distributions.clone().min_dim(1))?;
        for (row, (&sum, &smallest)) in sums.iter().zip(&smallest).enumerate() {
            // A sum that is no number fails the comparison.
            let is_one = (sum - 1.0).abs() <= SOFT_TARGET_TOLERANCE;
            if !is_one || smallest < 0.0 {
                return Err(LossError::NotADistribution { row, sum, smallest });
            }
        }
        Ok(())
    }
}

fn column(values: Tensor<2>) -> Result<Vec<f64>, LossError> {
    read(values).map_err(|error| LossError::Read {
        what: "sums of soft targets",
        reason: error.to_string(),
    })
}

/// Whether `what` has the shape of the logits.
pub(crate) fn check_shape(
    what: &'static str,
    found: [usize; 2],
    expected: [usize; 2],
) -> Result<(), LossError> {
    if found == expected {
        return Ok(());
    }
    Err(LossError::Shape {
        what,
        found,
        expected,
    })
}

#[cfg(test)]
mod tests;
