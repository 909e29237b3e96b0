//! The seam between search and network.

#[cfg(feature = "cube")]
use burn::tensor::Int;
use burn::tensor::Tensor;
use scst_kernels::traffic;
use scst_tokens::END;
use thiserror::Error;

use crate::SamplerError;

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

    /// The same model where it goes on from words of a device that the host has not read; `None`, if not said otherwise,
    /// where it does not.
    #[cfg(feature = "cube")]
    fn ahead(&mut self) -> Option<&mut dyn StepAhead<State = Self::State, Error = Self::Error>> {
        None
    }
}

/// A model on a device that can go on from words which are there, and nowhere else yet.
#[cfg(feature = "cube")]
pub trait StepAhead: StepModel {
    /// As [`step`](StepModel::step), after words that the host does not know, `[rows]`: [`END`] for captions that have
    /// ended, whose rows stay.
    ///
    /// # Errors
    /// Whatever keeps the model from scoring.
    fn step_ahead(
        &mut self,
        words: Tensor<1, Int>,
        state: Self::State,
    ) -> Result<(Tensor<2>, Self::State), Self::Error>;

    /// Tells which words the [steps ahead](Self::step_ahead) since the last [`step`](StepModel::step) went on from, step
    /// by step, one a row.
    fn settle(&mut self, words: &[Vec<u32>]);
}

impl<M: StepModel + ?Sized> StepModel for &mut M {
    type State = M::State;
    type Error = M::Error;

    fn step(
        &mut self,
        words: &[u32],
        state: Self::State,
    ) -> Result<(Tensor<2>, Self::State), Self::Error> {
        (**self).step(words, state)
    }

    fn select(&mut self, state: Self::State, rows: &[usize]) -> Self::State {
        (**self).select(state, rows)
    }

    #[cfg(feature = "cube")]
    fn ahead(&mut self) -> Option<&mut dyn StepAhead<State = Self::State, Error = Self::Error>> {
        (**self).ahead()
    }
}

/// A model together with the state of the captions that it goes on with, so that a search need not know what a state is:
/// a `dyn StepModel<State = (), Error = HeldError<E>>`, with which all searches here work too.
#[derive(Debug)]
pub struct Held<'a, M: StepModel> {
    model: &'a mut M,
    /// None after the model has failed.
    state: Option<M::State>,
}

/// Why a model that holds its state cannot score; `E` is its own error.
#[derive(Debug, Error)]
pub enum HeldError<E> {
    /// The model's own reason.
    #[error(transparent)]
    Model(#[from] E),
    /// It is asked to go on after it has failed.
    #[error("the model has failed before, and has no state to go on from")]
    Spent,
}

impl<'a, M: StepModel> Held<'a, M> {
    /// The model in the state from which its captions begin.
    pub fn new(model: &'a mut M, state: M::State) -> Self {
        Self {
            model,
            state: Some(state),
        }
    }
}

impl<M: StepModel> StepModel for Held<'_, M> {
    type State = ();
    type Error = HeldError<M::Error>;

    fn step(&mut self, words: &[u32], (): ()) -> Result<(Tensor<2>, ()), Self::Error> {
        let state = self.state.take().ok_or(HeldError::Spent)?;
        let (scores, next) = self.model.step(words, state)?;
        self.state = Some(next);
        Ok((scores, ()))
    }

    fn select(&mut self, (): (), rows: &[usize]) {
        let state = self.state.take();
        self.state = state.map(|state| self.model.select(state, rows));
    }
}

/// The captions that a step goes on with.
pub(crate) struct Open<'a> {
    /// Their indices.
    pub(crate) rows: &'a [usize],
    /// All captions so far, the finished ones too.
    pub(crate) captions: &'a [Vec<u32>],
    /// Decoding step, from 0.
    pub(crate) step: usize,
}

/// Decodes `rows` captions of at most `max_length` words, one word a caption and step, as `choose`
/// picks them from the scores, `[open, vocab]`, of the captions that are still open. Finished
/// captions leave the batch.
pub(crate) fn decode<M: StepModel>(
    model: &mut M,
    mut state: M::State,
    rows: usize,
    max_length: usize,
    mut choose: impl FnMut(Tensor<2>, &Open<'_>) -> Result<Vec<u32>, SamplerError<M::Error>>,
) -> Result<Vec<Vec<u32>>, SamplerError<M::Error>> {
    let mut captions = vec![Vec::new(); rows];
    let mut open: Vec<usize> = (0..rows).collect();
    let mut words = vec![END; rows];
    for step in 0..max_length {
        if open.is_empty() {
            break;
        }
        let (scores, next) = model.step(&words, state)?;
        words = choose(
            scores,
            &Open {
                rows: &open,
                captions: &captions,
                step,
            },
        )?;
        for (&row, &word) in open.iter().zip(&words) {
            captions[row].push(word);
        }
        let going_on: Vec<usize> = (0..words.len()).filter(|&k| words[k] != END).collect();
        if going_on.is_empty() {
            break;
        }
        state = if going_on.len() == open.len() {
            next
        } else {
            model.select(next, &going_on)
        };
        open = going_on.iter().map(|&k| open[k]).collect();
        words = going_on.iter().map(|&k| words[k]).collect();
    }
    Ok(captions)
}

/// Scores on the host, `[rows * vocab]`.
pub(crate) fn read<E>(scores: Tensor<2>, step: usize) -> Result<Vec<f32>, SamplerError<E>> {
    traffic::read(scores).map_err(|error| SamplerError::Read {
        step,
        reason: error.to_string(),
    })
}

/// Words on the host, `[rows]`; `None` if a row has none.
#[cfg(feature = "cube")]
pub(crate) fn read_words<E>(
    words: Tensor<1, Int>,
    step: usize,
) -> Result<Option<Vec<u32>>, SamplerError<E>> {
    let words: Vec<i64> = traffic::read(words).map_err(|error| SamplerError::Read {
        step,
        reason: error.to_string(),
    })?;
    Ok(words.into_iter().map(|word| word.try_into().ok()).collect())
}

/// `log sum_w e^(s_w)` of the scores of one row, in 64 bits; `None` if they are no distribution.
pub(crate) fn log_z(scores: &[f32]) -> Option<f64> {
    let top = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let total: f64 = scores.iter().map(|&s| f64::from(s - top).exp()).sum();
    let is_distribution = total.is_finite() && top != f32::NEG_INFINITY;
    is_distribution.then(|| f64::from(top) + total.ln())
}
