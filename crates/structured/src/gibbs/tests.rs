//! Gibbs sampling and contrastive divergence against enumeration.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::{
    Enumeration, Graph,
    testing::{Case, largest_difference},
};

/// A triangle with three labels; a pair of labels of edge 1 is forbidden.
fn triangle() -> Case {
    let graph = Graph::new(3, 3, vec![[0, 1], [2, 1], [0, 2]]).unwrap();
    let node = (0..9).map(|k| (k * 7 % 5) as f64 / 5.0 - 0.4).collect();
    let mut edge: Vec<f64> = (0..27).map(|k| (k * 11 % 13) as f64 / 10.0 - 0.6).collect();
    edge[12] = f64::NEG_INFINITY;
    Case::new(graph, node, edge)
}

#[test]
fn gibbs_marginals_approach_enumeration_on_a_loop() {
    let case = triangle();
    let model = case.model();
    let expected = Enumeration::new(case.model()).unwrap().marginals();
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut chain = Gibbs::new(&model, vec![0; 3]).unwrap();
    let mut error = |sweeps| {
        let found = chain.marginals(sweeps, &mut rng).unwrap();
        largest_difference(&found, &expected)
    };
    let early = error(100);
    let late = error(100_000);
    assert!(late < 0.006, "off by {late}");
    assert!(late < early / 4.0, "{early} after 100, {late} after 100000");
}

#[test]
fn gibbs_never_visits_what_is_forbidden() {
    let case = triangle();
    let model = case.model();
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    let mut chain = Gibbs::new(&model, vec![0; 3]).unwrap();
    for _ in 0..2000 {
        chain.sweep(&mut rng);
        assert!(model.score(chain.labels()).unwrap() > f64::NEG_INFINITY);
    }
    assert_eq!(
        Gibbs::new(&model, vec![0, 0, 1]).unwrap_err(),
        StructuredError::ForbiddenLabeling
    );
}

#[test]
fn gibbs_marginals_of_no_sweeps_are_refused() {
    let case = triangle();
    let model = case.model();
    let mut chain = Gibbs::new(&model, vec![0; 3]).unwrap();
    let error = chain.marginals(0, &mut ChaCha8Rng::seed_from_u64(3));
    assert!(matches!(
        error.unwrap_err(),
        StructuredError::Range { found: 0.0, .. }
    ));
}

/// The mean of many estimates of contrastive divergence.
fn mean_divergence(case: &Case, labels: &[usize], sweeps: usize) -> Factors {
    let model = case.model();
    let mut rng = ChaCha8Rng::seed_from_u64(4);
    let mut mean = model.zeros();
    let samples = 20_000;
    for _ in 0..samples {
        let gradient = contrastive_divergence(&model, labels, sweeps, &mut rng).unwrap();
        for (slot, g) in mean.node.iter_mut().zip(gradient.node) {
            *slot += g / f64::from(samples);
        }
        for (slot, g) in mean.edge.iter_mut().zip(gradient.edge) {
            *slot += g / f64::from(samples);
        }
    }
    mean
}

#[test]
fn contrastive_divergence_approaches_the_likelihood_gradient_when_sweeps_are_many() {
    let case = triangle();
    let labels = [2, 1, 0];
    let marginals = Enumeration::new(case.model()).unwrap().marginals();
    let exact = case.model().gradient(&marginals, &labels, 1.0).unwrap();
    let bias = |sweeps| largest_difference(&mean_divergence(&case, &labels, sweeps), &exact);
    assert!(bias(20) < 0.015);
    assert!(bias(1) > 0.03, "one sweep does not forget the start");
    assert_eq!(mean_divergence(&case, &labels, 0), case.model().zeros());
}

#[test]
fn contrastive_divergence_is_unbiased_after_one_sweep_when_there_are_no_edges() {
    let graph = Graph::new(2, 3, Vec::new()).unwrap();
    let node = vec![0.5, -0.5, 1.0, 0.0, 0.2, -1.0];
    let case = Case::new(graph, node, Vec::new());
    let marginals = Enumeration::new(case.model()).unwrap().marginals();
    let exact = case.model().gradient(&marginals, &[0, 1], 1.0).unwrap();
    let found = mean_divergence(&case, &[0, 1], 1);
    assert!(largest_difference(&found, &exact) < 0.015);
}
