//! The Brier score: squared error of the model's distribution.

use burn::tensor::{IndexingUpdateOp, Tensor, activation::log_softmax};
use scst_kernels::{brier as kernel, host::is_host};

use crate::{
    LossError, RowTargets, SoftTargetGradient, SoftTargets, SoftmaxGradient,
    row_targets::column_of, softmax::entropy,
};

/// The gradient of the weighted Brier score of gold words at the softmax inputs.
///
/// ```text
/// L          = sum_k (p_k - y_k)^2,   p = softmax(s),   y = 1_w
/// a dL/ds_j  = a 2 p_j ((p_j - y_j) - sum_k (p_k - y_k) p_k)
/// ```
///
/// Brier 1950: a proper score from 0 to 2, whose gradient, unlike that of cross-entropy,
/// vanishes where the model is certain of another word. Rows with `a = 0` get exactly 0.
///
/// # Shapes
/// `logits`: `[rows, vocab]`, of any float type; the results have the same type.
///
/// # Errors
/// [`LossError`] when a target does not fit the logits.
pub fn brier_gradient(
    logits: Tensor<2>,
    targets: &RowTargets<'_>,
) -> Result<SoftmaxGradient, LossError> {
    targets.check(logits.dims())?;
    let (device, dtype) = (logits.device(), logits.dtype());
    if is_host(&device, dtype) {
        return Ok(targets.on_host(logits, kernel::gradient));
    }
    let (words, weights) = targets.columns(&device, dtype);
    let log_p = log_softmax(logits, 1);
    let p = log_p.clone().exp();
    let log_probability = log_p.clone().gather(1, words.clone());
    let entropy = entropy(&p, &log_p);
    let gold = p
        .zeros_like()
        .scatter(1, words, log_probability.ones_like(), IndexingUpdateOp::Add);
    let SoftTargetGradient { gradient, loss } = squared_error(p, gold, weights);
    Ok(SoftmaxGradient {
        gradient,
        log_probability,
        loss,
        entropy,
    })
}

/// As [`brier_gradient`], with a distribution `y` as the target of every row.
///
/// # Shapes
/// `logits`: `[rows, vocab]`, of any float type; targets and results have the same type and device.
///
/// # Errors
/// [`LossError`] when targets and logits do not fit together, or a target is no distribution.
pub fn soft_brier_gradient(
    logits: Tensor<2>,
    targets: &SoftTargets<'_>,
) -> Result<SoftTargetGradient, LossError> {
    targets.check(logits.dims())?;
    let weights = column_of(targets.weights, &logits.device(), logits.dtype());
    let p = log_softmax(logits, 1).exp();
    Ok(squared_error(p, targets.distributions.clone(), weights))
}

fn squared_error(p: Tensor<2>, y: Tensor<2>, weights: Tensor<2>) -> SoftTargetGradient {
    let difference = p.clone() - y;
    let loss = difference.clone().square().sum_dim(1);
    let mean = (p.clone() * difference.clone()).sum_dim(1);
    SoftTargetGradient {
        gradient: p * (difference - mean) * weights.mul_scalar(2.0),
        loss,
    }
}

#[cfg(test)]
mod tests;
