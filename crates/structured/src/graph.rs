//! The shape of a structured model: nodes, and the edges that join them.

use super::StructuredError;

/// An undirected graph whose nodes take one of `C` labels each.
///
/// A node that can take fewer labels is written with scores of `-inf` for the others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Graph {
    labels: usize,
    edges: Vec<[usize; 2]>,
    neighbours: Vec<Vec<Neighbour>>,
}

/// An edge seen from one of its two nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Neighbour {
    /// The node at the other end.
    pub(super) node: usize,
    /// Index of the edge.
    pub(super) edge: usize,
    /// Whether the node looked from is the edge's first.
    pub(super) is_first: bool,
}

impl Neighbour {
    /// The same edge seen from its other end, `node` being the end looked from so far.
    pub(super) fn seen_from_there(self, node: usize) -> Self {
        Self {
            node,
            edge: self.edge,
            is_first: !self.is_first,
        }
    }

    /// Where the edge's `[C, C]` matrix holds the labels of this end and of the other.
    pub(super) fn pair(self, labels: usize, own: usize, other: usize) -> usize {
        if self.is_first {
            own * labels + other
        } else {
            other * labels + own
        }
    }
}

impl Graph {
    /// A graph of `nodes` nodes with `labels` labels each, joined by `edges`.
    ///
    /// The order of an edge's two nodes says which label indexes the rows of its scores.
    ///
    /// # Errors
    /// [`StructuredError`] for 0 labels, an edge outside of the graph or one from a node to itself.
    pub fn new(
        nodes: usize,
        labels: usize,
        edges: Vec<[usize; 2]>,
    ) -> Result<Self, StructuredError> {
        if labels == 0 {
            return Err(StructuredError::NoLabels);
        }
        let mut neighbours = vec![Vec::new(); nodes];
        for (edge, &[first, second]) in edges.iter().enumerate() {
            if let Some(&node) = [first, second].iter().find(|&&node| node >= nodes) {
                return Err(StructuredError::EdgeOutOfRange { edge, node, nodes });
            }
            if first == second {
                return Err(StructuredError::SelfLoop { edge, node: first });
            }
            for (own, node, is_first) in [(first, second, true), (second, first, false)] {
                neighbours[own].push(Neighbour {
                    node,
                    edge,
                    is_first,
                });
            }
        }
        Ok(Self {
            labels,
            edges,
            neighbours,
        })
    }

    /// The chain `0 - 1 - ... - (nodes - 1)`.
    ///
    /// # Errors
    /// [`StructuredError::NoLabels`] for 0 labels.
    pub fn chain(nodes: usize, labels: usize) -> Result<Self, StructuredError> {
        let edges = (1..nodes).map(|node| [node - 1, node]).collect();
        Self::new(nodes, labels, edges)
    }

    /// `I`, the number of nodes.
    pub fn nodes(&self) -> usize {
        self.neighbours.len()
    }

    /// `C`, the number of labels of every node.
    pub fn labels(&self) -> usize {
        self.labels
    }

    /// `E`: the two nodes of every edge.
    pub fn edges(&self) -> &[[usize; 2]] {
        &self.edges
    }

    /// The edges that meet at `node`.
    pub(super) fn neighbours(&self, node: usize) -> &[Neighbour] {
        &self.neighbours[node]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn misshapen_graphs_are_refused_by_name() {
        let refuse = |nodes, labels, edges: &[[usize; 2]]| {
            let error = Graph::new(nodes, labels, edges.to_vec()).unwrap_err();
            error.to_string()
        };
        assert_eq!(
            refuse(2, 0, &[]),
            "found 0 labels a node, expected 1 or more"
        );
        assert_eq!(
            refuse(2, 3, &[[0, 1], [1, 2]]),
            "edge 1 ends at node 2, outside of the graph's 2 nodes"
        );
        assert_eq!(refuse(2, 3, &[[1, 1]]), "edge 0 joins node 1 with itself");
    }

    #[test]
    fn chain_joins_each_node_with_the_next() {
        let chain = Graph::chain(3, 2).unwrap();
        assert_eq!(chain.edges(), [[0, 1], [1, 2]]);
        assert_eq!((chain.nodes(), chain.labels()), (3, 2));
        assert!(Graph::chain(0, 2).unwrap().edges().is_empty());
    }
}
