//! Cross-entropy and the shared kernel: model probability minus target, times a weight.

use burn::tensor::{IndexingUpdateOp, Tensor, activation::log_softmax};
#[cfg(feature = "cube")]
use scst_kernels::cube;
use scst_kernels::{host::is_host, softmax as kernel};

use crate::{LossError, RowTargets, SoftmaxGradient};

/// The gradient of weighted cross-entropy at the softmax inputs.
///
/// ```text
/// L        = -sum_k q_k log p_k,   p = softmax(s),   q = (1 - eps) 1_w + eps / V
/// a dL/ds  = a (p - q)
/// ```
///
/// With `a = 1` this is cross-entropy (Goodfellow, Bengio, Courville, Deep Learning, 6.2.2); with
/// `a = r(y^s) - b` and `eps = 0` it is the self-critical gradient (Rennie et al. 2017, eq. 8).
/// `eps = label_smoothing` (Szegedy et al. 2016, section 7). Rows with `a = 0` get exactly 0.
///
/// # Shapes
/// `logits`: `[rows, vocab]`, of any float type; the results have the same type.
///
/// # Errors
/// [`LossError`] when a target does not fit the logits or the smoothing is outside `[0, 1)`.
pub fn softmax_gradient(
    logits: Tensor<2>,
    targets: &RowTargets<'_>,
    label_smoothing: f32,
) -> Result<SoftmaxGradient, LossError> {
    let vocab = logits.dims()[1];
    targets.check(logits.dims())?;
    if !(0.0..1.0).contains(&label_smoothing) {
        return Err(LossError::Range {
            what: "label smoothing",
            found: f64::from(label_smoothing),
            expected: "0 or more, less than 1",
        });
    }
    let (device, dtype) = (logits.device(), logits.dtype());
    if is_host(&device, dtype) {
        return Ok(targets.on_host(logits, |vocab, logits, targets| {
            kernel::gradient(vocab, logits, targets, label_smoothing)
        }));
    }
    let (words, weights) = targets.columns(&device, dtype);
    #[cfg(feature = "cube")]
    if cube::runs_on(&device, dtype) {
        let found = cube::softmax::gradient(logits, words, weights, label_smoothing);
        return Ok(SoftmaxGradient {
            gradient: found.gradient,
            log_probability: found.log_probability,
            loss: found.loss,
            entropy: found.entropy,
        });
    }
    let log_p = log_softmax(logits, 1);
    let p = log_p.clone().exp();
    let log_probability = log_p.clone().gather(1, words.clone());
    let entropy = entropy(&p, &log_p);
    let epsilon = f64::from(label_smoothing);
    let (loss, p_minus_rest) = if epsilon == 0.0 {
        (log_probability.clone().neg(), p)
    } else {
        let uniform = log_p.mean_dim(1);
        let mixed = log_probability.clone().mul_scalar(1.0 - epsilon) + uniform.mul_scalar(epsilon);
        (mixed.neg(), p.sub_scalar(epsilon / vocab as f64))
    };
    let gradient = (p_minus_rest * weights.clone()).scatter(
        1,
        words,
        weights.mul_scalar(epsilon - 1.0),
        IndexingUpdateOp::Add,
    );
    Ok(SoftmaxGradient {
        gradient,
        log_probability,
        loss,
        entropy,
    })
}

/// `-sum_k p_k log p_k` of every row, `[rows, 1]`; of a word that is ruled out, `p log p` is 0.
pub(crate) fn entropy(p: &Tensor<2>, log_p: &Tensor<2>) -> Tensor<2> {
    let impossible = p.clone().equal_elem(0.0);
    let terms = (p.clone() * log_p.clone()).mask_fill(impossible, 0.0);
    terms.sum_dim(1).neg()
}

#[cfg(test)]
mod tests;
