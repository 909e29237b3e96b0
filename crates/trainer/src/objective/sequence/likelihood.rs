//! Log-probabilities of sampled words and captions under a model.

use burn::tensor::Tensor;
use scst_loss::{LossError, OutputLayer};
use scst_model::Captioner;

use crate::{
    TrainError,
    objective::batch::{chunk_rows, pack},
};

/// `log p` of every word, nats, packed as the hidden states of a tape are; nothing where there are none.
pub(super) fn row_log_probabilities(
    captioner: &Captioner,
    hidden: Option<Tensor<2>>,
    captions: &[Vec<u32>],
) -> Result<Vec<f64>, TrainError> {
    of_rows(captioner, hidden, captions, scst_loss::log_probabilities)
}

/// The squared size of the gradient of every word's log-probability at the softmax inputs, packed likewise.
pub(super) fn row_energies(
    captioner: &Captioner,
    hidden: Option<Tensor<2>>,
    captions: &[Vec<u32>],
) -> Result<Vec<f64>, TrainError> {
    of_rows(captioner, hidden, captions, scst_loss::row_energies)
}

/// Numbers of rows from hidden states, the output layer, words and the rows of a chunk.
type Numbers = fn(&Tensor<2>, &OutputLayer, &[u32], usize) -> Result<Vec<f32>, LossError>;

fn of_rows(
    captioner: &Captioner,
    hidden: Option<Tensor<2>>,
    captions: &[Vec<u32>],
    numbers: Numbers,
) -> Result<Vec<f64>, TrainError> {
    let Some(hidden) = hidden else {
        return Ok(Vec::new());
    };
    let (weight, bias) = captioner.output_layer()?;
    let layer = OutputLayer {
        weight,
        bias,
        precision: captioner.precision(),
    };
    let words = pack(captions, |n, t| captions[n][t]);
    let of_words = numbers(&hidden, &layer, &words, chunk_rows(&hidden.device()))?;
    Ok(of_words.into_iter().map(f64::from).collect())
}

/// Sums over the words of every caption of what is packed as a tape is.
pub(super) fn caption_sums(captions: &[Vec<u32>], rows: &[f64]) -> Vec<f64> {
    let mut sums = vec![0.0; captions.len()];
    for (n, value) in pack(captions, |n, _| n).into_iter().zip(rows) {
        sums[n] += value;
    }
    sums
}
