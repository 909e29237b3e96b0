//! Which text encoder, and its sizes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::architecture::capped;

/// What reads texts, with its sizes: `[encoder.lstm]` in a configuration file. Dropout is that of the captioner.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum TextEncoderConfig {
    /// LSTMs that read a text in both directions (Schuster and Paliwal 1997).
    Lstm(LstmEncoderConfig),
    /// Attention of every token to all of its text (Vaswani et al. 2017).
    Transformer(TransformerEncoderConfig),
}

/// Sizes of the bidirectional LSTM.
///
/// With `V` tokens, embeddings of length `E`, `H` units and `L` layers it has
/// `V E + 8 H (E + H + 1) + (L - 1) 8 H (3 H + 1)` parameters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LstmEncoderConfig {
    /// Layers, each of which reads both directions of the one below.
    #[schemars(range(min = 1, max = 100))]
    pub layers: usize,
    /// Units of each direction; a token has a vector of twice as many.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub hidden: usize,
    /// Length of token embeddings.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub embedding: usize,
}

impl Default for LstmEncoderConfig {
    fn default() -> Self {
        Self {
            layers: 1,
            hidden: 256,
            embedding: 256,
        }
    }
}

/// Sizes of the transformer encoder.
///
/// With `V` tokens, `H` hidden units, `F` inner units and `L` layers it has
/// `V H + 2 H + L (4 H^2 + 2 H F + 7 H + F)` parameters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TransformerEncoderConfig {
    /// Layers.
    #[schemars(range(min = 1, max = 100))]
    pub layers: usize,
    /// Length of a token's vector.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub hidden: usize,
    /// Heads of attention; a divisor of `hidden`.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub heads: usize,
    /// Inner units of the feed-forward networks.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub feed_forward: usize,
}

impl Default for TransformerEncoderConfig {
    fn default() -> Self {
        Self {
            layers: 3,
            hidden: 256,
            heads: 4,
            feed_forward: 1024,
        }
    }
}

impl TextEncoderConfig {
    /// The names of the encoders in a configuration file.
    pub const NAMES: [&str; 2] = ["lstm", "transformer"];

    /// Its name in a configuration file.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Lstm(_) => "lstm",
            Self::Transformer(_) => "transformer",
        }
    }

    /// Its sizes, by their names in a configuration file.
    pub fn sizes(&self) -> Vec<(&'static str, usize)> {
        match self {
            Self::Lstm(config) => vec![
                ("layers", config.layers),
                ("hidden", config.hidden),
                ("embedding", config.embedding),
            ],
            Self::Transformer(config) => vec![
                ("layers", config.layers),
                ("hidden", config.hidden),
                ("heads", config.heads),
                ("feed_forward", config.feed_forward),
            ],
        }
    }

    /// Length of a token's vector.
    pub fn width(&self) -> usize {
        match self {
            Self::Lstm(config) => config.hidden.saturating_mul(2),
            Self::Transformer(config) => config.hidden,
        }
    }

    /// How many parameters it has with so many tokens: the sum over the shapes that `README.md` lists.
    ///
    /// Sizes count up to 2^40 each, so that nothing overflows.
    pub fn parameter_count(&self, vocab: usize) -> u128 {
        let v = capped(vocab);
        match self {
            Self::Lstm(config) => {
                let (h, e) = (capped(config.hidden), capped(config.embedding));
                let above = capped(config.layers).saturating_sub(1);
                v * e + 8 * h * (e + h + 1) + above.saturating_mul(8 * h * (3 * h + 1))
            }
            Self::Transformer(config) => {
                let (h, f) = (capped(config.hidden), capped(config.feed_forward));
                let layer = 4 * h * h + 2 * h * f + 7 * h + f;
                v * h + 2 * h + capped(config.layers).saturating_mul(layer)
            }
        }
    }
}
