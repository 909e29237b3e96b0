//! What a loss of single words gives.

use burn::tensor::Tensor;

/// Losses of single rows and the gradient at the softmax inputs, not yet summed or divided.
#[derive(Debug, Clone)]
pub struct SoftmaxGradient {
    /// `a dL/ds`, `[rows, vocab]`.
    pub gradient: Tensor<2>,
    /// `log p_w`, nats, `[rows, 1]`.
    pub log_probability: Tensor<2>,
    /// `L` without the weight, `[rows, 1]`; cross-entropies in nats.
    pub loss: Tensor<2>,
    /// `-sum_k p_k log p_k`, nats, `[rows, 1]`.
    pub entropy: Tensor<2>,
}
