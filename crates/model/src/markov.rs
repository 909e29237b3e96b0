//! The Markov captioner: a whole caption is scored at once, as a chain of words.

mod scores;
mod state;

use std::sync::Arc;

use burn::{
    module::{Module, Param},
    tensor::{DType, Device, Tensor, TensorData},
};
use rand::Rng;
use rayon::prelude::*;
use schemars::JsonSchema;
use scst_kernels::traffic::{read, send};
use serde::{Deserialize, Serialize};

use crate::{
    Backward, Dimensions, Dropout, Gradients, ModelError, SourceVectors,
    architecture::{Architecture, capped},
    dropout::dropped,
    init,
    relu::{relu, relu_dropout_backward},
};

pub use scores::CaptionLoss;
pub(crate) use state::MarkovState;

use scores::{Scores, source_gradient};

/// Sizes of the Markov captioner.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MarkovConfig {
    /// Units of the layer that reads the image, and of each position's own.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub hidden: usize,
    /// Words of the longest caption: the maximum length of the data.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub positions: usize,
    /// Words that are considered at every position.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub shortlist: usize,
    /// Rank of the matrix that scores two words in a row.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub rank: usize,
    /// Share of units that dropout removes in training.
    #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1.0))]
    pub dropout: f64,
}

impl Default for MarkovConfig {
    fn default() -> Self {
        Self {
            hidden: 512,
            positions: 16,
            shortlist: 64,
            rank: 32,
            dropout: 0.5,
        }
    }
}

impl Architecture for MarkovConfig {
    fn name(&self) -> &'static str {
        "markov"
    }

    fn dropout(&self) -> f64 {
        self.dropout
    }

    fn sizes(&self) -> Vec<(&'static str, usize)> {
        vec![
            ("hidden", self.hidden),
            ("positions", self.positions),
            ("shortlist", self.shortlist),
            ("rank", self.rank),
        ]
    }

    fn parameter_count(&self, dimensions: Dimensions) -> u128 {
        let (f, v) = (capped(dimensions.feature), capped(dimensions.vocab));
        let h = capped(self.hidden);
        let t = capped(self.positions);
        let r = capped(self.rank);
        h * (f + 1) + t * h * (h + 1) + v * (h + 1) + 2 * v * r
    }

    fn reads_regions(&self) -> bool {
        false
    }
}

/// A softmax over whole captions, whose scores are those of words at positions and of words in a row.
///
/// ```text
/// v     = drop(relu(image W_I + b_I)),       h_t = drop(relu(v W_t + b_t)),       t = 1 ... T
/// node[t, w] = (h_t W_o + b_o)_w,            edge[w, w'] = sum_r from[w, r] to[w', r]
/// P(w_1 ... w_T given image) = exp(sum_t node[t, w_t] + sum_t edge[w_t, w_(t+1)]) / Z
/// ```
///
/// The end token absorbs ([`Transitions`]), so the labelings are the captions of at most `T` words. At every position
/// the words of the highest node scores are considered ([`Shortlist`], after Sun et al. 2019), and `Z` runs over these.
/// The scores of all positions come from one pass through the network; the words are then a matter of inference.
///
/// Parameters: `feature H + H + T (H^2 + H) + H V + V + 2 V R` numbers.
#[derive(Module, Debug)]
pub(crate) struct MarkovCaptioner {
    /// `W_I`, `[feature, hidden]`.
    image_weight: Param<Tensor<2>>,
    /// `b_I`, `[1, hidden]`.
    image_bias: Param<Tensor<2>>,
    /// `W_t` of all positions, `[hidden, T hidden]`.
    position_weight: Param<Tensor<2>>,
    /// `b_t` of all positions, `[1, T hidden]`.
    position_bias: Param<Tensor<2>>,
    /// `W_o`, `[hidden, vocab]`.
    output_weight: Param<Tensor<2>>,
    /// `b_o`, `[1, vocab]`.
    output_bias: Param<Tensor<2>>,
    /// `[vocab, rank]`.
    transition_from: Param<Tensor<2>>,
    /// `[vocab, rank]`.
    transition_to: Param<Tensor<2>>,
    #[module(skip)]
    shortlist: usize,
}

/// What a batch of images made of the network.
#[derive(Debug, Clone)]
pub(crate) struct MarkovTape {
    scores: Arc<Scores>,
    features: SourceVectors,
    /// `v`, `[sources, hidden]`.
    source: Tensor<2>,
    /// `h` of all positions, `[sources T, hidden]`.
    hidden: Tensor<2>,
    /// What dropout multiplied kept units by.
    scale: f64,
    /// Image of every caption.
    source_of_sequence: Vec<usize>,
}

impl MarkovCaptioner {
    pub(crate) fn init(
        config: &MarkovConfig,
        dimensions: Dimensions,
        place: (&Device, DType),
        rng: &mut impl Rng,
    ) -> Self {
        let Dimensions { feature, vocab } = dimensions;
        let MarkovConfig { hidden, rank, .. } = *config;
        let all = config.positions * hidden;
        Self {
            image_weight: init::linear([feature, hidden], feature, place, rng),
            image_bias: init::linear([1, hidden], feature, place, rng),
            position_weight: init::linear([hidden, all], hidden, place, rng),
            position_bias: init::linear([1, all], hidden, place, rng),
            output_weight: init::linear([hidden, vocab], hidden, place, rng),
            output_bias: init::linear([1, vocab], hidden, place, rng),
            transition_from: init::linear([vocab, rank], rank, place, rng),
            transition_to: init::linear([vocab, rank], rank, place, rng),
            shortlist: config.shortlist.min(vocab),
        }
    }

    pub(crate) fn feature(&self) -> usize {
        self.image_weight.val().dims()[0]
    }

    pub(crate) fn output_bias(&self) -> Tensor<2> {
        self.output_bias.val()
    }

    fn vocab(&self) -> usize {
        self.output_bias.val().dims()[1]
    }

    fn place(&self) -> (Device, DType) {
        let bias = self.output_bias.val();
        (bias.device(), bias.dtype())
    }

    /// Words of the longest caption.
    pub(crate) fn positions(&self) -> usize {
        self.position_bias.val().dims()[1] / self.image_bias.val().dims()[1]
    }

    /// Reads images and opens captions.
    pub(crate) fn start(
        &self,
        features: SourceVectors,
        source_of_sequence: &[usize],
        dropout: Option<Dropout>,
    ) -> Result<(MarkovState, MarkovTape), ModelError> {
        let tape = self.read(features, source_of_sequence, dropout)?;
        let state = MarkovState::new(Arc::clone(&tape.scores), source_of_sequence)?;
        Ok((state, tape))
    }

    /// The pass through the network.
    pub(crate) fn read(
        &self,
        features: SourceVectors,
        source_of_sequence: &[usize],
        mut dropout: Option<Dropout>,
    ) -> Result<MarkovTape, ModelError> {
        features.check(self.feature(), source_of_sequence)?;
        if let Some(&found) = features.region_counts().iter().find(|&&count| count != 1) {
            return Err(ModelError::Rows {
                what: "feature vectors of an image",
                found,
                expected: 1,
            });
        }
        let sources = features.sources();
        let hidden = self.image_bias.val().dims()[1];
        let positions = self.positions();
        let mut drop = |x: Tensor<2>| {
            let (x, _) = dropped(x, dropout.as_mut());
            x
        };
        let source = features.vectors().matmul(self.image_weight.val()) + self.image_bias.val();
        let source = drop(relu(source));
        let at_positions =
            source.clone().matmul(self.position_weight.val()) + self.position_bias.val();
        let at_positions = drop(relu(at_positions)).reshape([sources * positions, hidden]);
        let node = at_positions.clone().matmul(self.output_weight.val()) + self.output_bias.val();
        let scores = Scores {
            node: to_host(node)?,
            from: to_host(self.transition_from.val())?,
            to: to_host(self.transition_to.val())?,
            positions,
            vocab: self.vocab(),
            shortlist: self.shortlist,
        };
        Ok(MarkovTape {
            scores: Arc::new(scores),
            features,
            source,
            hidden: at_positions,
            scale: dropout.as_ref().map_or(1.0, Dropout::scale),
            source_of_sequence: source_of_sequence.to_vec(),
        })
    }

    /// The gradients of the weighted negative log-likelihood of whole captions, and what became of each caption.
    ///
    /// ```text
    /// L = sum_n a_n (-log P(y_n given its image) + position_weight sum_t -log softmax(node[t])_(y_n,t))
    /// at scores:  sum_n a_n (marginals - indicators of y_n),   at nodes also  position_weight (softmax(node[t]) - 1)
    /// ```
    ///
    /// The second sum runs over the words of a caption, its end token the last.
    pub(crate) fn backward(
        &self,
        tape: MarkovTape,
        captions: &[Vec<u32>],
        weights: &[f64],
        position_weight: f64,
    ) -> Result<Backward, ModelError> {
        let expected = tape.source_of_sequence.len();
        for found in [captions.len(), weights.len()] {
            if found != expected {
                return Err(ModelError::Rows {
                    what: "captions or weights of captions",
                    found,
                    expected,
                });
            }
        }
        let sources = tape.features.sources();
        let mut of_source: Vec<Vec<usize>> = vec![Vec::new(); sources];
        for (n, &source) in tape.source_of_sequence.iter().enumerate() {
            of_source[source].push(n);
        }
        let scores = &tape.scores;
        let results: Vec<_> = of_source
            .par_iter()
            .enumerate()
            .map(|(source, of_source)| {
                let own: Vec<(&[u32], f64)> = of_source
                    .iter()
                    .map(|&n| (captions[n].as_slice(), weights[n]))
                    .collect();
                source_gradient(scores, source, &own, position_weight)
            })
            .collect();
        let transitions = scores.transitions()?;
        let mut d_transitions = transitions.zero_gradient();
        let mut d_node = Vec::with_capacity(scores.node.len());
        let mut losses = vec![None; captions.len()];
        for (result, of_source) in results.into_iter().zip(&of_source) {
            let gradient = result?;
            let factors = &gradient.factors;
            let chain = &gradient.chain;
            chain.add_transition_gradient(factors, &transitions, &mut d_transitions)?;
            d_node.extend(gradient.node);
            for (&n, loss) in of_source.iter().zip(gradient.losses) {
                losses[n] = Some(loss);
            }
        }
        let losses = losses.into_iter().flatten().collect();
        let mut gradients = Gradients::default();
        gradients.add("transition_from", self.to_device(d_transitions.from));
        gradients.add("transition_to", self.to_device(d_transitions.to));
        self.network_backward(tape, self.to_device(d_node), &mut gradients);
        Ok(Backward {
            gradients,
            captions: losses,
        })
    }

    /// From the gradient at node scores, `[sources T vocab]`, to those of the network.
    fn network_backward(&self, tape: MarkovTape, d_node: Tensor<1>, gradients: &mut Gradients) {
        let [rows, _] = tape.hidden.dims();
        let [sources, hidden] = tape.source.dims();
        let d_node = d_node.reshape([rows, self.vocab()]);
        gradients.add("output_bias", d_node.clone().sum_dim(0));
        let d_hidden = d_node.clone().matmul(self.output_weight.val().transpose());
        gradients.add(
            "output_weight",
            tape.hidden.clone().transpose().matmul(d_node),
        );
        let d_hidden = relu_dropout_backward(d_hidden, tape.hidden, tape.scale);
        let d_positions = d_hidden.reshape([sources, self.positions() * hidden]);
        gradients.add("position_bias", d_positions.clone().sum_dim(0));
        let d_source = d_positions
            .clone()
            .matmul(self.position_weight.val().transpose());
        gradients.add(
            "position_weight",
            tape.source.clone().transpose().matmul(d_positions),
        );
        let d_source = relu_dropout_backward(d_source, tape.source, tape.scale);
        gradients.add("image_bias", d_source.clone().sum_dim(0));
        let vectors = tape.features.vectors();
        gradients.add("image_weight", vectors.transpose().matmul(d_source));
    }

    /// Log-weights of the next words of open captions, `[rows, vocab]`, and the state that follows.
    pub(crate) fn step(
        &self,
        words: &[u32],
        state: MarkovState,
    ) -> Result<(Tensor<2>, MarkovState), ModelError> {
        let (scores, state) = state.step(words)?;
        let scores = TensorData::new(scores, [words.len(), self.vocab()]);
        let (device, dtype) = self.place();
        Ok((send(scores, (&device, dtype)), state))
    }

    fn to_device(&self, values: Vec<f64>) -> Tensor<1> {
        let (device, dtype) = self.place();
        let length = values.len();
        send(TensorData::new(values, [length]), (&device, dtype))
    }
}

fn to_host(values: Tensor<2>) -> Result<Vec<f64>, ModelError> {
    read(values).map_err(|error| ModelError::Read {
        reason: error.to_string(),
    })
}

#[cfg(test)]
mod tests;
