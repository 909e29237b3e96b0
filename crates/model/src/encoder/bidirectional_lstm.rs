//! LSTMs that read a text in both directions.

use burn::{
    module::{Module, Param},
    tensor::{DType, Device, Tensor, s},
};
use rand::Rng;

use super::config::LstmEncoderConfig;
use crate::{
    Dropout, Gradients, ModelError, SourceTokens,
    dropout::{apply, dropped},
    init,
    lstm::{Candidate, CellRecord, GateInputs, cell, cell_backward},
    rows::{index, scatter_rows, stack},
    step_product::StepProduct,
    weight::Weight,
    words::{embed, embedding_gradient},
};

/// The bidirectional LSTM (Schuster and Paliwal 1997) over the tokens of a text.
///
/// ```text
/// x_t = drop(E[w_t])
/// f_t = LSTM(x_t W_x + b, f_(t-1) W_h)   from the first token,   g_t likewise from the last
/// v_t = drop([f_t, g_t]),   which is x_t of the layer above
/// ```
///
/// Rows exist for tokens that exist: at step `k` both directions read of every text that is long enough, one its token
/// `k`, the other its token `k` from the end. So they go through the same texts at every step.
#[derive(Module, Debug)]
pub(crate) struct BidirectionalLstm {
    /// `E`, `[vocab, embedding]`.
    embedding: Param<Tensor<2>>,
    layers: Vec<Layer>,
}

/// Both directions of a layer.
#[derive(Module, Debug)]
struct Layer {
    forward: Direction,
    backward: Direction,
}

/// ```text
/// i, f, o, g = x W_x + b + h' W_h
/// ```
#[derive(Module, Debug)]
struct Direction {
    /// `W_x`, `[inputs, 4 hidden]`.
    input_weight: Weight,
    /// `b`, `[1, 4 hidden]`.
    bias: Param<Tensor<2>>,
    /// `W_h`, `[hidden, 4 hidden]`.
    recurrent_weight: Weight,
}

/// What the backward pass needs.
#[derive(Debug, Clone)]
pub(crate) struct LstmRecord {
    words: Vec<u32>,
    order: Order,
    embedded_mask: Option<Tensor<2>>,
    layers: Vec<LayerRecord>,
}

#[derive(Debug, Clone)]
struct LayerRecord {
    /// `x`, `[tokens, inputs]`.
    inputs: Tensor<2>,
    directions: [Vec<StepRecord>; 2],
    /// Of `v`, `[tokens, 2 hidden]`.
    mask: Option<Tensor<2>>,
}

#[derive(Debug, Clone)]
struct StepRecord {
    /// `[rows, hidden]`.
    hidden_before: Tensor<2>,
    cell: CellRecord,
}

/// The order in which the tokens of texts are read.
#[derive(Debug, Clone)]
struct Order {
    /// How many texts there are.
    texts: usize,
    /// The texts that have a token at every step.
    open: Vec<Vec<usize>>,
    /// The tokens, counted over all texts, in the order of steps: forwards, and backwards.
    tokens: [Vec<usize>; 2],
}

impl Order {
    fn new(counts: &[usize]) -> Self {
        let longest = counts.iter().copied().max().unwrap_or(0);
        let firsts: Vec<usize> = counts
            .iter()
            .scan(0, |end, &count| {
                let first = *end;
                *end += count;
                Some(first)
            })
            .collect();
        let of_step = |k: usize| (0..counts.len()).filter(move |&n| counts[n] > k);
        let steps = || (0..longest).flat_map(move |k| of_step(k).map(move |n| (k, n)));
        Self {
            texts: counts.len(),
            open: (0..longest).map(|k| of_step(k).collect()).collect(),
            tokens: [
                steps().map(|(k, n)| firsts[n] + k).collect(),
                steps()
                    .map(|(k, n)| firsts[n] + counts[n] - 1 - k)
                    .collect(),
            ],
        }
    }

    /// The rows of step `k - 1` that step `k` goes on with; `None` if all of them.
    fn kept(&self, k: usize) -> Option<Vec<usize>> {
        let (before, now) = match k {
            0 => return None,
            _ => (&self.open[k - 1], &self.open[k]),
        };
        if before.len() == now.len() {
            return None;
        }
        let is_open = |&row: &usize| now.binary_search(&before[row]).is_ok();
        Some((0..before.len()).filter(is_open).collect())
    }

    /// Rows in the order of steps, from rows one a token, and back.
    fn to_steps(&self, direction: usize, rows: Tensor<2>) -> Tensor<2> {
        let order = index(&self.tokens[direction], &rows.device());
        rows.select(0, order)
    }

    fn to_tokens(&self, direction: usize, rows: Tensor<2>) -> Tensor<2> {
        let mut step_of_token = vec![0; self.tokens[direction].len()];
        for (row, &token) in self.tokens[direction].iter().enumerate() {
            step_of_token[token] = row;
        }
        let order = index(&step_of_token, &rows.device());
        rows.select(0, order)
    }
}

impl BidirectionalLstm {
    pub(crate) fn init(
        config: &LstmEncoderConfig,
        vocab: usize,
        place: (&Device, DType),
        rng: &mut impl Rng,
    ) -> Self {
        let LstmEncoderConfig {
            layers,
            hidden,
            embedding,
        } = *config;
        let inputs = |layer: usize| if layer == 0 { embedding } else { 2 * hidden };
        Self {
            embedding: init::embedding([vocab, embedding], place, rng),
            layers: (0..layers)
                .map(|layer| Layer {
                    forward: Direction::init(inputs(layer), hidden, place, rng),
                    backward: Direction::init(inputs(layer), hidden, place, rng),
                })
                .collect(),
        }
    }

    /// The vectors of all tokens, `[tokens, 2 hidden]`.
    pub(crate) fn read(
        &self,
        texts: &SourceTokens,
        mut dropout: Option<&mut Dropout>,
    ) -> Result<(Tensor<2>, LstmRecord), ModelError> {
        let order = Order::new(texts.counts());
        let embedded = embed(&self.embedding.val(), texts.ids())?;
        let (mut x, embedded_mask) = dropped(embedded, dropout.as_deref_mut());
        let mut layers = Vec::with_capacity(self.layers.len());
        for layer in &self.layers {
            let inputs = x;
            let (forward, steps) = layer.forward.read(inputs.clone(), &order, 0);
            let (backward, steps_back) = layer.backward.read(inputs.clone(), &order, 1);
            let both = Tensor::cat(vec![forward, backward], 1);
            let mask;
            (x, mask) = dropped(both, dropout.as_deref_mut());
            layers.push(LayerRecord {
                inputs,
                directions: [steps, steps_back],
                mask,
            });
        }
        let record = LstmRecord {
            words: texts.ids().to_vec(),
            order,
            embedded_mask,
            layers,
        };
        Ok((x, record))
    }

    /// Adds the gradients of all parameters, from that at the vectors of tokens.
    pub(crate) fn backward(
        &self,
        record: LstmRecord,
        d_vectors: Tensor<2>,
        gradients: &mut Gradients,
    ) {
        let LstmRecord {
            words,
            order,
            embedded_mask,
            layers,
        } = record;
        let mut d = d_vectors;
        for (k, (layer, record)) in self.layers.iter().zip(layers).enumerate().rev() {
            let d_both = apply(d, record.mask.as_ref());
            let hidden = d_both.dims()[1] / 2;
            let [steps, steps_back] = record.directions;
            let of = |first| d_both.clone().narrow(1, first, hidden);
            let name = format!("layers.{k}.forward");
            let inputs = record.inputs;
            let forward = &layer.forward;
            let d_forward = forward.backward(
                (inputs.clone(), steps),
                of(0),
                (&order, 0),
                &name,
                gradients,
            );
            let name = format!("layers.{k}.backward");
            let backward = &layer.backward;
            let d_backward = backward.backward(
                (inputs, steps_back),
                of(hidden),
                (&order, 1),
                &name,
                gradients,
            );
            d = d_forward + d_backward;
        }
        let d_embedded = apply(d, embedded_mask.as_ref());
        let d_embedding = embedding_gradient(&self.embedding.val(), &words, d_embedded);
        gradients.add("embedding", d_embedding);
    }
}

impl Direction {
    fn init(inputs: usize, hidden: usize, place: (&Device, DType), rng: &mut impl Rng) -> Self {
        let gates = Candidate::Tanh.blocks() * hidden;
        Self {
            input_weight: init::linear([inputs, gates], hidden, place, rng).into(),
            bias: init::linear([1, gates], hidden, place, rng),
            recurrent_weight: init::linear([hidden, gates], hidden, place, rng).into(),
        }
    }

    /// `h` of all tokens, `[tokens, hidden]`.
    fn read(
        &self,
        inputs: Tensor<2>,
        order: &Order,
        direction: usize,
    ) -> (Tensor<2>, Vec<StepRecord>) {
        let gates = self.input_weight.affine(inputs, &self.bias);
        let gates = order.to_steps(direction, gates);
        let weight = &self.recurrent_weight;
        let [hidden, _] = weight.dims();
        let zeros = || Tensor::zeros([order.texts, hidden], (&gates.device(), gates.dtype()));
        let (mut h, mut c) = (zeros(), zeros());
        let (mut outputs, mut steps) = (Vec::new(), Vec::new());
        let mut first = 0;
        for (k, open) in order.open.iter().enumerate() {
            if let Some(kept) = order.kept(k) {
                let kept = index(&kept, &h.device());
                (h, c) = (h.select(0, kept.clone()), c.select(0, kept));
            }
            let input = gates.clone().slice(s![first..first + open.len()]);
            first += open.len();
            let inputs = GateInputs {
                a: input,
                recurrent: Some(weight.product(h.clone())),
                entering: None,
            };
            let hidden_before = h;
            let record;
            (h, c, record) = cell(Candidate::Tanh, inputs, c);
            outputs.push(h.clone());
            steps.push(StepRecord {
                hidden_before,
                cell: record,
            });
        }
        (order.to_tokens(direction, stack(&outputs)), steps)
    }

    /// The gradient at the inputs, `[tokens, inputs]`, from that at `h` of all tokens.
    fn backward(
        &self,
        (inputs, steps): (Tensor<2>, Vec<StepRecord>),
        d_hidden: Tensor<2>,
        (order, direction): (&Order, usize),
        name: &str,
        gradients: &mut Gradients,
    ) -> Tensor<2> {
        let d_hidden = order.to_steps(direction, d_hidden);
        let mut recurrent = StepProduct::new(self.recurrent_weight.clone());
        let mut later: Option<(Tensor<2>, Tensor<2>)> = None;
        let mut d_gates = Vec::new();
        let mut end = d_hidden.dims()[0];
        for (k, step) in steps.into_iter().enumerate().rev() {
            let rows = order.open[k].len();
            let mut dh = d_hidden.clone().slice(s![end - rows..end]);
            end -= rows;
            let dc = match later.take() {
                None => dh.zeros_like(),
                Some((of_hidden, of_cell)) => match order.kept(k + 1) {
                    None => {
                        dh = dh + of_hidden;
                        of_cell
                    }
                    Some(kept) => {
                        dh = dh + scatter_rows(of_hidden, &kept, rows);
                        scatter_rows(of_cell, &kept, rows)
                    }
                },
            };
            let (da, dc_before) = cell_backward(Candidate::Tanh, step.cell, dh, dc);
            let dh_before = recurrent.backward(step.hidden_before, da.clone());
            later = Some((dh_before, dc_before));
            d_gates.push(da);
        }
        d_gates.reverse();
        let d_gates = stack(&d_gates);
        let d_weight = recurrent.weight_gradient(d_gates.clone());
        gradients.add(&format!("{name}.recurrent_weight"), d_weight);
        gradients.add(&format!("{name}.bias"), d_gates.clone().sum_dim(0));
        let d_gates = order.to_tokens(direction, d_gates);
        let d_weight = self.input_weight.gradient(inputs, d_gates.clone());
        gradients.add(&format!("{name}.input_weight"), d_weight);
        self.input_weight.input_gradient(d_gates)
    }
}
