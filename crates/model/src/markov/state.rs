//! Open captions of a Markov captioner: every word is scored with all that may follow it.

use std::sync::Arc;

use rayon::prelude::*;
use scst_structured::{Lookahead, Shortlist, StructuredError};
use scst_tokens::UNKNOWN;

use super::scores::Scores;
use crate::ModelError;

/// Open captions of a batch.
#[derive(Debug, Clone)]
pub(crate) struct MarkovState {
    scores: Arc<Scores>,
    /// One chain a source.
    chains: Arc<Vec<Shortlist>>,
    lookahead: Lookahead,
    /// What lies ahead of every word of every chain, `[sources][T, K]`; absent before the first step.
    ahead: Option<Arc<Vec<Vec<f64>>>>,
    /// The source of every row.
    source_of_row: Vec<usize>,
    /// Words that every row has so far.
    position: usize,
}

impl MarkovState {
    pub(super) fn new(scores: Arc<Scores>, source_of_row: &[usize]) -> Result<Self, ModelError> {
        let sources = scores.node.len() / (scores.positions * scores.vocab);
        let chains: Result<Vec<Shortlist>, StructuredError> = (0..sources)
            .into_par_iter()
            .map(|source| scores.chain(source, &[]))
            .collect();
        Ok(Self {
            scores,
            chains: Arc::new(chains?),
            lookahead: Lookahead::All,
            ahead: None,
            source_of_row: source_of_row.to_vec(),
            position: 0,
        })
    }

    /// The same captions, where the best continuation without the unknown word speaks for a word in place of all.
    pub(crate) fn maximising(self) -> Self {
        // No search takes it.
        let chains = self.chains.iter().map(|chain| chain.without(UNKNOWN));
        Self {
            chains: Arc::new(chains.collect()),
            lookahead: Lookahead::Best,
            ahead: None,
            ..self
        }
    }

    pub(crate) fn select(self, rows: &[usize]) -> Self {
        Self {
            source_of_row: rows.iter().map(|&row| self.source_of_row[row]).collect(),
            ..self
        }
    }

    /// Log-weights of the words after the last `words`, `[rows vocab]`, and the state that follows.
    pub(super) fn step(self, words: &[u32]) -> Result<(Vec<f32>, Self), ModelError> {
        let (rows, vocab) = (self.source_of_row.len(), self.scores.vocab);
        if words.len() != rows {
            return Err(ModelError::Rows {
                what: "words of a step",
                found: words.len(),
                expected: rows,
            });
        }
        if let Some(&word) = words.iter().find(|&&word| word as usize >= vocab) {
            return Err(ModelError::WordOutOfRange { word, vocab });
        }
        let ahead = match &self.ahead {
            Some(ahead) => Arc::clone(ahead),
            None => {
                let chains = self.chains.par_iter();
                Arc::new(chains.map(|chain| chain.ahead(self.lookahead)).collect())
            }
        };
        let of_rows: Result<Vec<Vec<f32>>, StructuredError> = words
            .par_iter()
            .zip(&self.source_of_row)
            .map(|(&word, &source)| self.next(&ahead, word, source))
            .collect();
        let state = Self {
            position: self.position + 1,
            ahead: Some(ahead),
            ..self
        };
        Ok((of_rows?.concat(), state))
    }

    /// Log-weights of the words after `word`, `[vocab]`; `-inf` for those that are not considered.
    fn next(
        &self,
        ahead: &[Vec<f64>],
        word: u32,
        source: usize,
    ) -> Result<Vec<f32>, StructuredError> {
        let chain = &self.chains[source];
        let listed = chain.words(self.position)?;
        let mut weights = ahead[source][self.position * listed.len()..][..listed.len()].to_vec();
        if self.position > 0 {
            let transitions = self.scores.transitions()?;
            let after = chain.scores_after(word, self.position, &transitions)?;
            weights.iter_mut().zip(after).for_each(|(w, a)| *w += a);
        }
        let top = weights.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let mut all = vec![f32::NEG_INFINITY; self.scores.vocab];
        if top > f64::NEG_INFINITY {
            for (&word, weight) in listed.iter().zip(weights) {
                all[word as usize] = (weight - top) as f32;
            }
        }
        Ok(all)
    }
}
