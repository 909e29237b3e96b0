//! The show-tell captioner: the image is the first input of a plain LSTM.

use burn::tensor::{DType, Device};
use rand::Rng;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    CandidateKind, Dimensions, FcConfig, InputKind,
    architecture::{Architecture, capped, word_parameters},
    fc::FcCaptioner,
};

/// Sizes of the show-tell captioner of Vinyals et al. 2015, section 3.1, as self-critical.pytorch has it (`ShowTell`).
///
/// ```text
/// x_0 = image W_I + b_I,     h_0, c_0 = LSTM of the gates x_0 W_x
/// x_t = E[w_(t-1)],          h_t, c_t = LSTM of the gates x_t W_x + h_(t-1) W_h,   w_0 = end token
/// p(w_t given w_<t, image) = softmax(drop(h_t) W_o + b_o)
/// ```
///
/// The FC captioner has `x_t = drop(relu(E[w_(t-1)]))` and a bias in the gates; here words are as free as the image, and
/// gates have no bias. The output is `h_t = o tanh(c_t)`, as that of an LSTM commonly is; the paper writes `h_t = o c_t`.
///
/// With `V` words, features of length `F`, `H` hidden units and embeddings of length `E` it has
/// `V (E + H + 1) + E (F + 1) + 4 H (E + H)` parameters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ShowTellConfig {
    /// Units of the LSTM.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub hidden: usize,
    /// Length of word embeddings and of the projected image.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub embedding: usize,
    /// Share of units that dropout removes in training, from LSTM outputs.
    #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1.0))]
    pub dropout: f64,
}

impl Default for ShowTellConfig {
    fn default() -> Self {
        Self {
            hidden: 512,
            embedding: 512,
            dropout: 0.5,
        }
    }
}

impl Architecture for ShowTellConfig {
    fn name(&self) -> &'static str {
        "show_tell"
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
        word_parameters(v, h, e) + e * (f + 1) + 4 * h * (e + h)
    }

    fn reads_regions(&self) -> bool {
        false
    }
}

impl ShowTellConfig {
    /// The captioner: that of FC, with linear words and without a bias in the gates.
    pub(crate) fn init(
        &self,
        dimensions: Dimensions,
        place: (&Device, DType),
        rng: &mut impl Rng,
    ) -> FcCaptioner {
        let config = FcConfig {
            hidden: self.hidden,
            embedding: self.embedding,
            candidate: CandidateKind::Tanh,
            word_input: InputKind::Linear,
            dropout: self.dropout,
        };
        FcCaptioner::init(&config, false, dimensions, place, rng)
    }
}
