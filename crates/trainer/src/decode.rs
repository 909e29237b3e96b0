//! The captioner as a step function that the sampler can search over.

use burn::tensor::{Tensor, TensorData};
use scst_model::{Captioner, ModelError, State, Tape};
use scst_sampler::StepModel;

/// Id of the word that stands for all words outside the vocabulary.
pub(crate) const UNKNOWN: u32 = 1;

/// A captioner at work on a batch.
pub(crate) struct Decoder<'a> {
    captioner: &'a Captioner,
    /// `-inf` at words that are not to be decoded, `[1, vocab]`.
    forbidden: Option<Tensor<2>>,
    tape: Option<Tape>,
}

impl<'a> Decoder<'a> {
    /// Decoding for people to read: no tape, no dropout, and never the unknown word.
    pub(crate) fn reading(captioner: &'a Captioner) -> Self {
        let vocab = captioner.dimensions().vocab;
        let mut forbidden = vec![0.0f32; vocab];
        if let Some(unknown) = forbidden.get_mut(UNKNOWN as usize) {
            *unknown = f32::NEG_INFINITY;
        }
        let forbidden = TensorData::new(forbidden, [1, vocab]);
        let forbidden = Tensor::from_data(forbidden, &captioner.device());
        Self {
            captioner,
            forbidden: Some(forbidden),
            tape: None,
        }
    }

    /// Decoding that is recorded on `tape`, from the model's own distribution.
    pub(crate) fn recording(captioner: &'a Captioner, tape: Tape) -> Self {
        Self {
            captioner,
            forbidden: None,
            tape: Some(tape),
        }
    }

    /// The tape of all steps.
    pub(crate) fn into_tape(self) -> Option<Tape> {
        self.tape
    }
}

impl StepModel for Decoder<'_> {
    type State = State;
    type Error = ModelError;

    fn step(&mut self, words: &[u32], state: State) -> Result<(Tensor<2>, State), ModelError> {
        let (hidden, state) = self.captioner.step(words, state, self.tape.as_mut())?;
        let mut logits = self.captioner.logits(hidden);
        if let Some(forbidden) = &self.forbidden {
            logits = logits + forbidden.clone();
        }
        Ok((logits, state))
    }

    fn select(&mut self, state: State, rows: &[usize]) -> State {
        if let Some(tape) = &mut self.tape {
            tape.keep(rows);
        }
        state.select(rows)
    }
}
