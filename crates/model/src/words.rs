//! The layers that face words: their embedding, their way into the gates, and the output layer.

#[cfg(feature = "cube")]
use burn::tensor::Int;
use burn::{
    module::{Module, Param},
    tensor::{DType, Device, Tensor},
};
use rand::Rng;
use schemars::JsonSchema;
#[cfg(feature = "cube")]
use scst_tokens::END;
use serde::{Deserialize, Serialize};

use crate::{
    Dropout, Gradients, ModelError,
    dropout::dropped,
    init,
    relu::{relu, relu_dropout_backward},
    rows::{index, scatter_rows},
    weight::Weight,
};

/// What a captioner reads of words, and of regions where it attends to them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum InputKind {
    /// `drop(relu(E[w]))`, and `drop(relu(region W_I + b_I))`.
    Relu,
    /// `E[w]` and the region as it is, without dropout (Rennie et al. 2017, section 3).
    Linear,
}

/// The words that rows go on from.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Words<'a> {
    /// `[rows]`.
    Known(&'a [u32]),
    /// Words of a device that the host has not read, `[rows]`, the end token where a caption has ended.
    #[cfg(feature = "cube")]
    Unread(&'a Tensor<1, Int>),
}

impl Words<'_> {
    pub(crate) fn rows(&self) -> usize {
        match self {
            Self::Known(words) => words.len(),
            #[cfg(feature = "cube")]
            Self::Unread(words) => words.dims()[0],
        }
    }

    /// The words, with end tokens in place of those that are to be filled in.
    pub(crate) fn ids(&self) -> Vec<u32> {
        match self {
            Self::Known(words) => words.to_vec(),
            #[cfg(feature = "cube")]
            Self::Unread(_) => vec![END; self.rows()],
        }
    }

    /// Their rows of an embedding, `[rows, embedding]`.
    ///
    /// # Errors
    /// Those of [`embed`].
    pub(crate) fn embed(&self, embedding: &Tensor<2>) -> Result<Tensor<2>, ModelError> {
        match self {
            Self::Known(words) => embed(embedding, words),
            #[cfg(feature = "cube")]
            Self::Unread(words) => Ok(embedding.clone().select(0, (*words).clone())),
        }
    }
}

/// ```text
/// x_t = drop(relu(E[w_(t-1)])) or E[w_(t-1)],   a_t = x_t W_x + b,   logits_t = drop(h_t) W_o + b_o
/// ```
#[derive(Module, Debug)]
pub(crate) struct WordLayers {
    /// `E`, `[vocab, embedding]`.
    pub(crate) embedding: Param<Tensor<2>>,
    /// `W_x`, `[embedding, gates]`.
    pub(crate) input_weight: Weight,
    /// `b`, `[1, gates]`; 0 if absent.
    pub(crate) gate_bias: Option<Param<Tensor<2>>>,
    /// `W_o`, `[hidden, vocab]`.
    pub(crate) output_weight: Weight,
    /// `b_o`, `[1, vocab]`.
    pub(crate) output_bias: Param<Tensor<2>>,
    #[module(skip)]
    pub(crate) input: InputKind,
}

impl WordLayers {
    /// Initial layers with a bias and a ReLU, of `[vocab, embedding, gates, hidden]`.
    pub(crate) fn init(
        [vocab, columns, gates, hidden]: [usize; 4],
        place: (&Device, DType),
        rng: &mut impl Rng,
    ) -> Self {
        Self {
            embedding: init::embedding([vocab, columns], place, rng),
            input_weight: init::linear([columns, gates], columns, place, rng).into(),
            gate_bias: Some(init::linear([1, gates], hidden, place, rng)),
            output_weight: init::linear([hidden, vocab], hidden, place, rng).into(),
            output_bias: init::linear([1, vocab], hidden, place, rng),
            input: InputKind::Relu,
        }
    }

    /// Columns of the gates that words enter.
    pub(crate) fn gate_columns(&self) -> usize {
        self.input_weight.dims()[1]
    }

    pub(crate) fn hidden(&self) -> usize {
        self.output_weight.dims()[0]
    }

    /// `x`, `[rows, embedding]`, of words, `[rows]`.
    pub(crate) fn inputs(
        &self,
        words: &Words<'_>,
        dropout: Option<&mut Dropout>,
    ) -> Result<Tensor<2>, ModelError> {
        if self.input == InputKind::Linear {
            return words.embed(&self.embedding.val());
        }
        let input = relu(words.embed(&self.embedding.val())?);
        Ok(dropped(input, dropout).0)
    }

    /// `a`, `[rows, gates]`, of inputs, `[rows, embedding]`.
    pub(crate) fn gates(&self, inputs: Tensor<2>) -> Tensor<2> {
        match &self.gate_bias {
            Some(bias) => self.input_weight.affine(inputs, bias),
            None => self.input_weight.product(inputs),
        }
    }

    /// Logits, `[rows, vocab]`, of outputs, `[rows, hidden]`.
    pub(crate) fn logits(&self, outputs: Tensor<2>) -> Tensor<2> {
        self.output_weight.affine(outputs, &self.output_bias)
    }

    /// Adds the gradients of `W_x` and `b`; returns those at inputs, `[rows, embedding]`, from those at their gates.
    pub(crate) fn gates_backward(
        &self,
        inputs: Tensor<2>,
        d_gates: Tensor<2>,
        gradients: &mut Gradients,
    ) -> Tensor<2> {
        if self.gate_bias.is_some() {
            gradients.add("words.gate_bias", d_gates.clone().sum_dim(0));
        }
        let d_weight = self.input_weight.gradient(inputs, d_gates.clone());
        gradients.add("words.input_weight", d_weight);
        self.input_weight.input_gradient(d_gates)
    }

    /// Adds the gradients of embedding, `W_x` and `b`.
    ///
    /// # Shapes
    /// `words`: `[rows]`; `inputs`: `[rows, embedding]`; `d_gates`: `[rows, gates]`. `scale` is what dropout
    /// multiplied kept units by.
    pub(crate) fn backward(
        &self,
        words: &[u32],
        inputs: Tensor<2>,
        d_gates: Tensor<2>,
        scale: f64,
        gradients: &mut Gradients,
    ) {
        let d_inputs = self.gates_backward(inputs.clone(), d_gates, gradients);
        let d_words = match self.input {
            InputKind::Relu => relu_dropout_backward(d_inputs, inputs, scale),
            InputKind::Linear => d_inputs,
        };
        let d_embedding = embedding_gradient(&self.embedding.val(), words, d_words);
        gradients.add("words.embedding", d_embedding);
    }
}

/// The rows of an embedding, `[rows, embedding]`, that belong to words, `[rows]`.
///
/// # Errors
/// [`ModelError::WordOutOfRange`] for a word that the embedding has no row for.
pub(crate) fn embed(embedding: &Tensor<2>, words: &[u32]) -> Result<Tensor<2>, ModelError> {
    let [vocab, _] = embedding.dims();
    if let Some(&word) = words.iter().find(|&&word| word as usize >= vocab) {
        return Err(ModelError::WordOutOfRange { word, vocab });
    }
    let ids = index(&ids(words), &embedding.device());
    Ok(embedding.clone().select(0, ids))
}

/// The gradient at an embedding, `[vocab, embedding]`, from that at the rows of words.
pub(crate) fn embedding_gradient(
    embedding: &Tensor<2>,
    words: &[u32],
    d_rows: Tensor<2>,
) -> Tensor<2> {
    scatter_rows(d_rows, &ids(words), embedding.dims()[0])
}

fn ids(words: &[u32]) -> Vec<usize> {
    words.iter().map(|&word| word as usize).collect()
}
