//! Batches of chains against chains one by one.

use proptest::prelude::*;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::testing::largest_difference;

/// Scores of a batch; beyond the lengths of rows there is NaN.
#[derive(Debug)]
struct Batch {
    lengths: Vec<usize>,
    positions: usize,
    labels: usize,
    node: Vec<f64>,
    per_edge: Vec<f64>,
    shared: Vec<f64>,
}

impl Batch {
    fn random(seed: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let (rows, labels) = (rng.random_range(0..5), rng.random_range(1..4));
        let lengths: Vec<usize> = (0..rows).map(|_| rng.random_range(0..6)).collect();
        let positions = lengths.iter().max().unwrap_or(&0) + rng.random_range(0..3);
        let pairs = labels * labels;
        let mut padded = |used: usize, width: usize| -> Vec<f64> {
            (0..width)
                .map(|k| {
                    if k >= used {
                        f64::NAN
                    } else if k % labels != 0 && rng.random::<f64>() < 0.1 {
                        f64::NEG_INFINITY
                    } else {
                        rng.random_range(-2.0..2.0)
                    }
                })
                .collect()
        };
        let joints = positions.saturating_sub(1);
        Self {
            node: lengths
                .iter()
                .flat_map(|n| padded(n * labels, positions * labels))
                .collect(),
            per_edge: lengths
                .iter()
                .flat_map(|n| padded(n.saturating_sub(1) * pairs, joints * pairs))
                .collect(),
            shared: padded(pairs, pairs),
            lengths,
            positions,
            labels,
        }
    }

    fn edge(&self, is_shared: bool) -> EdgeScores<'_> {
        if is_shared {
            EdgeScores::Shared(&self.shared)
        } else {
            EdgeScores::PerEdge(&self.per_edge)
        }
    }

    fn chains(&self, is_shared: bool) -> Chains<'_> {
        let edge = self.edge(is_shared);
        Chains::new(&self.lengths, self.positions, self.labels, &self.node, edge).unwrap()
    }

    /// The scores of a row alone.
    fn row(&self, row: usize, is_shared: bool) -> (Vec<f64>, Vec<f64>) {
        let (n, pairs) = (self.lengths[row], self.labels * self.labels);
        let node = self.node[row * self.positions * self.labels..][..n * self.labels].to_vec();
        let edge = if is_shared {
            self.shared.repeat(n.saturating_sub(1))
        } else {
            let start = row * self.positions.saturating_sub(1) * pairs;
            self.per_edge[start..][..n.saturating_sub(1) * pairs].to_vec()
        };
        (node, edge)
    }
}

proptest! {
    #[test]
    fn batched_chains_equal_single_ones_whatever_the_padding(is_shared: bool, seed: u64) {
        let batch = Batch::random(seed);
        let chains = batch.chains(is_shared);
        let marginals = chains.marginals();
        let samples = chains.sample(&mut ChaCha8Rng::seed_from_u64(seed));
        let weights: Vec<f64> = (0..samples.len()).map(|row| row as f64 - 1.0).collect();
        let gradient = chains.gradient(&samples, &weights).unwrap();
        let (positions, labels) = (batch.positions, batch.labels);
        let (joints, pairs) = (positions.saturating_sub(1), labels * labels);
        prop_assert_eq!(marginals.node.len(), samples.len() * positions * labels);
        prop_assert_eq!(marginals.edge.len(), samples.len() * joints * pairs);

        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut shared = vec![0.0; pairs];
        for (row, &length) in batch.lengths.iter().enumerate() {
            let (node, edge) = batch.row(row, is_shared);
            let graph = Graph::chain(length, labels).unwrap();
            let model = Model::new(graph, &node, EdgeScores::PerEdge(&edge)).unwrap();
            let tree = Tree::new(model).unwrap();
            prop_assert_eq!(chains.log_partitions()[row], tree.log_partition());
            prop_assert_eq!(&chains.viterbi()[row], &tree.viterbi());
            prop_assert_eq!(&samples[row], &tree.sample(&mut rng));

            let cut = |factors: &Factors, width: usize| {
                let node = factors.node[row * positions * labels..][..positions * labels].to_vec();
                let edge = factors.edge[row * width..][..width].to_vec();
                Factors { node, edge }
            };
            let pad = |mut factors: Factors| {
                factors.node.resize(positions * labels, 0.0);
                factors.edge.resize(joints * pairs, 0.0);
                factors
            };
            let expected = tree.marginals();
            let own = tree.model().gradient(&expected, &samples[row], weights[row]).unwrap();
            for matrix in own.edge.chunks(pairs) {
                add(&mut shared, matrix);
            }
            let found = cut(&marginals, joints * pairs);
            prop_assert_eq!(largest_difference(&found, &pad(expected)), 0.0);
            let (width, mut own) = (if is_shared { 0 } else { joints * pairs }, pad(own));
            own.edge.truncate(width);
            prop_assert_eq!(largest_difference(&cut(&gradient, width), &own), 0.0);
        }
        if is_shared {
            for (found, expected) in gradient.edge.iter().zip(&shared) {
                prop_assert!((found - expected).abs() < 1e-12);
            }
        }
    }
}

#[test]
fn results_are_the_same_whatever_the_number_of_threads() {
    let batch = Batch::random(12);
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        pool.unwrap().install(|| {
            let chains = batch.chains(true);
            let samples = chains.sample(&mut ChaCha8Rng::seed_from_u64(1));
            let weights = vec![0.7; samples.len()];
            let gradient = chains.gradient(&samples, &weights).unwrap();
            (samples, gradient)
        })
    };
    assert_eq!(run(1), run(3));
}

#[test]
fn errors_name_the_row() {
    let node = [0.0, 0.0, f64::NEG_INFINITY, f64::NEG_INFINITY];
    let refuse = |lengths: &[usize]| {
        let edge = EdgeScores::Shared(&[0.0; 4]);
        Chains::new(lengths, 1, 2, &node, edge)
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        refuse(&[1, 1]),
        "row 1: every labeling scores -inf: nothing is allowed"
    );
    assert_eq!(
        refuse(&[2, 0]),
        "row 0: found a chain of length 2, expected at most 1"
    );
    assert_eq!(refuse(&[1]), "node scores: found 4 entries, expected 2");
    let chains = Chains::new(&[1, 0], 1, 2, &node, EdgeScores::Shared(&[0.0; 4])).unwrap();
    let error = chains.gradient(&[vec![2], vec![]], &[1.0; 2]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "row 0: node 0 has label 2, outside of the 2 labels"
    );
}
