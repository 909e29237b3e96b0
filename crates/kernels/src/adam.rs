//! Sum of squares, and Adam with clipping in one pass.

use rayon::prelude::*;

use crate::simd::vectorised;

/// Elements of a block: a sum is that of its blocks, whatever the number of threads.
const BLOCK: usize = 1 << 14;

/// What an Adam step does to every element.
#[derive(Debug, Clone, Copy)]
pub struct AdamStep {
    /// What the gradient is multiplied by first.
    pub scale: f32,
    /// Then it is cut to `[-clip, clip]`; infinite for no clipping.
    pub clip: f32,
    /// Learning rate.
    pub learning_rate: f32,
    /// Decay of the first moment.
    pub beta_1: f32,
    /// Decay of the second moment.
    pub beta_2: f32,
    /// Added to the root of the second moment.
    pub epsilon: f32,
    /// Number of this step, from 1: moments are divided by `1 - beta^t`.
    pub time: i32,
    /// Weights are multiplied by `1 - learning_rate * weight_decay` first (AdamW); 0 for Adam.
    pub weight_decay: f32,
}

/// One step on all elements.
///
/// Kingma and Ba 2015, algorithm 1; weight decay as Loshchilov and Hutter 2019:
/// ```text
/// g = clamp(scale * gradient, -clip, clip)
/// m = beta_1 m + (1 - beta_1) g,     v = beta_2 v + (1 - beta_2) g^2
/// w = (1 - rate decay) w - rate (m / (1 - beta_1^t)) / (sqrt(v / (1 - beta_2^t)) + epsilon)
/// ```
///
/// # Panics
/// When the slices have different lengths.
pub fn adam(
    step: &AdamStep,
    weights: &mut [f32],
    gradient: &[f32],
    first: &mut [f32],
    second: &mut [f32],
) {
    let lengths = [gradient.len(), first.len(), second.len()];
    assert_eq!(lengths, [weights.len(); 3], "one element for each weight");
    let blocks = weights
        .par_chunks_mut(BLOCK)
        .zip(gradient.par_chunks(BLOCK))
        .zip(first.par_chunks_mut(BLOCK))
        .zip(second.par_chunks_mut(BLOCK));
    blocks.for_each(|(((weights, gradient), first), second)| {
        block(step, weights, gradient, first, second);
    });
}

fn block(
    step: &AdamStep,
    weights: &mut [f32],
    gradient: &[f32],
    first: &mut [f32],
    second: &mut [f32],
) {
    let &AdamStep {
        scale,
        clip,
        learning_rate,
        beta_1,
        beta_2,
        epsilon,
        time,
        weight_decay,
    } = step;
    let unbias_1 = 1.0 / (1.0 - beta_1.powi(time));
    let unbias_2 = 1.0 / (1.0 - beta_2.powi(time));
    let keep = 1.0 - learning_rate * weight_decay;
    vectorised(
        #[inline(always)]
        || {
            let moments = first.iter_mut().zip(second.iter_mut());
            for ((weight, &gradient), (m, v)) in weights.iter_mut().zip(gradient).zip(moments) {
                let g = (gradient * scale).max(-clip).min(clip);
                *m = beta_1 * *m + (1.0 - beta_1) * g;
                *v = beta_2 * *v + (1.0 - beta_2) * g * g;
                let root = (*v * unbias_2).sqrt() + epsilon;
                *weight = *weight * keep - learning_rate * (*m * unbias_1) / root;
            }
        },
    );
}

/// `sum_i x_i^2`, in 64 bits.
pub fn sum_of_squares(values: &[f32]) -> f64 {
    let blocks: Vec<f64> = values
        .par_chunks(BLOCK)
        .map(|block| {
            vectorised(
                #[inline(always)]
                || {
                    let mut lanes = [0.0f64; 16];
                    let chunks = block.chunks_exact(16);
                    let rest = chunks.remainder().iter();
                    let rest: f64 = rest.map(|&x| f64::from(x) * f64::from(x)).sum();
                    for chunk in chunks {
                        for (lane, &x) in lanes.iter_mut().zip(chunk) {
                            *lane += f64::from(x) * f64::from(x);
                        }
                    }
                    lanes.iter().sum::<f64>() + rest
                },
            )
        })
        .collect();
    blocks.iter().sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEP: AdamStep = AdamStep {
        scale: 0.5,
        clip: 0.1,
        learning_rate: 1e-2,
        beta_1: 0.9,
        beta_2: 0.999,
        epsilon: 1e-8,
        time: 1,
        weight_decay: 0.0,
    };

    #[test]
    fn first_step_is_the_rate_against_the_sign_when_gradients_are_large() {
        let length = BLOCK + 7;
        let mut weights = vec![1.0; length];
        let gradient: Vec<f32> = (0..length)
            .map(|k| if k % 2 == 0 { 3.0 } else { -0.02 })
            .collect();
        let (mut first, mut second) = (vec![0.0; length], vec![0.0; length]);
        adam(&STEP, &mut weights, &gradient, &mut first, &mut second);
        for (k, &weight) in weights.iter().enumerate() {
            let expected = if k % 2 == 0 { 0.99 } else { 1.01 };
            assert!((weight - expected).abs() < 1e-6, "{k}: {weight}");
        }
        // Clipped to 0.1, and 0.5 * -0.02.
        assert!((first[0] - 0.01).abs() < 1e-8 && (first[1] + 0.001).abs() < 1e-8);
    }

    #[test]
    fn steps_equal_those_of_64_bits_when_repeated() {
        let decayed = AdamStep {
            weight_decay: 0.1,
            ..STEP
        };
        for step in [STEP, decayed] {
            let (mut weights, mut first, mut second) = ([0.3f32], [0.0f32], [0.0f32]);
            let (mut w, mut m, mut v) = (0.3f64, 0.0f64, 0.0f64);
            for time in 1..50 {
                let gradient = (f64::from(time) * 0.7).sin();
                let step = AdamStep { time, ..step };
                adam(
                    &step,
                    &mut weights,
                    &[gradient as f32],
                    &mut first,
                    &mut second,
                );
                let g = (0.5 * gradient).clamp(-0.1, 0.1);
                m = 0.9 * m + 0.1 * g;
                v = 0.999 * v + 0.001 * g * g;
                let (m_hat, v_hat) = (
                    m / (1.0 - 0.9f64.powi(time)),
                    v / (1.0 - 0.999f64.powi(time)),
                );
                w = w * (1.0 - 1e-2 * f64::from(step.weight_decay))
                    - 1e-2 * m_hat / (v_hat.sqrt() + 1e-8);
            }
            assert!(
                (f64::from(weights[0]) - w).abs() < 1e-5,
                "{} {w}",
                weights[0]
            );
        }
    }

    #[test]
    fn sum_of_squares_is_exact_when_values_are_small_integers() {
        let values: Vec<f32> = (0..2 * BLOCK + 5).map(|k| (k % 7) as f32).collect();
        let expected: u64 = (0..2 * BLOCK as u64 + 5).map(|k| (k % 7) * (k % 7)).sum();
        assert_eq!(sum_of_squares(&values), expected as f64);
    }
}
