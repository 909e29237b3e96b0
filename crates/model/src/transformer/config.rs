//! Sizes of the transformer.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    Dimensions,
    architecture::{Architecture, capped, word_parameters},
};

/// Sizes of the transformer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TransformerConfig {
    /// Length of word embeddings, of projected regions and of the inputs of every layer.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub hidden: usize,
    /// Number of layers.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub layers: usize,
    /// Heads of every attention; they divide `hidden`.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub heads: usize,
    /// Units between the two products of a feed-forward network.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub feed_forward: usize,
    /// Share of units that dropout removes in training, from projected regions, word inputs and what every sub-layer
    /// adds.
    #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1.0))]
    pub dropout: f64,
}

impl Default for TransformerConfig {
    /// The base model of Vaswani et al. 2017, table 3, with the 3 layers that captioners take (Cornia et al. 2020).
    fn default() -> Self {
        Self {
            hidden: 512,
            layers: 3,
            heads: 8,
            feed_forward: 2048,
            dropout: 0.1,
        }
    }
}

impl Architecture for TransformerConfig {
    fn name(&self) -> &'static str {
        "transformer"
    }

    fn dropout(&self) -> f64 {
        self.dropout
    }

    fn sizes(&self) -> Vec<(&'static str, usize)> {
        vec![
            ("hidden", self.hidden),
            ("layers", self.layers),
            ("heads", self.heads),
            ("feed_forward", self.feed_forward),
        ]
    }

    fn parameter_count(&self, dimensions: Dimensions) -> u128 {
        let (f, v) = (capped(dimensions.feature), capped(dimensions.vocab));
        let h = capped(self.hidden);
        let m = capped(self.feed_forward);
        let attention = 4 * h * h + 4 * h;
        let layer = 2 * attention + 3 * h + m * (2 * h + 1);
        word_parameters(v, h, h) + h * (f + 5) + capped(self.layers) * layer
    }

    fn reads_regions(&self) -> bool {
        true
    }
}
