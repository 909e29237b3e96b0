//! The up-down captioner: one LSTM decides what to attend to among the regions of an image, another one what to say.

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
    dropout::dropped,
    init,
    locations::{LocationSignal, Look},
    lstm::{Candidate, cell, cell_backward},
    recurrent::{Recurrent, StepSums},
    region_layers::RegionLayers,
    relu::{relu, relu_dropout_backward},
    step_product::StepProduct,
    tape::{BelowRecord, CoreRecord, SourceRecord, StartRecord, State},
    weight::Weight,
    words::WordLayers,
};

/// Sizes of the up-down captioner.
///
/// With `V` words, features of length `F`, `H` hidden units, embeddings of length `E` and attention of size `A` it has
/// `V (E + H + 1) + 2 H (F + 1) + 4 H (E + 2) + 24 H^2 + 2 A (H + 1)` parameters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct UpDownConfig {
    /// Units of each LSTM, and length of the projected regions and of their projected mean.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub hidden: usize,
    /// Length of word embeddings.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub embedding: usize,
    /// Length of the keys and queries of attention.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub attention_size: usize,
    /// Share of units that dropout removes in training, from projected regions, their projected mean, word inputs and
    /// outputs of the language LSTM.
    #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1.0))]
    pub dropout: f64,
}

impl Default for UpDownConfig {
    fn default() -> Self {
        Self {
            hidden: 512,
            embedding: 512,
            attention_size: 512,
            dropout: 0.5,
        }
    }
}

impl Architecture for UpDownConfig {
    fn name(&self) -> &'static str {
        "up_down"
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
        let attention = 24 * h * h + 2 * a * (h + 1);
        word_parameters(v, h, e) + 2 * h * (f + 1) + 4 * h * (e + 2) + attention
    }

    fn reads_regions(&self) -> bool {
        true
    }
}

/// The model of Anderson et al. 2018, section 3.2, with layers in front of the regions and of their mean.
///
/// ```text
/// v_r = drop(relu(region_r W_I + b_I)),   k_r = v_r W_k + b_k
/// m = drop(relu((mean_r region_r) W_M + b_M))
/// x_t = drop(relu(E[w_(t-1)])),           w_0 = end token,   all h and c are 0 before the first word
/// attention LSTM:  h1_t, c1_t = LSTM of the gates x_t W_x + b + m W_m + h_(t-1) W_h[first half] + h1_(t-1) W_1[own]
/// alpha = softmax_r(w . tanh(k_r + h1_t W_1[query])),   z_t = sum_r alpha_r v_r
/// language LSTM:   h_t, c_t = LSTM of the gates z_t W_z + h1_t W_1[up] + h_(t-1) W_h[second half] + b_2
/// p(w_t given w_<t, image) = softmax(drop(h_t) W_o + b_o)
/// ```
///
/// Every input of a gate has a weight of its own; those that read the same vector share one matrix product. One bias
/// stands for several that would add up: `b` and `b_2` for those of all products into the gates, `b_k` for those of key
/// and query; a bias of the scores would cancel.
///
/// From step to step it carries `h`, and side by side `c`, `c1`, `h1 W_1[own]` and `m W_m`: what the attention LSTM's
/// next gates take from this step, and what they take from the image.
#[derive(Module, Debug)]
pub(crate) struct UpDownCaptioner {
    words: WordLayers,
    regions: RegionLayers,
    /// `W_M`, `[feature, hidden]`.
    mean_weight: Weight,
    /// `b_M`, `[1, hidden]`.
    mean_bias: Param<Tensor<2>>,
    /// `W_m`, `[hidden, 4 hidden]`.
    mean_gate_weight: Weight,
    /// `W_h`, `[hidden, 4 hidden + 4 hidden]`: `h` into the gates of the attention LSTM and of the language LSTM.
    recurrent_weight: Weight,
    /// `W_1`, `[hidden, 4 hidden + attention + 4 hidden]`: `h1` up into the gates of the language LSTM, into the query,
    /// and into its own next gates.
    attention_lstm_weight: Weight,
    /// `b_2`, `[1, 4 hidden]`.
    language_bias: Param<Tensor<2>>,
}

impl UpDownCaptioner {
    pub(crate) fn init(
        config: &UpDownConfig,
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
            mean_weight: linear([feature, hidden], feature).into(),
            mean_bias: linear([1, hidden], feature),
            mean_gate_weight: linear([hidden, gates], hidden).into(),
            recurrent_weight: linear([hidden, 2 * gates], hidden).into(),
            attention_lstm_weight: linear([hidden, 2 * gates + attention], hidden).into(),
            language_bias: linear([1, gates], hidden),
        }
    }

    fn gates(&self) -> usize {
        Candidate::Tanh.blocks() * self.regions.hidden()
    }
}

/// What is carried behind `h`, or the gradients at it.
struct Carried {
    /// `c` of the language LSTM, `[rows, hidden]`.
    language: Tensor<2>,
    /// `c1` of the attention LSTM, `[rows, hidden]`.
    attention: Tensor<2>,
    /// `h1 W_1[own]`, `[rows, gates]`.
    own: Tensor<2>,
    /// `m W_m`, `[rows, gates]`.
    source: Tensor<2>,
}

impl Carried {
    fn split(side_by_side: &Tensor<2>, hidden: usize) -> Self {
        let gates = Candidate::Tanh.blocks() * hidden;
        let columns = |first, count| side_by_side.clone().narrow(1, first, count);
        Self {
            language: columns(0, hidden),
            attention: columns(hidden, hidden),
            own: columns(2 * hidden, gates),
            source: columns(2 * hidden + gates, gates),
        }
    }

    fn side_by_side(self) -> Tensor<2> {
        let parts = vec![self.language, self.attention, self.own, self.source];
        Tensor::cat(parts, 1)
    }
}

impl Recurrent for UpDownCaptioner {
    fn words(&self) -> &WordLayers {
        &self.words
    }

    fn recurrent_weight(&self) -> &Weight {
        &self.recurrent_weight
    }

    fn feature(&self) -> usize {
        self.regions.feature()
    }

    fn cell_columns(&self) -> usize {
        2 * (self.regions.hidden() + self.gates())
    }

    fn read(
        &self,
        features: SourceVectors,
        mut dropout: Option<&mut Dropout>,
    ) -> Result<(State, SourceRecord), ModelError> {
        let (sources, hidden) = (features.sources(), self.regions.hidden());
        let (regions, mut record) = self.regions.read(features, dropout.as_deref_mut());
        let mean = record.features.mean_of_regions(record.features.vectors());
        let projected = relu(self.mean_weight.affine(mean.clone(), &self.mean_bias));
        let (device, dtype) = (projected.device(), projected.dtype());
        let (start, _) = dropped(projected, dropout);
        let zeros = |columns| Tensor::zeros([sources, columns], (&device, dtype));
        let carried = Carried {
            language: zeros(hidden),
            attention: zeros(hidden),
            own: zeros(self.gates()),
            source: self.mean_gate_weight.product(start.clone()),
        };
        let state = State {
            hidden: zeros(hidden),
            cell: carried.side_by_side(),
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
        _look: Look<'_>,
    ) -> Result<(State, CoreRecord), ModelError> {
        let (hidden, gates) = (self.regions.hidden(), self.gates());
        let carried = Carried::split(&state.cell, hidden);
        let sums =
            input + recurrent.clone().narrow(1, 0, gates) + carried.own + carried.source.clone();
        let (below, attention, below_record) = cell(Candidate::Tanh, sums, carried.attention);

        let products = self.attention_lstm_weight.product(below.clone());
        let columns = products.dims()[1] - 2 * gates;
        let queries = products.clone().narrow(1, gates, columns);
        let (attended, context) = self.regions.attend(&state, queries, &mut Look::Expected)?;
        let sums = recurrent.narrow(1, gates, gates)
            + products.clone().narrow(1, 0, gates)
            + context
            + self.language_bias.val();
        let (output, language, record) = cell(Candidate::Tanh, sums, carried.language);
        let record = CoreRecord {
            cell: record,
            attention: Some(attended),
            below: Some(BelowRecord {
                cell: below_record,
                output: below,
            }),
        };
        let carried = Carried {
            language,
            attention,
            own: products.narrow(1, gates + columns, gates),
            source: carried.source,
        };
        let state = State {
            hidden: output,
            cell: carried.side_by_side(),
            source_of_row: state.source_of_row,
            regions: state.regions,
        };
        Ok((state, record))
    }

    /// The gradients at `h_(t-1) W_h`, whose second half is at the gates of the language LSTM, and behind it those at
    /// the query and at `h1_t W_1[own]`: from the second half on they are those at `h1_t W_1`.
    fn cell_backward(
        &self,
        record: CoreRecord,
        sources: &SourceRecord,
        (dh, dc): (Tensor<2>, Tensor<2>),
        _location: Option<LocationSignal<'_>>,
        sums: &mut StepSums,
    ) -> Result<(Tensor<2>, Tensor<2>), ModelError> {
        let below = record.below.ok_or(ModelError::OtherCaptioner)?;
        let later = Carried::split(&dc, self.regions.hidden());
        let (d_language, language) =
            cell_backward(Candidate::Tanh, record.cell, dh, later.language);
        let (attended, d_context) = (record.attention, d_language.clone());
        let layers = &self.regions;
        let d_queries = layers.attend_backward(sources, attended, d_context, None, sums)?;

        let d_products = Tensor::cat(vec![d_language, d_queries, later.own], 1);
        let products = sums
            .below
            .get_or_insert_with(|| StepProduct::new(self.attention_lstm_weight.clone()));
        let d_below = products.backward(below.output, d_products.clone());
        let (d_gates, attention) =
            cell_backward(Candidate::Tanh, below.cell, d_below, later.attention);
        let earlier = Carried {
            language,
            attention,
            own: d_gates.clone(),
            source: later.source + d_gates.clone(),
        };
        let d_products = Tensor::cat(vec![d_gates, d_products], 1);
        Ok((d_products, earlier.side_by_side()))
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
        let (Some(d_products), Some(attention), Some(below)) =
            (d_products, sums.attention, sums.below)
        else {
            return None;
        };
        let (hidden, gates) = (self.regions.hidden(), self.gates());
        let d_language = d_products.clone().narrow(1, gates, gates);
        gradients.add("language_bias", d_language.clone().sum_dim(0));
        let columns = d_products.dims()[1] - gates;
        let d_below = d_products.narrow(1, gates, columns);
        gradients.add("attention_lstm_weight", below.weight_gradient(d_below));

        let mut d_vectors = None;
        if let (Some((_, dc)), Some(StartRecord { mean, start })) = (d_start, &sources.start) {
            let d_source = Carried::split(&dc, hidden).source;
            let d_weight = self
                .mean_gate_weight
                .gradient(start.clone(), d_source.clone());
            gradients.add("mean_gate_weight", d_weight);
            let d_start = self.mean_gate_weight.input_gradient(d_source);
            let d_projected = relu_dropout_backward(d_start, start.clone(), scale);
            gradients.add("mean_bias", d_projected.clone().sum_dim(0));
            let d_weight = self.mean_weight.gradient(mean.clone(), d_projected.clone());
            gradients.add("mean_weight", d_weight);
            if sources.features.needs_gradient() {
                let d_mean = self.mean_weight.input_gradient(d_projected);
                d_vectors = Some(sources.features.mean_of_regions_backward(d_mean));
            }
        }
        let layers = &self.regions;
        let d_regions = layers.backward(&sources, d_language, attention, None, scale, gradients)?;
        Some(match d_vectors {
            Some(of_mean) => d_regions + of_mean,
            None => d_regions,
        })
    }
}
