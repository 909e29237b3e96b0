//! The captioner as a step function that the sampler can search over.

#[cfg(feature = "cube")]
use burn::tensor::Int;
use burn::tensor::Tensor;
use scst_model::{Captioner, ModelError, State, Tape};
#[cfg(feature = "cube")]
use scst_sampler::StepAhead;
use scst_sampler::{ForbiddenWords, Limits, StepModel};
use scst_tokens::UNKNOWN;

/// A captioner at work on a batch.
pub(crate) struct Decoder<'a> {
    captioner: &'a Captioner,
    tape: Option<Tape>,
}

impl<'a> Decoder<'a> {
    /// Decoding that leaves no tape.
    pub(crate) fn reading(captioner: &'a Captioner) -> Self {
        Self {
            captioner,
            tape: None,
        }
    }

    /// Decoding that is recorded on `tape`.
    pub(crate) fn recording(captioner: &'a Captioner, tape: Tape) -> Self {
        Self {
            captioner,
            tape: Some(tape),
        }
    }

    /// The tape of all steps.
    pub(crate) fn into_tape(self) -> Option<Tape> {
        self.tape
    }
}

/// Captions for people to read, of up to `max_length` words: any but the unknown word.
pub(crate) fn readable(max_length: usize) -> Limits {
    Limits {
        max_length,
        constraints: vec![Box::new(ForbiddenWords(vec![UNKNOWN]))],
    }
}

impl StepModel for Decoder<'_> {
    type State = State;
    type Error = ModelError;

    fn step(&mut self, words: &[u32], state: State) -> Result<(Tensor<2>, State), ModelError> {
        let (hidden, state) = self.captioner.step(words, state, self.tape.as_mut())?;
        Ok((self.captioner.logits(hidden), state))
    }

    fn select(&mut self, state: State, rows: &[usize]) -> State {
        if let Some(tape) = &mut self.tape {
            tape.keep(rows);
        }
        state.select(rows)
    }

    #[cfg(feature = "cube")]
    fn ahead(&mut self) -> Option<&mut dyn StepAhead<State = State, Error = ModelError>> {
        let steps_ahead = self.captioner.steps_ahead(self.tape.as_ref());
        steps_ahead.then_some(self)
    }
}

#[cfg(feature = "cube")]
impl StepAhead for Decoder<'_> {
    fn step_ahead(
        &mut self,
        words: Tensor<1, Int>,
        state: State,
    ) -> Result<(Tensor<2>, State), ModelError> {
        let tape = self.tape.as_mut();
        let (hidden, state) = self.captioner.step_ahead(words, state, tape)?;
        Ok((self.captioner.logits(hidden), state))
    }

    fn settle(&mut self, words: &[Vec<u32>]) {
        if let Some(tape) = &mut self.tape {
            tape.settle(words);
        }
    }
}
