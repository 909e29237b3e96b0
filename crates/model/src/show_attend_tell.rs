//! Show, attend and tell: what an LSTM attends to among the regions of an image enters all of its gates.

use burn::{
    module::{Module, Param},
    tensor::{DType, Device, Tensor},
};
use rand::Rng;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    Dimensions, Dropout, Gradients, ModelError, SourceVectors,
    architecture::{Architecture, capped, word_parameters},
    init,
    locations::{LocationSignal, Look},
    lstm::Candidate,
    recurrent::{Recurrent, StepSums},
    region_layers::RegionLayers,
    tape::{CoreRecord, SourceRecord, StartRecord, State},
    weight::Weight,
    words::WordLayers,
};

/// How a captioner attends to regions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AttentionKind {
    /// To all regions, by their weights.
    Soft,
    /// To one region: in training it is drawn from the weights, in decoding it is the most probable one.
    Hard,
}

/// Sizes of the show-attend-tell captioner.
///
/// With `V` words, features of length `F`, `H` hidden units, embeddings of length `E` and attention of size `A` it has
/// `V (E + H + 1) + H (F + 1) + 4 H (E + 1) + 10 H^2 + 2 H + 2 A (H + 1)` parameters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ShowAttendTellConfig {
    /// Soft or hard attention.
    pub attention: AttentionKind,
    /// Units of the LSTM, and length of the projected regions.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub hidden: usize,
    /// Length of word embeddings.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub embedding: usize,
    /// Length of the keys and queries of attention.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub attention_size: usize,
    /// Share of units that dropout removes in training, from projected regions, word inputs and LSTM outputs.
    #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1.0))]
    pub dropout: f64,
}

impl Default for ShowAttendTellConfig {
    fn default() -> Self {
        Self {
            attention: AttentionKind::Soft,
            hidden: 512,
            embedding: 512,
            attention_size: 512,
            dropout: 0.5,
        }
    }
}

impl Architecture for ShowAttendTellConfig {
    fn name(&self) -> &'static str {
        "show_attend_tell"
    }

    fn dropout(&self) -> f64 {
        self.dropout
    }

    fn sizes(&self) -> Vec<(&'static str, usize)> {
        vec![
            ("hidden", self.hidden),
            ("embedding", self.embedding),
            ("attention_size", self.attention_size),
        ]
    }

    fn parameter_count(&self, dimensions: Dimensions) -> u128 {
        let (f, v) = (capped(dimensions.feature), capped(dimensions.vocab));
        let h = capped(self.hidden);
        let e = capped(self.embedding);
        let a = capped(self.attention_size);
        let start = 2 * h * (h + 1);
        let attention = 8 * h * h + start + 2 * a * (h + 1);
        word_parameters(v, h, e) + h * (f + 1) + 4 * h * (e + 1) + attention
    }

    fn reads_regions(&self) -> bool {
        true
    }
}

/// The model of Xu et al. 2015, section 3.1, without its gate of the context and with words scored from `h_t` alone.
///
/// ```text
/// v_r = drop(relu(region_r W_I + b_I)),   k_r = v_r W_k + b_k
/// h_0, c_0 = tanh((mean_r v_r) W_s + b_s)
/// x_t = drop(relu(E[w_(t-1)])),           w_0 = end token
/// alpha = softmax_r(w . tanh(k_r + h_(t-1) W_q))
/// z_t = sum_r alpha_r v_r  (soft)   or   v_r, r ~ alpha  (hard)
/// h_t, c_t = LSTM of the gates x_t W_x + h_(t-1) W_h + z_t W_z + b
/// p(w_t given w_<t, image) = softmax(drop(h_t) W_o + b_o)
/// ```
#[derive(Module, Debug)]
pub(crate) struct ShowAttendTellCaptioner {
    words: WordLayers,
    regions: RegionLayers,
    /// `W_h` and `W_q`, `[hidden, 4 hidden + attention]`.
    recurrent_weight: Weight,
    /// `W_s`, `[hidden, 2 hidden]`.
    start_weight: Weight,
    /// `b_s`, `[1, 2 hidden]`.
    start_bias: Param<Tensor<2>>,
    #[module(skip)]
    attention: AttentionKind,
}

impl ShowAttendTellCaptioner {
    pub(crate) fn init(
        config: &ShowAttendTellConfig,
        dimensions: Dimensions,
        place: (&Device, DType),
        rng: &mut impl Rng,
    ) -> Self {
        let Dimensions { feature, vocab } = dimensions;
        let (hidden, embedding) = (config.hidden, config.embedding);
        let attention = config.attention_size;
        let gates = Candidate::Tanh.blocks() * hidden;
        let words = WordLayers::init([vocab, embedding, gates, hidden], place, rng);
        let regions = RegionLayers::init([feature, hidden, attention, gates], place, rng);
        let mut linear = |shape: [usize; 2], inputs| init::linear(shape, inputs, place, rng);
        Self {
            words,
            regions,
            recurrent_weight: linear([hidden, gates + attention], hidden).into(),
            start_weight: linear([hidden, 2 * hidden], hidden).into(),
            start_bias: linear([1, 2 * hidden], hidden),
            attention: config.attention,
        }
    }
}

impl Recurrent for ShowAttendTellCaptioner {
    fn words(&self) -> &WordLayers {
        &self.words
    }

    fn recurrent_weight(&self) -> &Weight {
        &self.recurrent_weight
    }

    fn feature(&self) -> usize {
        self.regions.feature()
    }

    fn read(
        &self,
        features: SourceVectors,
        dropout: Option<&mut Dropout>,
    ) -> Result<(State, SourceRecord), ModelError> {
        let sources = features.sources();
        let hidden = self.regions.hidden();
        let (regions, mut record) = self.regions.read(features, dropout);
        let mean = record.features.mean_of_regions(record.projected.clone());
        let start = self.start_weight.affine(mean.clone(), &self.start_bias);
        let start = start.tanh();
        let state = State {
            hidden: start.clone().narrow(1, 0, hidden),
            cell: start.clone().narrow(1, hidden, hidden),
            source_of_row: (0..sources).collect(),
            regions: Some(regions),
        };
        record.start = Some(StartRecord { mean, start });
        Ok((state, record))
    }

    fn cell(
        &self,
        input: Tensor<2>,
        recurrent: Tensor<2>,
        state: State,
        look: Look<'_>,
    ) -> Result<(State, CoreRecord), ModelError> {
        let look = match self.attention {
            AttentionKind::Soft => Look::Expected,
            AttentionKind::Hard => look,
        };
        let layers = &self.regions;
        layers.cell(Candidate::Tanh, input, recurrent, state, look)
    }

    fn cell_backward(
        &self,
        record: CoreRecord,
        sources: &SourceRecord,
        d_state: (Tensor<2>, Tensor<2>),
        location: Option<LocationSignal<'_>>,
        sums: &mut StepSums,
    ) -> Result<(Tensor<2>, Tensor<2>), ModelError> {
        let layers = &self.regions;
        layers.cell_backward(Candidate::Tanh, record, sources, d_state, location, sums)
    }

    fn read_backward(
        &self,
        sources: SourceRecord,
        d_start: Option<(Tensor<2>, Tensor<2>)>,
        d_products: Option<Tensor<2>>,
        sums: StepSums,
        scale: f64,
        gradients: &mut Gradients,
    ) -> Option<Tensor<2>> {
        let (d_products, attention) = d_products.zip(sums.attention)?;
        let d_gates = d_products.narrow(1, 0, self.words.gate_columns());
        let d_values = match (d_start, &sources.start) {
            (Some((dh, dc)), Some(StartRecord { mean, start })) => {
                let slope = start.clone().square().neg().add_scalar(1.0);
                let d_sums = Tensor::cat(vec![dh, dc], 1) * slope;
                let d_weight = self.start_weight.gradient(mean.clone(), d_sums.clone());
                gradients.add("start_weight", d_weight);
                gradients.add("start_bias", d_sums.clone().sum_dim(0));
                let d_mean = self.start_weight.input_gradient(d_sums);
                Some(sources.features.mean_of_regions_backward(d_mean))
            }
            _ => None,
        };
        let layers = &self.regions;
        layers.backward(&sources, d_gates, attention, d_values, scale, gradients)
    }
}

#[cfg(test)]
mod tests;
