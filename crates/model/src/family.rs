//! The two families of captioners, and what a run of either leaves: the state of open captions and the tape.

use burn::tensor::Tensor;

use crate::{ModelError, tape, transformer};

/// Something of a recurrent captioner, or of the transformer.
#[derive(Debug, Clone)]
pub(crate) enum Family<R, T> {
    Recurrent(R),
    Transformer(T),
}

/// What a captioner remembers of the captions so far, one row a caption.
#[derive(Debug, Clone)]
pub struct State(pub(crate) Family<tape::State, transformer::State>);

impl State {
    /// The state of the captions `rows`, in that order; a row may be asked for more than once.
    #[must_use]
    pub fn select(self, rows: &[usize]) -> Self {
        Self(match self.0 {
            Family::Recurrent(state) => Family::Recurrent(state.select(rows)),
            Family::Transformer(state) => Family::Transformer(state.select(rows)),
        })
    }
}

/// A run over captions that the backward pass can be taken of.
///
/// Rows of its hidden states are packed: all open captions of step 0, then of step 1, and so on.
#[derive(Debug, Clone)]
pub struct Tape(pub(crate) Family<tape::Tape, transformer::Tape>);

impl Tape {
    /// The inputs of the output layer of all timesteps, packed, `[rows, hidden]`; `None` before
    /// the first step.
    pub fn hidden(&self) -> Option<Tensor<2>> {
        match &self.0 {
            Family::Recurrent(tape) => tape.hidden(),
            Family::Transformer(tape) => tape.hidden(),
        }
    }

    /// The next step goes on with these rows of the last one only, in this order, each at most
    /// once. To be called with every [`State::select`].
    pub fn keep(&mut self, rows: &[usize]) {
        match &mut self.0 {
            Family::Recurrent(tape) => tape.keep(rows),
            // The state tells the rows that every caption attends to.
            Family::Transformer(_) => {}
        }
    }

    /// Number of packed rows.
    pub fn rows(&self) -> usize {
        match &self.0 {
            Family::Recurrent(tape) => tape.rows(),
            Family::Transformer(tape) => tape.rows(),
        }
    }

    pub(crate) fn recurrent(&mut self) -> Result<&mut tape::Tape, ModelError> {
        match &mut self.0 {
            Family::Recurrent(tape) => Ok(tape),
            Family::Transformer(_) => Err(ModelError::OtherCaptioner),
        }
    }

    pub(crate) fn transformer(&mut self) -> Result<&mut transformer::Tape, ModelError> {
        match &mut self.0 {
            Family::Transformer(tape) => Ok(tape),
            Family::Recurrent(_) => Err(ModelError::OtherCaptioner),
        }
    }
}
