//! Random models, finite differences and comparisons for tests.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{EdgeScores, Factors, Graph, Model};

/// Half the step of central differences.
const STEP: f64 = 1e-4;

/// The largest relative error of a gradient against central differences in 64 bits.
pub(super) const GRADIENT_TOLERANCE: f64 = 1e-6;

#[derive(Debug, Clone, Copy)]
pub(super) enum Shape {
    Chain,
    Forest,
    Loopy,
    Edgeless,
}

/// A graph with scores of its own.
#[derive(Debug, Clone)]
pub(super) struct Case {
    pub(super) graph: Graph,
    pub(super) scores: Factors,
    is_shared: bool,
}

impl Case {
    /// At most 5 nodes and 4 labels; a share of about `forbidden` of the scores is `-inf`.
    pub(super) fn random(shape: Shape, forbidden: f64, seed: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let (nodes, labels) = (rng.random_range(1..=5), rng.random_range(1..=4));
        let graph = Graph::new(nodes, labels, random_edges(shape, nodes, &mut rng)).unwrap();
        let is_shared = rng.random();
        let matrices = if is_shared { 1 } else { graph.edges().len() };
        let mut draw = |count: usize| {
            (0..count)
                .map(|_| {
                    if rng.random::<f64>() < forbidden {
                        f64::NEG_INFINITY
                    } else {
                        rng.random_range(-2.0..2.0)
                    }
                })
                .collect()
        };
        let scores = Factors {
            node: draw(nodes * labels),
            edge: draw(matrices * labels * labels),
        };
        Self {
            graph,
            scores,
            is_shared,
        }
    }

    pub(super) fn new(graph: Graph, node: Vec<f64>, edge: Vec<f64>) -> Self {
        Self {
            graph,
            scores: Factors { node, edge },
            is_shared: false,
        }
    }

    pub(super) fn model(&self) -> Model<'_> {
        self.with(&self.scores)
    }

    fn with<'s>(&self, scores: &'s Factors) -> Model<'s> {
        let edge = if self.is_shared {
            EdgeScores::Shared(&scores.edge)
        } else {
            EdgeScores::PerEdge(&scores.edge)
        };
        Model::new(self.graph.clone(), &scores.node, edge).unwrap()
    }

    /// Marginals summed to the shape of the scores.
    pub(super) fn sum_shared(&self, marginals: Factors) -> Factors {
        self.model().sum_shared(marginals)
    }

    /// Central differences of `value` at all scores; 0 at those of `-inf`.
    pub(super) fn differences(&self, value: impl Fn(Model<'_>) -> f64) -> Factors {
        let mut moved = self.scores.clone();
        let mut found = self.scores.clone();
        for is_edge in [false, true] {
            let pick = |factors: &mut Factors, k: usize, score: f64| {
                let values = if is_edge {
                    &mut factors.edge
                } else {
                    &mut factors.node
                };
                std::mem::replace(&mut values[k], score)
            };
            let count = if is_edge {
                moved.edge.len()
            } else {
                moved.node.len()
            };
            for k in 0..count {
                let score = pick(&mut moved, k, 0.0);
                let difference = if score == f64::NEG_INFINITY {
                    0.0
                } else {
                    pick(&mut moved, k, score + STEP);
                    let above = value(self.with(&moved));
                    pick(&mut moved, k, score - STEP);
                    (above - value(self.with(&moved))) / (2.0 * STEP)
                };
                pick(&mut moved, k, score);
                pick(&mut found, k, difference);
            }
        }
        found
    }
}

fn random_edges(shape: Shape, nodes: usize, rng: &mut ChaCha8Rng) -> Vec<[usize; 2]> {
    // Names of nodes, so that roots and orders are arbitrary.
    let mut names: Vec<usize> = (0..nodes).collect();
    for k in (1..nodes).rev() {
        names.swap(k, rng.random_range(0..=k));
    }
    let mut edges = Vec::new();
    for node in 1..nodes {
        match shape {
            Shape::Edgeless => {}
            Shape::Chain => edges.push([node - 1, node]),
            Shape::Forest => {
                if rng.random::<f64>() < 0.8 {
                    edges.push([names[rng.random_range(0..node)], names[node]]);
                }
            }
            Shape::Loopy => {
                let others = (0..node).filter(|_| rng.random::<f64>() < 0.7);
                let new: Vec<usize> = others.collect();
                edges.extend(new.into_iter().map(|other| [names[other], names[node]]));
            }
        }
    }
    if !matches!(shape, Shape::Chain) {
        for edge in &mut edges {
            if rng.random() {
                edge.reverse();
            }
        }
    }
    edges
}

/// Largest difference over nodes and edges.
pub(super) fn largest_difference(found: &Factors, expected: &Factors) -> f64 {
    assert_eq!(found.node.len(), expected.node.len());
    assert_eq!(found.edge.len(), expected.edge.len());
    let found = found.node.iter().chain(&found.edge);
    let expected = expected.node.iter().chain(&expected.edge);
    let differences = found.zip(expected).map(|(f, e)| (f - e).abs());
    differences.fold(0.0, |largest, x| {
        if x > largest || x.is_nan() {
            x
        } else {
            largest
        }
    })
}

/// Largest difference relative to the largest entry, which counts as 0.01 if it is smaller.
pub(super) fn relative_error(found: &Factors, expected: &Factors) -> f64 {
    let entries = expected.node.iter().chain(&expected.edge);
    let scale = entries.fold(1e-2f64, |m, x| m.max(x.abs()));
    largest_difference(found, expected) / scale
}

/// Holds the frequencies of `samples` draws against probabilities, within 5 standard deviations.
pub(super) fn check_frequencies(
    samples: usize,
    expected: impl Iterator<Item = (Vec<usize>, f64)>,
    mut draw: impl FnMut() -> Vec<usize>,
) {
    let drawn: Vec<Vec<usize>> = (0..samples).map(|_| draw()).collect();
    let mut seen = 0;
    for (labels, p) in expected {
        let count = drawn.iter().filter(|&other| *other == labels).count();
        seen += count;
        let deviation = (p * (1.0 - p) / samples as f64).sqrt();
        let difference = (count as f64 / samples as f64 - p).abs();
        assert!(
            difference <= 5.0 * deviation + 1e-12,
            "{labels:?}: off by {difference}"
        );
    }
    assert_eq!(seen, samples, "some labelings drawn are not allowed");
}
