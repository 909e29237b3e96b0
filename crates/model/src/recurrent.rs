//! Whole captions through a recurrent captioner, forward and backward: all that such captioners share.

use burn::tensor::{Tensor, s};

use crate::{
    Dropout, Gradients, HandOut, Locations, ModelError, OutputGradients, SourceVectors,
    attention::AttentionBackward,
    dropout::dropped,
    locations::{LocationSignal, Look},
    rows::{scatter_rows, stack, time_first},
    state_gradient::{StateGradient, state_gradient},
    step_product::StepProduct,
    tape::{CoreRecord, SourceRecord, State, StepRecord, Tape},
    weight::Weight,
    words::{WordLayers, Words},
};

/// A captioner that reads a word a step into an LSTM, whose output, or that of another LSTM above it, scores the next.
///
/// ```text
/// x_t = drop(relu(E[w_(t-1)])),     w_0 = end token;   or, linear, x_t = E[w_(t-1)]
/// h_t, c_t = cell(x_t W_x + b, h_(t-1) W_h, c_(t-1), image)
/// p(w_t given w_<t, image) = softmax(drop(h_t) W_o + b_o)
/// ```
///
/// What differs between captioners is what they read of images, and the cell. Whatever a cell carries from step to step
/// besides `h` and `c` stands behind `c`, in the columns of one tensor.
pub(crate) trait Recurrent {
    /// Embedding, `W_x`, `b`, `W_o` and `b_o`.
    fn words(&self) -> &WordLayers;

    /// `W_h`, `[hidden, columns]`: into the gates, and behind them into whatever else a cell needs.
    fn recurrent_weight(&self) -> &Weight;

    /// Length of a feature vector.
    fn feature(&self) -> usize;

    /// Columns of `c` and of what stands behind it.
    fn cell_columns(&self) -> usize {
        self.words().hidden()
    }

    /// The state before the first word, one row an image, and the record of the images.
    fn read(
        &self,
        features: SourceVectors,
        dropout: Option<&mut Dropout>,
    ) -> Result<(State, SourceRecord), ModelError>;

    /// The next state from `x_t W_x + b`, `[rows, gates]`, and `h_(t-1) W_h`, `[rows, columns]`.
    fn cell(
        &self,
        input: Tensor<2>,
        recurrent: Tensor<2>,
        state: State,
        look: Look<'_>,
    ) -> Result<(State, CoreRecord), ModelError>;

    /// The gradients at products of the step and at `c_(t-1)`, from those at `h_t` and `c_t`.
    ///
    /// Of the products, `h_(t-1) W_h` comes first, whose first columns are those of `x_t W_x + b`; the gradients at
    /// others may stand behind, for [`read_backward`](Self::read_backward).
    fn cell_backward(
        &self,
        record: CoreRecord,
        sources: &SourceRecord,
        d_state: (Tensor<2>, Tensor<2>),
        location: Option<LocationSignal<'_>>,
        sums: &mut StepSums,
    ) -> Result<(Tensor<2>, Tensor<2>), ModelError>;

    /// Adds the gradients of the parameters that read the images, and of those that only the cell knows. Returns the
    /// gradient at the vectors that were read, where the backward pass goes on to them.
    ///
    /// `d_start`: at the state before the first word, `h` and `c`, one row an image. `d_products`: what
    /// [`cell_backward`](Self::cell_backward) returned for all steps, packed. `scale`: what dropout multiplied kept
    /// units by.
    fn read_backward(
        &self,
        sources: SourceRecord,
        d_start: Option<(Tensor<2>, Tensor<2>)>,
        d_products: Option<Tensor<2>>,
        sums: StepSums,
        scale: f64,
        gradients: &mut Gradients,
    ) -> Option<Tensor<2>>;
}

/// What the backward pass of a cell carries from step to step, if the cell has it.
#[derive(Debug, Default)]
pub(crate) struct StepSums {
    /// Of attention.
    pub(crate) attention: Option<AttentionBackward>,
    /// Of the products with the output of an LSTM below.
    pub(crate) below: Option<StepProduct>,
}

/// What is random in a training run.
#[derive(Debug, Clone, Default)]
pub struct Noise {
    /// Dropout; none if absent.
    pub dropout: Option<Dropout>,
    /// The regions that a captioner with hard attention looks at; their expectation if absent.
    pub locations: Option<Locations>,
}

/// Reads images and opens captions.
pub(crate) fn start(
    model: &dyn Recurrent,
    features: SourceVectors,
    source_of_sequence: &[usize],
    noise: Noise,
) -> Result<(State, Tape), ModelError> {
    let Noise {
        mut dropout,
        locations,
    } = noise;
    features.check(model.feature(), source_of_sequence)?;
    let (state, sources) = model.read(features, dropout.as_mut())?;
    let tape = Tape {
        dropout,
        locations,
        sources,
        source_of_sequence: source_of_sequence.to_vec(),
        steps: Vec::new(),
        kept: None,
    };
    Ok((state.select(source_of_sequence), tape))
}

/// Feeds one word to every open caption; returns the input of the output layer.
pub(crate) fn step(
    model: &dyn Recurrent,
    words: &Words<'_>,
    state: State,
    tape: Option<&mut Tape>,
) -> Result<(Tensor<2>, State), ModelError> {
    check_step(model, words, &state)?;
    let Some(tape) = tape else {
        let (state, _) = step_without_tape(model, words, state)?;
        return Ok((state.hidden.clone(), state));
    };
    let layers = model.words();
    let input = layers.inputs(words, tape.dropout.as_mut())?;
    let gates = layers.gates(input.clone());
    record(model, words.ids(), input, gates, state, tape)
}

/// Feeds one word to every open caption, and returns where they look: the weights of attention, `[rows, longest]`.
///
/// # Errors
/// [`ModelError::NoAttention`] when the captioner does not attend.
pub(crate) fn attend(
    model: &dyn Recurrent,
    words: &[u32],
    state: State,
) -> Result<(Tensor<2>, State), ModelError> {
    let words = Words::Known(words);
    check_step(model, &words, &state)?;
    let (state, core) = step_without_tape(model, &words, state)?;
    let attention = core.attention.ok_or(ModelError::NoAttention)?;
    Ok((attention.weights, state))
}

/// Whether the captioner can go on from a state with these words.
fn check_step(model: &dyn Recurrent, words: &Words<'_>, state: &State) -> Result<(), ModelError> {
    let columns = [&state.hidden, &state.cell].map(|of| of.dims()[1]);
    if columns != [model.words().hidden(), model.cell_columns()] {
        return Err(ModelError::OtherCaptioner);
    }
    let [rows, _] = state.hidden.dims();
    if words.rows() == rows {
        return Ok(());
    }
    Err(ModelError::Rows {
        what: "words of a step",
        found: words.rows(),
        expected: rows,
    })
}

fn step_without_tape(
    model: &dyn Recurrent,
    words: &Words<'_>,
    state: State,
) -> Result<(State, CoreRecord), ModelError> {
    let layers = model.words();
    let gates = layers.gates(layers.inputs(words, None)?);
    advance(model, gates, state, Look::MostProbable)
}

fn advance(
    model: &dyn Recurrent,
    input_gates: Tensor<2>,
    state: State,
    look: Look<'_>,
) -> Result<(State, CoreRecord), ModelError> {
    let recurrent = model.recurrent_weight().product(state.hidden.clone());
    model.cell(input_gates, recurrent, state, look)
}

/// One step that is kept on the tape.
fn record(
    model: &dyn Recurrent,
    words: Vec<u32>,
    input: Tensor<2>,
    input_gates: Tensor<2>,
    state: State,
    tape: &mut Tape,
) -> Result<(Tensor<2>, State), ModelError> {
    let hidden_before = state.hidden.clone();
    let look = tape.locations.as_mut().map_or(Look::Expected, Look::Drawn);
    let (state, core) = advance(model, input_gates, state, look)?;
    let (output, output_mask) = dropped(state.hidden.clone(), tape.dropout.as_mut());
    tape.steps.push(StepRecord {
        kept: tape.kept.take(),
        words,
        input,
        hidden_before,
        core,
        output_mask,
        output: output.clone(),
    });
    Ok((output, state))
}

/// Runs whole captions, given as input words.
pub(crate) fn teacher_forced(
    model: &dyn Recurrent,
    features: SourceVectors,
    source_of_sequence: &[usize],
    input_words: &[&[u32]],
    noise: Noise,
) -> Result<Tape, ModelError> {
    let steps = time_first(input_words, source_of_sequence)?;
    let (mut state, mut tape) = start(model, features, source_of_sequence, noise)?;
    let words_at = |t: usize| steps[t].iter().map(move |&n| input_words[n][t]);
    let packed: Vec<u32> = (0..steps.len()).flat_map(words_at).collect();
    let inputs = model
        .words()
        .inputs(&Words::Known(&packed), tape.dropout.as_mut())?;
    let gates = model.words().gates(inputs.clone());

    let mut open: Vec<usize> = (0..input_words.len()).collect();
    let mut first = 0;
    for (t, captions) in steps.iter().enumerate() {
        if captions.len() < open.len() {
            let still = |&k: &usize| input_words[open[k]].len() > t;
            let rows: Vec<usize> = (0..open.len()).filter(still).collect();
            state = state.select(&rows);
            tape.keep(&rows);
            open.clone_from(captions);
        }
        let range = first..first + captions.len();
        let input = inputs.clone().slice(s![range.clone()]);
        let input_gates = gates.clone().slice(s![range.clone()]);
        let words = packed[range.clone()].to_vec();
        (_, state) = record(model, words, input, input_gates, state, &mut tape)?;
        first = range.end;
    }
    Ok(tape)
}

/// How many groups of gradients are handed out early: the output layer's. All others are complete when time has run back.
pub(crate) const EARLY_GROUPS: usize = 1;

/// Gradients of all parameters from those at the output layer, by backpropagation through time, but for those that were handed
/// out; and that at the vectors that were read, where the backward pass goes on to them.
pub(crate) fn backward(
    model: &dyn Recurrent,
    tape: Tape,
    output: OutputGradients,
    location: Option<LocationSignal<'_>>,
    hand_out: HandOut<'_>,
) -> Result<(Gradients, Option<Tensor<2>>), ModelError> {
    let d_hidden = output.hidden;
    let rows = d_hidden.dims()[0];
    let weights = location.map_or(rows, |signal| signal.weights.len());
    if rows != tape.rows() || weights != rows {
        return Err(ModelError::Rows {
            what: "rows of hidden gradients or weights of locations",
            found: if rows == tape.rows() { weights } else { rows },
            expected: tape.rows(),
        });
    }
    let mut of_output = Gradients::default();
    of_output.add("words.output_weight", output.weight);
    of_output.add("words.output_bias", output.bias);
    hand_out(0, of_output);

    let mut gradients = Gradients::default();

    let columns = model.recurrent_weight().dims()[1];
    let mut recurrent = StepProduct::new(model.recurrent_weight().clone());
    let mut sums = StepSums::default();
    let mut later: Option<StateGradient> = None;
    let mut first = rows;
    let mut packed = Packed::default();
    for step in tape.steps.into_iter().rev() {
        let rows = step.words.len();
        first -= rows;
        let mask = step.output_mask.as_ref();
        let sizes = [rows, model.cell_columns()];
        let d_state = state_gradient(&d_hidden, first, mask, later, sizes);
        let location = location.map(|signal| signal.rows(first, rows));
        let (d_products, dc_before) =
            model.cell_backward(step.core, &tape.sources, d_state, location, &mut sums)?;
        let d_recurrent = d_products.clone().narrow(1, 0, columns);
        later = Some(StateGradient {
            hidden: recurrent.backward(step.hidden_before, d_recurrent),
            cell: dc_before,
            kept: step.kept,
        });
        packed.push(d_products, step.input, step.words);
    }

    let scale = tape.dropout.as_ref().map_or(1.0, Dropout::scale);
    let d_products = packed.finish().map(|steps| {
        let d_recurrent = steps.d_products.clone().narrow(1, 0, columns);
        gradients.add("recurrent_weight", recurrent.weight_gradient(d_recurrent));
        let words = model.words();
        let gates = words.gate_columns();
        words.backward(
            &steps.words,
            steps.inputs,
            steps.d_products.clone().narrow(1, 0, gates),
            scale,
            &mut gradients,
        );
        steps.d_products
    });
    let sources = tape.sources.features.sources();
    let scatter = |at: Tensor<2>| scatter_rows(at, &tape.source_of_sequence, sources);
    let d_start = later.map(|later| {
        let (dh, dc) = later.at_rows(tape.source_of_sequence.len());
        (scatter(dh), scatter(dc))
    });
    let d_vectors = model.read_backward(
        tape.sources,
        d_start,
        d_products,
        sums,
        scale,
        &mut gradients,
    );
    Ok((gradients, d_vectors))
}

/// What backpropagation through time collects of the steps, the last one first.
#[derive(Default)]
struct Packed {
    d_products: Vec<Tensor<2>>,
    inputs: Vec<Tensor<2>>,
    words: Vec<Vec<u32>>,
}

/// All steps, their rows one below the other.
struct PackedSteps {
    /// `[rows, columns]`.
    d_products: Tensor<2>,
    /// `[rows, embedding]`.
    inputs: Tensor<2>,
    /// `[rows]`.
    words: Vec<u32>,
}

impl Packed {
    fn push(&mut self, d_products: Tensor<2>, input: Tensor<2>, words: Vec<u32>) {
        self.d_products.push(d_products);
        self.inputs.push(input);
        self.words.push(words);
    }

    fn finish(self) -> Option<PackedSteps> {
        if self.words.is_empty() {
            return None;
        }
        let cat = |mut tensors: Vec<Tensor<2>>| {
            tensors.reverse();
            stack(&tensors)
        };
        Some(PackedSteps {
            d_products: cat(self.d_products),
            inputs: cat(self.inputs),
            words: self.words.into_iter().rev().flatten().collect(),
        })
    }
}
