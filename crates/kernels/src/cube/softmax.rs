//! The gradient of cross-entropy at the softmax inputs, with the losses of rows: one launch.

use burn::{
    backend::{
        Backend, Dispatch, backend_extension,
        fusion::custom::TensorSpec,
        tensor::{FloatTensor, IntTensor},
    },
    tensor::{Int, Tensor},
};
use burn_cubecl::{
    CubeBackend,
    cubecl::{
        self,
        prelude::{Tensor as Buffer, *},
    },
    kernel::into_contiguous,
};

use super::{
    UNITS, cube_a_row, empty, rows_in_place,
    sums::{largest_of_units, sum_of_units},
};

/// What [`gradient`] computes.
#[derive(Debug)]
pub struct RowGradients {
    /// `a (p - q)`, `[rows, vocab]`.
    pub gradient: Tensor<2>,
    /// `log p_w`, `[rows, 1]`, nats.
    pub log_probability: Tensor<2>,
    /// What the row contributes to the loss, without the weight, `[rows, 1]`, nats.
    pub loss: Tensor<2>,
    /// `-sum_k p_k log p_k`, `[rows, 1]`, nats.
    pub entropy: Tensor<2>,
}

/// [`softmax::gradient`](crate::softmax::gradient) of all rows.
///
/// # Shapes
/// `logits`: `[rows, vocab]`; `words` and `weights`: `[rows, 1]`, words below `vocab`.
pub fn gradient(
    logits: Tensor<2>,
    words: Tensor<2, Int>,
    weights: Tensor<2>,
    epsilon: f32,
) -> RowGradients {
    let (gradient, log_probability, loss, entropy) =
        <Dispatch as SoftmaxGradient>::softmax_gradient(
            logits.into_dispatch(),
            words.into_dispatch(),
            weights.into_dispatch(),
            epsilon,
        );
    RowGradients {
        gradient: Tensor::from_dispatch(gradient),
        log_probability: Tensor::from_dispatch(log_probability),
        loss: Tensor::from_dispatch(loss),
        entropy: Tensor::from_dispatch(entropy),
    }
}

#[backend_extension(Cube, Fusion)]
trait SoftmaxGradient: Backend {
    #[fusion(meta = |logits: &TensorSpec, _: &TensorSpec, weights: &TensorSpec, _: &f32| (logits.clone(), weights.clone(), weights.clone(), weights.clone()))]
    fn softmax_gradient(
        logits: FloatTensor<Self>,
        words: IntTensor<Self>,
        weights: FloatTensor<Self>,
        epsilon: f32,
    ) -> (
        FloatTensor<Self>,
        FloatTensor<Self>,
        FloatTensor<Self>,
        FloatTensor<Self>,
    );
}

#[cube(launch)]
fn rows(
    logits: &Buffer<f32>,
    words: &Buffer<i32>,
    weights: &Buffer<f32>,
    gradient: &mut Buffer<f32>,
    log_probability: &mut Buffer<f32>,
    loss: &mut Buffer<f32>,
    entropy: &mut Buffer<f32>,
    vocab: u32,
    epsilon: f32,
    #[comptime] units: usize,
) {
    let row = CUBE_POS;
    if row >= weights.len() {
        terminate!();
    }
    let unit = UNIT_POS_X as usize;
    let vocab = vocab as usize;
    let units_of = units.runtime();
    // Rows of logits may lie apart.
    let from = row * logits.stride(0);
    let first = row * vocab;
    let mut shared = Shared::<[f32]>::new_slice(units);

    // No -inf: WGSL need not have it.
    let mut top = f32::new(-3.0e38);
    let mut k = unit;
    while k < vocab {
        let score = logits[from + k];
        if score > top {
            top = score;
        }
        k += units_of;
    }
    let top = largest_of_units(&mut shared, top, units);

    let mut exponentials = f32::new(0.0);
    let mut weighted = f32::new(0.0);
    let mut scores = f32::new(0.0);
    let mut k = unit;
    while k < vocab {
        let score = logits[from + k] - top;
        let e = score.exp();
        exponentials += e;
        // A word that is ruled out has no probability, and a score without bound.
        if e > 0.0f32 {
            weighted += e * score;
        }
        scores += score;
        k += units_of;
    }
    let exponentials = sum_of_units(&mut shared, exponentials, units);
    let weighted = sum_of_units(&mut shared, weighted, units);
    let scores = sum_of_units(&mut shared, scores, units);

    let word = u32::cast_from(words[row]) as usize;
    let weight = weights[row];
    let log_z = exponentials.ln();
    let factor = weight / exponentials;
    let rest = weight * epsilon / f32::cast_from(vocab as u32);
    let pull = weight * (1.0f32 - epsilon);
    let mut k = unit;
    while k < vocab {
        let mut value = (logits[from + k] - top).exp() * factor - rest;
        if k == word {
            value -= pull;
        }
        gradient[first + k] = value;
        k += units_of;
    }
    if unit == 0 {
        let of_word = logits[from + word] - top - log_z;
        let mean = scores / f32::cast_from(vocab as u32) - log_z;
        log_probability[row] = of_word;
        let mut mixed = of_word;
        if epsilon > 0.0f32 {
            mixed = (1.0f32 - epsilon) * of_word + epsilon * mean;
        }
        loss[row] = 0.0f32 - mixed;
        entropy[row] = log_z - weighted / exponentials;
    }
}

impl SoftmaxGradient for CubeBackend {
    fn softmax_gradient(
        logits: FloatTensor<Self>,
        words: IntTensor<Self>,
        weights: FloatTensor<Self>,
        epsilon: f32,
    ) -> (
        FloatTensor<Self>,
        FloatTensor<Self>,
        FloatTensor<Self>,
        FloatTensor<Self>,
    ) {
        let logits = rows_in_place(logits);
        let words = into_contiguous(words);
        let weights = into_contiguous(weights);
        let [count, vocab] = logits.meta.shape().dims();
        let gradient = empty(&logits, vec![count, vocab], logits.dtype);
        let [log_probability, loss, entropy] =
            [(); 3].map(|()| empty(&weights, vec![count, 1], weights.dtype));
        let (cubes, dim) = cube_a_row(count);
        let client = logits.client.clone();
        rows::launch(
            &client,
            cubes,
            dim,
            logits.into_tensor_arg(),
            words.into_tensor_arg(),
            weights.into_tensor_arg(),
            gradient.clone().into_tensor_arg(),
            log_probability.clone().into_tensor_arg(),
            loss.clone().into_tensor_arg(),
            entropy.clone().into_tensor_arg(),
            vocab as u32,
            epsilon,
            UNITS,
        );
        (gradient, log_probability, loss, entropy)
    }
}
