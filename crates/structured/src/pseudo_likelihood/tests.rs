//! Pseudo-likelihood against its definition and finite differences.

use proptest::prelude::*;

use super::*;
use crate::{
    Enumeration, Tree,
    testing::{Case, GRADIENT_TOLERANCE, Shape, largest_difference, relative_error},
};

/// The definition: each node's conditional from whole scores.
fn definition(model: &Model<'_>, labels: &[usize]) -> f64 {
    let gold = model.score(labels).unwrap();
    let conditional = |node: usize| {
        let scores = (0..model.labels()).map(|label| {
            let mut moved = labels.to_vec();
            moved[node] = label;
            model.score(&moved).unwrap()
        });
        scores.map(|score| (score - gold).exp()).sum::<f64>().ln()
    };
    (0..labels.len()).map(conditional).sum()
}

proptest! {
    #[test]
    fn loss_is_the_definition_and_gradient_its_finite_differences(
        forbidden in prop_oneof![Just(0.0), Just(0.1)],
        seed: u64,
    ) {
        let case = Case::random(Shape::Loopy, forbidden, seed);
        let Ok(all) = Enumeration::new(case.model()) else {
            return Ok(());
        };
        let allowed = all.labelings().count();
        let labels = all.labelings().nth(seed as usize % allowed).unwrap().labels;
        let found = pseudo_likelihood(&case.model(), &labels).unwrap();
        prop_assert!((found.loss - definition(&case.model(), &labels)).abs() < 1e-11);
        let expected = case.differences(|model| definition(&model, &labels));
        prop_assert!(relative_error(&found.gradient, &expected) < GRADIENT_TOLERANCE);
        let mut wrong = found.gradient;
        wrong.node[0] += 1e-4;
        prop_assert!(relative_error(&wrong, &expected) > GRADIENT_TOLERANCE);
    }

    #[test]
    fn pseudo_likelihood_is_the_likelihood_when_there_is_no_edge(seed: u64) {
        let case = Case::random(Shape::Edgeless, 0.1, seed);
        let Ok(tree) = Tree::new(case.model()) else {
            return Ok(());
        };
        let labels = tree.viterbi().labels;
        let found = pseudo_likelihood(&case.model(), &labels).unwrap();
        let loss = -tree.log_probability(&labels).unwrap();
        prop_assert!((found.loss - loss).abs() < 1e-12);
        let gradient = case.model().gradient(&tree.marginals(), &labels, 1.0).unwrap();
        prop_assert!(largest_difference(&found.gradient, &gradient) < 1e-12);
    }
}
