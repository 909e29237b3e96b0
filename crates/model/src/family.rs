//! The families of captioners, and what a run of each leaves: the state of open captions and the tape.

use burn::tensor::Tensor;

use crate::{
    ModelError, custom,
    encoder::EncoderRecord,
    markov,
    rows::{index, scatter_rows},
    tape, transformer,
};

/// Something of a recurrent captioner, of the transformer, of the Markov captioner or of one of another crate.
#[derive(Debug, Clone)]
pub(crate) enum Family<R, T, M, C> {
    Recurrent(R),
    Transformer(T),
    Markov(M),
    Custom(C),
}

/// What a captioner remembers of the captions so far, one row a caption.
#[derive(Debug, Clone)]
pub struct State(
    pub(crate) Family<tape::State, transformer::State, markov::MarkovState, custom::CustomState>,
);

impl State {
    /// The state of the captions `rows`, in that order; a row may be asked for more than once.
    #[must_use]
    pub fn select(self, rows: &[usize]) -> Self {
        Self(match self.0 {
            Family::Recurrent(state) => Family::Recurrent(state.select(rows)),
            Family::Transformer(state) => Family::Transformer(state.select(rows)),
            Family::Markov(state) => Family::Markov(state.select(rows)),
            Family::Custom(state) => Family::Custom(state.select(rows)),
        })
    }

    /// The same captions for greedy search: a captioner that knows what may follow a word scores it by the best
    /// continuation without the unknown word in place of all, so that greedy search finds the most probable caption
    /// (Viterbi). Such scores say which word is best, and are no log-probabilities.
    ///
    /// Captioners that know of a word only what came before it score as ever.
    #[must_use]
    pub fn maximising(self) -> Self {
        Self(match self.0 {
            Family::Markov(state) => Family::Markov(state.maximising()),
            other => other,
        })
    }
}

/// A run over captions that the backward pass can be taken of.
///
/// Rows of its hidden states are packed: all open captions of step 0, then of step 1, and so on.
#[derive(Debug, Clone)]
pub struct Tape {
    pub(crate) run: Family<tape::Tape, transformer::Tape, markov::MarkovTape, custom::CustomTape>,
    /// What the encoder made of texts, if there is one.
    pub(crate) encoded: Option<Box<EncoderRecord>>,
    /// Rows of the run whose captions had ended, in order: nothing outside of the run sees them.
    pub(crate) ended: Vec<usize>,
}

impl Tape {
    /// A run of which all rows belong to captions.
    pub(crate) fn new(
        run: Family<tape::Tape, transformer::Tape, markov::MarkovTape, custom::CustomTape>,
        encoded: Option<Box<EncoderRecord>>,
    ) -> Self {
        Self {
            run,
            encoded,
            ended: Vec::new(),
        }
    }

    /// The inputs of the output layer of all timesteps, packed, `[rows, hidden]`; `None` before
    /// the first step, and for a captioner that scores whole captions.
    pub fn hidden(&self) -> Option<Tensor<2>> {
        let of_run = match &self.run {
            Family::Recurrent(tape) => tape.hidden(),
            Family::Transformer(tape) => tape.hidden(),
            Family::Custom(tape) => tape.hidden(),
            Family::Markov(_) => None,
        };
        of_run.map(|hidden| match self.open() {
            None => hidden,
            Some(open) => {
                let open = index(&open, &hidden.device());
                hidden.select(0, open)
            }
        })
    }

    /// The rows of the run that belong to captions, if not all do.
    fn open(&self) -> Option<Vec<usize>> {
        if self.ended.is_empty() {
            return None;
        }
        let mut ended = self.ended.iter().peekable();
        let is_open = |row: &usize| ended.next_if_eq(&row).is_none();
        Some((0..self.rows_of_run()).filter(is_open).collect())
    }

    /// What stands at rows of captions as what stands at all rows of the run: 0 at the others.
    pub(crate) fn at_all_rows(&self, of_captions: Tensor<2>) -> Tensor<2> {
        match self.open() {
            Some(open) if open.len() == of_captions.dims()[0] => {
                scatter_rows(of_captions, &open, self.rows_of_run())
            }
            _ => of_captions,
        }
    }

    /// The next step goes on with these rows of the last one only, in this order, each at most
    /// once. To be called with every [`State::select`].
    pub fn keep(&mut self, rows: &[usize]) {
        match &mut self.run {
            Family::Recurrent(tape) => tape.keep(rows),
            // The state tells all that there is to know of the captions left.
            Family::Transformer(_) | Family::Markov(_) | Family::Custom(_) => {}
        }
    }

    /// Number of packed rows.
    pub fn rows(&self) -> usize {
        self.rows_of_run() - self.ended.len()
    }

    pub(crate) fn rows_of_run(&self) -> usize {
        match &self.run {
            Family::Recurrent(tape) => tape.rows(),
            Family::Transformer(tape) => tape.rows(),
            Family::Custom(tape) => tape.rows(),
            Family::Markov(_) => 0,
        }
    }

    pub(crate) fn recurrent(&mut self) -> Result<&mut tape::Tape, ModelError> {
        match &mut self.run {
            Family::Recurrent(tape) => Ok(tape),
            _ => Err(ModelError::OtherCaptioner),
        }
    }

    pub(crate) fn transformer(&mut self) -> Result<&mut transformer::Tape, ModelError> {
        match &mut self.run {
            Family::Transformer(tape) => Ok(tape),
            _ => Err(ModelError::OtherCaptioner),
        }
    }

    pub(crate) fn custom(&mut self) -> Result<&mut custom::CustomTape, ModelError> {
        match &mut self.run {
            Family::Custom(tape) => Ok(tape),
            _ => Err(ModelError::OtherCaptioner),
        }
    }
}
