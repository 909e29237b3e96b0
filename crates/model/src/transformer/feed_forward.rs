//! A sub-layer of two matrix products, row by row.

use burn::tensor::Tensor;

use super::{
    linear::Linear,
    norm::{LayerNorm, NormRecord},
};
use crate::{
    Gradients,
    dropout::Dropped,
    relu::{relu, relu_dropout_backward},
    rows::stack,
};

/// ```text
/// y = x + drop(relu(norm(x) W_1 + b_1) W_2 + b_2)
/// ```
#[derive(Debug, Clone, Copy)]
pub(crate) struct FeedForward<'a> {
    pub(crate) norm: &'a LayerNorm,
    /// `W_1` and `b_1`, `[hidden, feed_forward]`.
    pub(crate) inner: &'a Linear,
    /// `W_2` and `b_2`, `[feed_forward, hidden]`.
    pub(crate) outer: &'a Linear,
}

/// What the backward pass needs, of every run over some rows.
#[derive(Debug, Clone, Default)]
pub(crate) struct FeedForwardRecord {
    norm: NormRecord,
    /// After ReLU, `[rows, feed_forward]`.
    inner: Vec<Tensor<2>>,
    pub(crate) dropped: Dropped,
}

impl FeedForwardRecord {
    /// A record of runs with dropout as it says.
    pub(crate) fn with(dropped: Dropped) -> Self {
        Self {
            dropped,
            ..Self::default()
        }
    }
}

impl FeedForward<'_> {
    /// `y`, `[rows, hidden]`.
    pub(crate) fn forward(self, x: Tensor<2>, record: &mut FeedForwardRecord) -> Tensor<2> {
        let n = self.norm.forward(x.clone(), &mut record.norm);
        let inner = relu(self.inner.forward(n));
        let outer = self.outer.forward(inner.clone());
        record.inner.push(inner);
        record.dropped.add(x, outer)
    }

    /// The gradient at `x` from that at `y`; adds those of the parameters below `name`.
    pub(crate) fn backward(
        self,
        d: Tensor<2>,
        record: &FeedForwardRecord,
        name: &str,
        gradients: &mut Gradients,
    ) -> Tensor<2> {
        let d_outer = record.dropped.backward(d.clone());
        let inner = stack(&record.inner);
        let d_inner = self.outer.input_gradient(d_outer.clone());
        let d_inner = relu_dropout_backward(d_inner, inner.clone(), 1.0);
        self.outer
            .add_gradients(inner, d_outer, &format!("{name}.outer"), gradients);
        let d_n = self.inner.input_gradient(d_inner.clone());
        if let Some(n) = record.norm.output() {
            self.inner
                .add_gradients(n, d_inner, &format!("{name}.inner"), gradients);
        }
        let name = format!("{name}.norm");
        d + self.norm.backward(d_n, &record.norm, &name, gradients)
    }
}
