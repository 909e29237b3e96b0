//! The check that every gradient of this crate passes: central finite differences in 64 bits.
//!
//! What is differenced is the textbook definition of the loss, written in plain loops over slices.

use burn::tensor::{DType, Device, Tensor, TensorData};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Largest difference between a gradient and the finite differences, relative to the largest of these.
pub(crate) const TOLERANCE: f64 = 1e-6;

/// How far a coordinate is moved to either side: the error of the difference is about its square.
const STEP: f64 = 1e-5;

/// Whether `gradient` is that of `loss` at the point `at`, in every coordinate.
///
/// ```text
/// dL/ds_j = (L(s + h e_j) - L(s - h e_j)) / 2h
/// ```
///
/// # Errors
/// The first coordinate where it is not, with both values.
pub(crate) fn check_gradient(
    at: &[f64],
    gradient: &[f64],
    loss: impl Fn(&[f64]) -> f64,
) -> Result<(), String> {
    check_coordinates(at, gradient, 0..at.len(), loss)
}

/// As [`check_gradient`], in some coordinates only.
pub(crate) fn check_coordinates(
    at: &[f64],
    gradient: &[f64],
    coordinates: impl IntoIterator<Item = usize>,
    loss: impl Fn(&[f64]) -> f64,
) -> Result<(), String> {
    if gradient.len() != at.len() {
        return Err(format!("{} of {} entries", gradient.len(), at.len()));
    }
    let mut moved = at.to_vec();
    let mut difference = |k: usize| {
        moved[k] = at[k] + STEP;
        let above = loss(&moved);
        moved[k] = at[k] - STEP;
        let below = loss(&moved);
        moved[k] = at[k];
        (k, (above - below) / (2.0 * STEP))
    };
    let expected: Vec<(usize, f64)> = coordinates.into_iter().map(&mut difference).collect();
    let scale = expected.iter().fold(0.0f64, |m, (_, e)| m.max(e.abs()));
    for (k, expected) in expected {
        let error = (gradient[k] - expected).abs();
        if error.is_nan() || error > TOLERANCE * scale {
            let found = gradient[k];
            return Err(format!("entry {k}: found {found}, expected {expected}"));
        }
    }
    Ok(())
}

/// Whether `c (p - 1_w)`, one weight `c` a row, is the gradient at the logits of a loss of the words' log-probabilities.
///
/// # Errors
/// As of [`check_gradient`].
pub(crate) fn check_row_weights(
    logits: &[f64],
    vocab: usize,
    words: &[u32],
    weights: &[f64],
    loss: impl Fn(&[f64]) -> f64,
) -> Result<(), String> {
    let of_words = |logits: &[f64]| -> Vec<f64> {
        let log_p = log_softmax(logits, vocab);
        let rows = log_p.chunks(vocab).zip(words);
        rows.map(|(row, &word)| row[word as usize]).collect()
    };
    let p_minus_word = softmax(logits, vocab).into_iter();
    let p_minus_word = p_minus_word.zip(one_hot(words, vocab)).map(|(p, y)| p - y);
    let of_rows = weights.iter().flat_map(|c| std::iter::repeat_n(c, vocab));
    let gradient: Vec<f64> = p_minus_word.zip(of_rows).map(|(g, c)| c * g).collect();
    check_gradient(logits, &gradient, |at| loss(&of_words(at)))
}

/// `log softmax` of every row, one below the other.
pub(crate) fn log_softmax(logits: &[f64], vocab: usize) -> Vec<f64> {
    let of_row = |row: &[f64]| -> Vec<f64> {
        let top = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let log_z = row.iter().map(|s| (s - top).exp()).sum::<f64>().ln();
        row.iter().map(|s| s - top - log_z).collect()
    };
    logits.chunks(vocab).flat_map(of_row).collect()
}

/// `softmax` of every row, one below the other.
pub(crate) fn softmax(logits: &[f64], vocab: usize) -> Vec<f64> {
    let log_p = log_softmax(logits, vocab);
    log_p.into_iter().map(f64::exp).collect()
}

/// 1 at the word of every row, 0 elsewhere.
pub(crate) fn one_hot(words: &[u32], vocab: usize) -> Vec<f64> {
    let of_word = |&word: &u32| (0..vocab).map(move |k| f64::from(u8::from(k == word as usize)));
    words.iter().flat_map(of_word).collect()
}

/// Logits from -3 to 3.
pub(crate) fn random_logits(count: usize, seed: u64) -> Vec<f64> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    (0..count).map(|_| rng.random_range(-3.0..3.0)).collect()
}

/// Rows on flex: 32-bit floats take the loops of `kernels` where there are any, 64-bit floats the
/// plain tensor operations.
pub(crate) fn tensor(values: &[f64], vocab: usize, dtype: DType) -> Tensor<2> {
    tensor_on(values, vocab, dtype, &Device::flex())
}

/// As [`tensor`], on some device.
pub(crate) fn tensor_on(values: &[f64], vocab: usize, dtype: DType, device: &Device) -> Tensor<2> {
    let data = TensorData::new(values.to_vec(), [values.len() / vocab, vocab]);
    Tensor::from_data(data, (device, dtype))
}

/// The values of a tensor, row after row.
pub(crate) fn values(tensor: Tensor<2>) -> Vec<f64> {
    tensor.try_into_vec_as().unwrap()
}

/// The gradient that autodiff finds, in 64 bits, of a loss written in tensor operations.
pub(crate) fn autodiff(
    at: &[f64],
    vocab: usize,
    loss: impl Fn(Tensor<2>, &Device) -> Tensor<1>,
) -> Vec<f64> {
    let device = Device::flex().autodiff();
    let tracked = tensor_on(at, vocab, DType::F64, &device).require_grad();
    let gradients = loss(tracked.clone(), &device).backward();
    values(tracked.grad(&gradients).unwrap())
}

/// Asserts that two lists are equal to `tolerance`, relative to the largest expected entry.
pub(crate) fn assert_close(found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len());
    let scale = expected.iter().fold(0.0f64, |m, x| m.max(x.abs()));
    for (k, (f, e)) in found.iter().zip(expected).enumerate() {
        let close = (f - e).abs() <= tolerance * scale;
        assert!(close, "entry {k}: found {f}, expected {e}");
    }
}

/// Asserts that every row sums to 0.
pub(crate) fn assert_rows_sum_to_zero(gradient: &[f64], vocab: usize) {
    for row in gradient.chunks(vocab) {
        let sum: f64 = row.iter().sum();
        assert!(sum.abs() < 1e-14, "sum {sum:e}");
    }
}

#[test]
fn right_gradient_passes_and_wrong_ones_fail() {
    let at = [0.3, -1.2, 2.0];
    let loss = |x: &[f64]| x[0] * x[0] + 3.0 * x[1] + x[2].sin();
    let right = [0.6, 3.0, 2.0f64.cos()];
    check_gradient(&at, &right, loss).unwrap();
    for k in 0..at.len() {
        let mut wrong = right;
        wrong[k] += 1e-5;
        let message = check_gradient(&at, &wrong, loss).unwrap_err();
        assert!(message.starts_with(&format!("entry {k}:")), "{message}");
        wrong[k] = f64::NAN;
        assert!(check_gradient(&at, &wrong, loss).is_err());
    }
    let opposite = right.map(|g| -g);
    assert!(check_gradient(&at, &opposite, loss).is_err());
    assert!(check_gradient(&at, &right[..2], loss).is_err());
}
