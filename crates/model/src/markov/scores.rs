//! The scores of whole captions, and the gradient of their likelihood at these.

use scst_structured::{Factors, Shortlist, StructuredError, Transitions, Tree};

/// The scores of a batch, on the host.
#[derive(Debug)]
pub(super) struct Scores {
    /// `[sources, T, vocab]`.
    pub(super) node: Vec<f64>,
    /// `[vocab, rank]`.
    pub(super) from: Vec<f64>,
    /// `[vocab, rank]`.
    pub(super) to: Vec<f64>,
    pub(super) positions: usize,
    pub(super) vocab: usize,
    pub(super) shortlist: usize,
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
    pub(super) fn transitions(&self) -> Result<Transitions<'_>, StructuredError> {
        Transitions::new(self.vocab, &self.from, &self.to)
    }

    /// The node scores of a source, `[T, vocab]`.
    fn nodes(&self, source: usize) -> &[f64] {
        let size = self.positions * self.vocab;
        &self.node[source * size..][..size]
    }

    /// The chain of a source, with the words of `captions` in it.
    pub(super) fn chain(
        &self,
        source: usize,
        captions: &[&[u32]],
    ) -> Result<Shortlist, StructuredError> {
        let node = self.nodes(source);
        Shortlist::new(node, &self.transitions()?, self.shortlist, captions)
    }
}

/// What the captions of a source make of its scores.
pub(super) struct ImageGradient {
    pub(super) chain: Shortlist,
    /// At the scores of the chain.
    pub(super) factors: Factors,
    /// At node scores, `[T, vocab]`.
    pub(super) node: Vec<f64>,
    pub(super) losses: Vec<CaptionLoss>,
}

/// The gradient at the scores of a source, of captions with their weights.
pub(super) fn source_gradient(
    scores: &Scores,
    source: usize,
    captions: &[(&[u32], f64)],
    position_weight: f64,
) -> Result<ImageGradient, StructuredError> {
    let words: Vec<&[u32]> = captions.iter().map(|&(words, _)| words).collect();
    let chain = scores.chain(source, &words)?;
    let labelings: Result<Vec<Vec<usize>>, _> =
        words.iter().map(|words| chain.labels(words)).collect();
    let labelings = labelings?;
    let tree = Tree::new(chain.model()?)?;
    let marginals = tree.marginals();
    let entropy = tree.entropy_of(&marginals);
    let outside = chain.outside(scores.nodes(source))?.iter().sum::<f64>();
    let outside = outside / scores.positions as f64;
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
        let positions = node
            .chunks_exact_mut(scores.vocab)
            .zip(scores.nodes(source).chunks_exact(scores.vocab));
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
