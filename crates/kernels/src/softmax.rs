//! The gradient of cross-entropy at the softmax inputs, over all rows in one pass; draws from the softmax.

use rayon::prelude::*;

use crate::simd::{exp, vectorised};

/// What one row of logits is pulled towards, and how strongly.
#[derive(Debug, Clone, Copy)]
pub struct RowTarget {
    /// `w`: the gold or sampled word.
    pub word: usize,
    /// `a`: its weight.
    pub weight: f32,
}

/// Losses of one row; logarithms in nats.
#[derive(Debug, Clone, Copy, Default)]
pub struct RowLoss {
    /// `log p_w`.
    pub log_probability: f32,
    /// What the row contributes to the loss, without the weight.
    pub loss: f32,
    /// `-sum_k p_k log p_k`.
    pub entropy: f32,
}

/// Logits, `[rows, vocab]`, become `a (p - q)` with `q = (1 - eps) 1_w + eps / V`; returns the losses of the rows,
/// cross-entropies.
///
/// ```text
/// p_k = e^(s_k - max) / Z,   log p_k = s_k - max - ln Z
/// entropy = ln Z - sum_k p_k (s_k - max)
/// ```
///
/// # Panics
/// When a word is not below `vocab`, or there is not one target a row.
pub fn gradient(
    vocab: usize,
    logits: &mut [f32],
    targets: &[RowTarget],
    epsilon: f32,
) -> Vec<RowLoss> {
    assert_eq!(logits.len(), targets.len() * vocab, "one target a row");
    logits
        .par_chunks_exact_mut(vocab.max(1))
        .zip(targets)
        .map(|(row, target)| gradient_of_row(row, *target, epsilon))
        .collect()
}

/// The word at which the cumulative softmax of a row passes its uniform number in `[0, 1)`, for every row of `scores`,
/// `[rows, vocab]`; `None` for a row that is no distribution. Sums are in 64 bits.
///
/// # Panics
/// When there is not one number a row.
pub fn draw(vocab: usize, scores: &mut [f32], uniforms: &[f64]) -> Vec<Option<u32>> {
    assert_eq!(scores.len(), uniforms.len() * vocab, "one number a row");
    scores
        .par_chunks_exact_mut(vocab.max(1))
        .zip(uniforms)
        .map(|(row, &uniform)| draw_from_row(row, uniform))
        .collect()
}

fn draw_from_row(row: &mut [f32], uniform: f64) -> Option<u32> {
    let top = maximum(row);
    vectorised(
        #[inline(always)]
        || {
            for value in row.iter_mut() {
                *value = exp(*value - top);
            }
        },
    );
    let total: f64 = row.iter().map(|&weight| f64::from(weight)).sum();
    if !total.is_finite() || total == 0.0 {
        return None;
    }
    let mut left = uniform * total;
    let mut word = None;
    for (k, &weight) in row.iter().enumerate() {
        let weight = f64::from(weight);
        if weight > 0.0 {
            word = Some(k as u32);
            if left < weight {
                break;
            }
        }
        left -= weight;
    }
    word
}

fn gradient_of_row(row: &mut [f32], target: RowTarget, epsilon: f32) -> RowLoss {
    let vocab = row.len() as f32;
    let RowTarget { word, weight } = target;
    let top = maximum(row);
    let score = row[word] - top;
    let Sums {
        exponentials,
        weighted,
        scores,
    } = exponentiate(row, top);
    let log_z = exponentials.ln();
    let factor = weight / exponentials;
    let rest = weight * epsilon / vocab;
    vectorised(
        #[inline(always)]
        || {
            for value in row.iter_mut() {
                *value = *value * factor - rest;
            }
        },
    );
    row[word] -= weight * (1.0 - epsilon);
    let log_probability = score - log_z;
    let loss = if epsilon == 0.0 {
        -log_probability
    } else {
        let mean = scores / vocab - log_z;
        -((1.0 - epsilon) * log_probability + epsilon * mean)
    };
    RowLoss {
        log_probability,
        loss,
        entropy: log_z - weighted / exponentials,
    }
}

/// Lanes of a sum: the same on every machine.
pub(crate) const LANES: usize = 16;

pub(crate) fn maximum(row: &[f32]) -> f32 {
    vectorised(
        #[inline(always)]
        || {
            let mut lanes = [f32::NEG_INFINITY; LANES];
            let chunks = row.chunks_exact(LANES);
            let rest = chunks.remainder();
            for chunk in chunks {
                for (lane, &value) in lanes.iter_mut().zip(chunk) {
                    *lane = if value > *lane { value } else { *lane };
                }
            }
            lanes
                .iter()
                .chain(rest)
                .copied()
                .fold(f32::NEG_INFINITY, f32::max)
        },
    )
}

pub(crate) struct Sums {
    /// `sum_k e^(s_k - max)`
    pub(crate) exponentials: f32,
    /// `sum_k e^(s_k - max) (s_k - max)`
    pub(crate) weighted: f32,
    /// `sum_k (s_k - max)`
    pub(crate) scores: f32,
}

/// Every score becomes `e^(score - top)`.
pub(crate) fn exponentiate(row: &mut [f32], top: f32) -> Sums {
    vectorised(
        #[inline(always)]
        || {
            let (mut z, mut zs, mut s) = ([0.0f32; LANES], [0.0f32; LANES], [0.0f32; LANES]);
            let mut chunks = row.chunks_exact_mut(LANES);
            for chunk in &mut chunks {
                for lane in 0..LANES {
                    let score = chunk[lane] - top;
                    let exponential = exp(score);
                    chunk[lane] = exponential;
                    z[lane] += exponential;
                    // e^-inf * -inf counts as its limit, 0.
                    zs[lane] += if exponential > 0.0 {
                        exponential * score
                    } else {
                        0.0
                    };
                    s[lane] += score;
                }
            }
            for (lane, value) in chunks.into_remainder().iter_mut().enumerate() {
                let score = *value - top;
                let exponential = exp(score);
                *value = exponential;
                z[lane] += exponential;
                zs[lane] += if exponential > 0.0 {
                    exponential * score
                } else {
                    0.0
                };
                s[lane] += score;
            }
            Sums {
                exponentials: z.iter().sum(),
                weighted: zs.iter().sum(),
                scores: s.iter().sum(),
            }
        },
    )
}
