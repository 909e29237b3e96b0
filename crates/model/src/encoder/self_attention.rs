//! Layers of attention of every token to all tokens of its text.

use burn::{
    module::{Module, Param},
    tensor::{DType, Device, Tensor},
};
use rand::Rng;
use scst_kernels::multi_head::Sources;

use super::config::TransformerEncoderConfig;
use crate::{
    Dropout, Gradients, ModelError, SourceTokens,
    dropout::Dropped,
    init,
    rows::index,
    transformer::{
        attention::{Attention, AttentionRecord},
        feed_forward::{FeedForward, FeedForwardRecord},
        heads::KeysValues,
        linear::Linear,
        norm::{LayerNorm, NormRecord},
        positions,
    },
    words::{embed, embedding_gradient},
};

/// The encoder of Vaswani et al. 2017, section 3.1, normalised before every sub-layer (Xiong et al. 2020).
///
/// ```text
/// x_t = drop(sqrt(hidden) E[w_t] + P_t),   P as of the transformer captioner
/// x_t = layers(x_t, x),                    v_t = norm(x_t)
/// ```
///
/// A row knows the rows that are the tokens of its text, so nothing is padded or masked.
#[derive(Module, Debug)]
pub(crate) struct SelfAttention {
    /// `E`, `[vocab, hidden]`.
    embedding: Param<Tensor<2>>,
    layers: Vec<Layer>,
    norm: LayerNorm,
}

/// ```text
/// x'  = x + drop(attention of norm(x) to norm(x) of its text)
/// x'' = x' + drop(relu(norm(x') W_1 + b_1) W_2 + b_2)
/// ```
#[derive(Module, Debug)]
struct Layer {
    attention: Attention,
    norm: LayerNorm,
    /// `W_1` and `b_1`, `[hidden, feed_forward]`.
    inner: Linear,
    /// `W_2` and `b_2`, `[feed_forward, hidden]`.
    outer: Linear,
}

/// What the backward pass needs.
#[derive(Debug, Clone)]
pub(crate) struct SelfAttentionRecord {
    words: Vec<u32>,
    of_tokens: Sources,
    embedded: Dropped,
    layers: Vec<LayerRecord>,
    norm: NormRecord,
}

#[derive(Debug, Clone)]
struct LayerRecord {
    attention: AttentionRecord,
    keys_values: KeysValues,
    feed_forward: FeedForwardRecord,
}

impl SelfAttention {
    pub(crate) fn init(
        config: &TransformerEncoderConfig,
        vocab: usize,
        place: (&Device, DType),
        rng: &mut impl Rng,
    ) -> Self {
        let TransformerEncoderConfig {
            layers,
            hidden,
            heads,
            feed_forward,
        } = *config;
        let embedding = init::scaled_embedding([vocab, hidden], place, rng);
        let layer = |_| Layer {
            attention: Attention::init(hidden, heads, place, rng),
            norm: LayerNorm::init(hidden, place),
            inner: Linear::init([hidden, feed_forward], place, rng),
            outer: Linear::init([feed_forward, hidden], place, rng),
        };
        Self {
            embedding,
            layers: (0..layers).map(layer).collect(),
            norm: LayerNorm::init(hidden, place),
        }
    }

    /// The vectors of all tokens, `[tokens, hidden]`.
    pub(crate) fn read(
        &self,
        texts: &SourceTokens,
        mut dropout: Option<&mut Dropout>,
    ) -> Result<(Tensor<2>, SelfAttentionRecord), ModelError> {
        let embedded = embed(&self.embedding.val(), texts.ids())?;
        let hidden = embedded.dims()[1];
        let longest = texts.counts().iter().copied().max().unwrap_or(0);
        let table = positions(longest, hidden, &embedded);
        let position: Vec<usize> = texts.counts().iter().flat_map(|&count| 0..count).collect();
        let position = table.select(0, index(&position, &embedded.device()));
        let inputs = embedded.mul_scalar((hidden as f64).sqrt()) + position;

        let (mut of_tokens, mut first) = (Sources::default(), 0);
        for &count in texts.counts() {
            for _ in 0..count {
                of_tokens.push(first..first + count);
            }
            first += count;
        }
        let mut dropped = || match dropout.as_deref_mut() {
            None => Dropped::default(),
            Some(dropout) => Dropped::new(dropout.split()),
        };
        let mut embedded = dropped();
        let mut x = embedded.forward(inputs);
        let mut layers = Vec::with_capacity(self.layers.len());
        for layer in &self.layers {
            let record;
            (x, record) = layer.forward(x, &of_tokens, [dropped(), dropped()]);
            layers.push(record);
        }
        let mut norm = NormRecord::default();
        let vectors = self.norm.forward(x, &mut norm);
        let record = SelfAttentionRecord {
            words: texts.ids().to_vec(),
            of_tokens,
            embedded,
            layers,
            norm,
        };
        Ok((vectors, record))
    }

    /// Adds the gradients of all parameters, from that at the vectors of tokens.
    pub(crate) fn backward(
        &self,
        record: SelfAttentionRecord,
        d_vectors: Tensor<2>,
        gradients: &mut Gradients,
    ) {
        let norm = &self.norm;
        let mut d = norm.backward(d_vectors, &record.norm, "norm", gradients);
        let layers = self.layers.iter().zip(&record.layers).enumerate().rev();
        for (k, (layer, of_layer)) in layers {
            let name = format!("layers.{k}");
            d = layer.backward(d, &record.of_tokens, of_layer, &name, gradients);
        }
        let d = record.embedded.backward(d);
        let hidden = d.dims()[1] as f64;
        let embedding = self.embedding.val();
        let d_embedding =
            embedding_gradient(&embedding, &record.words, d.mul_scalar(hidden.sqrt()));
        gradients.add("embedding", d_embedding);
    }
}

impl Layer {
    fn feed_forward(&self) -> FeedForward<'_> {
        FeedForward {
            norm: &self.norm,
            inner: &self.inner,
            outer: &self.outer,
        }
    }

    fn forward(
        &self,
        x: Tensor<2>,
        of_tokens: &Sources,
        [of_attention, of_feed_forward]: [Dropped; 2],
    ) -> (Tensor<2>, LayerRecord) {
        let mut attention = AttentionRecord::with(of_attention);
        let n = self.attention.normalised(x.clone(), &mut attention);
        let keys_values = self.attention.keys_values(n.clone());
        let attended = std::slice::from_ref(&keys_values);
        let x = self
            .attention
            .forward(x, n, attended, of_tokens, &mut attention);
        let mut feed_forward = FeedForwardRecord::with(of_feed_forward);
        let x = self.feed_forward().forward(x, &mut feed_forward);
        let record = LayerRecord {
            attention,
            keys_values,
            feed_forward,
        };
        (x, record)
    }

    /// The gradient at `x` from that at `x''`.
    fn backward(
        &self,
        d: Tensor<2>,
        of_tokens: &Sources,
        record: &LayerRecord,
        name: &str,
        gradients: &mut Gradients,
    ) -> Tensor<2> {
        let feed_forward = self.feed_forward();
        let d = feed_forward.backward(d, &record.feed_forward, name, gradients);
        let name = format!("{name}.attention");
        let layer = &self.attention;
        let (mut d_n, d_keys_values) = layer.backward(
            d.clone(),
            std::slice::from_ref(&record.keys_values),
            of_tokens,
            &record.attention,
            &name,
            gradients,
        );
        if let Some(n) = record.attention.norm.output() {
            d_n = d_n + layer.keys_values_backward(n, d_keys_values, &name, gradients);
        }
        d + layer.norm_backward(d_n, &record.attention, &name, gradients)
    }
}
