//! The gradient carried through the output projection, a chunk of rows at a time.

use std::ops::Range;

use burn::tensor::{Tensor, TensorReadError, activation::softmax, s};
use scst_kernels::{
    product::Precision,
    traffic::{read, read_all},
};

use crate::{LossError, RowTargets, SoftmaxGradient, softmax_gradient};

/// The output projection `logits = h W + c`.
#[derive(Debug, Clone)]
pub struct OutputLayer {
    /// `W`, `[hidden, vocab]`.
    pub weight: Tensor<2>,
    /// `c`, `[1, vocab]`.
    pub bias: Tensor<2>,
    /// What products with `W`, and those that become its gradient, are taken in.
    pub precision: Precision,
}

impl OutputLayer {
    fn logits(&self, hidden: Tensor<2>) -> Tensor<2> {
        self.precision.product(hidden, self.weight.clone()) + self.bias.clone()
    }

    fn check(&self) -> Result<(), LossError> {
        let (device, dtype) = (self.weight.device(), self.weight.dtype());
        if self.precision.is_available(&device, dtype) {
            Ok(())
        } else {
            Err(LossError::Precision)
        }
    }
}

/// Summed gradients at the output layer, and the losses of single rows.
#[derive(Debug, Clone)]
pub struct OutputGradient {
    /// `dL/dh = G W^T`, `[rows, hidden]`.
    pub hidden: Tensor<2>,
    /// `dL/dW = h^T G`, `[hidden, vocab]`.
    pub weight: Tensor<2>,
    /// `dL/dc`: column sums of `G`, `[1, vocab]`.
    pub bias: Tensor<2>,
    /// `log p_w` of every row, nats.
    pub log_probability: Vec<f32>,
    /// Loss of every row, unweighted; cross-entropies in nats.
    pub loss: Vec<f32>,
    /// Entropy of the model's distribution in every row, nats.
    pub entropy: Vec<f32>,
}

/// Gradients at the output layer from hidden states and the targets of their rows.
///
/// ```text
/// logits = h W + c,   G = dL/dlogits
/// dL/dh = G W^T,   dL/dW = h^T G,   dL/dc = sum_rows G
/// ```
///
/// Logits exist for `chunk_rows` rows at a time, so that memory does not grow with
/// `rows x vocab`. `gradient` is the objective: it is given the logits, the targets and the numbers
/// of these rows, and returns `G`, for example
/// `|logits, targets, _| softmax_gradient(logits, targets, 0.0)`. Nothing here is tracked by autodiff.
///
/// # Shapes
/// `hidden`: `[rows, hidden]`, at least one row.
///
/// # Errors
/// Those of `gradient`, [`LossError`] when there is not one target a row, [`LossError::Precision`] when the machine has no
/// such products, and [`LossError::Read`] when the device fails.
pub fn output_gradient(
    hidden: &Tensor<2>,
    layer: &OutputLayer,
    targets: &RowTargets<'_>,
    chunk_rows: usize,
    gradient: impl Fn(Tensor<2>, &RowTargets<'_>, Range<usize>) -> Result<SoftmaxGradient, LossError>,
) -> Result<OutputGradient, LossError> {
    let [rows, _] = hidden.dims();
    targets.check_rows(rows)?;
    layer.check()?;
    if rows == 0 || chunk_rows == 0 {
        return Err(LossError::Range {
            what: "rows of hidden states, and rows per chunk",
            found: 0.0,
            expected: "1 or more",
        });
    }
    let precision = layer.precision;
    let mut hidden_chunks = Vec::new();
    let mut sums: Option<(Tensor<2>, Tensor<2>)> = None;
    let mut columns: [Vec<Tensor<2>>; 3] = Default::default();
    for (h, logits, rows) in chunks(hidden, layer, chunk_rows) {
        let found = gradient(logits, &targets.slice(rows.clone()), rows)?;
        let g = found.gradient;
        let product = precision.product_with_transpose(g.clone(), layer.weight.clone());
        hidden_chunks.push(product);
        let weight = precision.transposed_product(h, g.clone());
        let bias = g.sum_dim(0);
        sums = Some(match sums {
            None => (weight, bias),
            Some((w, b)) => (w + weight, b + bias),
        });
        for (column, values) in
            columns
                .iter_mut()
                .zip([found.log_probability, found.loss, found.entropy])
        {
            column.push(values);
        }
    }
    let Some((weight, bias)) = sums else {
        unreachable!("rows is at least 1");
    };
    // On a device the host waits once for all three.
    let columns = columns.map(|chunks| Tensor::cat(chunks, 0));
    let mut columns = read_all(columns.into()).map_err(unreadable)?.into_iter();
    let mut column = || columns.next().unwrap_or_default();
    Ok(OutputGradient {
        hidden: Tensor::cat(hidden_chunks, 0),
        weight,
        bias,
        log_probability: column(),
        loss: column(),
        entropy: column(),
    })
}

/// `log p_w` of every row, nats, without a gradient.
///
/// # Shapes
/// `hidden`: `[rows, hidden]`; `words`: `[rows]`; so is the result.
///
/// # Errors
/// Those of [`output_gradient`].
pub fn log_probabilities(
    hidden: &Tensor<2>,
    layer: &OutputLayer,
    words: &[u32],
    chunk_rows: usize,
) -> Result<Vec<f32>, LossError> {
    of_rows(hidden, layer, words, chunk_rows, |logits, targets| {
        Ok(softmax_gradient(logits, targets, 0.0)?.log_probability)
    })
}

/// The squared size of the gradient of every row's log-probability at the softmax inputs, from 0 to 2:
/// [`row_energy`](crate::row_energy) of every row.
///
/// # Shapes
/// `hidden`: `[rows, hidden]`; `words`: `[rows]`; so is the result.
///
/// # Errors
/// Those of [`output_gradient`].
pub fn row_energies(
    hidden: &Tensor<2>,
    layer: &OutputLayer,
    words: &[u32],
    chunk_rows: usize,
) -> Result<Vec<f32>, LossError> {
    of_rows(hidden, layer, words, chunk_rows, |logits, targets| {
        targets.check(logits.dims())?;
        let (words, _) = targets.columns(&logits.device(), logits.dtype());
        let p = softmax(logits, 1);
        let of_word = p.clone().gather(1, words);
        // (1 - p_w)^2 - p_w^2 = 1 - 2 p_w
        Ok(p.square().sum_dim(1) - of_word.mul_scalar(2.0).sub_scalar(1.0))
    })
}

/// A number of every row, `[rows, 1]`, from its logits and its word.
fn of_rows(
    hidden: &Tensor<2>,
    layer: &OutputLayer,
    words: &[u32],
    chunk_rows: usize,
    number: impl Fn(Tensor<2>, &RowTargets<'_>) -> Result<Tensor<2>, LossError>,
) -> Result<Vec<f32>, LossError> {
    let weights = vec![0.0; words.len()];
    let targets = RowTargets {
        words,
        weights: &weights,
    };
    let [rows, _] = hidden.dims();
    targets.check_rows(rows)?;
    layer.check()?;
    let mut found = Vec::with_capacity(rows);
    for (_, logits, rows) in chunks(hidden, layer, chunk_rows) {
        let numbers = number(logits, &targets.slice(rows))?;
        found.extend(read::<f32, _, _>(numbers).map_err(unreadable)?);
    }
    Ok(found)
}

/// Hidden states, logits and numbers of some rows after the others.
fn chunks<'a>(
    hidden: &'a Tensor<2>,
    layer: &'a OutputLayer,
    chunk_rows: usize,
) -> impl Iterator<Item = (Tensor<2>, Tensor<2>, Range<usize>)> + 'a {
    let [rows, _] = hidden.dims();
    let chunk_rows = chunk_rows.max(1);
    (0..rows).step_by(chunk_rows).map(move |start| {
        let end = start.saturating_add(chunk_rows).min(rows);
        let h = hidden.clone().slice(s![start..end]);
        let logits = layer.logits(h.clone());
        (h, logits, start..end)
    })
}

fn unreadable(error: TensorReadError) -> LossError {
    LossError::Read {
        what: "row losses",
        reason: error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use burn::tensor::{DType, Device, Distribution, Int, TensorData, activation::softmax};

    use super::*;
    use crate::brier_gradient;

    const VOCAB: usize = 9;

    fn close(found: Tensor<2>, expected: Tensor<2>) {
        let difference = (found - expected).abs().max().into_scalar::<f32>();
        assert!(difference < 1e-4, "largest difference {difference:e}");
    }

    /// Holds the chunked gradients of a loss against autodiff of `textbook`, a function of the
    /// model's distribution and the gold words, one-hot, to the losses of rows.
    fn check(
        gradient: fn(Tensor<2>, &RowTargets<'_>) -> Result<SoftmaxGradient, LossError>,
        textbook: fn(Tensor<2>, Tensor<2>) -> Tensor<2>,
    ) {
        let (rows, hidden) = (11, 5);
        let device = Device::flex().autodiff();
        device.seed(7);
        let random = |shape: [usize; 2]| {
            Tensor::<2>::random(shape, Distribution::Uniform(-1.0, 1.0), &device).require_grad()
        };
        let (h, w, c) = (
            random([rows, hidden]),
            random([hidden, VOCAB]),
            random([1, VOCAB]),
        );
        let words: Vec<u32> = (0..rows as u32).map(|r| r * 5 % VOCAB as u32).collect();
        let weights: Vec<f32> = (0..rows).map(|r| r as f32 / 4.0 - 1.0).collect();

        let index: Vec<i64> = words.iter().map(|&w| i64::from(w)).collect();
        let index = Tensor::<1, Int>::from_data(TensorData::new(index, [rows]), &device);
        let gold = index.one_hot::<2>(VOCAB).float();
        let a = Tensor::<2>::from_data(TensorData::new(weights.clone(), [rows, 1]), &device);
        let p = softmax(h.clone().matmul(w.clone()) + c.clone(), 1);
        let losses = textbook(p, gold);
        let gradients = (losses.clone() * a).sum().backward();

        let layer = OutputLayer {
            weight: w.clone().inner(),
            bias: c.clone().inner(),
            precision: Precision::F32,
        };
        let targets = RowTargets {
            words: &words,
            weights: &weights,
        };
        for chunk_rows in [1, 4, 11, 100] {
            let next = Cell::new(0);
            let found = output_gradient(
                &h.clone().inner(),
                &layer,
                &targets,
                chunk_rows,
                |logits, targets, rows| {
                    assert_eq!(rows.start, next.replace(rows.end));
                    assert_eq!(rows.len(), targets.words.len());
                    gradient(logits, targets)
                },
            )
            .unwrap();
            assert_eq!(next.get(), rows);
            close(found.hidden, h.grad(&gradients).unwrap());
            close(found.weight, w.grad(&gradients).unwrap());
            close(found.bias, c.grad(&gradients).unwrap());
            let found = TensorData::new(found.loss, [rows, 1]);
            close(
                Tensor::from_data(found, &Device::flex()),
                losses.clone().inner(),
            );
        }
    }

    #[test]
    fn chunked_gradients_equal_autodiff_of_the_whole() {
        check(
            |logits, targets| softmax_gradient(logits, targets, 0.0),
            |p, gold| (p.log() * gold).sum_dim(1).neg(),
        );
        check(brier_gradient, |p, gold| (p - gold).square().sum_dim(1));
    }

    #[test]
    #[expect(clippy::print_stderr, reason = "what is skipped has to be seen")]
    fn products_of_bfloat16_are_near_those_of_32_bits_or_refused() {
        let gradient = |dtype: DType, precision| {
            let values = |shape: [usize; 2], seed: usize| {
                let value = |k: usize| ((k * 37 + seed * 11) % 101) as f64 / 50.0 - 1.0;
                let values: Vec<f64> = (0..shape[0] * shape[1]).map(value).collect();
                Tensor::<2>::from_data(TensorData::new(values, shape), (&Device::flex(), dtype))
            };
            let layer = OutputLayer {
                weight: values([5, VOCAB], 1),
                bias: values([1, VOCAB], 2),
                precision,
            };
            let (words, weights) = ([0, 8, 3, 3, 1, 5, 7], [1.0, -0.5, 2.0, 0.0, 1.0, 1.0, 1.0]);
            let targets = RowTargets {
                words: &words,
                weights: &weights,
            };
            output_gradient(
                &values([7, 5], 3),
                &layer,
                &targets,
                3,
                |logits, targets, _| softmax_gradient(logits, targets, 0.0),
            )
        };
        let refused = gradient(DType::F64, Precision::Bf16);
        assert_eq!(refused.unwrap_err(), LossError::Precision);
        if !Precision::Bf16.is_available(&Device::flex(), DType::F32) {
            eprintln!("SKIPPED: the processor has no AVX-512 BF16");
            return;
        }
        let [found, expected] =
            [Precision::Bf16, Precision::F32].map(|of| gradient(DType::F32, of).unwrap());
        for (found, expected) in [
            (found.hidden, expected.hidden),
            (found.weight, expected.weight),
        ] {
            let difference = (found - expected).abs().max().into_scalar::<f32>();
            assert!((1e-6..2e-2).contains(&difference), "{difference:e}");
        }
    }

    #[test]
    fn energies_of_rows_are_those_of_their_distributions() {
        let device = Device::flex();
        let random = |shape: [usize; 2]| {
            Tensor::<2>::random(shape, Distribution::Uniform(-2.0, 2.0), &device)
        };
        let layer = OutputLayer {
            weight: random([5, VOCAB]),
            bias: random([1, VOCAB]),
            precision: Precision::F32,
        };
        let hidden = random([7, 5]);
        let words = [0, 8, 3, 3, 1, 5, 7];
        let logits = hidden.clone().matmul(layer.weight.clone()) + layer.bias.clone();
        let p: Vec<f64> = softmax(logits, 1).try_into_vec_as().unwrap();
        let rows = p.chunks(VOCAB).zip(words);
        let expected: Vec<f64> = rows
            .map(|(p, word)| crate::row_energy(p, word).unwrap())
            .collect();
        for chunk_rows in [1, 3, 100] {
            let found = row_energies(&hidden, &layer, &words, chunk_rows).unwrap();
            for (found, expected) in found.iter().zip(&expected) {
                assert!((f64::from(*found) - expected).abs() < 1e-6);
            }
        }
        assert!(row_energies(&hidden, &layer, &[9; 7], 8).is_err());
    }

    #[test]
    fn empty_input_is_refused() {
        let device = Device::flex();
        let layer = OutputLayer {
            weight: Tensor::zeros([2, 3], &device),
            bias: Tensor::zeros([1, 3], &device),
            precision: Precision::F32,
        };
        let targets = RowTargets {
            words: &[],
            weights: &[],
        };
        let hidden = Tensor::zeros([0, 2], &device);
        let found = output_gradient(&hidden, &layer, &targets, 8, |logits, targets, _| {
            brier_gradient(logits, targets)
        });
        assert!(found.is_err());
    }
}
