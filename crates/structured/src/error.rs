//! What can be wrong with a graph, its scores or a labeling.

use thiserror::Error;

/// Why structured inference failed.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum StructuredError {
    /// A graph whose nodes have no label to take.
    #[error("found 0 labels a node, expected 1 or more")]
    NoLabels,
    /// An edge ends at a node that does not exist.
    #[error("edge {edge} ends at node {node}, outside of the graph's {nodes} nodes")]
    EdgeOutOfRange {
        /// Index of the edge.
        edge: usize,
        /// The node that it names.
        node: usize,
        /// Nodes of the graph.
        nodes: usize,
    },
    /// An edge joins a node with itself.
    #[error("edge {edge} joins node {node} with itself")]
    SelfLoop {
        /// Index of the edge.
        edge: usize,
        /// The node.
        node: usize,
    },
    /// An argument has the wrong number of entries.
    #[error("{what}: found {found} entries, expected {expected}")]
    Length {
        /// The argument at fault.
        what: &'static str,
        /// Entries found.
        found: usize,
        /// Entries expected.
        expected: usize,
    },
    /// A chain is longer than its batch has positions.
    #[error("found a chain of length {length}, expected at most {positions}")]
    ChainLength {
        /// Length of the chain.
        length: usize,
        /// Positions of the batch.
        positions: usize,
    },
    /// A node score that is no score.
    #[error(
        "score of node {node}, label {label}: found {found}, expected -inf or a number within 1e200"
    )]
    NodeScore {
        /// The node.
        node: usize,
        /// The label.
        label: usize,
        /// The score found.
        found: f64,
    },
    /// An edge score that is no score.
    #[error(
        "score of edge {edge}, labels {labels:?}: found {found}, expected -inf or a number within \
         1e200"
    )]
    EdgeScore {
        /// Index of the edge; 0 where all edges share their scores.
        edge: usize,
        /// Labels of the edge's two nodes.
        labels: [usize; 2],
        /// The score found.
        found: f64,
    },
    /// A labeling gives a node a label that does not exist.
    #[error("node {node} has label {label}, outside of the {labels} labels")]
    LabelOutOfRange {
        /// The node.
        node: usize,
        /// Its label.
        label: usize,
        /// Labels of a node.
        labels: usize,
    },
    /// Every labeling scores `-inf`, so that there is no distribution.
    #[error("every labeling scores -inf: nothing is allowed")]
    NothingAllowed,
    /// A labeling scores `-inf` where an allowed one is needed.
    #[error("the labeling scores -inf: it is forbidden")]
    ForbiddenLabeling,
    /// A graph that should be a forest has a cycle.
    #[error("edge {edge} closes a cycle, expected a chain, a tree or a forest")]
    Cycle {
        /// Index of an edge of the cycle.
        edge: usize,
    },
    /// Too many labelings to list.
    #[error("{labels} labels at each of {nodes} nodes: more than {limit} labelings to list")]
    TooManyLabelings {
        /// Labels of a node.
        labels: usize,
        /// Nodes of the graph.
        nodes: usize,
        /// The most labelings that are listed.
        limit: usize,
    },
    /// A caption has a word that is not on the shortlist of its position.
    #[error("word {word} is not on the shortlist of position {position}")]
    WordNotListed {
        /// The position.
        position: usize,
        /// The word id.
        word: u32,
    },
    /// A number lies outside its range.
    #[error("{what}: found {found}, expected {expected}")]
    Range {
        /// The argument at fault.
        what: &'static str,
        /// The value found.
        found: f64,
        /// The values allowed.
        expected: &'static str,
    },
    /// A row of a batch is at fault.
    #[error("row {row}: {source}")]
    Row {
        /// Row of the batch.
        row: usize,
        /// What is wrong with it.
        source: Box<StructuredError>,
    },
}
