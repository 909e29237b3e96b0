//! Loopy belief propagation against exact inference.

use proptest::prelude::*;

use super::*;
use crate::{
    Enumeration, Graph, Tree,
    testing::{Case, Shape, largest_difference},
};

proptest! {
    #[test]
    fn loopy_belief_propagation_is_exact_on_forests(
        forbidden in prop_oneof![Just(0.0), Just(0.25)],
        damping in prop_oneof![Just(0.0), Just(0.5)],
        seed: u64,
    ) {
        let case = Case::random(Shape::Forest, forbidden, seed);
        let options = LoopyOptions { damping, tolerance: 1e-12, ..LoopyOptions::default() };
        let found = loopy_belief_propagation(&case.model(), options);
        let tree = match Tree::new(case.model()) {
            Ok(tree) => tree,
            Err(error) => {
                prop_assert_eq!(found.unwrap_err(), error);
                return Ok(());
            }
        };
        let found = found.unwrap();
        prop_assert!(found.is_converged);
        prop_assert!(largest_difference(&found.marginals, &tree.marginals()) < 1e-10);
        prop_assert!((found.log_partition - tree.log_partition()).abs() < 1e-9);
        // Undamped, messages settle after as many iterations as the longest path has edges.
        if damping == 0.0 {
            prop_assert!(found.iterations <= case.graph.nodes() + 1);
        }
        for (found, exact) in found.marginals.node.iter().zip(tree.marginals().node) {
            prop_assert_eq!(*found == 0.0, exact == 0.0);
        }
    }
}

/// A square whose edges favour equal labels by `coupling`.
fn square(coupling: f64) -> Case {
    let graph = Graph::new(4, 2, vec![[0, 1], [1, 2], [3, 2], [3, 0]]).unwrap();
    let node = vec![0.5, 0.0, -0.3, 0.2, 0.1, 0.0, 0.0, 0.4];
    let edge = [coupling, 0.0, 0.0, coupling].repeat(4);
    Case::new(graph, node, edge)
}

#[test]
fn loopy_belief_propagation_is_close_on_a_loop_of_weak_edges() {
    let error = |coupling| {
        let case = square(coupling);
        let found = loopy_belief_propagation(&case.model(), LoopyOptions::default()).unwrap();
        assert!(found.is_converged);
        let exact = Enumeration::new(case.model()).unwrap();
        (
            largest_difference(&found.marginals, &exact.marginals()),
            (found.log_partition - exact.log_partition()).abs(),
        )
    };
    let (weak, weak_z) = error(0.3);
    let (strong, strong_z) = error(1.5);
    assert!(weak < 1e-3 && weak_z < 1e-3, "off by {weak}, {weak_z}");
    // It is an approximation, and the tests can tell.
    assert!(
        strong > 0.01 && strong_z > 0.01,
        "off by {strong}, {strong_z}"
    );
}

#[test]
fn what_has_not_converged_says_so() {
    let options = LoopyOptions {
        max_iterations: 2,
        ..LoopyOptions::default()
    };
    let found = loopy_belief_propagation(&square(1.5).model(), options).unwrap();
    assert!(!found.is_converged);
    assert_eq!(found.iterations, 2);
    assert!(found.residual > options.tolerance);
}

#[test]
fn damping_that_never_moves_is_refused() {
    for damping in [1.0, -0.1, f64::NAN] {
        let options = LoopyOptions {
            damping,
            ..LoopyOptions::default()
        };
        let error = loopy_belief_propagation(&square(0.1).model(), options).unwrap_err();
        assert!(matches!(error, StructuredError::Range { .. }));
    }
}
