//! A sub-layer of attention: what it reads of its input and of what it attends to, and what it adds.

use burn::{
    module::Module,
    tensor::{DType, Device, Tensor},
};
use rand::Rng;
use scst_kernels::multi_head::Sources;

use super::{
    heads::{KeysValues, attend, attend_backward, mean_weights},
    linear::Linear,
    norm::{LayerNorm, NormRecord},
};
use crate::{Gradients, dropout::Dropped, init, rows::stack, weight::Weight};

/// ```text
/// n = norm(x),   q = n W_q + b_q,   k, v = m W_kv
/// x' = x + drop(heads(q, k, v) W_o + b_o)
/// ```
///
/// `m` is what is attended to: `n` of the words so far, or the regions. A bias of the keys would cancel in the
/// softmax, and one of the values would add up with `b_o`.
#[derive(Module, Debug)]
pub(crate) struct Attention {
    norm: LayerNorm,
    query: Linear,
    /// `W_kv`, `[hidden, 2 hidden]`.
    key_value_weight: Weight,
    output: Linear,
    #[module(skip)]
    heads: usize,
}

/// What the backward pass needs, of every run over some rows.
#[derive(Debug, Clone, Default)]
pub(crate) struct AttentionRecord {
    pub(crate) norm: NormRecord,
    /// `q`, `[rows, hidden]`.
    queries: Vec<Tensor<2>>,
    /// What the heads read, `[rows, hidden]`.
    contexts: Vec<Tensor<2>>,
    pub(crate) dropped: Dropped,
}

impl AttentionRecord {
    /// A record of runs with dropout as it says.
    pub(crate) fn with(dropped: Dropped) -> Self {
        Self {
            dropped,
            ..Self::default()
        }
    }
}

impl Attention {
    pub(crate) fn init(
        hidden: usize,
        heads: usize,
        place: (&Device, DType),
        rng: &mut impl Rng,
    ) -> Self {
        Self {
            norm: LayerNorm::init(hidden, place),
            query: Linear::init([hidden, hidden], place, rng),
            key_value_weight: init::linear([hidden, 2 * hidden], hidden, place, rng).into(),
            output: Linear::init([hidden, hidden], place, rng),
            heads,
        }
    }

    /// `n`, `[rows, hidden]`.
    pub(crate) fn normalised(&self, x: Tensor<2>, record: &mut AttentionRecord) -> Tensor<2> {
        self.norm.forward(x, &mut record.norm)
    }

    /// `k` and `v` of `m`, `[rows, hidden]`.
    pub(crate) fn keys_values(&self, m: Tensor<2>) -> KeysValues {
        KeysValues::new(self.key_value_weight.product(m))
    }

    /// `x'` from `x` and `n`.
    pub(crate) fn forward(
        &self,
        x: Tensor<2>,
        normalised: Tensor<2>,
        attended: &[KeysValues],
        sources: &Sources,
        record: &mut AttentionRecord,
    ) -> Tensor<2> {
        let queries = self.query.forward(normalised);
        let (queries, contexts) = attend(attended, sources, self.heads, queries);
        let output = self.output.forward(contexts.clone());
        record.queries.push(queries);
        record.contexts.push(contexts);
        record.dropped.add(x, output)
    }

    /// Where the rows of the last run look, mean over the heads, `[rows, longest list]`.
    pub(crate) fn weights(
        &self,
        attended: &KeysValues,
        sources: &Sources,
        record: &AttentionRecord,
    ) -> Option<Tensor<2>> {
        let queries = record.queries.last()?.clone();
        Some(mean_weights(attended, sources, self.heads, queries))
    }

    /// The gradients at `n` by way of the queries, `[rows, hidden]`, and at `k` and `v`, `[attended rows, 2 hidden]`,
    /// from that at `x'`.
    pub(crate) fn backward(
        &self,
        d_output: Tensor<2>,
        attended: &[KeysValues],
        sources: &Sources,
        record: &AttentionRecord,
        name: &str,
        gradients: &mut Gradients,
    ) -> (Tensor<2>, Tensor<2>) {
        let d_output = record.dropped.backward(d_output);
        let contexts = stack(&record.contexts);
        let d_contexts = self.output.input_gradient(d_output.clone());
        self.output
            .add_gradients(contexts, d_output, &format!("{name}.output"), gradients);
        let queries = stack(&record.queries);
        let (d_queries, d_keys_values) =
            attend_backward(attended, sources, self.heads, queries, d_contexts);
        let d_normalised = self.query.input_gradient(d_queries.clone());
        if let Some(normalised) = record.norm.output() {
            self.query
                .add_gradients(normalised, d_queries, &format!("{name}.query"), gradients);
        }
        (d_normalised, d_keys_values)
    }

    /// The gradient at `m` from that at `k` and `v`.
    pub(crate) fn keys_values_backward(
        &self,
        m: Tensor<2>,
        d_keys_values: Tensor<2>,
        name: &str,
        gradients: &mut Gradients,
    ) -> Tensor<2> {
        let d_weight = self.key_value_weight.gradient(m, d_keys_values.clone());
        gradients.add(&format!("{name}.key_value_weight"), d_weight);
        self.key_value_weight.input_gradient(d_keys_values)
    }

    /// The gradient at `x` by way of `n`.
    pub(crate) fn norm_backward(
        &self,
        d_normalised: Tensor<2>,
        record: &AttentionRecord,
        name: &str,
        gradients: &mut Gradients,
    ) -> Tensor<2> {
        let name = format!("{name}.norm");
        self.norm
            .backward(d_normalised, &record.norm, &name, gradients)
    }
}
