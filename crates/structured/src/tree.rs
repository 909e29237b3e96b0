//! Exact inference on chains, trees and forests, by two passes of belief propagation.

use rand::{Rng, RngExt};

use super::{
    Factors, Graph, Model, StructuredError,
    bethe::bethe_entropy,
    graph::Neighbour,
    log_space::{draw, log_sum_exp, softmax},
};

/// A model whose graph has no cycle, after the pass from the leaves to the roots.
///
/// ```text
/// up[i, c]      = node[i, c] + sum_{children j of i} message[j, c] - scale[i]
/// scale[i]      = such that sum_c exp(up[i, c]) = 1
/// message[j, d] = log sum_c exp(up[j, c] + edge[e, c, d]),   e = (j, i), i the parent of j
/// log Z         = sum_i scale[i]
/// ```
///
/// Koller and Friedman 2009, 10.2; `O(I C^2)`. The root of each component is its last node, so that
/// on a chain `up` is the scaled forward variable of Rabiner 1989, and sampling is forward
/// filtering, backward sampling.
#[derive(Debug, Clone)]
pub struct Tree<'a> {
    pub(super) model: Model<'a>,
    /// All nodes, children before parents, each with its parent.
    pub(super) order: Vec<(usize, Option<Neighbour>)>,
    /// `[I, C]`.
    up: Vec<f64>,
    log_partition: f64,
}

impl<'a> Tree<'a> {
    /// Filters `model` from the leaves to the roots.
    ///
    /// # Errors
    /// [`StructuredError::Cycle`] if its graph is no forest, and
    /// [`StructuredError::NothingAllowed`] if every labeling scores `-inf`.
    pub fn new(model: Model<'a>) -> Result<Self, StructuredError> {
        let order = children_first(model.graph())?;
        let labels = model.labels();
        let mut up: Vec<f64> = (0..order.len())
            .flat_map(|node| model.node_scores(node))
            .copied()
            .collect();
        let mut log_partition = 0.0;
        for &(node, parent) in &order {
            let own = node * labels..(node + 1) * labels;
            let scale = log_sum_exp(&up[own.clone()]);
            if scale == f64::NEG_INFINITY {
                return Err(StructuredError::NothingAllowed);
            }
            log_partition += scale;
            up[own.clone()].iter_mut().for_each(|x| *x -= scale);
            let Some(parent) = parent else {
                continue;
            };
            for label in 0..labels {
                let mut weights = up[own.clone()].to_vec();
                model.add_edge_scores(parent, label, &mut weights);
                up[parent.node * labels + label] += log_sum_exp(&weights);
            }
        }
        Ok(Self {
            model,
            order,
            up,
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

    /// `log P(y) = score(y) - log Z`, nats; `-inf` for a forbidden labeling.
    ///
    /// # Errors
    /// [`StructuredError`] when `labels` are not one label for every node.
    pub fn log_probability(&self, labels: &[usize]) -> Result<f64, StructuredError> {
        Ok(self.model.score(labels)? - self.log_partition)
    }

    /// The marginals of all nodes and edges, which are also the gradient of `log Z`.
    ///
    /// ```text
    /// P(y_j = c, y_i = d) = P(y_i = d) softmax_c(up[j, c] + edge[e, c, d]),   e = (j, i)
    /// ```
    ///
    /// # Shapes
    /// `[I, C]` and `[E, C, C]`, whether or not edges share their scores.
    pub fn marginals(&self) -> Factors {
        let labels = self.model.labels();
        let mut marginals = self.model.zeros();
        for &(node, parent) in self.order.iter().rev() {
            let own = node * labels;
            let Some(parent) = parent else {
                let root = &mut marginals.node[own..own + labels];
                root.copy_from_slice(self.up(node));
                softmax(root);
                continue;
            };
            let edge = parent.edge * self.model.pairs();
            for above in 0..labels {
                let probability = marginals.node[parent.node * labels + above];
                if probability == 0.0 {
                    continue;
                }
                let mut given = self.given_parent(node, parent, above);
                softmax(&mut given);
                for (label, given) in given.into_iter().enumerate() {
                    let joint = probability * given;
                    marginals.node[own + label] += joint;
                    marginals.edge[edge + parent.pair(labels, label, above)] = joint;
                }
            }
        }
        marginals
    }

    /// The entropy `-sum_y P(y) log P(y)`, nats.
    pub fn entropy(&self) -> f64 {
        self.entropy_of(&self.marginals())
    }

    /// The same where the [`marginals`](Self::marginals) are at hand.
    pub fn entropy_of(&self, marginals: &Factors) -> f64 {
        bethe_entropy(self.model.graph(), marginals).max(0.0)
    }

    /// A labeling drawn from `P`, by one uniform number a node.
    pub fn sample(&self, rng: &mut impl Rng) -> Vec<usize> {
        let uniforms: Vec<f64> = self.order.iter().map(|_| rng.random()).collect();
        self.sample_at(&uniforms)
    }

    /// The labeling at these numbers in `[0, 1)`, one a node.
    pub(super) fn sample_at(&self, uniforms: &[f64]) -> Vec<usize> {
        let mut labels = vec![0; self.order.len()];
        for (&(node, parent), &uniform) in self.order.iter().rev().zip(uniforms) {
            labels[node] = match parent {
                None => draw(self.up(node), uniform),
                Some(parent) => {
                    let weights = self.given_parent(node, parent, labels[parent.node]);
                    draw(&weights, uniform)
                }
            };
        }
        labels
    }

    fn up(&self, node: usize) -> &[f64] {
        let labels = self.model.labels();
        &self.up[node * labels..][..labels]
    }

    /// Log-weights of a node's labels, `[C]`, given the label of its parent.
    fn given_parent(&self, node: usize, parent: Neighbour, label: usize) -> Vec<f64> {
        let mut weights = self.up(node).to_vec();
        self.model.add_edge_scores(parent, label, &mut weights);
        weights
    }
}

/// All nodes with their parents, children first; the root of a component is its last node.
fn children_first(graph: &Graph) -> Result<Vec<(usize, Option<Neighbour>)>, StructuredError> {
    let mut is_known = vec![false; graph.nodes()];
    let mut order = Vec::with_capacity(graph.nodes());
    for root in (0..graph.nodes()).rev() {
        if is_known[root] {
            continue;
        }
        is_known[root] = true;
        let mut next = order.len();
        order.push((root, None));
        while let Some(&(node, parent)) = order.get(next) {
            next += 1;
            for &child in graph.neighbours(node) {
                if parent.is_some_and(|parent: Neighbour| parent.edge == child.edge) {
                    continue;
                }
                if is_known[child.node] {
                    return Err(StructuredError::Cycle { edge: child.edge });
                }
                is_known[child.node] = true;
                order.push((child.node, Some(child.seen_from_there(node))));
            }
        }
    }
    order.reverse();
    Ok(order)
}

#[cfg(test)]
mod tests;
