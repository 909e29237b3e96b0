//! The Att2all captioner: what an LSTM attends to among the regions of an image enters its candidate and its gates.

use burn::tensor::{DType, Device};
use rand::Rng;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    Att2inConfig, Dimensions, InputKind,
    architecture::{Architecture, capped, word_parameters},
    att2in::Att2inCaptioner,
    lstm::Candidate,
};

/// Sizes of the Att2all captioner: the model that Rennie et al. 2017 compare Att2in with, in the form that
/// self-critical.pytorch gives it (`Att2all2`).
///
/// ```text
/// i, f, o = sigmoid(x_t W_x + h_(t-1) W_h + z_t W_z + b)[i, f, o]
/// g = max of the two halves of (x_t W_x + h_(t-1) W_h + z_t W_z + b)[g]
/// ```
///
/// All else, `z_t` included, is as in the Att2in captioner, where `z_t W_z` enters `g` alone. The show-attend-tell
/// captioner also has `z_t W_z` in all gates, but `g = tanh(.)` for the maxout, and starts from the mean region, not
/// from 0.
///
/// With `V` words, features of length `F`, `H` hidden units, embeddings of length `E` and attention of size `A` it has
/// `V (E + H + 1) + H (F + 1) + 5 H (E + 1) + 10 H^2 + 2 A (H + 1)` parameters; `W_z` is `[H, 5 H]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Att2allConfig {
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

impl Default for Att2allConfig {
    fn default() -> Self {
        Self {
            hidden: 512,
            embedding: 512,
            attention_size: 512,
            dropout: 0.5,
        }
    }
}

impl Architecture for Att2allConfig {
    fn name(&self) -> &'static str {
        "att2all"
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
        let attention = 10 * h * h + 2 * a * (h + 1);
        word_parameters(v, h, e) + h * (f + 1) + 5 * h * (e + 1) + attention
    }

    fn reads_regions(&self) -> bool {
        true
    }
}

impl Att2allConfig {
    /// The captioner: that of Att2in, with a context that enters all gates.
    pub(crate) fn init(
        &self,
        dimensions: Dimensions,
        place: (&Device, DType),
        rng: &mut impl Rng,
    ) -> Att2inCaptioner {
        let config = Att2inConfig {
            hidden: self.hidden,
            embedding: self.embedding,
            attention_size: self.attention_size,
            inputs: InputKind::Relu,
            dropout: self.dropout,
        };
        Att2inCaptioner::init(&config, Candidate::Maxout.blocks(), dimensions, place, rng)
    }
}
