//! A model without a network: a table of transition probabilities, for tests of the search.

use std::convert::Infallible;

use burn::tensor::{Device, Tensor, TensorData};

use crate::StepModel;

/// `p(next word given last word)` from a table; rows need not be normalised.
pub(crate) struct TransitionTable {
    log_p: Vec<Vec<f32>>,
}

impl TransitionTable {
    pub(crate) fn new(p: &[&[f32]]) -> Self {
        let log = |row: &&[f32]| row.iter().map(|p| p.ln()).collect();
        Self {
            log_p: p.iter().map(log).collect(),
        }
    }

    /// A state of `rows` captions: all the words of each, to check that rows are selected rightly.
    pub(crate) fn state(rows: usize) -> Vec<Vec<u32>> {
        vec![Vec::new(); rows]
    }
}

impl StepModel for TransitionTable {
    type State = Vec<Vec<u32>>;
    type Error = Infallible;

    fn step(
        &mut self,
        words: &[u32],
        mut state: Self::State,
    ) -> Result<(Tensor<2>, Self::State), Infallible> {
        assert_eq!(words.len(), state.len(), "one last word a row");
        for (history, &word) in state.iter_mut().zip(words) {
            history.push(word);
        }
        let vocab = self.log_p.len();
        let scores: Vec<f32> = state
            .iter()
            .filter_map(|history| history.last())
            .flat_map(|&word| self.log_p[word as usize].clone())
            .collect();
        let data = TensorData::new(scores, [words.len(), vocab]);
        Ok((Tensor::from_data(data, &Device::flex()), state))
    }

    fn select(&mut self, state: Self::State, rows: &[usize]) -> Self::State {
        rows.iter().map(|&row| state[row].clone()).collect()
    }
}
