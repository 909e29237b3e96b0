//! The Markov captioner: a whole caption is scored at once, as a chain of words.

use std::sync::Arc;

use burn::{
    module::{Module, Param},
    tensor::{DType, Device, Tensor, TensorData, activation::relu},
};
use rand::Rng;
use rayon::prelude::*;
use scst_structured::{Factors, Lookahead, Shortlist, StructuredError, Transitions, Tree};
use serde::{Deserialize, Serialize};

use crate::{
    Dimensions, Dropout, Gradients, ImageFeatures, ModelError, dropout::apply, init,
    words::relu_dropout_backward,
};

/// Id of the word that stands for all words outside of the vocabulary; it is not decoded.
const UNKNOWN: usize = 1;

/// Sizes of the Markov captioner.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MarkovConfig {
    /// Units of the layer that reads the image, and of each position's own.
    pub hidden: usize,
    /// Words of the longest caption: the maximum length of the data.
    pub positions: usize,
    /// Words that are considered at every position.
    pub shortlist: usize,
    /// Rank of the matrix that scores two words in a row.
    pub rank: usize,
    /// Share of units that dropout removes in training.
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

/// The scores of a batch, on the host.
#[derive(Debug)]
struct Scores {
    /// `[images, T, vocab]`.
    node: Vec<f64>,
    /// `[vocab, rank]`.
    from: Vec<f64>,
    /// `[vocab, rank]`.
    to: Vec<f64>,
    positions: usize,
    vocab: usize,
    shortlist: usize,
}

/// What a batch of images made of the network.
#[derive(Debug, Clone)]
pub(crate) struct MarkovTape {
    scores: Arc<Scores>,
    features: ImageFeatures,
    /// `v`, `[images, hidden]`.
    image: Tensor<2>,
    /// `h` of all positions, `[images T, hidden]`.
    hidden: Tensor<2>,
    /// What dropout multiplied kept units by.
    scale: f64,
    /// Image of every caption.
    image_of_caption: Vec<usize>,
}

/// Open captions of a batch.
#[derive(Debug, Clone)]
pub(crate) struct MarkovState {
    scores: Arc<Scores>,
    /// One chain an image.
    chains: Arc<Vec<Shortlist>>,
    lookahead: Lookahead,
    /// What lies ahead of every word of every chain, `[images][T, K]`; absent before the first step.
    ahead: Option<Arc<Vec<Vec<f64>>>>,
    /// The image of every row.
    image_of_row: Vec<usize>,
    /// Words that every row has so far.
    position: usize,
}

/// What became of a whole caption.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CaptionLoss {
    /// `log P(caption)`, nats.
    pub log_probability: f64,
    /// Entropy of the distribution over captions, nats.
    pub entropy: f64,
    /// Share of the words that are not considered by node scores alone, mean over positions.
    pub outside: f64,
}

impl Scores {
    fn transitions(&self) -> Result<Transitions<'_>, StructuredError> {
        Transitions::new(self.vocab, &self.from, &self.to)
    }

    /// The node scores of an image, position by position.
    fn of(&self, image: usize) -> impl Iterator<Item = &[f64]> {
        let size = self.positions * self.vocab;
        self.node[image * size..][..size].chunks_exact(self.vocab)
    }

    /// The chain of an image, with the words of `captions` in it.
    fn chain(&self, image: usize, captions: &[&[u32]]) -> Result<Shortlist, StructuredError> {
        let size = self.positions * self.vocab;
        let node = &self.node[image * size..][..size];
        Shortlist::new(node, &self.transitions()?, self.shortlist, captions)
    }
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

    fn positions(&self) -> usize {
        self.position_bias.val().dims()[1] / self.image_bias.val().dims()[1]
    }

    /// Reads images and opens captions whose words are drawn from the distribution with dropout.
    pub(crate) fn start_tape(
        &self,
        features: ImageFeatures,
        image_of_caption: &[usize],
        dropout: Option<Dropout>,
    ) -> Result<(MarkovState, MarkovTape), ModelError> {
        let tape = self.read(features, image_of_caption, dropout)?;
        let state = MarkovState::new(Arc::clone(&tape.scores), image_of_caption)?;
        Ok((state, tape))
    }

    /// Reads images and opens captions that are decoded without the unknown word.
    pub(crate) fn start(
        &self,
        features: ImageFeatures,
        image_of_caption: &[usize],
    ) -> Result<MarkovState, ModelError> {
        let tape = self.read(features, image_of_caption, None)?;
        let mut scores = Arc::into_inner(tape.scores).ok_or(ModelError::OtherCaptioner)?;
        for word in scores.node.chunks_exact_mut(scores.vocab) {
            if let Some(unknown) = word.get_mut(UNKNOWN) {
                *unknown = f64::NEG_INFINITY;
            }
        }
        MarkovState::new(Arc::new(scores), image_of_caption)
    }

    /// The pass through the network.
    pub(crate) fn read(
        &self,
        features: ImageFeatures,
        image_of_caption: &[usize],
        mut dropout: Option<Dropout>,
    ) -> Result<MarkovTape, ModelError> {
        features.check(self.feature(), image_of_caption)?;
        if let Some(&found) = features.region_counts().iter().find(|&&count| count != 1) {
            return Err(ModelError::Rows {
                what: "feature vectors of an image",
                found,
                expected: 1,
            });
        }
        let (device, dtype) = self.place();
        let images = features.images();
        let hidden = self.image_bias.val().dims()[1];
        let positions = self.positions();
        let mut drop = |x: Tensor<2>| {
            let [rows, columns] = x.dims();
            let mask = dropout
                .as_mut()
                .and_then(|d| d.mask(rows, columns, &device, dtype));
            apply(x, mask.as_ref())
        };
        let image = features.vectors().matmul(self.image_weight.val()) + self.image_bias.val();
        let image = drop(relu(image));
        let at_positions =
            image.clone().matmul(self.position_weight.val()) + self.position_bias.val();
        let at_positions = drop(relu(at_positions)).reshape([images * positions, hidden]);
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
            image,
            hidden: at_positions,
            scale: dropout.as_ref().map_or(1.0, Dropout::scale),
            image_of_caption: image_of_caption.to_vec(),
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
    ) -> Result<(Gradients, Vec<CaptionLoss>), ModelError> {
        let expected = tape.image_of_caption.len();
        for found in [captions.len(), weights.len()] {
            if found != expected {
                return Err(ModelError::Rows {
                    what: "captions or weights of captions",
                    found,
                    expected,
                });
            }
        }
        let images = tape.features.images();
        let mut of_image: Vec<Vec<usize>> = vec![Vec::new(); images];
        for (n, &image) in tape.image_of_caption.iter().enumerate() {
            of_image[image].push(n);
        }
        let scores = &tape.scores;
        let results: Vec<_> = of_image
            .par_iter()
            .enumerate()
            .map(|(image, of_image)| {
                let own: Vec<(&[u32], f64)> = of_image
                    .iter()
                    .map(|&n| (captions[n].as_slice(), weights[n]))
                    .collect();
                image_gradient(scores, image, &own, position_weight)
            })
            .collect();
        let transitions = scores.transitions()?;
        let mut d_transitions = transitions.zero_gradient();
        let mut d_node = Vec::with_capacity(scores.node.len());
        let mut losses = vec![None; captions.len()];
        for (result, of_image) in results.into_iter().zip(&of_image) {
            let gradient = result?;
            let factors = &gradient.factors;
            let chain = &gradient.chain;
            chain.add_transition_gradient(factors, &transitions, &mut d_transitions)?;
            d_node.extend(gradient.node);
            for (&n, loss) in of_image.iter().zip(gradient.losses) {
                losses[n] = Some(loss);
            }
        }
        let losses = losses.into_iter().flatten().collect();
        let mut gradients = Gradients::default();
        gradients.add("transition_from", self.to_device(d_transitions.from));
        gradients.add("transition_to", self.to_device(d_transitions.to));
        self.network_backward(tape, self.to_device(d_node), &mut gradients);
        Ok((gradients, losses))
    }

    /// From the gradient at node scores, `[images T vocab]`, to those of the network.
    fn network_backward(&self, tape: MarkovTape, d_node: Tensor<1>, gradients: &mut Gradients) {
        let [rows, _] = tape.hidden.dims();
        let [images, hidden] = tape.image.dims();
        let d_node = d_node.reshape([rows, self.vocab()]);
        gradients.add("output_bias", d_node.clone().sum_dim(0));
        let d_hidden = d_node.clone().matmul(self.output_weight.val().transpose());
        gradients.add(
            "output_weight",
            tape.hidden.clone().transpose().matmul(d_node),
        );
        let d_hidden = relu_dropout_backward(d_hidden, tape.hidden, tape.scale);
        let d_positions = d_hidden.reshape([images, self.positions() * hidden]);
        gradients.add("position_bias", d_positions.clone().sum_dim(0));
        let d_image = d_positions
            .clone()
            .matmul(self.position_weight.val().transpose());
        gradients.add(
            "position_weight",
            tape.image.clone().transpose().matmul(d_positions),
        );
        let d_image = relu_dropout_backward(d_image, tape.image, tape.scale);
        gradients.add("image_bias", d_image.clone().sum_dim(0));
        let vectors = tape.features.vectors();
        gradients.add("image_weight", vectors.transpose().matmul(d_image));
    }

    fn to_device(&self, values: Vec<f64>) -> Tensor<1> {
        let (device, dtype) = self.place();
        let length = values.len();
        Tensor::from_data(TensorData::new(values, [length]), (&device, dtype))
    }

    /// Log-weights of the next words of open captions, `[rows, vocab]`, and the state that follows.
    pub(crate) fn step(
        &self,
        words: &[u32],
        state: MarkovState,
    ) -> Result<(Tensor<2>, MarkovState), ModelError> {
        let rows = state.image_of_row.len();
        if words.len() != rows {
            return Err(ModelError::Rows {
                what: "words of a step",
                found: words.len(),
                expected: rows,
            });
        }
        let vocab = self.vocab();
        if let Some(&word) = words.iter().find(|&&word| word as usize >= vocab) {
            return Err(ModelError::WordOutOfRange { word, vocab });
        }
        let ahead = match &state.ahead {
            Some(ahead) => Arc::clone(ahead),
            None => {
                let chains = state.chains.par_iter();
                Arc::new(chains.map(|chain| chain.ahead(state.lookahead)).collect())
            }
        };
        let of_rows: Result<Vec<Vec<f32>>, StructuredError> = words
            .par_iter()
            .zip(&state.image_of_row)
            .map(|(&word, &image)| state.next(&ahead, word, image))
            .collect();
        let values = TensorData::new(of_rows?.concat(), [rows, vocab]);
        let (device, dtype) = self.place();
        let scores = Tensor::from_data(values, (&device, dtype));
        let state = MarkovState {
            position: state.position + 1,
            ahead: Some(ahead),
            ..state
        };
        Ok((scores, state))
    }
}

/// What the captions of an image make of its scores.
struct ImageGradient {
    chain: Shortlist,
    /// At the scores of the chain.
    factors: Factors,
    /// At node scores, `[T, vocab]`.
    node: Vec<f64>,
    losses: Vec<CaptionLoss>,
}

/// The gradient at the scores of an image, of captions with their weights.
fn image_gradient(
    scores: &Scores,
    image: usize,
    captions: &[(&[u32], f64)],
    position_weight: f64,
) -> Result<ImageGradient, StructuredError> {
    let words: Vec<&[u32]> = captions.iter().map(|&(words, _)| words).collect();
    let chain = scores.chain(image, &words)?;
    let labelings: Result<Vec<Vec<usize>>, _> =
        words.iter().map(|words| chain.labels(words)).collect();
    let labelings = labelings?;
    let tree = Tree::new(chain.model()?)?;
    let marginals = tree.marginals();
    let entropy = tree.entropy_of(&marginals);
    let outside = chain.outside().iter().sum::<f64>() / scores.positions as f64;
    let losses = labelings.iter().map(|labels| {
        Ok(CaptionLoss {
            log_probability: tree.log_probability(labels)?,
            entropy,
            outside,
        })
    });
    let losses = losses.collect::<Result<Vec<_>, StructuredError>>()?;
    let weighted: Vec<(&[usize], f64)> = labelings
        .iter()
        .zip(captions)
        .map(|(labels, &(_, weight))| (labels.as_slice(), weight))
        .collect();
    let factors = tree.model().gradient_of_many(&marginals, &weighted)?;
    drop(tree);
    let mut node = chain.node_gradient(&factors)?;
    if position_weight != 0.0 {
        let positions = node.chunks_exact_mut(scores.vocab).zip(scores.of(image));
        for (t, (gradient, node)) in positions.enumerate() {
            let here = captions
                .iter()
                .filter_map(|&(words, a)| Some((*words.get(t)?, a)));
            add_position_gradient(node, here, position_weight, gradient);
        }
    }
    Ok(ImageGradient {
        chain,
        factors,
        node,
        losses,
    })
}

/// Adds `position_weight sum_n a_n (softmax(node) - 1_(w_n))` of words with their weights, `[vocab]`.
fn add_position_gradient(
    node: &[f64],
    words: impl Iterator<Item = (u32, f64)>,
    position_weight: f64,
    gradient: &mut [f64],
) {
    let mut total = 0.0;
    for (word, weight) in words {
        total += weight;
        gradient[word as usize] -= position_weight * weight;
    }
    if total == 0.0 {
        return;
    }
    let top = node.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let exponentials: Vec<f64> = node.iter().map(|score| (score - top).exp()).collect();
    let scale = position_weight * total / exponentials.iter().sum::<f64>();
    for (gradient, e) in gradient.iter_mut().zip(exponentials) {
        *gradient += scale * e;
    }
}

impl MarkovState {
    fn new(scores: Arc<Scores>, image_of_row: &[usize]) -> Result<Self, ModelError> {
        let images = scores.node.len() / (scores.positions * scores.vocab);
        let chains: Result<Vec<Shortlist>, StructuredError> = (0..images)
            .into_par_iter()
            .map(|image| scores.chain(image, &[]))
            .collect();
        Ok(Self {
            scores,
            chains: Arc::new(chains?),
            lookahead: Lookahead::All,
            ahead: None,
            image_of_row: image_of_row.to_vec(),
            position: 0,
        })
    }

    /// The same captions, where the best continuation speaks for a word in place of all.
    pub(crate) fn maximising(self) -> Self {
        Self {
            lookahead: Lookahead::Best,
            ahead: None,
            ..self
        }
    }

    pub(crate) fn select(self, rows: &[usize]) -> Self {
        Self {
            image_of_row: rows.iter().map(|&row| self.image_of_row[row]).collect(),
            ..self
        }
    }

    /// Log-weights of the words after `word`, `[vocab]`; `-inf` for those that are not considered.
    fn next(
        &self,
        ahead: &[Vec<f64>],
        word: u32,
        image: usize,
    ) -> Result<Vec<f32>, StructuredError> {
        let chain = &self.chains[image];
        let listed = chain.words(self.position)?;
        let mut weights = ahead[image][self.position * listed.len()..][..listed.len()].to_vec();
        if self.position > 0 {
            let transitions = self.scores.transitions()?;
            let after = chain.scores_after(word, self.position, &transitions)?;
            weights.iter_mut().zip(after).for_each(|(w, a)| *w += a);
        }
        let top = weights.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let mut all = vec![f32::NEG_INFINITY; self.scores.vocab];
        if top > f64::NEG_INFINITY {
            for (&word, weight) in listed.iter().zip(weights) {
                all[word as usize] = (weight - top) as f32;
            }
        }
        Ok(all)
    }
}

fn to_host(values: Tensor<2>) -> Result<Vec<f64>, ModelError> {
    values
        .try_into_vec_as::<f64>()
        .map_err(|error| ModelError::Read {
            reason: error.to_string(),
        })
}

#[cfg(test)]
mod tests;
