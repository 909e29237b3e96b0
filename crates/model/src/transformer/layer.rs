//! A layer: attention to the words so far, attention to the regions, and a feed-forward network.

use burn::{
    module::Module,
    tensor::{DType, Device, Tensor},
};
use rand::Rng;
use scst_kernels::multi_head::Sources;

use super::{
    attention::{Attention, AttentionRecord},
    config::TransformerConfig,
    feed_forward::{FeedForward, FeedForwardRecord},
    heads::{KeysValues, extend},
    linear::Linear,
    norm::LayerNorm,
};
use crate::{Dropout, Gradients, dropout::Dropped};

/// ```text
/// x'   = x + drop(attention of norm(x) to norm(x) of the words so far)
/// x''  = x' + drop(attention of norm(x') to the regions)
/// x''' = x'' + drop(relu(norm(x'') W_1 + b_1) W_2 + b_2)
/// ```
#[derive(Module, Debug)]
pub(crate) struct Layer {
    words: Attention,
    pub(crate) regions: Attention,
    norm: LayerNorm,
    /// `W_1` and `b_1`, `[hidden, feed_forward]`.
    inner: Linear,
    /// `W_2` and `b_2`, `[feed_forward, hidden]`.
    outer: Linear,
}

/// What the backward pass needs, of every run over some rows.
#[derive(Debug, Clone, Default)]
pub(crate) struct LayerRecord {
    words: AttentionRecord,
    /// Of the words, block by block.
    keys_values: Vec<KeysValues>,
    pub(crate) regions: AttentionRecord,
    feed_forward: FeedForwardRecord,
}

impl LayerRecord {
    /// A record of runs with dropout, of generators that are drawn from `dropout`.
    pub(crate) fn with_dropout(dropout: &mut Dropout) -> Self {
        let mut record = Self::default();
        record.words.dropped = Dropped::new(dropout.split());
        record.regions.dropped = Dropped::new(dropout.split());
        record.feed_forward = FeedForwardRecord::with(Dropped::new(dropout.split()));
        record
    }

    /// All places of dropout.
    #[cfg(feature = "cube")]
    pub(crate) fn dropped(&mut self) -> [&mut Dropped; 3] {
        [
            &mut self.words.dropped,
            &mut self.regions.dropped,
            &mut self.feed_forward.dropped,
        ]
    }
}

/// What rows attend to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Attended<'a> {
    /// The rows of words that every row attends to, its own among them.
    pub(crate) words: &'a Sources,
    /// The regions of every row's image.
    pub(crate) regions: &'a Sources,
}

impl Layer {
    pub(crate) fn init(
        config: &TransformerConfig,
        place: (&Device, DType),
        rng: &mut impl Rng,
    ) -> Self {
        let TransformerConfig {
            hidden,
            heads,
            feed_forward,
            ..
        } = *config;
        Self {
            words: Attention::init(hidden, heads, place, rng),
            regions: Attention::init(hidden, heads, place, rng),
            norm: LayerNorm::init(hidden, place),
            inner: Linear::init([hidden, feed_forward], place, rng),
            outer: Linear::init([feed_forward, hidden], place, rng),
        }
    }

    /// `x'''` of some rows. Their keys and values go to the cache, behind those of earlier rows.
    pub(crate) fn forward(
        &self,
        x: Tensor<2>,
        attended: Attended<'_>,
        cache: &mut Vec<KeysValues>,
        regions: &KeysValues,
        record: &mut LayerRecord,
    ) -> Tensor<2> {
        let n = self.words.normalised(x.clone(), &mut record.words);
        let keys_values = self.words.keys_values(n.clone());
        record.keys_values.push(keys_values.clone());
        extend(cache, keys_values);
        let x = self
            .words
            .forward(x, n, cache, attended.words, &mut record.words);

        let n = self.regions.normalised(x.clone(), &mut record.regions);
        let regions = std::slice::from_ref(regions);
        let x = self
            .regions
            .forward(x, n, regions, attended.regions, &mut record.regions);

        self.feed_forward().forward(x, &mut record.feed_forward)
    }

    /// The gradients at `x`, `[rows, hidden]`, and at keys and values of the regions, from that at `x'''`.
    pub(crate) fn backward(
        &self,
        d: Tensor<2>,
        attended: Attended<'_>,
        regions: &KeysValues,
        record: &LayerRecord,
        name: &str,
        gradients: &mut Gradients,
    ) -> (Tensor<2>, Tensor<2>) {
        let feed_forward = self.feed_forward();
        let d = feed_forward.backward(d, &record.feed_forward, name, gradients);

        let of_regions = format!("{name}.regions");
        let (layer, to) = (&self.regions, std::slice::from_ref(regions));
        let (d_n, d_regions) = layer.backward(
            d.clone(),
            to,
            attended.regions,
            &record.regions,
            &of_regions,
            gradients,
        );
        let d = d + layer.norm_backward(d_n, &record.regions, &of_regions, gradients);

        let of_words = format!("{name}.words");
        let (layer, to) = (&self.words, record.keys_values.as_slice());
        let (mut d_n, d_words) = layer.backward(
            d.clone(),
            to,
            attended.words,
            &record.words,
            &of_words,
            gradients,
        );
        if let Some(n) = record.words.norm.output() {
            d_n = d_n + layer.keys_values_backward(n, d_words, &of_words, gradients);
        }
        let d = d + layer.norm_backward(d_n, &record.words, &of_words, gradients);
        (d, d_regions)
    }

    fn feed_forward(&self) -> FeedForward<'_> {
        FeedForward {
            norm: &self.norm,
            inner: &self.inner,
            outer: &self.outer,
        }
    }
}
