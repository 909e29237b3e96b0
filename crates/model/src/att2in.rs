//! The Att2in captioner: what an LSTM attends to among the regions of an image enters its candidate.

use burn::{
    module::Module,
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
    tape::{CoreRecord, SourceRecord, State},
    weight::Weight,
    words::{InputKind, WordLayers},
};

/// Sizes of the Att2in captioner.
///
/// With `V` words, features of length `F`, `H` hidden units, embeddings of length `E` and attention of size `A` it has
/// `V (E + H + 1) + H (F + 1) + 5 H (E + 1) + 7 H^2 + 2 A (H + 1)` parameters, and with linear inputs
/// `V (E + H + 1) + 5 H (E + 1) + H (5 H + 2 F) + A (H + F + 2)`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Att2inConfig {
    /// Units of the LSTM, and length of the projected regions.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub hidden: usize,
    /// Length of word embeddings.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub embedding: usize,
    /// Length of the keys and queries of attention.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub attention_size: usize,
    /// What it reads of words and regions.
    pub inputs: InputKind,
    /// Share of units that dropout removes in training, from projected regions, word inputs and LSTM outputs.
    #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1.0))]
    pub dropout: f64,
}

impl Default for Att2inConfig {
    fn default() -> Self {
        Self {
            hidden: 512,
            embedding: 512,
            attention_size: 512,
            inputs: InputKind::Relu,
            dropout: 0.5,
        }
    }
}

impl Architecture for Att2inConfig {
    fn name(&self) -> &'static str {
        "att2in"
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
        let cell = word_parameters(v, h, e) + 5 * h * (e + 1) + 5 * h * h + h * a + 2 * a;
        cell + match self.inputs {
            InputKind::Relu => h * (f + 1) + h * a + 2 * h * h,
            InputKind::Linear => f * a + 2 * f * h,
        }
    }

    fn reads_regions(&self) -> bool {
        true
    }
}

/// The Att2in model of Rennie et al. 2017, section 3.2.
///
/// ```text
/// v_r = drop(relu(region_r W_I + b_I)) or region_r,   k_r = v_r W_k + b_k,   h_0 = c_0 = 0
/// x_t = drop(relu(E[w_(t-1)])) or E[w_(t-1)],         w_0 = end token
/// alpha = softmax_r(w . tanh(k_r + h_(t-1) W_q)),   z_t = sum_r alpha_r v_r
/// i, f, o = sigmoid(x_t W_x + h_(t-1) W_h + b)[i, f, o]
/// g = max of the two halves of (x_t W_x + h_(t-1) W_h + b)[g] + z_t W_z
/// c_t = f c_(t-1) + i g,   h_t = o tanh(c_t)
/// p(w_t given w_<t, image) = softmax(drop(h_t) W_o + b_o)
/// ```
///
/// One bias stands for several that would add up: `b` for those of all products into the gates, `b_k` for those of
/// key and query; a bias of the scores would cancel. `W_h` and `W_q` share one matrix product.
///
/// It is also the [Att2all captioner](crate::Att2allConfig), when `z_t W_z` enters all gates.
#[derive(Module, Debug)]
pub(crate) struct Att2inCaptioner {
    words: WordLayers,
    regions: RegionLayers,
    /// `W_h` and `W_q`, `[hidden, 5 hidden + attention]`.
    recurrent_weight: Weight,
}

impl Att2inCaptioner {
    /// The two halves of the candidate.
    pub(crate) const CANDIDATE_BLOCKS: usize = 2;

    /// `context_blocks`: the gates that `z_t W_z` enters, the last ones, in units of `hidden`.
    pub(crate) fn init(
        config: &Att2inConfig,
        context_blocks: usize,
        dimensions: Dimensions,
        place: (&Device, DType),
        rng: &mut impl Rng,
    ) -> Self {
        let Dimensions { feature, vocab } = dimensions;
        let (hidden, embedding) = (config.hidden, config.embedding);
        let attention = config.attention_size;
        let gates = Candidate::Maxout.blocks() * hidden;
        let mut linear = |shape: [usize; 2], inputs| init::linear(shape, inputs, place, rng);
        let is_projected = config.inputs == InputKind::Relu;
        let values = if is_projected { hidden } else { feature };
        let image_weight = is_projected.then(|| linear([feature, hidden], feature).into());
        let image_bias = is_projected.then(|| linear([1, hidden], feature));
        let key_weight = linear([values, attention], values).into();
        let key_bias = linear([1, attention], values);
        let recurrent_weight = linear([hidden, gates + attention], hidden).into();
        let regions = RegionLayers {
            image_weight,
            image_bias,
            key_weight,
            key_bias,
            score_weight: linear([attention, 1], attention),
            context_weight: linear([values, context_blocks * hidden], values).into(),
        };
        let input_weight = linear([embedding, gates], embedding).into();
        let gate_bias = linear([1, gates], hidden);
        let output_weight = linear([hidden, vocab], hidden).into();
        let output_bias = linear([1, vocab], hidden);
        Self {
            words: WordLayers {
                embedding: init::embedding([vocab, embedding], place, rng),
                input_weight,
                gate_bias: Some(gate_bias),
                output_weight,
                output_bias,
                input: config.inputs,
            },
            regions,
            recurrent_weight,
        }
    }
}

impl Recurrent for Att2inCaptioner {
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
        let (regions, record) = self.regions.read(features, dropout);
        let place = (&record.projected.device(), record.projected.dtype());
        let zeros = Tensor::zeros([sources, self.words.hidden()], place);
        let state = State {
            hidden: zeros.clone(),
            cell: zeros,
            source_of_row: (0..sources).collect(),
            regions: Some(regions),
        };
        Ok((state, record))
    }

    fn cell(
        &self,
        input: Tensor<2>,
        recurrent: Tensor<2>,
        state: State,
        _look: Look<'_>,
    ) -> Result<(State, CoreRecord), ModelError> {
        let (maxout, look) = (Candidate::Maxout, Look::Expected);
        self.regions.cell(maxout, input, recurrent, state, look)
    }

    fn cell_backward(
        &self,
        record: CoreRecord,
        sources: &SourceRecord,
        d_state: (Tensor<2>, Tensor<2>),
        _location: Option<LocationSignal<'_>>,
        sums: &mut StepSums,
    ) -> Result<(Tensor<2>, Tensor<2>), ModelError> {
        let layers = &self.regions;
        layers.cell_backward(Candidate::Maxout, record, sources, d_state, None, sums)
    }

    fn read_backward(
        &self,
        sources: SourceRecord,
        _d_start: Option<(Tensor<2>, Tensor<2>)>,
        d_products: Option<Tensor<2>>,
        sums: StepSums,
        scale: f64,
        gradients: &mut Gradients,
    ) -> Option<Tensor<2>> {
        let (d_products, attention) = d_products.zip(sums.attention)?;
        let d_gates = d_products.narrow(1, 0, self.words.gate_columns());
        let layers = &self.regions;
        layers.backward(&sources, d_gates, attention, None, scale, gradients)
    }
}
