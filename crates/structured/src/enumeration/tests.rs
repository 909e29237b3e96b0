//! Enumeration against calculations by hand, counting and finite differences.

use proptest::prelude::*;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::{
    EdgeScores, Graph,
    testing::{Case, GRADIENT_TOLERANCE, Shape, check_frequencies, relative_error},
};

const NEVER: f64 = f64::NEG_INFINITY;

#[test]
fn two_nodes_agree_with_a_calculation_by_hand() {
    // Weights of labelings 00, 01, 10, 11: 1*1*2 = 2, 1*3*1 = 3, 4*1*0 = 0, 4*3*1/4 = 3.
    let node = vec![0.0, 4f64.ln(), 0.0, 3f64.ln()];
    let edge = vec![2f64.ln(), 0.0, NEVER, 0.25f64.ln()];
    let case = Case::new(Graph::chain(2, 2).unwrap(), node, edge);
    let all = Enumeration::new(case.model()).unwrap();
    let close = |found: f64, expected: f64| assert!((found - expected).abs() < 1e-14);
    close(all.log_partition(), 8f64.ln());
    let marginals = all.marginals();
    for (found, expected) in marginals.node.iter().zip([5.0, 3.0, 2.0, 6.0]) {
        close(*found, expected / 8.0);
    }
    for (found, expected) in marginals.edge.iter().zip([2.0, 3.0, 0.0, 3.0]) {
        close(*found, expected / 8.0);
    }
    let h = 0.25 * 4f64.ln() + 2.0 * 0.375 * (8.0f64 / 3.0).ln();
    close(all.entropy(), h);
    let allowed: Vec<Vec<usize>> = all.labelings().map(|y| y.labels).collect();
    assert_eq!(allowed, [[0, 0], [0, 1], [1, 1]]);
    assert_eq!(all.k_best(5)[2].labels, [0, 0]);
    close(all.viterbi().score, 3f64.ln());
}

#[test]
fn enumeration_counts_labelings_when_all_scores_are_zero() {
    let graph = Graph::new(4, 3, vec![[0, 1], [1, 2], [2, 3], [3, 0]]).unwrap();
    let model = Model::new(graph, &[0.0; 12], EdgeScores::Shared(&[0.0; 9])).unwrap();
    let all = Enumeration::new(model).unwrap();
    assert!((all.log_partition() - 81f64.ln()).abs() < 1e-12);
    assert!((all.entropy() - 81f64.ln()).abs() < 1e-12);
    let marginals = all.marginals();
    assert!(marginals.node.iter().all(|p| (p - 1.0 / 3.0).abs() < 1e-12));
    assert!(marginals.edge.iter().all(|p| (p - 1.0 / 9.0).abs() < 1e-12));
    assert_eq!(all.viterbi().labels, [0; 4]);
}

proptest! {
    #[test]
    fn marginals_are_the_gradient_of_log_z(
        forbidden in prop_oneof![Just(0.0), Just(0.1)],
        seed: u64,
    ) {
        let case = Case::random(Shape::Loopy, forbidden, seed);
        let Ok(all) = Enumeration::new(case.model()) else {
            return Ok(());
        };
        let expected = case.differences(|model| Enumeration::new(model).unwrap().log_partition());
        let found = case.sum_shared(all.marginals());
        prop_assert!(relative_error(&found, &expected) < GRADIENT_TOLERANCE);
    }
}

#[test]
fn sample_frequencies_approach_the_probabilities() {
    let case = Case::random(Shape::Loopy, 0.1, 4);
    let all = Enumeration::new(case.model()).unwrap();
    let mut rng = ChaCha8Rng::seed_from_u64(6);
    let expected = all
        .labelings()
        .map(|y| (y.labels, (y.score - all.log_partition()).exp()));
    check_frequencies(20_000, expected, || all.sample(&mut rng));
}

#[test]
fn too_many_labelings_are_refused() {
    let model = Model::new(
        Graph::chain(21, 2).unwrap(),
        &[0.0; 42],
        EdgeScores::Shared(&[0.0; 4]),
    );
    assert_eq!(
        Enumeration::new(model.unwrap()).unwrap_err().to_string(),
        "2 labels at each of 21 nodes: more than 1048576 labelings to list"
    );
}

#[test]
fn nothing_allowed_is_an_error() {
    let graph = Graph::new(2, 1, Vec::new()).unwrap();
    let model = Model::new(graph, &[0.0, NEVER], EdgeScores::PerEdge(&[])).unwrap();
    let error = Enumeration::new(model).unwrap_err();
    assert_eq!(error, StructuredError::NothingAllowed);
}
