//! Cross-entropy against finite differences, autodiff, and the loop on the host against tensors.

use burn::tensor::{DType, Int, TensorData};

use super::*;
use crate::gradient_check::{
    assert_close, assert_rows_sum_to_zero, autodiff, check_coordinates, check_gradient,
    log_softmax as log_softmax_of_slices, one_hot, random_logits, softmax, tensor, values,
};

const ROWS: usize = 4;
const VOCAB: usize = 7;
const WORDS: [u32; ROWS] = [0, 6, 3, 3];
const WEIGHTS: [f32; ROWS] = [1.0, -0.75, 0.0, 2.5];
const TARGETS: RowTargets<'_> = RowTargets {
    words: &WORDS,
    weights: &WEIGHTS,
};

fn logits(seed: u64) -> Vec<f64> {
    random_logits(ROWS * VOCAB, seed)
}

/// The textbook definition, unweighted, of every row.
fn losses(logits: &[f64], vocab: usize, words: &[u32], epsilon: f64) -> Vec<f64> {
    let log_p = log_softmax_of_slices(logits, vocab);
    let hard = one_hot(words, vocab);
    let targets = hard
        .iter()
        .map(|y| y * (1.0 - epsilon) + epsilon / vocab as f64);
    let terms: Vec<f64> = targets.zip(log_p).map(|(q, log_p)| -q * log_p).collect();
    terms.chunks(vocab).map(|row| row.iter().sum()).collect()
}

fn weighted(losses: &[f64], weights: &[f32]) -> f64 {
    let pairs = losses.iter().zip(weights);
    pairs.map(|(loss, &a)| f64::from(a) * loss).sum()
}

fn loss(logits: &[f64], epsilon: f64) -> f64 {
    weighted(&losses(logits, VOCAB, &WORDS, epsilon), &WEIGHTS)
}

fn closed_form(logits: &[f64], label_smoothing: f32) -> SoftmaxGradient {
    softmax_gradient(tensor(logits, VOCAB, DType::F64), &TARGETS, label_smoothing).unwrap()
}

/// Gradient, log-probabilities, losses and entropies.
fn all(
    values: &[f64],
    vocab: usize,
    targets: &RowTargets<'_>,
    label_smoothing: f32,
    dtype: DType,
) -> Vec<Vec<f64>> {
    let logits = tensor(values, vocab, dtype);
    let found = softmax_gradient(logits, targets, label_smoothing).unwrap();
    let SoftmaxGradient {
        gradient,
        log_probability,
        loss,
        entropy,
    } = found;
    [gradient, log_probability, loss, entropy]
        .map(super::tests::values)
        .into()
}

#[test]
fn loop_on_the_host_equals_tensor_operations_of_64_bits() {
    for (vocab, label_smoothing) in [
        (1, 0.0),
        (7, 0.0),
        (16, 0.1),
        (1003, 0.0),
        (1003, 0.3),
        (100_000, 0.1),
    ] {
        let value = |k: usize| ((k * 7919) % 2003) as f64 / 100.0 - 10.0;
        let mut values: Vec<f64> = (0..ROWS * vocab).map(value).collect();
        // A row far from 0, whose shift the softmax ignores.
        values[vocab..2 * vocab].iter_mut().for_each(|v| *v += 1e4);
        let words = [0, vocab as u32 / 2, vocab as u32 - 1, 0];
        let targets = RowTargets {
            words: &words,
            weights: &[1.0, -0.5, 0.0, 2.5],
        };
        let exact = all(&values, vocab, &targets, label_smoothing, DType::F64);
        let found = all(&values, vocab, &targets, label_smoothing, DType::F32);
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
fn forbidden_words_get_no_gradient_and_add_no_entropy_on_any_path() {
    let mut values = vec![0.0; ROWS * VOCAB];
    values[3] = f64::NEG_INFINITY;
    let targets = RowTargets {
        words: &[0; ROWS],
        weights: &[1.0; ROWS],
    };
    // 64 bits take the path of plain tensors.
    for dtype in [DType::F32, DType::F64] {
        let found = all(&values, VOCAB, &targets, 0.0, dtype);
        assert_eq!(found[0][3], 0.0);
        for column in [2, 3] {
            let found = found[column][0];
            assert!((found - 6f64.ln()).abs() < 1e-6, "{found}");
        }
    }
}

#[test]
fn gradient_equals_finite_differences_in_f64() {
    for (seed, epsilon) in [(1, 0.0), (2, 0.125), (3, 0.5)] {
        let s = logits(seed);
        let found = values(closed_form(&s, epsilon).gradient);
        check_gradient(&s, &found, |s| loss(s, f64::from(epsilon))).unwrap();
    }
}

#[test]
fn finite_difference_check_fails_when_the_coupling_is_dropped() {
    let s = logits(1);
    // The slip of dropping the coupling of p with its normaliser: q - 1 instead of p - q.
    let q = one_hot(&WORDS, VOCAB);
    let weights = WEIGHTS.map(|a| [f64::from(a); VOCAB]).concat();
    let slip: Vec<f64> = q.iter().zip(&weights).map(|(q, a)| a * (q - 1.0)).collect();
    assert!(check_gradient(&s, &slip, |s| loss(s, 0.0)).is_err());
    // The same harness passes what the slip should have been.
    let p = softmax(&s, VOCAB);
    let right: Vec<f64> = (0..s.len()).map(|k| weights[k] * (p[k] - q[k])).collect();
    check_gradient(&s, &right, |s| loss(s, 0.0)).unwrap();
}

#[test]
fn gradient_equals_autodiff_of_the_log_probability_loss() {
    let s = logits(4);
    let expected = autodiff(&s, VOCAB, |logits, device| {
        let words: Vec<i64> = WORDS.iter().map(|&w| i64::from(w)).collect();
        let words = Tensor::<2, Int>::from_data(TensorData::new(words, [ROWS, 1]), device);
        let weights = TensorData::new(WEIGHTS.to_vec(), [ROWS, 1]);
        let weights = Tensor::<2>::from_data(weights, (device, DType::F64));
        (log_softmax(logits, 1).gather(1, words) * weights)
            .sum()
            .neg()
    });
    assert_close(&values(closed_form(&s, 0.0).gradient), &expected, 1e-13);
    let on_host = softmax_gradient(tensor(&s, VOCAB, DType::F32), &TARGETS, 0.0).unwrap();
    assert_close(&values(on_host.gradient), &expected, 1e-6);
}

#[test]
fn rows_sum_to_zero_and_are_exactly_zero_when_the_weight_is() {
    let gradient = values(closed_form(&logits(5), 0.25).gradient);
    assert_rows_sum_to_zero(&gradient, VOCAB);
    for (row, weight) in gradient.chunks(VOCAB).zip(WEIGHTS) {
        assert!(weight != 0.0 || row.iter().all(|&g| g == 0.0));
    }
}

#[test]
fn values_equal_the_textbook_definitions() {
    let s = logits(6);
    let found = closed_form(&s, 0.125);
    assert_close(
        &values(found.loss),
        &losses(&s, VOCAB, &WORDS, 0.125),
        1e-14,
    );
    let negative: Vec<f64> = values(found.log_probability).iter().map(|l| -l).collect();
    assert_close(&negative, &losses(&s, VOCAB, &WORDS, 0.0), 1e-14);
    let p = softmax(&s, VOCAB);
    let entropy = |row: &[f64]| row.iter().map(|p| -p * p.ln()).sum();
    let entropies: Vec<f64> = p.chunks(VOCAB).map(entropy).collect();
    assert_close(&values(found.entropy), &entropies, 1e-14);
}

#[test]
fn gradient_is_finite_when_logits_are_huge() {
    let mut s = vec![0.0; ROWS * VOCAB];
    s[0] = 1e4;
    s[VOCAB] = -1e4;
    s[VOCAB + 1] = 1e4;
    s[2 * VOCAB + 1] = 1e4;
    for dtype in [DType::F32, DType::F64] {
        for found in all(&s, VOCAB, &TARGETS, 0.1, dtype) {
            assert!(found.iter().all(|x| x.is_finite()), "{found:?}");
        }
    }
}

#[test]
fn gradient_is_right_when_the_vocabulary_has_one_word_or_a_hundred_thousand() {
    let single = RowTargets {
        words: &[0],
        weights: &[1.5],
    };
    for dtype in [DType::F32, DType::F64] {
        let found = all(&[3.7], 1, &single, 0.1, dtype);
        assert!(found.iter().all(|x| x[0].abs() < 1e-6), "{found:?}");
    }

    let vocab = 100_000;
    let s = random_logits(vocab, 7);
    let targets = RowTargets {
        words: &[77_777],
        weights: &[1.5],
    };
    let found = &all(&s, vocab, &targets, 0.1, DType::F64)[0];
    check_coordinates(&s, found, [0, 1, 500, 77_777, vocab - 1], |s| {
        weighted(
            &losses(s, vocab, targets.words, f64::from(0.1f32)),
            targets.weights,
        )
    })
    .unwrap();
}

#[test]
fn misfitting_targets_are_refused() {
    let s = tensor(&logits(1), VOCAB, DType::F32);
    let refuse = |words: &[u32], weights: &[f32], label_smoothing| {
        let targets = RowTargets { words, weights };
        softmax_gradient(s.clone(), &targets, label_smoothing)
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
