//! Steps from words of a device that the host has not read.

use burn::tensor::{Int, Tensor};
use scst_kernels::cube::{self, draw::open_rows};
use scst_tokens::END;

use super::Captioner;
use crate::{Dropout, ModelError, State, Tape, family::Family, recurrent, words::Words};

impl Captioner {
    /// Whether [`step_ahead`](Self::step_ahead) goes on from words that the host has not read: on a device with kernels, unless
    /// the host draws regions on the way, for one open caption after the other.
    pub fn steps_ahead(&self, tape: Option<&Tape>) -> bool {
        let (device, dtype) = self.place();
        let draws_regions = tape.is_some_and(|tape| match &tape.run {
            Family::Recurrent(tape) => tape.locations.is_some(),
            _ => false,
        });
        let is_known = matches!(self.family(), Family::Recurrent(_) | Family::Transformer(_));
        is_known && !draws_regions && cube::runs_on(&device, dtype)
    }

    /// As [`step`](Self::step), from words of the device, `[rows]`, the end token for captions that have ended: their rows
    /// stay, but draw nothing.
    ///
    /// The tape has to be [told](Tape::settle) what the words were before it goes on with a step of words that are known.
    ///
    /// # Errors
    /// Those of [`step`](Self::step).
    pub fn step_ahead(
        &self,
        words: Tensor<1, Int>,
        state: State,
        tape: Option<&mut Tape>,
    ) -> Result<(Tensor<2>, State), ModelError> {
        match (self.family(), state.0) {
            (Family::Recurrent(model), Family::Recurrent(state)) => {
                let mut tape = tape.map(Tape::recurrent).transpose()?;
                let dropout = tape.iter_mut().filter_map(|tape| tape.dropout.as_mut());
                begin(dropout, &words);
                let words = Words::Unread(&words);
                let (hidden, state) = recurrent::step(model, &words, state, tape)?;
                Ok((hidden, State(Family::Recurrent(state))))
            }
            (Family::Transformer(model), Family::Transformer(state)) => {
                let mut tape = tape.map(Tape::transformer).transpose()?;
                let dropouts = tape.iter_mut().flat_map(|tape| tape.words.dropouts());
                begin(dropouts, &words);
                let words = Words::Unread(&words);
                let (hidden, state) = model.step(words, state, tape)?;
                Ok((hidden, State(Family::Transformer(state))))
            }
            _ => Err(ModelError::OtherCaptioner),
        }
    }
}

/// Lets masks that follow be those of the open captions alone.
fn begin<'a>(dropouts: impl Iterator<Item = &'a mut Dropout>, words: &Tensor<1, Int>) {
    let mut order = None;
    for dropout in dropouts {
        let order = order.get_or_insert_with(|| open_rows(words.clone()));
        dropout.step_ahead(order.clone());
    }
}

impl Tape {
    /// Tells which words the last [steps ahead](Captioner::step_ahead) went on from, step by step, one a row: the end token where
    /// a caption had ended.
    pub fn settle(&mut self, words: &[Vec<u32>]) {
        let is_open = |word: &&u32| **word != END;
        let open: Vec<usize> = words
            .iter()
            .map(|w| w.iter().filter(is_open).count())
            .collect();
        let rows: usize = words.iter().map(Vec::len).sum();
        let first = self.rows_of_run().saturating_sub(rows);
        let packed = words.iter().flatten().zip(first..);
        let ended = packed.filter(|(word, _)| **word == END).map(|(_, row)| row);
        self.ended.extend(ended);
        match &mut self.run {
            Family::Recurrent(tape) => {
                tape.fill_in(words);
                tape.dropout
                    .iter_mut()
                    .for_each(|dropout| dropout.settle(&open));
            }
            Family::Transformer(tape) => {
                tape.fill_in(words);
                tape.words
                    .dropouts()
                    .for_each(|dropout| dropout.settle(&open));
            }
            Family::Markov(_) | Family::Custom(_) => {}
        }
    }
}
