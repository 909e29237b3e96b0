//! The FC captioner: the image is the first word that an LSTM reads.

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
    lstm::{Candidate, GateInputs, cell, cell_backward},
    recurrent::{Recurrent, StepSums},
    tape::{CoreRecord, SourceRecord, State},
    weight::Weight,
    words::{InputKind, WordLayers},
};

/// What the LSTM makes of its candidates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CandidateKind {
    /// `g = tanh(a_g)`.
    Tanh,
    /// `g`, the larger of the two halves of `a_g` (Rennie et al. 2017, section 3.1).
    Maxout,
}

impl CandidateKind {
    fn of_cell(self) -> Candidate {
        match self {
            Self::Tanh => Candidate::Tanh,
            Self::Maxout => Candidate::Maxout,
        }
    }
}

/// Sizes of the FC captioner.
///
/// With `V` words, features of length `F`, `H` hidden units and embeddings of length `E` it has
/// `V (E + H + 1) + E (F + 1) + 4 H (E + H + 1)` parameters, with maxout 5 for 4.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct FcConfig {
    /// Units of the LSTM.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub hidden: usize,
    /// Length of word embeddings and of the projected image.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub embedding: usize,
    /// What the LSTM makes of its candidates.
    pub candidate: CandidateKind,
    /// What it reads of a word.
    pub word_input: InputKind,
    /// Share of units that dropout removes in training, from word inputs after a ReLU and LSTM outputs.
    #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1.0))]
    pub dropout: f64,
}

impl Default for FcConfig {
    fn default() -> Self {
        Self {
            hidden: 512,
            embedding: 512,
            candidate: CandidateKind::Tanh,
            word_input: InputKind::Relu,
            dropout: 0.5,
        }
    }
}

impl Architecture for FcConfig {
    fn name(&self) -> &'static str {
        "fc"
    }

    fn dropout(&self) -> f64 {
        self.dropout
    }

    fn sizes(&self) -> Vec<(&'static str, usize)> {
        vec![("hidden", self.hidden), ("embedding", self.embedding)]
    }

    fn parameter_count(&self, dimensions: Dimensions) -> u128 {
        let (f, v) = (capped(dimensions.feature), capped(dimensions.vocab));
        let h = capped(self.hidden);
        let e = capped(self.embedding);
        let blocks = match self.candidate {
            CandidateKind::Tanh => 4,
            CandidateKind::Maxout => 5,
        };
        word_parameters(v, h, e) + e * (f + 1) + blocks * h * (e + h + 1)
    }

    fn reads_regions(&self) -> bool {
        false
    }
}

/// The FC model of Rennie et al. 2017, section 3.1.
///
/// ```text
/// x_0 = image W_I + b_I,   h_0, c_0 = LSTM(x_0, 0, 0)
/// x_t = drop(relu(E[w_(t-1)])) or E[w_(t-1)],   w_0 = end token
/// h_t, c_t = LSTM(x_t, h_(t-1), c_(t-1))
/// p(w_t given w_<t, image) = softmax(drop(h_t) W_o + b_o)
/// ```
///
/// All gates share one matrix product; gate order is i, f, o, g, with two halves of g for maxout (see [`cell`]).
///
/// It is also the [show-tell captioner](crate::ShowTellConfig), when words are linear and gates have no bias.
#[derive(Module, Debug)]
pub(crate) struct FcCaptioner {
    words: WordLayers,
    /// `W_I`, `[feature, embedding]`.
    image_weight: Weight,
    /// `b_I`, `[1, embedding]`.
    image_bias: Param<Tensor<2>>,
    /// Hidden state to gates, `[hidden, gates]`.
    recurrent_weight: Weight,
    #[module(skip)]
    candidate: Candidate,
}

impl FcCaptioner {
    /// `biased`: whether gates have a bias.
    pub(crate) fn init(
        config: &FcConfig,
        biased: bool,
        dimensions: Dimensions,
        place: (&Device, DType),
        rng: &mut impl Rng,
    ) -> Self {
        let Dimensions { feature, vocab } = dimensions;
        let (hidden, columns) = (config.hidden, config.embedding);
        let candidate = config.candidate.of_cell();
        let gates = candidate.blocks() * hidden;
        let embedding = init::embedding([vocab, columns], place, rng);
        let image_weight = init::linear([feature, columns], feature, place, rng).into();
        let image_bias = init::linear([1, columns], feature, place, rng);
        let input_weight = init::linear([columns, gates], columns, place, rng).into();
        let recurrent_weight = init::linear([hidden, gates], hidden, place, rng).into();
        Self {
            words: WordLayers {
                embedding,
                input_weight,
                gate_bias: biased.then(|| init::linear([1, gates], hidden, place, rng)),
                output_weight: init::linear([hidden, vocab], hidden, place, rng).into(),
                output_bias: init::linear([1, vocab], hidden, place, rng),
                input: config.word_input,
            },
            image_weight,
            image_bias,
            recurrent_weight,
            candidate,
        }
    }
}

impl Recurrent for FcCaptioner {
    fn words(&self) -> &WordLayers {
        &self.words
    }

    fn recurrent_weight(&self) -> &Weight {
        &self.recurrent_weight
    }

    fn feature(&self) -> usize {
        self.image_weight.dims()[0]
    }

    fn read(
        &self,
        features: SourceVectors,
        _dropout: Option<&mut Dropout>,
    ) -> Result<(State, SourceRecord), ModelError> {
        if let Some(&found) = features.region_counts().iter().find(|&&count| count != 1) {
            return Err(ModelError::Rows {
                what: "feature vectors of an image",
                found,
                expected: 1,
            });
        }
        let sources = features.sources();
        let projected = self
            .image_weight
            .affine(features.vectors(), &self.image_bias);
        let gates = self.words.gates(projected.clone());
        let hidden = self.recurrent_weight.dims()[0];
        let zeros = Tensor::zeros([sources, hidden], (&gates.device(), gates.dtype()));
        let (hidden, cell, record) = cell(self.candidate, gates, zeros);
        let state = State {
            hidden,
            cell,
            source_of_row: (0..sources).collect(),
            regions: None,
        };
        let sources = SourceRecord {
            features,
            projected,
            cell: Some(record),
            start: None,
            regions: None,
        };
        Ok((state, sources))
    }

    fn cell(
        &self,
        input: Tensor<2>,
        recurrent: Tensor<2>,
        state: State,
        _look: Look<'_>,
    ) -> Result<(State, CoreRecord), ModelError> {
        let inputs = GateInputs {
            a: input,
            recurrent: Some(recurrent),
            entering: None,
        };
        let (hidden, cell, record) = cell(self.candidate, inputs, state.cell);
        let record = CoreRecord {
            cell: record,
            attention: None,
            below: None,
        };
        let state = State {
            hidden,
            cell,
            ..state
        };
        Ok((state, record))
    }

    fn cell_backward(
        &self,
        record: CoreRecord,
        _sources: &SourceRecord,
        (dh, dc): (Tensor<2>, Tensor<2>),
        _location: Option<LocationSignal<'_>>,
        _sums: &mut StepSums,
    ) -> Result<(Tensor<2>, Tensor<2>), ModelError> {
        Ok(cell_backward(self.candidate, record.cell, dh, dc))
    }

    fn read_backward(
        &self,
        sources: SourceRecord,
        d_start: Option<(Tensor<2>, Tensor<2>)>,
        _d_products: Option<Tensor<2>>,
        _sums: StepSums,
        _scale: f64,
        gradients: &mut Gradients,
    ) -> Option<Tensor<2>> {
        let (record, (dh, dc)) = sources.cell.zip(d_start)?;
        let (d_gates, _) = cell_backward(self.candidate, record, dh, dc);
        let words = &self.words;
        let d_source = words.gates_backward(sources.projected, d_gates, gradients);
        gradients.add("image_bias", d_source.clone().sum_dim(0));
        let vectors = sources.features.vectors();
        let d_weight = self.image_weight.gradient(vectors, d_source.clone());
        gradients.add("image_weight", d_weight);
        let goes_on = sources.features.needs_gradient();
        goes_on.then(|| self.image_weight.input_gradient(d_source))
    }
}
