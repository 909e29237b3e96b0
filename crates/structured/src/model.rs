//! A graph with scores, and the gradient of the weighted log-likelihood at those scores.

use super::{Graph, StructuredError, graph::Neighbour};

/// Scores of larger magnitude are refused, so that sums of many stay finite.
const LARGEST_SCORE: f64 = 1e200;

/// One number for every label of a node, and for every pair of labels of an edge.
///
/// These are marginals, or the gradient at the scores.
#[derive(Debug, Clone, PartialEq)]
pub struct Factors {
    /// `[I, C]`.
    pub node: Vec<f64>,
    /// `[E, C, C]`: row, label of the edge's first node; column, label of its second. A gradient at
    /// shared scores has their shape, `[C, C]`.
    pub edge: Vec<f64>,
}

/// Scores of pairs of labels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum EdgeScores<'a> {
    /// Scores of their own for every edge, `[E, C, C]`.
    PerEdge(&'a [f64]),
    /// The same scores for all edges, `[C, C]`.
    Shared(&'a [f64]),
}

impl<'a> EdgeScores<'a> {
    /// All scores, edge after edge.
    pub(super) fn values(self) -> &'a [f64] {
        match self {
            Self::PerEdge(values) | Self::Shared(values) => values,
        }
    }
}

/// A labeling and its score.
#[derive(Debug, Clone, PartialEq)]
pub struct Labeling {
    /// The label of every node, `[I]`.
    pub labels: Vec<usize>,
    /// `score(y)`, nats: the log-probability plus `log Z`.
    pub score: f64,
}

/// The exponential softmax: a distribution over the labelings of a graph.
///
/// ```text
/// score(y) = sum_i node[i, y_i] + sum_{e = (i, j)} edge[e, y_i, y_j]
/// P(y)     = exp(score(y)) / Z,   Z = sum_y exp(score(y))
/// ```
///
/// McAllester, TTIC 31230 (2019). A score of `-inf` forbids a label or a pair of labels.
#[derive(Debug, Clone, PartialEq)]
pub struct Model<'a> {
    graph: Graph,
    node: &'a [f64],
    edge: EdgeScores<'a>,
}

impl<'a> Model<'a> {
    /// The model of `graph` with these scores, nats.
    ///
    /// # Shapes
    /// `node`: `[I, C]`; `edge`: `[E, C, C]`, or `[C, C]` if shared.
    ///
    /// # Errors
    /// [`StructuredError`] for wrong lengths, and for scores that are NaN, `+inf` or beyond 1e200.
    pub fn new(
        graph: Graph,
        node: &'a [f64],
        edge: EdgeScores<'a>,
    ) -> Result<Self, StructuredError> {
        let labels = graph.labels();
        let matrices = match edge {
            EdgeScores::PerEdge(_) => graph.edges().len(),
            EdgeScores::Shared(_) => 1,
        };
        check_length("node scores", node.len(), graph.nodes() * labels)?;
        let pairs = edge.values();
        check_length("edge scores", pairs.len(), matrices * labels * labels)?;
        check_node_scores(node, labels)?;
        if let Some(index) = pairs.iter().position(|&score| !is_score(score)) {
            return Err(StructuredError::EdgeScore {
                edge: index / (labels * labels),
                labels: [index / labels % labels, index % labels],
                found: pairs[index],
            });
        }
        Ok(Self { graph, node, edge })
    }

    /// The graph.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// `score(y)`, nats; `-inf` for a forbidden labeling.
    ///
    /// # Errors
    /// [`StructuredError`] when `labels` are not one label for every node.
    pub fn score(&self, labels: &[usize]) -> Result<f64, StructuredError> {
        check_labels(labels, self.graph.nodes(), self.labels())?;
        let nodes = labels.iter().enumerate();
        let nodes: f64 = nodes
            .map(|(node, &label)| self.node_scores(node)[label])
            .sum();
        let edges = self.graph.edges().iter().enumerate();
        let edges: f64 = edges
            .map(|(edge, &[first, second])| {
                self.edge_scores(edge)[labels[first] * self.labels() + labels[second]]
            })
            .sum();
        Ok(nodes + edges)
    }

    /// The gradient of a weighted negative log-likelihood at the scores.
    ///
    /// ```text
    /// L                   = a * -log P(y)
    /// dL / d node[i, c]   = a (P(y_i = c) - 1[y_i = c])
    /// dL / d edge[e, c, d] = a (P(y_i = c, y_j = d) - 1[y_i = c and y_j = d]),   e = (i, j)
    /// ```
    ///
    /// With weight `a = 1` and a gold labeling this trains by maximum likelihood (Koller and
    /// Friedman 2009, 20.3). With a sampled labeling and `a = r(y) - b` it is the self-critical
    /// gradient, `b` being the reward of the Viterbi labeling or any other baseline that does not
    /// depend on the sample (Rennie et al. 2017, eq. 8). The weight is detached.
    ///
    /// `marginals` come from [`Tree`](super::Tree) or [`Enumeration`](super::Enumeration), or
    /// approximately from elsewhere. At [`EdgeScores::Shared`] the gradient is summed over edges.
    ///
    /// # Errors
    /// [`StructuredError`] when marginals or labels do not fit the graph, the labeling is
    /// forbidden, or the weight is not finite.
    pub fn gradient(
        &self,
        marginals: &Factors,
        labels: &[usize],
        weight: f64,
    ) -> Result<Factors, StructuredError> {
        self.gradient_of_many(marginals, &[(labels, weight)])
    }

    /// The sum of the gradients of several weighted labelings of the same model.
    ///
    /// ```text
    /// sum_k a_k (marginals - indicators of y_k)
    /// ```
    ///
    /// # Errors
    /// Those of [`gradient`](Self::gradient).
    pub fn gradient_of_many(
        &self,
        marginals: &Factors,
        labelings: &[(&[usize], f64)],
    ) -> Result<Factors, StructuredError> {
        for &(labels, weight) in labelings {
            self.allowed_score(labels)?;
            if !weight.is_finite() {
                return Err(StructuredError::Range {
                    what: "weight of a labeling",
                    found: weight,
                    expected: "a finite number",
                });
            }
        }
        let edges = self.graph.edges().len() * self.pairs();
        check_length("node marginals", marginals.node.len(), self.node.len())?;
        check_length("edge marginals", marginals.edge.len(), edges)?;
        let total: f64 = labelings.iter().map(|(_, weight)| weight).sum();
        let scale = |values: &[f64]| values.iter().map(|value| total * value).collect();
        let mut gradient = Factors {
            node: scale(&marginals.node),
            edge: scale(&marginals.edge),
        };
        for &(labels, weight) in labelings {
            self.add_indicators(&mut gradient, labels, -weight);
        }
        Ok(self.sum_shared(gradient))
    }

    /// All zeros, with numbers of its own for every edge.
    pub(super) fn zeros(&self) -> Factors {
        Factors {
            node: vec![0.0; self.node.len()],
            edge: vec![0.0; self.graph.edges().len() * self.pairs()],
        }
    }

    /// Adds `amount` at the cells of a labeling; `sum` has numbers of its own for every edge.
    pub(super) fn add_indicators(&self, sum: &mut Factors, labels: &[usize], amount: f64) {
        for (row, &label) in sum.node.chunks_exact_mut(self.labels()).zip(labels) {
            row[label] += amount;
        }
        let matrices = sum.edge.chunks_exact_mut(self.pairs());
        for (matrix, &[first, second]) in matrices.zip(self.graph.edges()) {
            matrix[labels[first] * self.labels() + labels[second]] += amount;
        }
    }

    /// From numbers for every edge to the shape of the scores: shared ones are summed.
    pub(super) fn sum_shared(&self, mut factors: Factors) -> Factors {
        if let EdgeScores::Shared(_) = self.edge {
            let mut sum = vec![0.0; self.pairs()];
            for matrix in factors.edge.chunks_exact(self.pairs()) {
                add(&mut sum, matrix);
            }
            factors.edge = sum;
        }
        factors
    }

    /// `score(y)` of a labeling, which must be allowed.
    pub(super) fn allowed_score(&self, labels: &[usize]) -> Result<f64, StructuredError> {
        let score = self.score(labels)?;
        if score == f64::NEG_INFINITY {
            return Err(StructuredError::ForbiddenLabeling);
        }
        Ok(score)
    }

    /// Labels of a node.
    pub(super) fn labels(&self) -> usize {
        self.graph.labels()
    }

    /// Pairs of labels of an edge.
    pub(super) fn pairs(&self) -> usize {
        self.graph.labels() * self.graph.labels()
    }

    /// The scores of a node's labels, `[C]`.
    pub(super) fn node_scores(&self, node: usize) -> &[f64] {
        &self.node[node * self.labels()..][..self.labels()]
    }

    /// The scores of an edge's pairs of labels, `[C, C]`.
    pub(super) fn edge_scores(&self, edge: usize) -> &[f64] {
        match self.edge {
            EdgeScores::PerEdge(values) => &values[edge * self.pairs()..][..self.pairs()],
            EdgeScores::Shared(values) => values,
        }
    }

    /// Adds to the log-weights of a node's labels, `[C]`, their scores with a neighbour's label.
    pub(super) fn add_edge_scores(&self, to: Neighbour, label: usize, weights: &mut [f64]) {
        let labels = self.labels();
        let scores = self.edge_scores(to.edge);
        if to.is_first {
            let column = scores[label..].iter().step_by(labels);
            weights.iter_mut().zip(column).for_each(|(w, s)| *w += s);
        } else {
            add(weights, &scores[label * labels..][..labels]);
        }
    }

    /// Log-weights of a node's labels given the labels of its neighbours, `[C]`.
    ///
    /// ```text
    /// log P(y_i = c given all others) + const = node[i, c] + sum_{e = (i, j)} edge[e, c, y_j]
    /// ```
    pub(super) fn conditional(&self, node: usize, labels: &[usize]) -> Vec<f64> {
        let mut weights = self.node_scores(node).to_vec();
        for &neighbour in self.graph.neighbours(node) {
            self.add_edge_scores(neighbour, labels[neighbour.node], &mut weights);
        }
        weights
    }
}

/// `sum += values`, entry by entry.
pub(super) fn add(sum: &mut [f64], values: &[f64]) {
    for (slot, value) in sum.iter_mut().zip(values) {
        *slot += value;
    }
}

fn is_score(score: f64) -> bool {
    score == f64::NEG_INFINITY || score.abs() <= LARGEST_SCORE
}

/// Whether there is one of `count` labels for each of `nodes` nodes.
pub(super) fn check_labels(
    labels: &[usize],
    nodes: usize,
    count: usize,
) -> Result<(), StructuredError> {
    check_length("labels", labels.len(), nodes)?;
    match labels.iter().position(|&label| label >= count) {
        None => Ok(()),
        Some(node) => Err(StructuredError::LabelOutOfRange {
            node,
            label: labels[node],
            labels: count,
        }),
    }
}

/// Whether all of `[I, labels]` are scores.
pub(super) fn check_node_scores(node: &[f64], labels: usize) -> Result<(), StructuredError> {
    match node.iter().position(|&score| !is_score(score)) {
        None => Ok(()),
        Some(index) => Err(StructuredError::NodeScore {
            node: index / labels,
            label: index % labels,
            found: node[index],
        }),
    }
}

pub(super) fn check_length(
    what: &'static str,
    found: usize,
    expected: usize,
) -> Result<(), StructuredError> {
    if found != expected {
        return Err(StructuredError::Length {
            what,
            found,
            expected,
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
