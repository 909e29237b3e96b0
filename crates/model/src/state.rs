//! The state of open captions and the tape of a run, of captioners of any kind.

use burn::tensor::Tensor;

use crate::{
    markov::{MarkovState, MarkovTape},
    tape,
};

/// What a captioner remembers of the captions so far, one row a caption.
#[derive(Debug, Clone)]
pub struct State(pub(crate) StateKind);

#[derive(Debug, Clone)]
pub(crate) enum StateKind {
    Recurrent(tape::State),
    Markov(MarkovState),
}

impl State {
    /// The state of the captions `rows`, in that order; a row may be asked for more than once.
    #[must_use]
    pub fn select(self, rows: &[usize]) -> Self {
        Self(match self.0 {
            StateKind::Recurrent(state) => StateKind::Recurrent(state.select(rows)),
            StateKind::Markov(state) => StateKind::Markov(state.select(rows)),
        })
    }

    /// The same captions for greedy search: a captioner that knows what may follow a word scores it by the best
    /// continuation in place of all, so that greedy search finds the most probable caption (Viterbi).
    ///
    /// Captioners that know of a word only what came before it score as ever.
    #[must_use]
    pub fn maximising(self) -> Self {
        Self(match self.0 {
            StateKind::Recurrent(state) => StateKind::Recurrent(state),
            StateKind::Markov(state) => StateKind::Markov(state.maximising()),
        })
    }
}

/// A run over captions that the backward pass can be taken of.
///
/// Rows of its hidden states are packed: all open captions of step 0, then of step 1, and so on.
#[derive(Debug, Clone)]
pub struct Tape(pub(crate) TapeKind);

#[derive(Debug, Clone)]
pub(crate) enum TapeKind {
    Recurrent(tape::Tape),
    Markov(MarkovTape),
}

impl Tape {
    /// The inputs of the output layer of all timesteps, packed, `[rows, hidden]`; `None` before
    /// the first step, and for a captioner that scores whole captions.
    pub fn hidden(&self) -> Option<Tensor<2>> {
        match &self.0 {
            TapeKind::Recurrent(tape) => tape.hidden(),
            TapeKind::Markov(_) => None,
        }
    }

    /// The next step goes on with these rows of the last one only, in this order, each at most
    /// once. To be called with every [`State::select`].
    pub fn keep(&mut self, rows: &[usize]) {
        match &mut self.0 {
            TapeKind::Recurrent(tape) => tape.keep(rows),
            TapeKind::Markov(_) => {}
        }
    }

    /// Number of packed rows.
    pub fn rows(&self) -> usize {
        match &self.0 {
            TapeKind::Recurrent(tape) => tape.rows(),
            TapeKind::Markov(_) => 0,
        }
    }
}
