//! Loopy belief propagation: messages on a graph with cycles, until they settle.

use super::{
    Factors, Model, StructuredError,
    bethe::bethe_entropy,
    graph::Neighbour,
    log_space::{log_sum_exp, softmax},
};

/// When loopy belief propagation stops, and how cautiously it moves.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LoopyOptions {
    /// The share that a message keeps of its old value, in `[0, 1)`.
    pub damping: f64,
    /// The most iterations; each sends all messages once.
    pub max_iterations: usize,
    /// The largest change of a message's probabilities at which it has converged.
    pub tolerance: f64,
}

impl Default for LoopyOptions {
    fn default() -> Self {
        Self {
            damping: 0.5,
            max_iterations: 1000,
            tolerance: 1e-9,
        }
    }
}

/// What loopy belief propagation arrived at.
#[derive(Debug, Clone, PartialEq)]
pub struct LoopyBeliefs {
    /// Beliefs of nodes and edges, which approximate the marginals: `[I, C]` and `[E, C, C]`.
    pub marginals: Factors,
    /// The Bethe approximation of `log Z`, nats.
    pub log_partition: f64,
    /// Iterations that were run.
    pub iterations: usize,
    /// The largest change, damping apart, that the last iteration called for in a probability.
    pub residual: f64,
    /// Whether the residual is within the tolerance.
    pub is_converged: bool,
}

/// Approximate marginals by loopy belief propagation.
///
/// ```text
/// cavity[i -> j, c]  = node[i, c] + sum_{k neighbour of i, k != j} message[k -> i, c]
/// message[i -> j, d] = log sum_c exp(cavity[i -> j, c] + edge[(i, j), c, d]) + const
/// belief[i, c]       ~ exp(node[i, c] + sum_{k neighbour of i} message[k -> i, c])
/// belief[e, c, d]    ~ exp(cavity[i -> j, c] + edge[e, c, d] + cavity[j -> i, d]),   e = (i, j)
/// log Z              ~ sum beliefs * scores + Bethe entropy
/// ```
///
/// Pearl 1988; Yedidia, Freeman and Weiss 2005. All messages are sent at once. Exact on forests;
/// with cycles it may be wrong, or not converge.
///
/// # Errors
/// [`StructuredError::NothingAllowed`] when messages prove so, and [`StructuredError::Range`] for a
/// damping outside of `[0, 1)`.
pub fn loopy_belief_propagation(
    model: &Model<'_>,
    options: LoopyOptions,
) -> Result<LoopyBeliefs, StructuredError> {
    if !(0.0..1.0).contains(&options.damping) {
        return Err(StructuredError::Range {
            what: "damping of loopy belief propagation",
            found: options.damping,
            expected: "0 or more, less than 1",
        });
    }
    let mut messages = Messages::uniform(model);
    let mut iterations = 0;
    let mut residual = f64::INFINITY;
    while iterations < options.max_iterations && residual > options.tolerance {
        residual = messages.send(options.damping)?;
        iterations += 1;
    }
    let marginals = messages.beliefs()?;
    Ok(LoopyBeliefs {
        log_partition: expected_score(model, &marginals) + bethe_entropy(model.graph(), &marginals),
        marginals,
        iterations,
        residual,
        is_converged: residual <= options.tolerance,
    })
}

/// Two messages an edge, log-probabilities over the labels of the node that they go to.
struct Messages<'m, 'a> {
    model: &'m Model<'a>,
    /// `[2 E, C]`.
    values: Vec<f64>,
}

impl<'m, 'a> Messages<'m, 'a> {
    fn uniform(model: &'m Model<'a>) -> Self {
        let entries = 2 * model.graph().edges().len() * model.labels();
        Self {
            model,
            values: vec![-(model.labels() as f64).ln(); entries],
        }
    }

    /// Sends every message once and returns the largest change of a probability.
    fn send(&mut self, damping: f64) -> Result<f64, StructuredError> {
        let labels = self.model.labels();
        let (keep, move_by) = (damping.ln(), (1.0 - damping).ln());
        let mut residual = 0.0f64;
        let mut sent = vec![0.0; self.values.len()];
        for node in 0..self.model.graph().nodes() {
            for &to in self.model.graph().neighbours(node) {
                let cavity = self.cavity(node, Some(to));
                let start = outgoing(to) * labels;
                let message = &mut sent[start..start + labels];
                for (label, slot) in message.iter_mut().enumerate() {
                    let mut weights = cavity.clone();
                    self.model.add_edge_scores(to, label, &mut weights);
                    *slot = log_sum_exp(&weights);
                }
                let total = log_sum_exp(message);
                if total == f64::NEG_INFINITY {
                    return Err(StructuredError::NothingAllowed);
                }
                for (slot, old) in message.iter_mut().zip(&self.values[start..]) {
                    *slot -= total;
                    residual = residual.max((slot.exp() - old.exp()).abs());
                    // What messages forbid is forbidden, and stays so.
                    if *slot > f64::NEG_INFINITY {
                        *slot = log_sum_exp(&[keep + old, move_by + *slot]);
                    }
                }
            }
        }
        self.values = sent;
        Ok(residual)
    }

    /// Log-weights of a node's labels by all messages to it but the one from `except`, `[C]`.
    fn cavity(&self, node: usize, except: Option<Neighbour>) -> Vec<f64> {
        let labels = self.model.labels();
        let mut weights = self.model.node_scores(node).to_vec();
        for &from in self.model.graph().neighbours(node) {
            if Some(from) != except {
                let message = &self.values[incoming(from) * labels..][..labels];
                super::model::add(&mut weights, message);
            }
        }
        weights
    }

    fn beliefs(&self) -> Result<Factors, StructuredError> {
        let mut beliefs = Factors {
            node: Vec::new(),
            edge: Vec::new(),
        };
        for node in 0..self.model.graph().nodes() {
            beliefs.node.extend(belief(self.cavity(node, None))?);
        }
        for (edge, &[first, second]) in self.model.graph().edges().iter().enumerate() {
            let end = |node, is_first, own| {
                let other = Neighbour {
                    node,
                    edge,
                    is_first,
                };
                self.cavity(own, Some(other))
            };
            let (rows, columns) = (end(second, true, first), end(first, false, second));
            let mut weights = self.model.edge_scores(edge).to_vec();
            for (row, weight) in weights.chunks_exact_mut(columns.len()).zip(rows) {
                for (slot, column) in row.iter_mut().zip(&columns) {
                    *slot += weight + column;
                }
            }
            beliefs.edge.extend(belief(weights)?);
        }
        Ok(beliefs)
    }
}

/// Index of the message that comes from a neighbour.
fn incoming(from: Neighbour) -> usize {
    2 * from.edge + usize::from(from.is_first)
}

/// Index of the message that goes to a neighbour.
fn outgoing(to: Neighbour) -> usize {
    2 * to.edge + usize::from(!to.is_first)
}

fn belief(mut weights: Vec<f64>) -> Result<Vec<f64>, StructuredError> {
    if softmax(&mut weights) == f64::NEG_INFINITY {
        return Err(StructuredError::NothingAllowed);
    }
    Ok(weights)
}

/// `sum beliefs * scores`, where what has the belief 0 adds 0.
fn expected_score(model: &Model<'_>, beliefs: &Factors) -> f64 {
    let graph = model.graph();
    let nodes = (0..graph.nodes()).flat_map(|node| model.node_scores(node));
    let edges = (0..graph.edges().len()).flat_map(|edge| model.edge_scores(edge));
    let beliefs = beliefs.node.iter().chain(&beliefs.edge);
    let products = beliefs.zip(nodes.chain(edges));
    products
        .filter(|&(&belief, _)| belief > 0.0)
        .map(|(belief, score)| belief * score)
        .sum()
}

#[cfg(test)]
mod tests;
