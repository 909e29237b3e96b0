//! The seam between search and network.

use burn::tensor::Tensor;

use crate::SamplerError;

/// Id of the token that starts and ends every caption.
pub const END: u32 = 0;

/// A model that scores the next word of several captions at a time.
pub trait StepModel {
    /// What the model remembers of the captions so far, one row a caption.
    type State;
    /// Why the model can fail.
    type Error;

    /// Scores of the next words after `words`, and the state that follows.
    ///
    /// # Shapes
    /// `words`: `[rows]`, the last word of every caption, [`END`] at the start. The scores are
    /// `[rows, vocab]`: log-probabilities up to a constant in every row (logits), nats.
    ///
    /// # Errors
    /// Whatever keeps the model from scoring.
    fn step(
        &mut self,
        words: &[u32],
        state: Self::State,
    ) -> Result<(Tensor<2>, Self::State), Self::Error>;

    /// The state of the captions `rows`, in that order; a row may be asked for more than once.
    fn select(&mut self, state: Self::State, rows: &[usize]) -> Self::State;
}

/// Captions being decoded: all that were asked for, and the rows still open.
pub(crate) struct OpenCaptions {
    /// Words so far, one list a caption.
    pub(crate) captions: Vec<Vec<u32>>,
    /// Indices into `captions`, in the order of the model's rows.
    pub(crate) open: Vec<usize>,
}

impl OpenCaptions {
    pub(crate) fn new(rows: usize) -> Self {
        Self {
            captions: vec![Vec::new(); rows],
            open: (0..rows).collect(),
        }
    }

    /// The last word of every open caption.
    pub(crate) fn last_words(&self) -> Vec<u32> {
        let last = |&row: &usize| self.captions[row].last().copied().unwrap_or(END);
        self.open.iter().map(last).collect()
    }

    /// Appends one word to every open caption and closes the finished ones. Returns the model rows
    /// that go on, when that is not all of them.
    pub(crate) fn push(&mut self, words: &[u32]) -> Option<Vec<usize>> {
        for (&row, &word) in self.open.iter().zip(words) {
            self.captions[row].push(word);
        }
        let going_on: Vec<usize> = (0..words.len()).filter(|&k| words[k] != END).collect();
        if going_on.len() == self.open.len() {
            return None;
        }
        self.open = going_on.iter().map(|&k| self.open[k]).collect();
        Some(going_on)
    }
}

/// Scores on the host, `[rows * vocab]`.
pub(crate) fn read<E>(scores: Tensor<2>, step: usize) -> Result<Vec<f32>, SamplerError<E>> {
    scores
        .try_into_vec_as::<f32>()
        .map_err(|error| SamplerError::Read {
            step,
            reason: error.to_string(),
        })
}
