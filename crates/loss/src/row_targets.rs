//! The words that rows of logits are pulled towards.

use std::ops::Range;

use burn::tensor::{DType, Device, Int, Tensor, TensorData};
use scst_kernels::{
    host::Values,
    softmax::{RowLoss, RowTarget},
    traffic::send,
};

use crate::{LossError, SoftmaxGradient};

/// What each row of logits is pulled towards, and how strongly.
#[derive(Debug, Clone, Copy)]
pub struct RowTargets<'a> {
    /// `w`: the gold or sampled word of every row, `[rows]`.
    pub words: &'a [u32],
    /// `a`: the weight of every row, `[rows]`; 1 for gold words, the advantage `r - b` for
    /// self-critical training.
    pub weights: &'a [f32],
}

impl<'a> RowTargets<'a> {
    /// The targets of some rows.
    pub(crate) fn slice(&self, rows: Range<usize>) -> RowTargets<'a> {
        RowTargets {
            words: &self.words[rows.clone()],
            weights: &self.weights[rows],
        }
    }

    /// Whether there is one word and one weight for each of `rows` rows.
    pub(crate) fn check_rows(&self, rows: usize) -> Result<(), LossError> {
        check_rows("target words", self.words.len(), rows)?;
        check_rows("row weights", self.weights.len(), rows)
    }

    /// Whether there is one word of the vocabulary and one weight a row.
    pub(crate) fn check(&self, [rows, vocab]: [usize; 2]) -> Result<(), LossError> {
        self.check_rows(rows)?;
        match self.words.iter().position(|&w| w as usize >= vocab) {
            None => Ok(()),
            Some(row) => Err(LossError::WordOutOfRange {
                row,
                word: self.words[row],
                vocab,
            }),
        }
    }

    /// Words and weights as columns, `[rows, 1]`.
    pub(crate) fn columns(&self, device: &Device, dtype: DType) -> (Tensor<2, Int>, Tensor<2>) {
        let words: Vec<i64> = self.words.iter().map(|&w| i64::from(w)).collect();
        let words = TensorData::new(words, [self.words.len(), 1]);
        let weights = column_of(self.weights, device, dtype);
        (send(words, device), weights)
    }

    /// Runs a loop of `kernels`, which turns logits into gradients, on a tensor of the host.
    pub(crate) fn on_host(
        &self,
        logits: Tensor<2>,
        kernel: impl Fn(usize, &mut [f32], &[RowTarget]) -> Vec<RowLoss>,
    ) -> SoftmaxGradient {
        let (device, [rows, vocab]) = (logits.device(), logits.dims());
        let pairs = self.words.iter().zip(self.weights);
        let targets: Vec<RowTarget> = pairs
            .map(|(&word, &weight)| RowTarget {
                word: word as usize,
                weight,
            })
            .collect();
        let mut values = Values::take(logits);
        let losses = kernel(vocab, values.get_mut(), &targets);
        let column = |value: fn(&RowLoss) -> f32| {
            let values: Vec<f32> = losses.iter().map(value).collect();
            send(TensorData::new(values, [rows, 1]), &device)
        };
        SoftmaxGradient {
            gradient: values.into_tensor(&device),
            log_probability: column(|loss| loss.log_probability),
            loss: column(|loss| loss.loss),
            entropy: column(|loss| loss.entropy),
        }
    }
}

/// Whether `what` has one value a row.
pub(crate) fn check_rows(
    what: &'static str,
    found: usize,
    expected: usize,
) -> Result<(), LossError> {
    if found == expected {
        return Ok(());
    }
    Err(LossError::Rows {
        what,
        found,
        expected,
    })
}

/// Values of rows as a column, `[rows, 1]`.
pub(crate) fn column_of(values: &[f32], device: &Device, dtype: DType) -> Tensor<2> {
    let data = TensorData::new(values.to_vec(), [values.len(), 1]);
    send(data, (device, dtype))
}
