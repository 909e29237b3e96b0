//! The gradient of the Brier score at the softmax inputs, over all rows in one pass.

use rayon::prelude::*;

use crate::{
    simd::vectorised,
    softmax::{LANES, RowLoss, RowTarget, exponentiate, maximum},
};

/// Logits, `[rows, vocab]`, become `a dL/ds` with `L = sum_k (p_k - 1_w)^2`; returns the losses of the rows.
///
/// ```text
/// m = sum_k (p_k - 1[k=w]) p_k,   dL/ds_j = 2 p_j ((p_j - 1[j=w]) - m)
/// ```
///
/// `1 - p_w` is summed over the other words, so that nothing cancels where the model is certain of `w`; then
/// `dL/ds_w = -2 p_w L`.
///
/// # Panics
/// When a word is not below `vocab`, or there is not one target a row.
pub fn gradient(vocab: usize, logits: &mut [f32], targets: &[RowTarget]) -> Vec<RowLoss> {
    assert_eq!(logits.len(), targets.len() * vocab, "one target a row");
    logits
        .par_chunks_exact_mut(vocab.max(1))
        .zip(targets)
        .map(|(row, target)| gradient_of_row(row, *target))
        .collect()
}

fn gradient_of_row(row: &mut [f32], target: RowTarget) -> RowLoss {
    let RowTarget { word, weight } = target;
    let top = maximum(row);
    let score = row[word] - top;
    let sums = exponentiate(row, top);
    let p_word = row[word] / sums.exponentials;
    row[word] = 0.0;
    let (others, squares) = divide(row, sums.exponentials);
    let mean = squares - others * p_word;
    let loss = squares + others * others;
    let factor = 2.0 * weight;
    vectorised(
        #[inline(always)]
        || {
            for value in row.iter_mut() {
                *value = factor * *value * (*value - mean);
            }
        },
    );
    row[word] = -factor * p_word * loss;
    let log_z = sums.exponentials.ln();
    RowLoss {
        log_probability: score - log_z,
        loss,
        entropy: log_z - sums.weighted / sums.exponentials,
    }
}

/// Divides every value; returns the sum of the quotients and that of their squares.
fn divide(row: &mut [f32], divisor: f32) -> (f32, f32) {
    vectorised(
        #[inline(always)]
        || {
            let (mut sum, mut squares) = ([0.0f32; LANES], [0.0f32; LANES]);
            let mut chunks = row.chunks_exact_mut(LANES);
            for chunk in &mut chunks {
                for lane in 0..LANES {
                    let quotient = chunk[lane] / divisor;
                    chunk[lane] = quotient;
                    sum[lane] += quotient;
                    squares[lane] += quotient * quotient;
                }
            }
            for (lane, value) in chunks.into_remainder().iter_mut().enumerate() {
                *value /= divisor;
                sum[lane] += *value;
                squares[lane] += *value * *value;
            }
            (sum.iter().sum(), squares.iter().sum())
        },
    )
}
