//! A model without a network: a table of transition probabilities, for tests of the search.

use std::convert::Infallible;

use burn::tensor::{Device, Tensor, TensorData};
use proptest::prelude::*;

use crate::{END, Hypothesis, StepModel};

/// `p(next word given last word)` from a table; rows need not be normalised.
#[derive(Debug, Clone)]
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

    pub(crate) fn of(p: &[Vec<f32>]) -> Self {
        Self::new(&p.iter().map(Vec::as_slice).collect::<Vec<_>>())
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

/// Random tables of `words` words, nothing impossible.
pub(crate) fn table(words: usize) -> impl Strategy<Value = Vec<Vec<f32>>> {
    prop::collection::vec(prop::collection::vec(0.05..1.0f32, words), words)
}

/// Every caption of at most `length` words with its log-probability, best first.
pub(crate) fn enumerate(table: &[Vec<f32>], length: usize) -> Vec<Hypothesis> {
    let mut open = vec![Hypothesis::default()];
    let mut all = Vec::new();
    for step in 0..length {
        let mut next = Vec::new();
        for prefix in open {
            let last = prefix.words.last().copied().unwrap_or(END) as usize;
            let total: f64 = table[last].iter().map(|&p| f64::from(p)).sum();
            for (word, &p) in table[last].iter().enumerate() {
                let mut words = prefix.words.clone();
                words.push(word as u32);
                let log_probability = prefix.log_probability + (f64::from(p) / total).ln();
                let hypothesis = Hypothesis {
                    words,
                    log_probability,
                    broken: Vec::new(),
                };
                if word as u32 == END || step + 1 == length {
                    all.push(hypothesis);
                } else {
                    next.push(hypothesis);
                }
            }
        }
        open = next;
    }
    all.sort_by(|a, b| b.log_probability.total_cmp(&a.log_probability));
    all
}
