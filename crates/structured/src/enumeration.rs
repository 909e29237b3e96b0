//! Exact inference on small graphs of any shape, by listing every labeling.

use rand::{Rng, RngExt};

use super::{
    Factors, Labeling, Model, StructuredError,
    log_space::{draw, log_sum_exp},
};

/// A model with the scores of all its `C^I` labelings.
///
/// Inference on general graphs is #P-hard (Koller and Friedman 2009, 9.1); this is for small ones.
#[derive(Debug, Clone)]
pub struct Enumeration<'a> {
    model: Model<'a>,
    /// In lexicographic order of labelings.
    scores: Vec<f64>,
    log_partition: f64,
}

impl<'a> Enumeration<'a> {
    /// The most labelings that are listed.
    pub const LIMIT: usize = 1 << 20;

    /// Scores every labeling of `model`.
    ///
    /// # Errors
    /// [`StructuredError::TooManyLabelings`] above [`LIMIT`](Self::LIMIT), and
    /// [`StructuredError::NothingAllowed`] if every labeling scores `-inf`.
    pub fn new(model: Model<'a>) -> Result<Self, StructuredError> {
        let (nodes, labels) = (model.graph().nodes(), model.labels());
        let count = u32::try_from(nodes)
            .ok()
            .and_then(|nodes| labels.checked_pow(nodes))
            .filter(|&count| count <= Self::LIMIT)
            .ok_or(StructuredError::TooManyLabelings {
                labels,
                nodes,
                limit: Self::LIMIT,
            })?;
        let scores = (0..count)
            .map(|index| model.score(&labeling(index, nodes, labels)))
            .collect::<Result<Vec<f64>, _>>()?;
        let log_partition = log_sum_exp(&scores);
        if log_partition == f64::NEG_INFINITY {
            return Err(StructuredError::NothingAllowed);
        }
        Ok(Self {
            model,
            scores,
            log_partition,
        })
    }

    /// The model.
    pub fn model(&self) -> &Model<'a> {
        &self.model
    }

    /// `log Z`, nats.
    pub fn log_partition(&self) -> f64 {
        self.log_partition
    }

    /// Every allowed labeling with its score, in lexicographic order.
    pub fn labelings(&self) -> impl Iterator<Item = Labeling> {
        let allowed = |&(_, &score): &(usize, &f64)| score > f64::NEG_INFINITY;
        let labelings = self.scores.iter().enumerate().filter(allowed);
        labelings.map(|(index, &score)| Labeling {
            labels: self.labeling(index),
            score,
        })
    }

    /// The marginals of all nodes and edges, which are also the gradient of `log Z`.
    ///
    /// # Shapes
    /// `[I, C]` and `[E, C, C]`, whether or not edges share their scores.
    pub fn marginals(&self) -> Factors {
        let mut marginals = self.model.zeros();
        for Labeling { labels, score } in self.labelings() {
            let probability = (score - self.log_partition).exp();
            self.model
                .add_indicators(&mut marginals, &labels, probability);
        }
        marginals
    }

    /// The entropy `-sum_y P(y) log P(y)`, nats.
    pub fn entropy(&self) -> f64 {
        self.labelings()
            .map(|Labeling { score, .. }| score - self.log_partition)
            .map(|log_probability| -log_probability.exp() * log_probability)
            .sum()
    }

    /// The labeling of highest score, the lexicographically first among equals.
    pub fn viterbi(&self) -> Labeling {
        match self.k_best(1).pop() {
            Some(labeling) => labeling,
            None => unreachable!("some labeling is allowed"),
        }
    }

    /// The `k` labelings of highest score, best first; fewer if fewer are allowed.
    pub fn k_best(&self, k: usize) -> Vec<Labeling> {
        let mut labelings: Vec<Labeling> = self.labelings().collect();
        labelings.sort_by(|a, b| b.score.total_cmp(&a.score));
        labelings.truncate(k);
        labelings
    }

    /// A labeling drawn from `P`, by one uniform number.
    pub fn sample(&self, rng: &mut impl Rng) -> Vec<usize> {
        self.labeling(draw(&self.scores, rng.random()))
    }

    fn labeling(&self, index: usize) -> Vec<usize> {
        labeling(index, self.model.graph().nodes(), self.model.labels())
    }
}

/// The labeling at a position of the lexicographic order: the digits of `index` in base `labels`.
fn labeling(mut index: usize, nodes: usize, labels: usize) -> Vec<usize> {
    let mut digits = vec![0; nodes];
    for digit in digits.iter_mut().rev() {
        *digit = index % labels;
        index /= labels;
    }
    digits
}

#[cfg(test)]
mod tests;
