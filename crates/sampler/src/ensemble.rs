//! Several models as one.

use burn::tensor::{Tensor, activation::log_softmax};

use crate::StepModel;

/// Models whose probabilities are averaged at every step.
///
/// ```text
/// log p(w given w_<t) = log 1/M sum_m p_m(w given w_<t)
/// ```
///
/// All models score the same vocabulary on the same device.
#[derive(Debug, Clone)]
pub struct Ensemble<M> {
    first: M,
    others: Vec<M>,
}

impl<M> Ensemble<M> {
    /// At least one model.
    pub fn new(first: M, others: Vec<M>) -> Self {
        Self { first, others }
    }
}

impl<M: StepModel> StepModel for Ensemble<M> {
    /// The states of the models, in their order.
    type State = Vec<M::State>;
    type Error = M::Error;

    fn step(
        &mut self,
        words: &[u32],
        state: Self::State,
    ) -> Result<(Tensor<2>, Self::State), M::Error> {
        let models = std::iter::once(&mut self.first).chain(&mut self.others);
        let mut log_p = Vec::new();
        let mut next = Vec::new();
        for (model, state) in models.zip(state) {
            let (scores, state) = model.step(words, state)?;
            log_p.push(log_softmax(scores, 1));
            next.push(state);
        }
        Ok((log_mean_exp(log_p), next))
    }

    fn select(&mut self, state: Self::State, rows: &[usize]) -> Self::State {
        let models = std::iter::once(&mut self.first).chain(&mut self.others);
        let states = models.zip(state);
        states
            .map(|(model, state)| model.select(state, rows))
            .collect()
    }
}

/// `log 1/M sum_m e^(x_m)`, element by element, with the largest taken out; `-inf` where all are.
fn log_mean_exp(terms: Vec<Tensor<2>>) -> Tensor<2> {
    let share = 1.0 / terms.len() as f64;
    let largest = terms.iter().cloned().reduce(Tensor::max_pair);
    let Some(largest) = largest else {
        unreachable!("an ensemble has at least one model");
    };
    // Finite, so that nothing is `-inf - -inf`.
    let largest = largest.clamp_min(f32::MIN);
    let terms = terms.into_iter().map(|term| (term - largest.clone()).exp());
    let Some(sum) = terms.reduce(|sum, term| sum + term) else {
        unreachable!("an ensemble has at least one model");
    };
    (sum * share).log() + largest
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{BeamOptions, Hypothesis, Limits, SamplerError, beam, greedy, transition_table::*};

    const WORDS: usize = 4;

    fn search(
        model: &mut impl StepModel<State = Vec<Vec<Vec<u32>>>>,
        models: usize,
    ) -> Vec<Hypothesis> {
        let state = vec![TransitionTable::state(1); models];
        let options = BeamOptions {
            width: 7,
            ..BeamOptions::default()
        };
        let found = beam(model, state, 1, &options, &Limits::length(4));
        found
            .ok()
            .and_then(|images| images.into_iter().next())
            .unwrap()
    }

    proptest! {
        #[test]
        fn ensemble_searches_as_the_table_of_mean_probabilities(
            tables in prop::collection::vec(table(WORDS), 1..4),
        ) {
            let normalised = |row: &[f32]| {
                let total: f32 = row.iter().sum();
                row.iter().map(|p| p / total).collect::<Vec<f32>>()
            };
            let mean: Vec<Vec<f32>> = (0..WORDS).map(|last| {
                let rows: Vec<_> = tables.iter().map(|table| normalised(&table[last])).collect();
                let share = 1.0 / tables.len() as f32;
                (0..WORDS).map(|w| rows.iter().map(|row| row[w]).sum::<f32>() * share).collect()
            }).collect();
            let mut models = tables.iter().map(|table| TransitionTable::of(table));
            let first = models.next().unwrap();
            let others: Vec<_> = models.collect();
            let found = search(&mut Ensemble::new(first, others), tables.len());
            let one = Ensemble::new(TransitionTable::of(&mean), Vec::new());
            let options = BeamOptions { width: 7, ..BeamOptions::default() };
            let state = TransitionTable::state(1);
            let mut model = TransitionTable::of(&mean);
            let expected = beam(&mut model, state, 1, &options, &Limits::length(4)).unwrap();
            for (found, expected) in [(&found, &expected[0]), (&search(&mut one.clone(), 1), &expected[0])] {
                prop_assert_eq!(found.len(), expected.len());
                for (f, e) in found.iter().zip(expected) {
                    prop_assert!((f.log_probability - e.log_probability).abs() < 1e-5);
                }
            }
        }
    }

    #[test]
    fn ensemble_rules_out_only_what_all_models_rule_out() {
        let first = TransitionTable::new(&[&[0.0, 1.0, 0.0], &[1.0, 0.0, 0.0], &[1.0, 0.0, 0.0]]);
        let second = TransitionTable::new(&[&[0.0, 0.0, 1.0], &[1.0, 0.0, 0.0], &[1.0, 0.0, 0.0]]);
        let found = search(&mut Ensemble::new(first, vec![second]), 2);
        let words: Vec<_> = found.iter().map(|h| h.words.clone()).collect();
        assert_eq!(words, [[1, 0], [2, 0]]);
        let expected = 0.5f64.ln();
        assert!(
            found
                .iter()
                .all(|h| (h.log_probability - expected).abs() < 1e-6)
        );
    }

    #[test]
    fn ensemble_reports_a_model_whose_scores_are_no_distribution() {
        for broken in [f32::NAN, 0.0] {
            let good = TransitionTable::new(&[&[0.5, 0.5], &[0.5, 0.5]]);
            let bad = TransitionTable::new(&[&[broken, 0.0], &[0.5, 0.5]]);
            let mut model = Ensemble::new(good, vec![bad]);
            let state = vec![TransitionTable::state(1); 2];
            let error = greedy(&mut model, state, 1, &Limits::length(3)).unwrap_err();
            assert!(matches!(
                error,
                SamplerError::NoDistribution { row: 0, step: 0 }
            ));
        }
    }
}
