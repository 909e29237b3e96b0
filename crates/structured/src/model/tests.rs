//! Gradients against finite differences, plain softmax and enumerated expected rewards.

use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::{
    Enumeration, Tree,
    testing::{Case, GRADIENT_TOLERANCE, Shape, largest_difference, relative_error},
};

const NEVER: f64 = f64::NEG_INFINITY;

#[test]
fn misfitting_scores_are_refused_by_name() {
    let refuse = |node: &[f64], edge: &[f64]| {
        let graph = Graph::chain(2, 2).unwrap();
        let error = Model::new(graph, node, EdgeScores::PerEdge(edge)).unwrap_err();
        error.to_string()
    };
    assert_eq!(
        refuse(&[0.0; 3], &[0.0; 4]),
        "node scores: found 3 entries, expected 4"
    );
    assert_eq!(
        refuse(&[0.0; 4], &[0.0; 8]),
        "edge scores: found 8 entries, expected 4"
    );
    assert_eq!(
        refuse(&[0.0, 0.0, 0.0, f64::NAN], &[0.0; 4]),
        "score of node 1, label 1: found NaN, expected -inf or a number within 1e200"
    );
    assert_eq!(
        refuse(&[NEVER; 4], &[0.0, 0.0, f64::INFINITY, 0.0]),
        "score of edge 0, labels [1, 0]: found inf, expected -inf or a number within 1e200"
    );
}

#[test]
fn misfitting_labelings_are_refused_by_name() {
    let graph = Graph::chain(2, 2).unwrap();
    let model = Model::new(
        graph,
        &[0.0, 0.0, NEVER, 0.0],
        EdgeScores::Shared(&[0.0; 4]),
    )
    .unwrap();
    let refuse = |labels: &[usize], weight| {
        let error = model.gradient(&model.zeros(), labels, weight).unwrap_err();
        error.to_string()
    };
    assert_eq!(refuse(&[0], 1.0), "labels: found 1 entries, expected 2");
    assert_eq!(
        refuse(&[0, 2], 1.0),
        "node 1 has label 2, outside of the 2 labels"
    );
    assert_eq!(
        refuse(&[0, 0], 1.0),
        "the labeling scores -inf: it is forbidden"
    );
    assert_eq!(
        refuse(&[0, 1], f64::NAN),
        "weight of a labeling: found NaN, expected a finite number"
    );
    assert_eq!(model.score(&[0, 0]).unwrap(), NEVER);
}

/// An allowed labeling, some way through the list of all.
fn some_labels(all: &Enumeration<'_>, seed: u64) -> Vec<usize> {
    let count = all.labelings().count() as u64;
    let labeling = all.labelings().nth((seed % count) as usize).unwrap();
    labeling.labels
}

proptest! {
    #[test]
    fn likelihood_gradient_equals_finite_differences(
        forbidden in prop_oneof![Just(0.0), Just(0.1)],
        weight in -2.0..2.0f64,
        seed: u64,
    ) {
        let case = Case::random(Shape::Loopy, forbidden, seed);
        let Ok(all) = Enumeration::new(case.model()) else {
            return Ok(());
        };
        let labels = some_labels(&all, seed);
        let found = case.model().gradient(&all.marginals(), &labels, weight).unwrap();
        let expected = case.differences(|model| {
            let score = model.score(&labels).unwrap();
            -weight * (score - Enumeration::new(model).unwrap().log_partition())
        });
        prop_assert!(relative_error(&found, &expected) < GRADIENT_TOLERANCE);
        let wrong = case.model().gradient(&all.marginals(), &labels, weight + 1.0).unwrap();
        let scale = wrong.node.iter().fold(0.0f64, |m, x| m.max(x.abs()));
        if scale > 0.01 {
            prop_assert!(relative_error(&wrong, &expected) > 1e3 * GRADIENT_TOLERANCE);
        }
    }

    #[test]
    fn gradient_sums_to_zero_at_every_node_and_is_exactly_zero_without_weight(
        weight in -2.0..2.0f64,
        seed: u64,
    ) {
        let case = Case::random(Shape::Forest, 0.1, seed);
        let Ok(tree) = Tree::new(case.model()) else {
            return Ok(());
        };
        let labels = tree.viterbi().labels;
        let marginals = tree.marginals();
        let found = case.model().gradient(&marginals, &labels, weight).unwrap();
        for row in found.node.chunks(case.graph.labels()) {
            prop_assert!(row.iter().sum::<f64>().abs() < 1e-12);
        }
        prop_assert!(found.edge.iter().sum::<f64>().abs() < 1e-12);
        let zero = case.model().gradient(&marginals, &labels, 0.0).unwrap();
        prop_assert!(zero.node.iter().chain(&zero.edge).all(|&g| g == 0.0));
    }

    #[test]
    fn gradient_without_edges_is_that_of_a_softmax_at_each_node(
        weight in -2.0..2.0f64,
        seed: u64,
    ) {
        // Weight 1 is cross-entropy, an advantage is self-critical training.
        let case = Case::random(Shape::Edgeless, 0.0, seed);
        let tree = Tree::new(case.model()).unwrap();
        let labels = tree.sample(&mut ChaCha8Rng::seed_from_u64(seed));
        for a in [1.0, weight] {
            let found = case.model().gradient(&tree.marginals(), &labels, a).unwrap();
            let width = case.graph.labels();
            let rows = case.scores.node.chunks(width).zip(found.node.chunks(width));
            for (node, (row, found)) in rows.enumerate() {
                let z: f64 = row.iter().map(|s| s.exp()).sum();
                for (label, (s, found)) in row.iter().zip(found).enumerate() {
                    let indicator = f64::from(u8::from(labels[node] == label));
                    prop_assert!((found - a * (s.exp() / z - indicator)).abs() < 1e-12);
                }
            }
        }
    }
}

/// A reward without structure: any number in `[0, 1)` for every labeling.
fn reward(labels: &[usize]) -> f64 {
    let digits = labels.iter().fold(17usize, |hash, label| hash * 31 + label);
    (digits * 2_654_435_761 % 1000) as f64 / 1000.0
}

/// `-E[r(y)]`.
fn negative_expected_reward(model: Model<'_>) -> f64 {
    let all = Enumeration::new(model).unwrap();
    let terms = all
        .labelings()
        .map(|y| -reward(&y.labels) * (y.score - all.log_partition()).exp());
    terms.sum()
}

#[test]
fn self_critical_gradients_approach_that_of_the_expected_reward_at_the_expected_rate() {
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    let random = |count: usize, rng: &mut ChaCha8Rng| -> Vec<f64> {
        (0..count).map(|_| rng.random_range(-1.0..1.0)).collect()
    };
    let graph = Graph::new(4, 3, vec![[0, 1], [2, 1], [1, 3]]).unwrap();
    let (node, edge) = (random(12, &mut rng), random(27, &mut rng));
    let case = Case::new(graph, node, edge);
    let tree = Tree::new(case.model()).unwrap();
    let exact = case.differences(negative_expected_reward);
    let marginals = tree.marginals();
    let baseline = reward(&tree.viterbi().labels);
    let estimate = |labels: &[usize]| {
        let advantage = reward(labels) - baseline;
        tree.model()
            .gradient(&marginals, labels, advantage)
            .unwrap()
    };
    let entries = |factors: &Factors| [factors.node.clone(), factors.edge.clone()].concat();
    let exact = entries(&exact);

    // The mean and the summed variance of the estimator, by enumeration.
    let all = Enumeration::new(case.model()).unwrap();
    let (mut mean, mut variance) = (vec![0.0; exact.len()], 0.0);
    for y in all.labelings() {
        let p = (y.score - all.log_partition()).exp();
        for ((slot, g), e) in mean
            .iter_mut()
            .zip(entries(&estimate(&y.labels)))
            .zip(&exact)
        {
            *slot += p * g;
            variance += p * (g - e).powi(2);
        }
    }
    for (mean, exact) in mean.iter().zip(&exact) {
        assert!((mean - exact).abs() < 1e-8, "the estimator is biased");
    }

    for samples in [400, 6_400, 25_600] {
        let mut sum = vec![0.0; exact.len()];
        for _ in 0..samples {
            add(&mut sum, &entries(&estimate(&tree.sample(&mut rng))));
        }
        let errors = sum.iter().zip(&exact);
        let squared: f64 = errors.map(|(s, e)| (s / samples as f64 - e).powi(2)).sum();
        let expected = (variance / samples as f64).sqrt();
        let ratio = squared.sqrt() / expected;
        assert!((0.5..2.0).contains(&ratio), "{samples}: ratio {ratio}");
    }
}

#[test]
fn shared_scores_get_the_sum_over_edges() {
    let graph = Graph::new(3, 2, vec![[0, 1], [2, 1]]).unwrap();
    let (node, pairs) = ([0.3, -0.2, 0.0, 0.9, -1.0, 0.4], [0.5, -0.5, 0.1, 0.7]);
    let repeated = [pairs, pairs].concat();
    let shared = Model::new(graph.clone(), &node, EdgeScores::Shared(&pairs)).unwrap();
    let single = Model::new(graph, &node, EdgeScores::PerEdge(&repeated)).unwrap();
    let marginals = Tree::new(shared.clone()).unwrap().marginals();
    let expected = Tree::new(single.clone()).unwrap().marginals();
    assert_eq!(largest_difference(&marginals, &expected), 0.0);
    let found = shared.gradient(&marginals, &[0, 1, 1], 1.5).unwrap();
    let expected = single.gradient(&marginals, &[0, 1, 1], 1.5).unwrap();
    for (k, found) in found.edge.iter().enumerate() {
        assert_eq!(*found, expected.edge[k] + expected.edge[4 + k]);
    }
}
