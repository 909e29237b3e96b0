//! The FC captioner: the image is the first word that an LSTM reads.

use burn::{
    module::{Module, Param},
    tensor::{DType, Device, IndexingUpdateOp, Tensor, activation::relu, s},
};
use rand::Rng;
use scst_kernels::host::contiguous;
use serde::{Deserialize, Serialize};

use crate::{
    Dimensions, Dropout, Gradients, ModelError, State, Tape,
    dropout::apply,
    init,
    lstm::{cell, cell_backward},
    tape::{StepRecord, index},
};

/// Sizes of the FC captioner.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FcConfig {
    /// Units of the LSTM.
    pub hidden: usize,
    /// Length of word embeddings and of the projected image.
    pub embedding: usize,
    /// Share of units that dropout removes in training, from word inputs and LSTM outputs.
    pub dropout: f64,
}

impl Default for FcConfig {
    fn default() -> Self {
        Self {
            hidden: 512,
            embedding: 512,
            dropout: 0.5,
        }
    }
}

/// The FC model of Rennie et al. 2017, section 3.1.
///
/// ```text
/// x_0 = image W_I + b_I,            h_0, c_0 = LSTM(x_0, 0, 0)
/// x_t = drop(relu(E[w_(t-1)])),     h_t, c_t = LSTM(x_t, h_(t-1), c_(t-1)),   w_0 = end token
/// p(w_t given w_<t, image) = softmax(drop(h_t) W_o + b_o)
/// ```
///
/// All gates share one matrix product; gate order is i, f, o, g (see [`cell`]).
#[derive(Module, Debug)]
pub(crate) struct FcCaptioner {
    /// `E`, `[vocab, embedding]`.
    embedding: Param<Tensor<2>>,
    /// `W_I`, `[feature, embedding]`.
    image_weight: Param<Tensor<2>>,
    /// `b_I`, `[1, embedding]`.
    image_bias: Param<Tensor<2>>,
    /// Inputs to gates, `[embedding, 4 hidden]`.
    input_weight: Param<Tensor<2>>,
    /// Hidden state to gates, `[hidden, 4 hidden]`.
    recurrent_weight: Param<Tensor<2>>,
    /// `[1, 4 hidden]`.
    gate_bias: Param<Tensor<2>>,
    /// `W_o`, `[hidden, vocab]`.
    output_weight: Param<Tensor<2>>,
    /// `b_o`, `[1, vocab]`.
    output_bias: Param<Tensor<2>>,
}

impl FcCaptioner {
    pub(crate) fn init(
        config: &FcConfig,
        dimensions: Dimensions,
        place: (&Device, DType),
        rng: &mut impl Rng,
    ) -> Self {
        let Dimensions { feature, vocab } = dimensions;
        let (hidden, embedding) = (config.hidden, config.embedding);
        Self {
            embedding: init::embedding([vocab, embedding], place, rng),
            image_weight: init::linear([feature, embedding], feature, place, rng),
            image_bias: init::linear([1, embedding], feature, place, rng),
            input_weight: init::linear([embedding, 4 * hidden], embedding, place, rng),
            recurrent_weight: init::linear([hidden, 4 * hidden], hidden, place, rng),
            gate_bias: init::linear([1, 4 * hidden], hidden, place, rng),
            output_weight: init::linear([hidden, vocab], hidden, place, rng),
            output_bias: init::linear([1, vocab], hidden, place, rng),
        }
    }

    pub(crate) fn device(&self) -> Device {
        self.embedding.val().device()
    }

    pub(crate) fn dimensions(&self) -> Dimensions {
        Dimensions {
            feature: self.image_weight.val().dims()[0],
            vocab: self.embedding.val().dims()[0],
        }
    }

    pub(crate) fn output_layer(&self) -> (Tensor<2>, Tensor<2>) {
        (self.output_weight.val(), self.output_bias.val())
    }

    pub(crate) fn start(
        &self,
        features: Tensor<2>,
        image_of_caption: &[usize],
        dropout: Option<Dropout>,
    ) -> Result<(State, Tape), ModelError> {
        let [images, dimension] = features.dims();
        let expected = self.dimensions().feature;
        if dimension != expected {
            return Err(ModelError::FeatureDimension {
                found: dimension,
                expected,
            });
        }
        if let Some(&image) = image_of_caption.iter().find(|&&image| image >= images) {
            return Err(ModelError::Rows {
                what: "image of a caption, counted from 0",
                found: image,
                expected: images.saturating_sub(1),
            });
        }
        let image_input = features.clone().matmul(self.image_weight.val()) + self.image_bias.val();
        let gates = image_input.clone().matmul(self.input_weight.val()) + self.gate_bias.val();
        let hidden = gates.dims()[1] / 4;
        let zeros = Tensor::zeros([images, hidden], (&features.device(), features.dtype()));
        let (hidden, cell, image_cell) = cell(gates, zeros);
        let state = State { hidden, cell }.select(image_of_caption);
        let tape = Tape {
            dropout,
            features,
            image_of_caption: image_of_caption.to_vec(),
            image_input,
            image_cell,
            steps: Vec::new(),
            kept: None,
        };
        Ok((state, tape))
    }

    /// `drop(relu(E[words]))`, `[rows, embedding]`.
    fn word_inputs(
        &self,
        words: &[u32],
        dropout: Option<&mut Dropout>,
    ) -> Result<Tensor<2>, ModelError> {
        let embedding = self.embedding.val();
        let [vocab, columns] = embedding.dims();
        if let Some(&word) = words.iter().find(|&&word| word as usize >= vocab) {
            return Err(ModelError::WordOutOfRange { word, vocab });
        }
        let (device, dtype) = (embedding.device(), embedding.dtype());
        let mask = dropout.and_then(|d| d.mask(words.len(), columns, &device, dtype));
        let rows: Vec<usize> = words.iter().map(|&word| word as usize).collect();
        let input = relu(embedding.select(0, index(&rows, &device)));
        Ok(apply(input, mask.as_ref()))
    }

    pub(crate) fn step(
        &self,
        words: &[u32],
        state: State,
        tape: Option<&mut Tape>,
    ) -> Result<(Tensor<2>, State), ModelError> {
        let [rows, _] = state.hidden.dims();
        if words.len() != rows {
            return Err(ModelError::Rows {
                what: "words of a step",
                found: words.len(),
                expected: rows,
            });
        }
        let Some(tape) = tape else {
            let gates = self.input_gates(self.word_inputs(words, None)?);
            let (hidden, cell, _) = self.recur(gates, state);
            let state = State {
                hidden: hidden.clone(),
                cell,
            };
            return Ok((hidden, state));
        };
        let input = self.word_inputs(words, tape.dropout.as_mut())?;
        let gates = self.input_gates(input.clone());
        Ok(self.record(words.to_vec(), input, gates, state, tape))
    }

    fn input_gates(&self, input: Tensor<2>) -> Tensor<2> {
        input.matmul(self.input_weight.val()) + self.gate_bias.val()
    }

    fn recur(
        &self,
        input_gates: Tensor<2>,
        state: State,
    ) -> (Tensor<2>, Tensor<2>, crate::lstm::CellRecord) {
        let gates = input_gates + state.hidden.matmul(self.recurrent_weight.val());
        cell(gates, state.cell)
    }

    /// One recurrent step that is kept on the tape.
    fn record(
        &self,
        words: Vec<u32>,
        input: Tensor<2>,
        input_gates: Tensor<2>,
        state: State,
        tape: &mut Tape,
    ) -> (Tensor<2>, State) {
        let hidden_before = state.hidden.clone();
        let (hidden, cell, record) = self.recur(input_gates, state);
        let [rows, columns] = hidden.dims();
        let (device, dtype) = (hidden.device(), hidden.dtype());
        let dropout = tape.dropout.as_mut();
        let output_mask = dropout.and_then(|d| d.mask(rows, columns, &device, dtype));
        let output = apply(hidden.clone(), output_mask.as_ref());
        tape.steps.push(StepRecord {
            kept: tape.kept.take(),
            words,
            input,
            hidden_before,
            cell: record,
            output_mask,
            output: output.clone(),
        });
        (output, State { hidden, cell })
    }

    pub(crate) fn teacher_forced(
        &self,
        features: Tensor<2>,
        image_of_caption: &[usize],
        input_words: &[&[u32]],
        dropout: Option<Dropout>,
    ) -> Result<Tape, ModelError> {
        if input_words.len() != image_of_caption.len() {
            return Err(ModelError::Rows {
                what: "captions",
                found: input_words.len(),
                expected: image_of_caption.len(),
            });
        }
        let (mut state, mut tape) = self.start(features, image_of_caption, dropout)?;
        let steps = input_words.iter().map(|words| words.len()).max();
        let steps: Vec<Vec<usize>> = (0..steps.unwrap_or(0))
            .map(|t| {
                (0..input_words.len())
                    .filter(|&n| input_words[n].len() > t)
                    .collect()
            })
            .collect();
        let words_at = |t: usize| steps[t].iter().map(move |&n| input_words[n][t]);
        let packed: Vec<u32> = (0..steps.len()).flat_map(words_at).collect();
        let inputs = self.word_inputs(&packed, tape.dropout.as_mut())?;
        let gates = self.input_gates(inputs.clone());

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
            (_, state) = self.record(words, input, input_gates, state, &mut tape);
            first = range.end;
        }
        Ok(tape)
    }

    pub(crate) fn backward(
        &self,
        tape: Tape,
        d_hidden: Tensor<2>,
        d_output_weight: Tensor<2>,
        d_output_bias: Tensor<2>,
    ) -> Result<Gradients, ModelError> {
        let rows = d_hidden.dims()[0];
        if rows != tape.rows() {
            return Err(ModelError::Rows {
                what: "rows of hidden gradients",
                found: rows,
                expected: tape.rows(),
            });
        }
        let scale = tape.dropout.as_ref().map_or(1.0, Dropout::scale);
        let unroll = self.unroll_backward(tape, d_hidden);
        let mut gradients = Gradients::default();
        gradients.add("output_weight", d_output_weight);
        gradients.add("output_bias", d_output_bias);

        let input_transposed = self.input_weight.val().transpose();
        if let Some(steps) = unroll.steps {
            let d_gates = steps.d_gates;
            gradients.add("gate_bias", d_gates.clone().sum_dim(0));
            gradients.add(
                "recurrent_weight",
                steps.hidden_before.transpose().matmul(d_gates.clone()),
            );
            let d_inputs = d_gates.clone().matmul(input_transposed.clone());
            gradients.add(
                "input_weight",
                steps.inputs.clone().transpose().matmul(d_gates),
            );
            // A unit that is above 0 after ReLU and dropout was kept, and multiplied by `scale`.
            let passed = steps.inputs.greater_scalar(0.0);
            let d_words = d_inputs.mul_scalar(scale).mask_fill(passed.bool_not(), 0.0);
            let rows: Vec<usize> = steps.words.iter().map(|&word| word as usize).collect();
            let index = index(&rows, &d_words.device());
            let d_embedding = self.embedding.val().zeros_like().select_assign(
                0,
                index,
                d_words,
                IndexingUpdateOp::Add,
            );
            gradients.add("embedding", d_embedding);
        }
        let d_gates = unroll.d_image_gates;
        gradients.add("gate_bias", d_gates.clone().sum_dim(0));
        gradients.add(
            "input_weight",
            unroll.image_input.transpose().matmul(d_gates.clone()),
        );
        let d_image = d_gates.matmul(input_transposed);
        gradients.add("image_bias", d_image.clone().sum_dim(0));
        gradients.add("image_weight", unroll.features.transpose().matmul(d_image));
        Ok(gradients)
    }

    /// Backpropagation through time: from `dL/d output` to `dL/d gates` of every step.
    fn unroll_backward(&self, tape: Tape, d_hidden: Tensor<2>) -> Unrolled {
        // Every step multiplies by it, and only a contiguous matrix is multiplied without being packed again.
        let recurrent_transposed = contiguous(self.recurrent_weight.val().transpose());
        let mut later: Option<(Tensor<2>, Tensor<2>)> = None;
        let mut first = d_hidden.dims()[0];
        let mut rows_before: Vec<usize> = vec![tape.image_of_caption.len()];
        rows_before.extend(tape.steps.iter().map(|step| step.words.len()));
        let mut steps = Vec::with_capacity(tape.steps.len());
        for (step, &rows_before) in tape.steps.into_iter().zip(&rows_before).rev() {
            let rows = step.words.len();
            first -= rows;
            let d_output = d_hidden.clone().slice(s![first..first + rows]);
            let mut dh = apply(d_output, step.output_mask.as_ref());
            let dc = match later {
                Some((d_state, dc)) => {
                    dh = dh + d_state;
                    dc
                }
                None => dh.zeros_like(),
            };
            let (d_gates, dc_before) = cell_backward(step.cell, dh, dc);
            let dh_before = d_gates.clone().matmul(recurrent_transposed.clone());
            later = Some(match &step.kept {
                None => (dh_before, dc_before),
                Some(kept) => (
                    scatter_rows(dh_before, kept, rows_before),
                    scatter_rows(dc_before, kept, rows_before),
                ),
            });
            steps.push((d_gates, step.hidden_before, step.input, step.words));
        }
        steps.reverse();

        let images = tape.features.dims()[0];
        let (dh, dc) = match later {
            Some((dh, dc)) => (
                scatter_rows(dh, &tape.image_of_caption, images),
                scatter_rows(dc, &tape.image_of_caption, images),
            ),
            None => {
                let zeros = tape.image_cell.zeros();
                (zeros.clone(), zeros)
            }
        };
        let (d_image_gates, _) = cell_backward(tape.image_cell, dh, dc);
        Unrolled {
            steps: PackedSteps::pack(steps),
            d_image_gates,
            image_input: tape.image_input,
            features: tape.features,
        }
    }
}

/// What backpropagation through time leaves for the gradients of the weights.
struct Unrolled {
    steps: Option<PackedSteps>,
    /// `[images, 4 hidden]`.
    d_image_gates: Tensor<2>,
    /// `[images, embedding]`.
    image_input: Tensor<2>,
    /// `[images, feature]`.
    features: Tensor<2>,
}

/// All word steps, their rows one below the other.
struct PackedSteps {
    /// `[rows, 4 hidden]`.
    d_gates: Tensor<2>,
    /// `[rows, hidden]`.
    hidden_before: Tensor<2>,
    /// `[rows, embedding]`.
    inputs: Tensor<2>,
    /// `[rows]`.
    words: Vec<u32>,
}

impl PackedSteps {
    fn pack(steps: Vec<(Tensor<2>, Tensor<2>, Tensor<2>, Vec<u32>)>) -> Option<Self> {
        if steps.is_empty() {
            return None;
        }
        let (mut d_gates, mut hidden, mut inputs, mut words) = (vec![], vec![], vec![], vec![]);
        for (d, h, x, w) in steps {
            d_gates.push(d);
            hidden.push(h);
            inputs.push(x);
            words.extend(w);
        }
        Some(Self {
            d_gates: Tensor::cat(d_gates, 0),
            hidden_before: Tensor::cat(hidden, 0),
            inputs: Tensor::cat(inputs, 0),
            words,
        })
    }
}

/// A tensor of `rows` rows whose row `to[k]` is the sum of the rows `k` of `values`.
fn scatter_rows(values: Tensor<2>, to: &[usize], rows: usize) -> Tensor<2> {
    let columns = values.dims()[1];
    let place = (&values.device(), values.dtype());
    Tensor::zeros([rows, columns], place).select_assign(
        0,
        index(to, &values.device()),
        values,
        IndexingUpdateOp::Add,
    )
}

#[cfg(test)]
mod tests;
