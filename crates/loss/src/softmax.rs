//! The shared kernel: model probability minus target, times a weight.

use burn::tensor::{IndexingUpdateOp, Int, Tensor, TensorData, activation::log_softmax};

use scst_kernels::{
    host::{Values, is_host},
    softmax::{self as kernel, RowLoss, RowTarget},
};

use crate::LossError;

/// What each row of logits is pulled towards, and how strongly.
#[derive(Debug, Clone, Copy)]
pub struct RowTargets<'a> {
    /// `w`: the gold or sampled word of every row, `[rows]`.
    pub words: &'a [u32],
    /// `a`: the weight of every row, `[rows]`; 1 for cross-entropy, the advantage `r - b` for
    /// self-critical training.
    pub weights: &'a [f32],
    /// `eps` of label smoothing, in `[0, 1)`; 0 gives the one-hot target.
    pub label_smoothing: f32,
}

/// Losses of single rows and the gradient at the softmax inputs, not yet summed or divided.
#[derive(Debug, Clone)]
pub struct SoftmaxGradient {
    /// `a (p - q)`, `[rows, vocab]`.
    pub gradient: Tensor<2>,
    /// `log p_w`, nats, `[rows, 1]`.
    pub log_probability: Tensor<2>,
    /// `-sum_k q_k log p_k`, nats, without the weight, `[rows, 1]`.
    pub cross_entropy: Tensor<2>,
    /// `-sum_k p_k log p_k`, nats, `[rows, 1]`.
    pub entropy: Tensor<2>,
}

/// The gradient of weighted cross-entropy at the softmax inputs.
///
/// ```text
/// L      = a * -sum_k q_k log p_k,   p = softmax(s),   q = (1 - eps) 1_w + eps / V
/// dL/ds  = a (p - q)
/// ```
///
/// With `a = 1` this is cross-entropy (Goodfellow, Bengio, Courville, Deep Learning, 6.2.2); with
/// `a = r(y^s) - b` and `eps = 0` it is the self-critical gradient (Rennie et al. 2017, eq. 8).
/// Rows with `a = 0` get exactly 0.
///
/// # Shapes
/// `logits`: `[rows, vocab]`, of any float type; the results have the same type.
///
/// # Errors
/// [`LossError`] when a target does not fit the logits or the smoothing is outside `[0, 1)`.
pub fn softmax_gradient(
    logits: Tensor<2>,
    targets: &RowTargets<'_>,
) -> Result<SoftmaxGradient, LossError> {
    let [rows, vocab] = logits.dims();
    check(targets, rows, vocab)?;
    let (device, dtype) = (logits.device(), logits.dtype());
    if is_host(&device, dtype) {
        return Ok(gradient_on_host(logits, targets));
    }
    let words: Vec<i64> = targets.words.iter().map(|&w| i64::from(w)).collect();
    let words = Tensor::<2, Int>::from_data(TensorData::new(words, [rows, 1]), &device);
    let weights = Tensor::<2>::from_data(
        TensorData::new(targets.weights.to_vec(), [rows, 1]),
        (&device, dtype),
    );

    let log_p = log_softmax(logits, 1);
    let p = log_p.clone().exp();
    let log_probability = log_p.clone().gather(1, words.clone());
    let entropy = (p.clone() * log_p.clone()).sum_dim(1).neg();
    let epsilon = f64::from(targets.label_smoothing);
    let (cross_entropy, p_minus_rest) = if epsilon == 0.0 {
        (log_probability.clone().neg(), p)
    } else {
        let uniform = log_p.mean_dim(1);
        let mixed = log_probability.clone().mul_scalar(1.0 - epsilon) + uniform.mul_scalar(epsilon);
        (mixed.neg(), p.sub_scalar(epsilon / vocab as f64))
    };
    let gradient = (p_minus_rest * weights.clone()).scatter(
        1,
        words,
        weights.mul_scalar(epsilon - 1.0),
        IndexingUpdateOp::Add,
    );
    Ok(SoftmaxGradient {
        gradient,
        log_probability,
        cross_entropy,
        entropy,
    })
}

fn gradient_on_host(logits: Tensor<2>, targets: &RowTargets<'_>) -> SoftmaxGradient {
    let (device, [rows, vocab]) = (logits.device(), logits.dims());
    let rows_of_targets: Vec<RowTarget> = targets
        .words
        .iter()
        .zip(targets.weights)
        .map(|(&word, &weight)| RowTarget {
            word: word as usize,
            weight,
        })
        .collect();
    let mut values = Values::take(logits);
    let smoothing = targets.label_smoothing;
    let losses = kernel::gradient(vocab, values.get_mut(), &rows_of_targets, smoothing);
    let column = |value: fn(&RowLoss) -> f32| {
        let values: Vec<f32> = losses.iter().map(value).collect();
        Tensor::from_data(TensorData::new(values, [rows, 1]), &device)
    };
    SoftmaxGradient {
        gradient: values.into_tensor(&device),
        log_probability: column(|loss| loss.log_probability),
        cross_entropy: column(|loss| loss.cross_entropy),
        entropy: column(|loss| loss.entropy),
    }
}

impl RowTargets<'_> {
    /// Whether there is one word and one weight for each of `rows` rows.
    pub(crate) fn check_rows(&self, rows: usize) -> Result<(), LossError> {
        let counts = [
            ("target words", self.words.len()),
            ("row weights", self.weights.len()),
        ];
        match counts.into_iter().find(|&(_, found)| found != rows) {
            None => Ok(()),
            Some((what, found)) => Err(LossError::Rows {
                what,
                found,
                expected: rows,
            }),
        }
    }
}

fn check(targets: &RowTargets<'_>, rows: usize, vocab: usize) -> Result<(), LossError> {
    targets.check_rows(rows)?;
    if let Some(row) = targets.words.iter().position(|&w| w as usize >= vocab) {
        return Err(LossError::WordOutOfRange {
            row,
            word: targets.words[row],
            vocab,
        });
    }
    if !(0.0..1.0).contains(&targets.label_smoothing) {
        return Err(LossError::Range {
            what: "label smoothing",
            found: f64::from(targets.label_smoothing),
            expected: "0 or more, less than 1",
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use burn::tensor::{DType, Device};
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    const ROWS: usize = 4;
    const VOCAB: usize = 7;

    fn tensor(values: &[f64], dtype: DType) -> Tensor<2> {
        let data = TensorData::new(values.to_vec(), [values.len() / VOCAB, VOCAB]);
        Tensor::from_data(data, (&Device::flex(), dtype))
    }

    fn values(tensor: Tensor<2>) -> Vec<f64> {
        tensor.try_into_vec_as().unwrap()
    }

    fn logits(seed: u64) -> Vec<f64> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        (0..ROWS * VOCAB)
            .map(|_| rng.random_range(-3.0..3.0))
            .collect()
    }

    const WORDS: [u32; ROWS] = [0, 6, 3, 3];
    const WEIGHTS: [f32; ROWS] = [1.0, -0.75, 0.0, 2.5];

    /// The textbook definition, in plain f64 and without tensors.
    fn weighted_loss(logits: &[f64], words: &[u32], weights: &[f32], epsilon: f64) -> f64 {
        logits
            .chunks(VOCAB)
            .zip(words.iter().zip(weights))
            .map(|(row, (&word, &weight))| {
                let log_z = row.iter().map(|s| s.exp()).sum::<f64>().ln();
                let target = |k: usize| {
                    f64::from(u8::from(k == word as usize)) * (1.0 - epsilon)
                        + epsilon / VOCAB as f64
                };
                let loss: f64 = (0..VOCAB).map(|k| -target(k) * (row[k] - log_z)).sum();
                f64::from(weight) * loss
            })
            .sum()
    }

    fn finite_differences(logits: &[f64], epsilon: f64) -> Vec<f64> {
        let step = 1e-5;
        (0..logits.len())
            .map(|k| {
                let mut moved = logits.to_vec();
                moved[k] += step;
                let above = weighted_loss(&moved, &WORDS, &WEIGHTS, epsilon);
                moved[k] -= 2.0 * step;
                (above - weighted_loss(&moved, &WORDS, &WEIGHTS, epsilon)) / (2.0 * step)
            })
            .collect()
    }

    /// Largest difference relative to the largest entry.
    fn relative_error(found: &[f64], expected: &[f64]) -> f64 {
        let scale = expected.iter().fold(0.0f64, |m, x| m.max(x.abs()));
        let error = found.iter().zip(expected).map(|(f, e)| (f - e).abs());
        error.fold(0.0, f64::max) / scale
    }

    fn closed_form(logits: &[f64], label_smoothing: f32) -> SoftmaxGradient {
        let targets = RowTargets {
            words: &WORDS,
            weights: &WEIGHTS,
            label_smoothing,
        };
        softmax_gradient(tensor(logits, DType::F64), &targets).unwrap()
    }

    /// Gradient, log-probabilities, cross-entropies and entropies.
    fn all(values: &[f64], vocab: usize, targets: &RowTargets<'_>, dtype: DType) -> Vec<Vec<f64>> {
        let data = TensorData::new(values.to_vec(), [values.len() / vocab, vocab]);
        let logits = Tensor::<2>::from_data(data, (&Device::flex(), dtype));
        let found = softmax_gradient(logits, targets).unwrap();
        let SoftmaxGradient {
            gradient,
            log_probability,
            cross_entropy,
            entropy,
        } = found;
        [gradient, log_probability, cross_entropy, entropy]
            .map(|tensor| tensor.try_into_vec_as().unwrap())
            .into()
    }

    #[test]
    fn loop_on_the_host_equals_tensor_operations_of_64_bits() {
        for (vocab, label_smoothing) in [(1, 0.0), (7, 0.0), (16, 0.1), (1003, 0.0), (1003, 0.3)] {
            let value = |k: usize| ((k * 7919) % 2003) as f64 / 100.0 - 10.0;
            let mut values: Vec<f64> = (0..ROWS * vocab).map(value).collect();
            // A row far from 0, whose shift the softmax ignores.
            values[vocab..2 * vocab].iter_mut().for_each(|v| *v += 1e4);
            let words = [0, vocab as u32 / 2, vocab as u32 - 1, 0];
            let targets = RowTargets {
                words: &words,
                weights: &[1.0, -0.5, 0.0, 2.5],
                label_smoothing,
            };
            let exact = all(&values, vocab, &targets, DType::F64);
            let found = all(&values, vocab, &targets, DType::F32);
            for (found, exact) in found.iter().zip(&exact) {
                for (found, exact) in found.iter().zip(exact) {
                    // 1e4 + x has lost digits of x before anything was computed.
                    let close = (found - exact).abs() <= 1e-5 + 1e-3 * exact.abs();
                    assert!(close, "{vocab} words: found {found}, expected {exact}");
                }
            }
            assert!(found[0][2 * vocab..3 * vocab].iter().all(|&g| g == 0.0));
        }
    }

    #[test]
    fn forbidden_words_get_no_gradient_on_the_host() {
        let mut values = vec![0.0; ROWS * VOCAB];
        values[3] = f64::NEG_INFINITY;
        let targets = RowTargets {
            words: &[0; ROWS],
            weights: &[1.0; ROWS],
            label_smoothing: 0.0,
        };
        let found = all(&values, VOCAB, &targets, DType::F32);
        assert_eq!(found[0][3], 0.0);
        assert!((found[3][0] - 6f64.ln()).abs() < 1e-6, "{}", found[3][0]);
    }

    #[test]
    fn gradient_equals_finite_differences_in_f64() {
        for (seed, epsilon) in [(1, 0.0), (2, 0.125), (3, 0.5)] {
            let s = logits(seed);
            let found = values(closed_form(&s, epsilon).gradient);
            let expected = finite_differences(&s, f64::from(epsilon));
            let error = relative_error(&found, &expected);
            assert!(error < 1e-6, "seed {seed}: relative error {error:e}");
        }
    }

    #[test]
    fn finite_difference_check_fails_when_the_gradient_is_wrong() {
        let s = logits(1);
        let expected = finite_differences(&s, 0.0);
        let targets = tensor(&closed_form_target(), DType::F64);
        // The slip of dropping the coupling of p with its normaliser: q - 1 instead of p - q.
        let slip = values(targets.sub_scalar(1.0));
        assert!(relative_error(&slip, &expected) > 0.1);
    }

    fn closed_form_target() -> Vec<f64> {
        WORDS
            .iter()
            .flat_map(|&w| (0..VOCAB).map(move |k| f64::from(u8::from(k == w as usize))))
            .collect()
    }

    #[test]
    fn gradient_equals_autodiff_of_the_log_probability_loss() {
        let s = logits(4);
        let device = Device::flex().autodiff();
        let data = TensorData::new(s.clone(), [ROWS, VOCAB]);
        let tracked = Tensor::<2>::from_data(data, (&device, DType::F32)).require_grad();
        let words: Vec<i64> = WORDS.iter().map(|&w| i64::from(w)).collect();
        let words = Tensor::<2, Int>::from_data(TensorData::new(words, [ROWS, 1]), &device);
        let weights = Tensor::<2>::from_data(TensorData::new(WEIGHTS.to_vec(), [ROWS, 1]), &device);
        let loss = (log_softmax(tracked.clone(), 1).gather(1, words) * weights)
            .sum()
            .neg();
        let expected = values(tracked.grad(&loss.backward()).unwrap());
        let targets = RowTargets {
            words: &WORDS,
            weights: &WEIGHTS,
            label_smoothing: 0.0,
        };
        let found = softmax_gradient(tensor(&s, DType::F32), &targets).unwrap();
        assert!(relative_error(&values(found.gradient), &expected) < 1e-6);
    }

    #[test]
    fn rows_sum_to_zero_and_are_exactly_zero_when_the_weight_is() {
        let gradient = values(closed_form(&logits(5), 0.25).gradient);
        for (row, weight) in gradient.chunks(VOCAB).zip(WEIGHTS) {
            assert!(row.iter().sum::<f64>().abs() < 1e-14);
            if weight == 0.0 {
                assert!(row.iter().all(|&g| g == 0.0));
            }
        }
    }

    #[test]
    fn values_equal_the_textbook_definitions() {
        let s = logits(6);
        let found = closed_form(&s, 0.125);
        let cross_entropy = values(found.cross_entropy);
        let log_probability = values(found.log_probability);
        let entropy = values(found.entropy);
        for (r, row) in s.chunks(VOCAB).enumerate() {
            let word = &WORDS[r..=r];
            let smoothed = weighted_loss(row, word, &[1.0], 0.125);
            assert!((cross_entropy[r] - smoothed).abs() < 1e-12);
            assert!((log_probability[r] + weighted_loss(row, word, &[1.0], 0.0)).abs() < 1e-12);
            let z: f64 = row.iter().map(|s| s.exp()).sum();
            let h: f64 = row
                .iter()
                .map(|s| -(s.exp() / z) * (s.exp() / z).ln())
                .sum();
            assert!((entropy[r] - h).abs() < 1e-12);
        }
    }

    #[test]
    fn gradient_is_finite_when_logits_are_huge() {
        let mut s = vec![0.0; ROWS * VOCAB];
        s[0] = 1e4;
        s[VOCAB] = -1e4;
        s[2 * VOCAB + 1] = 1e4;
        let found = softmax_gradient(
            tensor(&s, DType::F32),
            &RowTargets {
                words: &WORDS,
                weights: &WEIGHTS,
                label_smoothing: 0.1,
            },
        )
        .unwrap();
        for tensor in [found.gradient, found.cross_entropy, found.entropy] {
            assert!(values(tensor).iter().all(|x| x.is_finite()));
        }
    }

    #[test]
    fn misfitting_targets_are_refused() {
        let s = tensor(&logits(1), DType::F32);
        let refuse = |words: &[u32], weights: &[f32], label_smoothing| {
            let targets = RowTargets {
                words,
                weights,
                label_smoothing,
            };
            softmax_gradient(s.clone(), &targets)
                .unwrap_err()
                .to_string()
        };
        assert_eq!(
            refuse(&[0; 3], &WEIGHTS, 0.0),
            "target words: found 3 rows, expected 4"
        );
        assert_eq!(
            refuse(&WORDS, &[1.0; 5], 0.0),
            "row weights: found 5 rows, expected 4"
        );
        assert_eq!(
            refuse(&[0, 1, 7, 0], &WEIGHTS, 0.0),
            "target word 7 in row 2 is outside the vocabulary of 7 words"
        );
        assert!(refuse(&WORDS, &WEIGHTS, 1.0).starts_with("label smoothing: found 1"));
    }
}
