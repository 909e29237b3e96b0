//! The Brier score against finite differences, autodiff, and the loop on the host against tensors.

use burn::tensor::{DType, activation::softmax};

use super::*;
use crate::gradient_check::{
    assert_close, assert_rows_sum_to_zero, autodiff, check_coordinates, check_gradient,
    log_softmax as log_softmax_of_slices, one_hot, random_logits, softmax as softmax_of_slices,
    tensor, tensor_on, values,
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
fn losses(logits: &[f64], y: &[f64], vocab: usize) -> Vec<f64> {
    let p = softmax_of_slices(logits, vocab);
    let terms: Vec<f64> = p.iter().zip(y).map(|(p, y)| (p - y).powi(2)).collect();
    terms.chunks(vocab).map(|row| row.iter().sum()).collect()
}

fn loss(logits: &[f64], y: &[f64], vocab: usize, weights: &[f32]) -> f64 {
    let losses = losses(logits, y, vocab);
    let pairs = losses.iter().zip(weights);
    pairs.map(|(loss, &a)| f64::from(a) * loss).sum()
}

/// Gradient, log-probabilities, losses and entropies.
fn all(s: &[f64], vocab: usize, targets: &RowTargets<'_>, dtype: DType) -> [Vec<f64>; 4] {
    let SoftmaxGradient {
        gradient,
        log_probability,
        loss,
        entropy,
    } = brier_gradient(tensor(s, vocab, dtype), targets).unwrap();
    [gradient, log_probability, loss, entropy].map(values)
}

fn gradient(s: &[f64]) -> Vec<f64> {
    let [gradient, ..] = all(s, VOCAB, &TARGETS, DType::F64);
    gradient
}

#[test]
fn gradient_equals_finite_differences_in_f64() {
    for seed in 1..4 {
        let s = logits(seed);
        let y = one_hot(&WORDS, VOCAB);
        check_gradient(&s, &gradient(&s), |s| loss(s, &y, VOCAB, &WEIGHTS)).unwrap();
    }
}

#[test]
fn soft_gradient_equals_finite_differences_in_f64() {
    let s = logits(1);
    let y = softmax_of_slices(&logits(2), VOCAB);
    let targets = SoftTargets {
        distributions: tensor(&y, VOCAB, DType::F64),
        weights: &WEIGHTS,
    };
    let found = soft_brier_gradient(tensor(&s, VOCAB, DType::F64), &targets).unwrap();
    let gradient = values(found.gradient);
    check_gradient(&s, &gradient, |s| loss(s, &y, VOCAB, &WEIGHTS)).unwrap();
    assert_rows_sum_to_zero(&gradient, VOCAB);
    assert_close(&values(found.loss), &losses(&s, &y, VOCAB), 1e-14);
}

#[test]
fn finite_difference_check_fails_when_the_formula_is_that_of_the_sigmoid() {
    let s = logits(1);
    let (p, y) = (softmax_of_slices(&s, VOCAB), one_hot(&WORDS, VOCAB));
    let weight = |k: usize| f64::from(WEIGHTS[k / VOCAB]);
    let of_sigmoid = |k: usize| 2.0 * (p[k] - y[k]) * p[k] * (1.0 - p[k]);
    let slip: Vec<f64> = (0..s.len()).map(|k| weight(k) * of_sigmoid(k)).collect();
    assert!(check_gradient(&s, &slip, |s| loss(s, &y, VOCAB, &WEIGHTS)).is_err());
    // It is the gradient where every word has a sigmoid of its own: the harness passes it there.
    let of_sigmoids = |s: &[f64]| -> f64 {
        let p = |s: f64| 1.0 / (1.0 + (-s).exp());
        (0..s.len()).map(|k| (p(s[k]) - y[k]).powi(2)).sum()
    };
    let p = s.iter().map(|s| 1.0 / (1.0 + (-s).exp()));
    let right: Vec<f64> = p
        .zip(&y)
        .map(|(p, y)| 2.0 * (p - y) * p * (1.0 - p))
        .collect();
    check_gradient(&s, &right, of_sigmoids).unwrap();
}

#[test]
fn gradient_equals_autodiff_of_the_squared_error() {
    let s = logits(4);
    let expected = autodiff(&s, VOCAB, |logits, device| {
        let y = tensor_on(&one_hot(&WORDS, VOCAB), VOCAB, DType::F64, device);
        let error = (softmax(logits, 1) - y).square().sum_dim(1);
        (error * column_of(&WEIGHTS, device, DType::F64)).sum()
    });
    assert_close(&gradient(&s), &expected, 1e-13);
    let [on_host, ..] = all(&s, VOCAB, &TARGETS, DType::F32);
    assert_close(&on_host, &expected, 1e-6);
}

#[test]
fn loop_on_the_host_equals_tensor_operations_of_64_bits() {
    for vocab in [1, 7, 16, 1003, 100_000] {
        let value = |k: usize| ((k * 7919) % 2003) as f64 / 128.0 - 8.0;
        let mut s: Vec<f64> = (0..ROWS * vocab).map(value).collect();
        // A row in which the model is all but certain of the gold word.
        s[vocab - 1] = 20.0;
        let words = [vocab as u32 - 1, vocab as u32 / 2, 0, 0];
        let targets = RowTargets {
            words: &words,
            weights: &WEIGHTS,
        };
        let exact = all(&s, vocab, &targets, DType::F64);
        let found = all(&s, vocab, &targets, DType::F32);
        for (found, exact) in found.iter().zip(&exact) {
            for (found, exact) in found.chunks(vocab).zip(exact.chunks(vocab)) {
                assert_close(found, exact, 5e-5);
            }
        }
        assert!(found[0][2 * vocab..3 * vocab].iter().all(|&g| g == 0.0));
    }
}

#[test]
fn rows_sum_to_zero_and_are_exactly_zero_when_the_weight_is() {
    let gradient = gradient(&logits(5));
    assert_rows_sum_to_zero(&gradient, VOCAB);
    assert!(gradient[2 * VOCAB..3 * VOCAB].iter().all(|&g| g == 0.0));
}

#[test]
fn values_equal_the_textbook_definitions() {
    let s = logits(6);
    let [_, log_probability, loss, entropy] = all(&s, VOCAB, &TARGETS, DType::F64);
    let log_p = log_softmax_of_slices(&s, VOCAB);
    let y = one_hot(&WORDS, VOCAB);
    assert_close(&loss, &losses(&s, &y, VOCAB), 1e-14);
    for (r, row) in log_p.chunks(VOCAB).enumerate() {
        assert!((log_probability[r] - row[WORDS[r] as usize]).abs() < 1e-13);
        let expected: f64 = row.iter().map(|log_p| -log_p.exp() * log_p).sum();
        assert!((entropy[r] - expected).abs() < 1e-13);
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
    for dtype in [DType::F32, DType::F64] {
        let [gradient, _, _, entropy] = all(&values, VOCAB, &targets, dtype);
        assert_eq!(gradient[3], 0.0);
        let expected = ((VOCAB - 1) as f64).ln();
        assert!((entropy[0] - expected).abs() < 1e-6, "{entropy:?}");
    }
}

#[test]
fn everything_is_finite_when_logits_are_huge() {
    let mut s = vec![0.0; ROWS * VOCAB];
    // Certain of the gold word; certain of another word; the gold word out of reach.
    s[0] = 1e4;
    s[VOCAB] = 1e4;
    s[VOCAB + 6] = -1e4;
    s[3 * VOCAB + 3] = -1e4;
    for dtype in [DType::F32, DType::F64] {
        let [gradient, log_probability, loss, entropy] = all(&s, VOCAB, &TARGETS, dtype);
        for found in [&gradient, &log_probability, &loss, &entropy] {
            assert!(found.iter().all(|x| x.is_finite()), "{found:?}");
        }
        assert_eq!(loss[..2], [0.0, 2.0]);
        assert!(gradient[..2 * VOCAB].iter().all(|&g| g == 0.0));
    }
}

#[test]
fn gradient_is_right_when_the_vocabulary_has_one_word_or_a_hundred_thousand() {
    let single = RowTargets {
        words: &[0],
        weights: &[1.5],
    };
    for dtype in [DType::F32, DType::F64] {
        for found in all(&[3.7], 1, &single, dtype) {
            assert_eq!(found[0], 0.0);
        }
    }
    let vocab = 100_000;
    let mut s = random_logits(vocab, 7);
    // Two words that count among so many.
    s[500] += 14.0;
    s[77_777] += 14.0;
    let targets = RowTargets {
        words: &[77_777],
        weights: &[1.5],
    };
    let y = one_hot(targets.words, vocab);
    let [found, ..] = all(&s, vocab, &targets, DType::F64);
    check_coordinates(&s, &found, [0, 1, 500, 77_777, vocab - 1], |s| {
        loss(s, &y, vocab, targets.weights)
    })
    .unwrap();
}

#[test]
fn misfitting_targets_are_refused() {
    let s = tensor(&logits(1), VOCAB, DType::F32);
    let targets = RowTargets {
        words: &[0, 1, 7, 0],
        weights: &WEIGHTS,
    };
    assert_eq!(
        brier_gradient(s, &targets).unwrap_err().to_string(),
        "target word 7 in row 2 is outside the vocabulary of 7 words"
    );
}
