//! What an objective hands to a captioner: all that a backward pass begins with.

use burn::tensor::Tensor;

use crate::{CaptionLoss, Gradients, LocationSignal};

/// The gradient of an objective where it enters a captioner.
#[expect(
    clippy::large_enum_variant,
    reason = "there is one signal a training step"
)]
#[derive(Debug, Clone)]
pub enum Signal<'a> {
    /// Of a captioner that scores word by word: at its output layer.
    Words {
        /// At the inputs and the weights of the output layer.
        output: OutputGradients,
        /// What the choice of regions learns from, with hard attention.
        location: Option<LocationSignal<'a>>,
    },
    /// Of a captioner that scores whole captions: of the softmax over these.
    ///
    /// ```text
    /// L = sum_n a_n (-log P(y_n given its image) + position_weight sum_t -log P_t(y_n,t))
    /// ```
    ///
    /// Weight 1 and gold captions train by maximum likelihood, sampled captions and their advantages are
    /// self-critical training. `P_t` is the softmax over the node scores of position `t` alone: since only the words of
    /// its shortlist count in `P`, the cross-entropy of single words is what teaches which words to list (Sun et al.
    /// 2019, section 3.3, who weigh it by 0.5).
    Captions {
        /// One a caption of the tape.
        captions: &'a [Vec<u32>],
        /// `a`, one a caption of the tape.
        weights: &'a [f64],
        /// Of the cross-entropy of single words.
        position_weight: f64,
    },
}

/// Gradients at the output layer.
#[derive(Debug, Clone)]
pub struct OutputGradients {
    /// `[rows, hidden]`, packed as [`Tape::hidden`](crate::Tape::hidden) is.
    pub hidden: Tensor<2>,
    /// `[hidden, vocab]`.
    pub weight: Tensor<2>,
    /// `[1, vocab]`.
    pub bias: Tensor<2>,
}

/// What comes of a backward pass.
#[derive(Debug)]
pub struct Backward {
    /// Of all parameters, but for those that were handed out early.
    pub gradients: Gradients,
    /// What became of each caption, if the captioner scores whole captions.
    pub captions: Vec<CaptionLoss>,
}

impl From<Gradients> for Backward {
    /// Of a captioner that scores word by word.
    fn from(gradients: Gradients) -> Self {
        Self {
            gradients,
            captions: Vec::new(),
        }
    }
}
