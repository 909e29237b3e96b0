//! Exact inference on trees against enumeration, counting and finite differences.

use proptest::prelude::*;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::{
    EdgeScores, Enumeration, Graph,
    testing::{
        Case, GRADIENT_TOLERANCE, Shape, check_frequencies, largest_difference, relative_error,
    },
};

fn shapes() -> impl Strategy<Value = Shape> {
    prop_oneof![Just(Shape::Chain), Just(Shape::Forest)]
}

proptest! {
    #[test]
    fn inference_equals_enumeration_on_chains_and_forests(
        shape in shapes(),
        forbidden in prop_oneof![Just(0.0), Just(0.25)],
        seed: u64,
    ) {
        let case = Case::random(shape, forbidden, seed);
        let all = match Enumeration::new(case.model()) {
            Ok(all) => all,
            Err(error) => {
                prop_assert_eq!(&error, &StructuredError::NothingAllowed);
                prop_assert_eq!(Tree::new(case.model()).unwrap_err(), error);
                return Ok(());
            }
        };
        let tree = Tree::new(case.model()).unwrap();
        prop_assert!((tree.log_partition() - all.log_partition()).abs() < 1e-11);
        prop_assert!(largest_difference(&tree.marginals(), &all.marginals()) < 1e-12);
        prop_assert!((tree.entropy() - all.entropy()).abs() < 1e-11);
        let total: f64 = all
            .labelings()
            .map(|y| tree.log_probability(&y.labels).unwrap().exp())
            .sum();
        prop_assert!((total - 1.0).abs() < 1e-11);
    }

    #[test]
    fn k_best_is_the_top_of_the_enumeration(
        shape in shapes(),
        forbidden in prop_oneof![Just(0.0), Just(0.2)],
        k in 0usize..40,
        seed: u64,
    ) {
        let case = Case::random(shape, forbidden, seed);
        let Ok(all) = Enumeration::new(case.model()) else {
            return Ok(());
        };
        let tree = Tree::new(case.model()).unwrap();
        let (found, expected) = (tree.k_best(k), all.k_best(k));
        prop_assert_eq!(found.len(), expected.len());
        for (f, e) in found.iter().zip(&expected) {
            prop_assert!((f.score - e.score).abs() < 1e-11);
            prop_assert!((f.score - tree.model().score(&f.labels).unwrap()).abs() < 1e-11);
        }
        for (rank, labeling) in found.iter().enumerate() {
            prop_assert!(found[..rank].iter().all(|other| other.labels != labeling.labels));
        }
        prop_assert_eq!(tree.viterbi(), tree.k_best(1)[0].clone());
    }

    #[test]
    fn marginals_are_the_gradient_of_log_z(
        shape in shapes(),
        forbidden in prop_oneof![Just(0.0), Just(0.1)],
        seed: u64,
    ) {
        let case = Case::random(shape, forbidden, seed);
        let Ok(tree) = Tree::new(case.model()) else {
            return Ok(());
        };
        let expected = case.differences(|model| Tree::new(model).unwrap().log_partition());
        let found = case.sum_shared(tree.marginals());
        prop_assert!(relative_error(&found, &expected) < GRADIENT_TOLERANCE);
    }
}

#[test]
fn difference_check_fails_when_edge_marginals_are_transposed_or_independent() {
    let node = vec![0.1, -0.4, 0.8, 0.3];
    let case = Case::new(Graph::chain(2, 2).unwrap(), node, vec![1.0, -1.0, 0.5, 0.2]);
    let expected = case.differences(|model| Tree::new(model).unwrap().log_partition());
    let right = Tree::new(case.model()).unwrap().marginals();
    assert!(relative_error(&right, &expected) < GRADIENT_TOLERANCE);
    let mut transposed = right.clone();
    transposed.edge.swap(1, 2);
    assert!(relative_error(&transposed, &expected) > 0.01);
    let mut independent = right.clone();
    for (cell, slot) in independent.edge.iter_mut().enumerate() {
        *slot = right.node[cell / 2] * right.node[2 + cell % 2];
    }
    assert!(relative_error(&independent, &expected) > 0.01);
}

#[test]
fn inference_counts_labelings_when_all_scores_are_zero() {
    let (nodes, labels) = (2000, 3);
    let scores = vec![0.0; nodes * labels];
    let pairs = vec![0.0; labels * labels];
    let graph = Graph::chain(nodes, labels).unwrap();
    let model = Model::new(graph, &scores, EdgeScores::Shared(&pairs)).unwrap();
    let tree = Tree::new(model).unwrap();
    let expected = nodes as f64 * (labels as f64).ln();
    assert!((tree.log_partition() / expected - 1.0).abs() < 1e-12);
    assert!((tree.entropy() / expected - 1.0).abs() < 1e-12);
    let marginals = tree.marginals();
    assert!(marginals.node.iter().all(|p| (p - 1.0 / 3.0).abs() < 1e-12));
    assert!(marginals.edge.iter().all(|p| (p - 1.0 / 9.0).abs() < 1e-12));
}

#[test]
fn inference_is_finite_when_scores_are_huge() {
    let node = vec![1e4, -1e4, f64::NEG_INFINITY, 1e4];
    let edge = vec![1e5, f64::NEG_INFINITY, -1e5, 0.0];
    let case = Case::new(Graph::chain(2, 2).unwrap(), node, edge);
    let tree = Tree::new(case.model()).unwrap();
    // Node 1 must take label 1, which leaves label 1 to node 0.
    assert_eq!(tree.viterbi().labels, [1, 1]);
    assert_eq!(tree.log_partition(), 0.0);
    assert_eq!(tree.marginals().node, [0.0, 1.0, 0.0, 1.0]);
    assert_eq!(tree.marginals().edge, [0.0, 0.0, 0.0, 1.0]);
    assert_eq!(tree.entropy(), 0.0);
}

#[test]
fn sample_frequencies_approach_the_enumerated_probabilities() {
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    for (shape, seed) in [(Shape::Chain, 1), (Shape::Forest, 2), (Shape::Forest, 7)] {
        let case = Case::random(shape, 0.1, seed);
        let tree = Tree::new(case.model()).unwrap();
        let all = Enumeration::new(case.model()).unwrap();
        let expected = all
            .labelings()
            .map(|y| (y.labels, (y.score - all.log_partition()).exp()));
        check_frequencies(20_000, expected, || tree.sample(&mut rng));
    }
}

#[test]
fn graphs_with_a_cycle_are_refused() {
    let graph = Graph::new(3, 2, vec![[0, 1], [2, 1], [0, 2]]).unwrap();
    let model = Model::new(graph, &[0.0; 6], EdgeScores::Shared(&[0.0; 4])).unwrap();
    assert!(matches!(
        Tree::new(model).unwrap_err(),
        StructuredError::Cycle { .. }
    ));
    let twice = Graph::new(2, 1, vec![[0, 1], [1, 0]]).unwrap();
    let model = Model::new(twice, &[0.0; 2], EdgeScores::Shared(&[0.0])).unwrap();
    assert!(matches!(
        Tree::new(model).unwrap_err(),
        StructuredError::Cycle { .. }
    ));
}

#[test]
fn the_empty_graph_has_one_labeling() {
    let model = Model::new(Graph::chain(0, 2).unwrap(), &[], EdgeScores::PerEdge(&[])).unwrap();
    let tree = Tree::new(model).unwrap();
    assert_eq!(tree.log_partition(), 0.0);
    assert!(tree.viterbi().labels.is_empty());
    assert!(tree.k_best(0).is_empty());
    assert_eq!(tree.entropy(), 0.0);
}
