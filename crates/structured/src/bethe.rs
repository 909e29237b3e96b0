//! The entropy of Bethe, exact on trees.

use super::{Factors, Graph};

/// The Bethe entropy of node and edge marginals, nats.
///
/// ```text
/// H = sum_e H(edge marginal e) - sum_i (degree(i) - 1) H(node marginal i)
/// ```
///
/// On a forest it is the entropy of the distribution with these marginals; on other graphs it
/// approximates it (Yedidia, Freeman and Weiss 2005).
pub(super) fn bethe_entropy(graph: &Graph, marginals: &Factors) -> f64 {
    let labels = graph.labels();
    let pairs = marginals.edge.chunks_exact(labels * labels).map(entropy);
    let nodes = marginals.node.chunks_exact(labels).enumerate();
    let nodes = nodes.map(|(node, row)| (graph.neighbours(node).len() as f64 - 1.0) * entropy(row));
    pairs.sum::<f64>() - nodes.sum::<f64>()
}

fn entropy(probabilities: &[f64]) -> f64 {
    let occurring = probabilities.iter().filter(|&&p| p > 0.0);
    -occurring.map(|p| p * p.ln()).sum::<f64>()
}
