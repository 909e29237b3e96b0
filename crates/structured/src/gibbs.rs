//! Gibbs sampling: labelings of a graph of any shape, approximately from the model.

use rand::{Rng, RngExt};

use super::{Factors, Model, StructuredError, log_space::draw};

/// A Markov chain of labelings whose stationary distribution is the model's.
///
/// ```text
/// y_i ~ P(y_i given y_j of all neighbours j),   node after node
/// ```
///
/// Geman and Geman 1984. Where scores of `-inf` part the allowed labelings into islands, the chain
/// stays on the one that it starts from.
#[derive(Debug, Clone)]
pub struct Gibbs<'m, 'a> {
    model: &'m Model<'a>,
    labels: Vec<usize>,
}

impl<'m, 'a> Gibbs<'m, 'a> {
    /// A chain that starts from the labeling `labels`.
    ///
    /// # Errors
    /// [`StructuredError`] when `labels` do not fit the graph or are forbidden.
    pub fn new(model: &'m Model<'a>, labels: Vec<usize>) -> Result<Self, StructuredError> {
        model.allowed_score(&labels)?;
        Ok(Self { model, labels })
    }

    /// The labeling that the chain has reached.
    pub fn labels(&self) -> &[usize] {
        &self.labels
    }

    /// Draws every node anew, once, in order.
    pub fn sweep(&mut self, rng: &mut impl Rng) {
        for node in 0..self.labels.len() {
            let weights = self.model.conditional(node, &self.labels);
            self.labels[node] = draw(&weights, rng.random());
        }
    }

    /// Marginals estimated by the frequencies in the next `sweeps` sweeps.
    ///
    /// Sweep before, to forget the start.
    ///
    /// # Errors
    /// [`StructuredError::Range`] for 0 sweeps.
    pub fn marginals(
        &mut self,
        sweeps: usize,
        rng: &mut impl Rng,
    ) -> Result<Factors, StructuredError> {
        if sweeps == 0 {
            return Err(StructuredError::Range {
                what: "sweeps of Gibbs sampling",
                found: 0.0,
                expected: "1 or more",
            });
        }
        let mut marginals = self.model.zeros();
        for _ in 0..sweeps {
            self.sweep(rng);
            self.model.add_indicators(&mut marginals, &self.labels, 1.0);
        }
        for count in marginals.node.iter_mut().chain(&mut marginals.edge) {
            *count /= sweeps as f64;
        }
        Ok(marginals)
    }
}

/// The gradient estimate of contrastive divergence, CD-k, with `k = sweeps`.
///
/// ```text
/// gradient = 1[y^k] - 1[y],   y^k after k Gibbs sweeps from y
/// ```
///
/// Hinton 2002: the gradient of `-log P(y)` with its marginals estimated by one labeling, which is
/// close to `y` when `k` is small. Biased for every finite `k`.
///
/// # Shapes
/// That of the scores.
///
/// # Errors
/// [`StructuredError`] when `labels` do not fit the graph or are forbidden.
pub fn contrastive_divergence(
    model: &Model<'_>,
    labels: &[usize],
    sweeps: usize,
    rng: &mut impl Rng,
) -> Result<Factors, StructuredError> {
    let mut chain = Gibbs::new(model, labels.to_vec())?;
    for _ in 0..sweeps {
        chain.sweep(rng);
    }
    let mut reconstruction = model.zeros();
    model.add_indicators(&mut reconstruction, chain.labels(), 1.0);
    model.gradient(&reconstruction, labels, 1.0)
}

#[cfg(test)]
mod tests;
