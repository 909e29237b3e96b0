//! Pseudo-likelihood: every node's likelihood given the true labels of its neighbours.

use super::{Factors, Model, StructuredError, log_space::softmax};

/// The negative log-pseudo-likelihood of a labeling and its gradient at the scores.
#[derive(Debug, Clone, PartialEq)]
pub struct PseudoLikelihood {
    /// `-sum_i log P(y_i given y_j of all neighbours j)`, nats.
    pub loss: f64,
    /// In the shape of the scores.
    pub gradient: Factors,
}

/// The negative log-pseudo-likelihood of a labeling and its gradient at the scores.
///
/// ```text
/// q_i(c)               = P(y_i = c given y_j of all neighbours j)
/// L                    = -sum_i log q_i(y_i)
/// dL / d node[i, c]    = q_i(c) - 1[y_i = c]
/// dL / d edge[e, c, d] = (q_i(c) - 1[y_i = c]) 1[y_j = d] + 1[y_i = c] (q_j(d) - 1[y_j = d])
/// ```
///
/// Besag 1975; Koller and Friedman 2009, 20.6.1. No `Z` is needed, on a graph of any shape. Without
/// edges it is the likelihood.
///
/// # Errors
/// [`StructuredError`] when `labels` do not fit the graph or are forbidden.
pub fn pseudo_likelihood(
    model: &Model<'_>,
    labels: &[usize],
) -> Result<PseudoLikelihood, StructuredError> {
    model.allowed_score(labels)?;
    let mut loss = 0.0;
    let mut gradient = model.zeros();
    for (node, &gold) in labels.iter().enumerate() {
        let mut q = model.conditional(node, labels);
        let score = q[gold];
        loss += softmax(&mut q) - score;
        q[gold] -= 1.0;
        gradient.node[node * model.labels()..][..model.labels()].copy_from_slice(&q);
        for &neighbour in model.graph().neighbours(node) {
            let matrix = &mut gradient.edge[neighbour.edge * model.pairs()..][..model.pairs()];
            for (label, difference) in q.iter().enumerate() {
                matrix[neighbour.pair(model.labels(), label, labels[neighbour.node])] += difference;
            }
        }
    }
    Ok(PseudoLikelihood {
        loss,
        gradient: model.sum_shared(gradient),
    })
}

#[cfg(test)]
mod tests;
