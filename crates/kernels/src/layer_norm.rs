//! Layer normalisation (Ba et al. 2016), forward and backward, row by row in one pass.

use rayon::prelude::*;

use crate::simd::{dot, sum, vectorised};

/// What is added to the variance, so that rows of equal values can be divided.
pub const EPSILON: f32 = 1e-5;

/// Rows of a task.
const ROWS: usize = 8;

/// Normalises every row; `values` become `n`.
///
/// ```text
/// n = (x - mean(x)) s,   s = 1 / sqrt(variance(x) + EPSILON),   output = n gain + bias
/// ```
///
/// # Shapes
/// `values`, `output`: `[rows, columns]`; `scales`: `s`, `[rows]`; `gain`, `bias`: `[columns]`.
///
/// # Panics
/// When the lengths do not fit together.
pub fn layer_norm(
    gain: &[f32],
    bias: &[f32],
    values: &mut [f32],
    scales: &mut [f32],
    output: &mut [f32],
) {
    let columns = gain.len();
    let lengths = [values.len(), output.len(), columns * scales.len()];
    assert_eq!(lengths, [values.len(); 3], "one value a row and column");
    values
        .par_chunks_mut(ROWS * columns)
        .zip(scales.par_chunks_mut(ROWS))
        .zip(output.par_chunks_mut(ROWS * columns))
        .for_each(|((values, scales), output)| {
            let rows = values
                .chunks_exact_mut(columns)
                .zip(scales)
                .zip(output.chunks_exact_mut(columns));
            for ((values, scale), output) in rows {
                vectorised(
                    #[inline(always)]
                    || {
                        let mean = sum(values) / columns as f32;
                        for x in &mut *values {
                            *x -= mean;
                        }
                        let variance = dot(values, values) / columns as f32;
                        *scale = 1.0 / (variance + EPSILON).sqrt();
                        let outputs = output.iter_mut().zip(gain).zip(bias);
                        for (x, ((output, gain), bias)) in values.iter_mut().zip(outputs) {
                            *x *= *scale;
                            *output = *x * gain + bias;
                        }
                    },
                );
            }
        });
}

/// The gradient before normalisation: `gradient`, that at the output, becomes it.
///
/// ```text
/// dn = d output gain,   dx = s (dn - mean(dn) - n mean(dn n))
/// ```
///
/// # Shapes
/// As of [`layer_norm`]; `normalised`: `n`, `[rows, columns]`.
///
/// # Panics
/// When the lengths do not fit together.
pub fn layer_norm_backward(gain: &[f32], normalised: &[f32], scales: &[f32], gradient: &mut [f32]) {
    let columns = gain.len();
    let lengths = [normalised.len(), columns * scales.len()];
    assert_eq!(lengths, [gradient.len(); 2], "one value a row and column");
    gradient
        .par_chunks_mut(ROWS * columns)
        .zip(normalised.par_chunks(ROWS * columns))
        .zip(scales.par_chunks(ROWS))
        .for_each(|((gradient, normalised), scales)| {
            let rows = gradient
                .chunks_exact_mut(columns)
                .zip(normalised.chunks_exact(columns))
                .zip(scales);
            for ((gradient, normalised), &scale) in rows {
                vectorised(
                    #[inline(always)]
                    || {
                        for (d, gain) in gradient.iter_mut().zip(gain) {
                            *d *= gain;
                        }
                        let mean = sum(gradient) / columns as f32;
                        let along = dot(gradient, normalised) / columns as f32;
                        for (d, n) in gradient.iter_mut().zip(normalised) {
                            *d = scale * (*d - mean - n * along);
                        }
                    },
                );
            }
        });
}
