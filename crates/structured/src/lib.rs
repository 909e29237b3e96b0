//! Exponential softmax: a distribution over whole labelings of a graph.
//!
//! Where an ordinary softmax has one word at a time, here it runs over all labelings `y` of a graph (McAllester, TTIC
//! 31230, 2019):
//!
//! ```text
//! score(y) = sum_i node[i, y_i] + sum_{e = (i, j)} edge[e, y_i, y_j],   P(y) = exp(score(y)) / Z
//! ```
//!
//! The gradient of a weighted `-log P(y)` at the scores is again the weight times (model
//! probability minus indicator), probabilities being the marginals: [`Model::gradient`]. Weight 1
//! and the gold labeling train by maximum likelihood; a sampled labeling and its advantage, with
//! the reward of the Viterbi labeling as the baseline, are self-critical training.
//!
//! | inference | on | how |
//! |---|---|---|
//! | [`Tree`] | chains, trees, forests | exact, `O(I C^2)` |
//! | [`Chains`] | batches of chains of different lengths | exact, rows in parallel |
//! | [`Enumeration`] | small graphs | exact, `O(C^I)` |
//! | [`Gibbs`] | any graph | samples and marginals, in the limit of many sweeps |
//! | [`loopy_belief_propagation`] | any graph | approximate marginals and `log Z` |
//! | [`pseudo_likelihood`] | any graph | another objective, with its exact gradient |
//! | [`contrastive_divergence`] | any graph | a biased estimate of the likelihood's gradient |
//!
//! [`Shortlist`] makes chains of words whose vocabulary is too large for a matrix of transitions.
//!
//! Everything is computed on the host, in 64 bits and in log space. A score of `-inf` forbids a
//! label or a pair exactly: probability 0, gradient 0, never drawn.
#![cfg_attr(
    test,
    allow(clippy::unwrap_used, reason = "tests may stop at the first surprise")
)]

mod bethe;
mod chains;
mod enumeration;
mod error;
mod gibbs;
mod graph;
mod k_best;
mod log_space;
mod loopy;
mod model;
mod pseudo_likelihood;
mod shortlist;
#[cfg(test)]
mod testing;
mod tree;

pub use chains::Chains;
pub use enumeration::Enumeration;
pub use error::StructuredError;
pub use gibbs::{Gibbs, contrastive_divergence};
pub use graph::Graph;
pub use loopy::{LoopyBeliefs, LoopyOptions, loopy_belief_propagation};
pub use model::{EdgeScores, Factors, Labeling, Model};
pub use pseudo_likelihood::{PseudoLikelihood, pseudo_likelihood};
pub use shortlist::{Lookahead, Shortlist, TransitionGradient, Transitions};
pub use tree::Tree;

/// The example of the README, as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
