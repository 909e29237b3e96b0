//! Which captioner, and its sizes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    Dimensions,
    att2all::Att2allConfig,
    att2in::Att2inConfig,
    custom::CustomConfig,
    fc::{CandidateKind, FcConfig},
    markov::MarkovConfig,
    show_attend_tell::{AttentionKind, ShowAttendTellConfig},
    show_tell::ShowTellConfig,
    transformer::TransformerConfig,
    up_down::UpDownConfig,
    words::InputKind,
};

/// Which captioner, with its sizes: `[model.fc]` in a configuration file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum CaptionerConfig {
    /// The image vector as the first input of an LSTM (Rennie et al. 2017, section 3.1).
    Fc(FcConfig),
    /// The image vector as the first input of an LSTM that reads words without a ReLU (Vinyals et al. 2015).
    ShowTell(ShowTellConfig),
    /// Attention over regions, which enters the candidate of an LSTM (Rennie et al. 2017, section 3.2).
    Att2in(Att2inConfig),
    /// Attention over regions, which enters candidate and gates of an LSTM (Rennie et al. 2017).
    Att2all(Att2allConfig),
    /// Soft or hard attention over regions, which enters all gates of an LSTM (Xu et al. 2015).
    ShowAttendTell(ShowAttendTellConfig),
    /// A softmax over whole captions, chains of words whose scores the image gives all at once.
    Markov(MarkovConfig),
    /// Attention to the words so far and to regions, without a recurrence (Vaswani et al. 2017).
    Transformer(TransformerConfig),
    /// One LSTM that attends to regions, below one that chooses words (Anderson et al. 2018).
    UpDown(UpDownConfig),
    /// A captioner in Rust that the program around this library registered.
    Custom(CustomConfig),
}

impl CaptionerConfig {
    /// Its name in a configuration file.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Fc(_) => "fc",
            Self::ShowTell(_) => "show_tell",
            Self::Att2in(_) => "att2in",
            Self::Att2all(_) => "att2all",
            Self::ShowAttendTell(_) => "show_attend_tell",
            Self::Markov(_) => "markov",
            Self::Transformer(_) => "transformer",
            Self::UpDown(_) => "up_down",
            Self::Custom(_) => "custom",
        }
    }

    /// Share of units that dropout removes in training.
    pub fn dropout(&self) -> f64 {
        match self {
            Self::Fc(config) => config.dropout,
            Self::ShowTell(config) => config.dropout,
            Self::Att2in(config) => config.dropout,
            Self::Att2all(config) => config.dropout,
            Self::ShowAttendTell(config) => config.dropout,
            Self::Markov(config) => config.dropout,
            Self::Transformer(config) => config.dropout,
            Self::UpDown(config) => config.dropout,
            Self::Custom(config) => config.dropout,
        }
    }

    /// Its sizes, by their names in a configuration file; none of a captioner that checks its options itself.
    pub fn sizes(&self) -> Vec<(&'static str, usize)> {
        let lstm = |hidden, embedding| vec![("hidden", hidden), ("embedding", embedding)];
        let attends = |hidden, embedding, size| {
            [lstm(hidden, embedding), vec![("attention_size", size)]].concat()
        };
        match self {
            Self::Fc(config) => lstm(config.hidden, config.embedding),
            Self::ShowTell(config) => lstm(config.hidden, config.embedding),
            Self::Att2in(config) => attends(config.hidden, config.embedding, config.attention_size),
            Self::Att2all(config) => {
                attends(config.hidden, config.embedding, config.attention_size)
            }
            Self::ShowAttendTell(config) => {
                attends(config.hidden, config.embedding, config.attention_size)
            }
            Self::UpDown(config) => attends(config.hidden, config.embedding, config.attention_size),
            Self::Markov(config) => vec![
                ("hidden", config.hidden),
                ("positions", config.positions),
                ("shortlist", config.shortlist),
                ("rank", config.rank),
            ],
            Self::Custom(_) => Vec::new(),
            Self::Transformer(config) => vec![
                ("hidden", config.hidden),
                ("layers", config.layers),
                ("heads", config.heads),
                ("feed_forward", config.feed_forward),
            ],
        }
    }

    /// How many parameters it has in these dimensions: the sum over the shapes that `README.md` lists.
    ///
    /// Sizes count up to 2^40 each, so that nothing overflows.
    pub fn parameter_count(&self, dimensions: Dimensions) -> u128 {
        let size = |size: usize| (size as u128).min(1 << 40);
        let (f, v) = (size(dimensions.feature), size(dimensions.vocab));
        let words = |h: u128, e: u128| v * (e + h + 1);
        let attends = |h: usize, e: usize, a: usize| (size(h), size(e), size(a));
        match self {
            Self::Fc(config) => {
                let (h, e) = (size(config.hidden), size(config.embedding));
                let blocks = match config.candidate {
                    CandidateKind::Tanh => 4,
                    CandidateKind::Maxout => 5,
                };
                words(h, e) + e * (f + 1) + blocks * h * (e + h + 1)
            }
            Self::ShowTell(config) => {
                let (h, e) = (size(config.hidden), size(config.embedding));
                words(h, e) + e * (f + 1) + 4 * h * (e + h)
            }
            Self::Att2in(config) => {
                let (h, e, a) = attends(config.hidden, config.embedding, config.attention_size);
                let cell = words(h, e) + 5 * h * (e + 1) + 5 * h * h + h * a + 2 * a;
                cell + match config.inputs {
                    InputKind::Relu => h * (f + 1) + h * a + 2 * h * h,
                    InputKind::Linear => f * a + 2 * f * h,
                }
            }
            Self::Att2all(config) => {
                let (h, e, a) = attends(config.hidden, config.embedding, config.attention_size);
                words(h, e) + h * (f + 1) + 5 * h * (e + 1) + 10 * h * h + 2 * a * (h + 1)
            }
            Self::ShowAttendTell(config) => {
                let (h, e, a) = attends(config.hidden, config.embedding, config.attention_size);
                let start = 2 * h * (h + 1);
                words(h, e) + h * (f + 1) + 4 * h * (e + 1) + 8 * h * h + start + 2 * a * (h + 1)
            }
            Self::UpDown(config) => {
                let (h, e, a) = attends(config.hidden, config.embedding, config.attention_size);
                words(h, e) + 2 * h * (f + 1) + 4 * h * (e + 2) + 24 * h * h + 2 * a * (h + 1)
            }
            Self::Markov(config) => {
                let (h, t, r) = (
                    size(config.hidden),
                    size(config.positions),
                    size(config.rank),
                );
                h * (f + 1) + t * h * (h + 1) + v * (h + 1) + 2 * v * r
            }
            Self::Custom(config) => config.parameter_count(dimensions),
            Self::Transformer(config) => {
                let (h, m) = (size(config.hidden), size(config.feed_forward));
                let attention = 4 * h * h + 4 * h;
                let layer = 2 * attention + 3 * h + m * (2 * h + 1);
                words(h, h) + h * (f + 5) + size(config.layers) * layer
            }
        }
    }

    /// Whether it reads vectors of regions; else it reads one vector an image.
    pub fn reads_regions(&self) -> bool {
        match self {
            Self::Fc(_) | Self::ShowTell(_) | Self::Markov(_) => false,
            Self::Custom(config) => config.reads_regions(),
            Self::Att2in(_)
            | Self::Att2all(_)
            | Self::ShowAttendTell(_)
            | Self::UpDown(_)
            | Self::Transformer(_) => true,
        }
    }

    /// Whether it looks at one region a step.
    pub fn attends_hard(&self) -> bool {
        matches!(self, Self::ShowAttendTell(config) if config.attention == AttentionKind::Hard)
    }
}
