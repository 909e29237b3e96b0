//! Batches of chains of different lengths.

use rand::{Rng, RngExt};
use rayon::prelude::*;

use super::{
    EdgeScores, Factors, Graph, Labeling, Model, StructuredError, Tree,
    model::{add, check_length},
};

/// A batch of filtered chains, rows in parallel. The results do not depend on the thread count.
///
/// A row of length `n` is the chain of its first `n` positions; what lies beyond is never read.
/// Each row is a [`Tree`] of its own, for what is not offered here.
#[derive(Debug, Clone)]
pub struct Chains<'a> {
    trees: Vec<Tree<'a>>,
    positions: usize,
    labels: usize,
    edge: EdgeScores<'a>,
}

impl<'a> Chains<'a> {
    /// Filters chains of `lengths` with `labels` labels in a batch of `positions` positions.
    ///
    /// # Shapes
    /// `lengths`: `[rows]`. `node`: `[rows, positions, labels]`. `edge`:
    /// `[rows, positions - 1, labels, labels]`, or `[labels, labels]` if shared by all rows and
    /// positions.
    ///
    /// # Errors
    /// [`StructuredError`] for wrong lengths, and, with the row at fault, for scores that are none
    /// and for rows where nothing is allowed.
    pub fn new(
        lengths: &[usize],
        positions: usize,
        labels: usize,
        node: &'a [f64],
        edge: EdgeScores<'a>,
    ) -> Result<Self, StructuredError> {
        let pairs = labels * labels;
        let joints = positions.saturating_sub(1);
        check_length(
            "node scores",
            node.len(),
            lengths.len() * positions * labels,
        )?;
        let expected = match edge {
            EdgeScores::PerEdge(_) => lengths.len() * joints * pairs,
            EdgeScores::Shared(_) => pairs,
        };
        check_length("edge scores", edge.values().len(), expected)?;
        let tree = |(row, &length): (usize, &usize)| {
            if length > positions {
                return Err(StructuredError::ChainLength { length, positions });
            }
            let node = &node[row * positions * labels..][..length * labels];
            let edge = match edge {
                EdgeScores::PerEdge(values) => {
                    let own = &values[row * joints * pairs..];
                    EdgeScores::PerEdge(&own[..length.saturating_sub(1) * pairs])
                }
                EdgeScores::Shared(_) => edge,
            };
            Tree::new(Model::new(Graph::chain(length, labels)?, node, edge)?)
        };
        let trees = lengths
            .par_iter()
            .enumerate()
            .map(|(row, length)| tree((row, length)).map_err(|error| in_row(row, error)))
            .collect::<Vec<_>>();
        Ok(Self {
            trees: trees.into_iter().collect::<Result<_, _>>()?,
            positions,
            labels,
            edge,
        })
    }

    /// The rows, each a chain of its own length.
    pub fn rows(&self) -> &[Tree<'a>] {
        &self.trees
    }

    /// `log Z` of every row, nats.
    pub fn log_partitions(&self) -> Vec<f64> {
        self.trees.iter().map(Tree::log_partition).collect()
    }

    /// Marginals of all rows, 0 beyond their lengths.
    ///
    /// # Shapes
    /// `[rows, positions, labels]` and `[rows, positions - 1, labels, labels]`, whether or not
    /// edges share their scores.
    pub fn marginals(&self) -> Factors {
        let rows: Vec<Factors> = self.trees.par_iter().map(Tree::marginals).collect();
        Factors {
            node: self.pad(rows.iter().map(|row| &row.node), self.node_width()),
            edge: self.pad(rows.iter().map(|row| &row.edge), self.edge_width()),
        }
    }

    /// The labeling of highest score of every row.
    pub fn viterbi(&self) -> Vec<Labeling> {
        self.trees.par_iter().map(Tree::viterbi).collect()
    }

    /// A labeling drawn for every row.
    ///
    /// The same numbers are drawn as if the rows were sampled one after another.
    pub fn sample(&self, rng: &mut impl Rng) -> Vec<Vec<usize>> {
        let uniforms: Vec<Vec<f64>> = self
            .trees
            .iter()
            .map(|tree| {
                (0..tree.model().graph().nodes())
                    .map(|_| rng.random())
                    .collect()
            })
            .collect();
        self.trees
            .par_iter()
            .zip(&uniforms)
            .map(|(tree, uniforms)| tree.sample_at(uniforms))
            .collect()
    }

    /// The gradients of [`Model::gradient`] with the exact marginals, each row with its weight.
    ///
    /// ```text
    /// a (marginals - indicators of the labeling)
    /// ```
    ///
    /// Rows of weight 0 get exactly 0.
    ///
    /// # Shapes
    /// `labelings`: one a row, of the row's length. `weights`: `[rows]`. The result has the shape
    /// of the scores, 0 beyond the lengths; at shared scores it is summed over rows and positions.
    ///
    /// # Errors
    /// [`StructuredError`], with the row, when a labeling does not fit or is forbidden, or a weight
    /// is not finite.
    pub fn gradient(
        &self,
        labelings: &[Vec<usize>],
        weights: &[f64],
    ) -> Result<Factors, StructuredError> {
        check_length("labelings", labelings.len(), self.trees.len())?;
        check_length("weights", weights.len(), self.trees.len())?;
        let rows = self
            .trees
            .par_iter()
            .zip(labelings)
            .zip(weights)
            .enumerate()
            .map(|(row, ((tree, labels), &weight))| {
                let marginals = tree.marginals();
                let gradient = tree.model().gradient(&marginals, labels, weight);
                gradient.map_err(|error| in_row(row, error))
            })
            .collect::<Vec<_>>();
        let rows = rows.into_iter().collect::<Result<Vec<Factors>, _>>()?;
        let edges = rows.iter().map(|row| &row.edge);
        let edge = match self.edge {
            EdgeScores::PerEdge(_) => self.pad(edges, self.edge_width()),
            EdgeScores::Shared(scores) => {
                let mut sum = vec![0.0; scores.len()];
                edges.for_each(|row| add(&mut sum, row));
                sum
            }
        };
        Ok(Factors {
            node: self.pad(rows.iter().map(|row| &row.node), self.node_width()),
            edge,
        })
    }

    fn node_width(&self) -> usize {
        self.positions * self.labels
    }

    fn edge_width(&self) -> usize {
        self.positions.saturating_sub(1) * self.labels * self.labels
    }

    /// Rows one after another, each filled up to `width` with 0.
    fn pad<'r>(&self, rows: impl Iterator<Item = &'r Vec<f64>>, width: usize) -> Vec<f64> {
        let mut padded = Vec::with_capacity(self.trees.len() * width);
        for (row, values) in rows.enumerate() {
            padded.extend_from_slice(values);
            padded.resize((row + 1) * width, 0.0);
        }
        padded
    }
}

fn in_row(row: usize, error: StructuredError) -> StructuredError {
    StructuredError::Row {
        row,
        source: Box::new(error),
    }
}

#[cfg(test)]
mod tests;
