//! The gradient over all words, where the value of each is known.

use burn::tensor::{Tensor, activation::log_softmax};

use crate::{LossError, RowTargets, SoftmaxGradient, soft_targets::check_shape, softmax::entropy};

/// The gradient of minus the expected value of the next word at the softmax inputs: that of all words, where a sampled one
/// has [`softmax_gradient`](crate::softmax_gradient) (Sutton et al. 2000, theorem 1; Asadi et al. 2017).
///
/// ```text
/// L          = -sum_k p_k Q_k,   p = softmax(s)
/// a dL/ds_j  = a p_j (sum_k p_k Q_k - Q_j)
/// ```
///
/// `Q` is detached. It is the expectation of the gradient `(Q_w - b)(p - 1_w)` of a word that is drawn from `p`, for every
/// `b`: nothing is left of the variance of that draw. A constant in all `Q` of a row changes nothing. Rows with `a = 0` get
/// exactly 0. The words of `targets` are those whose log-probability is asked for.
///
/// # Shapes
/// `logits`, `values`: `[rows, vocab]`, of the same float type and device, as the results are.
///
/// # Errors
/// [`LossError`] when targets, values and logits do not fit together.
pub fn action_value_gradient(
    logits: Tensor<2>,
    values: Tensor<2>,
    targets: &RowTargets<'_>,
) -> Result<SoftmaxGradient, LossError> {
    targets.check(logits.dims())?;
    check_shape("values of words", values.dims(), logits.dims())?;
    let (words, weights) = targets.columns(&logits.device(), logits.dtype());
    let log_p = log_softmax(logits, 1);
    let p = log_p.clone().exp();
    let expected = (p.clone() * values.clone()).sum_dim(1);
    Ok(SoftmaxGradient {
        gradient: p.clone() * (expected.clone() - values) * weights,
        log_probability: log_p.clone().gather(1, words),
        loss: expected.neg(),
        entropy: entropy(&p, &log_p),
    })
}

#[cfg(test)]
mod tests {
    use burn::tensor::{DType, Device, TensorData};

    use super::*;
    use crate::{gradient_check::check_gradient, softmax_gradient};

    const VOCAB: usize = 4;
    const LOGITS: [f64; 8] = [0.3, -1.2, 2.0, 0.1, -0.4, 1.5, 0.2, -0.7];
    const VALUES: [f64; 8] = [0.5, -0.1, 0.2, 1.0, 0.0, -0.3, -0.8, 0.4];
    const WEIGHTS: [f32; 2] = [0.5, 1.25];

    fn tensor(values: &[f64]) -> Tensor<2> {
        let data = TensorData::new(values.to_vec(), [values.len() / VOCAB, VOCAB]);
        Tensor::from_data(data, (&Device::flex(), DType::F64))
    }

    fn gradient(logits: &[f64], values: &[f64], weights: &[f32]) -> Vec<f64> {
        let words = vec![1; weights.len()];
        let targets = RowTargets {
            words: &words,
            weights,
        };
        let found = action_value_gradient(tensor(logits), tensor(values), &targets).unwrap();
        found.gradient.try_into_vec_as().unwrap()
    }

    fn softmax_of(row: &[f64]) -> Vec<f64> {
        let sum: f64 = row.iter().map(|s| s.exp()).sum();
        row.iter().map(|s| s.exp() / sum).collect()
    }

    fn textbook(logits: &[f64]) -> f64 {
        let rows = logits.chunks(VOCAB).zip(VALUES.chunks(VOCAB)).zip(WEIGHTS);
        let of_row = |((s, q), a): ((&[f64], &[f64]), f32)| {
            let expected: f64 = softmax_of(s).iter().zip(q).map(|(p, q)| p * q).sum();
            -f64::from(a) * expected
        };
        rows.map(of_row).sum()
    }

    #[test]
    fn gradient_equals_finite_differences_in_f64() {
        let found = gradient(&LOGITS, &VALUES, &WEIGHTS);
        check_gradient(&LOGITS, &found, textbook).unwrap();
        for row in found.chunks(VOCAB) {
            assert!(row.iter().sum::<f64>().abs() < 1e-14);
        }
        // Without the mean of the values it is another gradient.
        let rows = LOGITS.chunks(VOCAB).zip(VALUES.chunks(VOCAB)).zip(WEIGHTS);
        let wrong = rows.flat_map(|((s, q), a)| {
            let slopes = softmax_of(s).into_iter().zip(q);
            slopes.map(move |(p, q)| -f64::from(a) * p * q)
        });
        let wrong: Vec<f64> = wrong.collect();
        assert!(check_gradient(&LOGITS, &wrong, textbook).is_err());
    }

    /// `sum_w p_w (Q_w - b)(p - 1_w)`, every word drawn as often as it is probable.
    #[test]
    fn gradient_is_the_expectation_of_that_of_a_drawn_word() {
        let found = gradient(&LOGITS[..VOCAB], &VALUES[..VOCAB], &[1.0]);
        for baseline in [0.0, 0.7] {
            let mut mean = [0.0; VOCAB];
            for (word, p) in softmax_of(&LOGITS[..VOCAB]).into_iter().enumerate() {
                let words = [word as u32];
                let weights = [1.0];
                let targets = RowTargets {
                    words: &words,
                    weights: &weights,
                };
                let drawn = softmax_gradient(tensor(&LOGITS[..VOCAB]), &targets, 0.0).unwrap();
                let drawn: Vec<f64> = drawn.gradient.try_into_vec_as().unwrap();
                let pairs = mean.iter_mut().zip(drawn);
                pairs.for_each(|(m, g)| *m += p * (VALUES[word] - baseline) * g);
            }
            for (found, mean) in found.iter().zip(mean) {
                assert!((found - mean).abs() < 1e-12, "{found} {mean}");
            }
        }
        // A value that all words have more changes nothing.
        let more: Vec<f64> = VALUES.iter().map(|q| q + 3.0).collect();
        let shifted = gradient(&LOGITS[..VOCAB], &more[..VOCAB], &[1.0]);
        for (found, shifted) in found.iter().zip(shifted) {
            assert!((found - shifted).abs() < 1e-12);
        }
    }

    #[test]
    fn gradient_is_finite_when_logits_are_huge_and_0_where_the_weight_is() {
        let huge = [1e4, -1e4, 0.0, f64::NEG_INFINITY];
        let found = gradient(&huge, &VALUES[..VOCAB], &[1.0]);
        assert!(found.iter().all(|g| g.is_finite()), "{found:?}");
        assert_eq!(gradient(&LOGITS, &VALUES, &[0.0; 2]), [0.0; 8]);
    }

    #[test]
    fn values_of_another_shape_are_refused() {
        let targets = RowTargets {
            words: &[0, 0],
            weights: &WEIGHTS,
        };
        let found = action_value_gradient(tensor(&LOGITS), tensor(&VALUES[..4]), &targets);
        assert!(found.is_err());
    }
}
