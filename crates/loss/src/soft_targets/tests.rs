//! Soft targets against finite differences and autodiff, and targets that are no distributions.

use burn::tensor::DType;

use super::*;
use crate::{
    RowTargets,
    gradient_check::{
        assert_close, assert_rows_sum_to_zero, autodiff, check_coordinates, check_gradient,
        log_softmax as log_softmax_of_slices, one_hot, random_logits, softmax, tensor, tensor_on,
        values,
    },
    softmax_gradient,
};

const ROWS: usize = 3;
const VOCAB: usize = 6;
const WEIGHTS: [f32; ROWS] = [1.0, -0.75, 2.5];

fn logits(seed: u64) -> Vec<f64> {
    random_logits(ROWS * VOCAB, seed)
}

/// Distributions, one of them with a word that it rules out.
fn distributions() -> Vec<f64> {
    let mut scores = logits(100);
    scores[VOCAB + 2] = f64::NEG_INFINITY;
    softmax(&scores, VOCAB)
}

/// The textbook definition, weighted and summed.
fn loss(logits: &[f64], q: &[f64], vocab: usize, weights: &[f32]) -> f64 {
    let log_p = log_softmax_of_slices(logits, vocab);
    let terms = q.iter().zip(log_p).enumerate();
    terms
        .map(|(k, (q, log_p))| -f64::from(weights[k / vocab]) * q * log_p)
        .sum()
}

fn found(
    s: &[f64],
    q: &[f64],
    vocab: usize,
    weights: &[f32],
    dtype: DType,
) -> Result<SoftTargetGradient, LossError> {
    let targets = SoftTargets {
        distributions: tensor(q, vocab, dtype),
        weights,
    };
    soft_target_gradient(tensor(s, vocab, dtype), &targets)
}

fn gradient(s: &[f64], q: &[f64]) -> Vec<f64> {
    values(found(s, q, VOCAB, &WEIGHTS, DType::F64).unwrap().gradient)
}

#[test]
fn gradient_equals_finite_differences_in_f64() {
    for seed in 1..4 {
        let (s, q) = (logits(seed), distributions());
        let gradient = gradient(&s, &q);
        check_gradient(&s, &gradient, |s| loss(s, &q, VOCAB, &WEIGHTS)).unwrap();
        assert_rows_sum_to_zero(&gradient, VOCAB);
    }
}

#[test]
fn finite_difference_check_fails_when_the_coupling_is_dropped() {
    let (s, q) = (logits(1), distributions());
    let slip = |k: usize| f64::from(WEIGHTS[k / VOCAB]) * (q[k] - 1.0);
    let slip: Vec<f64> = (0..s.len()).map(slip).collect();
    assert!(check_gradient(&s, &slip, |s| loss(s, &q, VOCAB, &WEIGHTS)).is_err());
}

#[test]
fn gradient_equals_autodiff_of_the_textbook_definition() {
    let (s, q) = (logits(4), distributions());
    let expected = autodiff(&s, VOCAB, |logits, device| {
        let q = tensor_on(&q, VOCAB, DType::F64, device);
        let weights = column_of(&WEIGHTS, device, DType::F64);
        (q * log_softmax(logits, 1) * weights).sum().neg()
    });
    assert_close(&gradient(&s, &q), &expected, 1e-13);
}

#[test]
fn one_hot_targets_are_gold_words() {
    let (s, words) = (logits(5), [0, 5, 2]);
    let q = one_hot(&words, VOCAB);
    let soft = found(&s, &q, VOCAB, &WEIGHTS, DType::F64).unwrap();
    let targets = RowTargets {
        words: &words,
        weights: &WEIGHTS,
    };
    let hard = softmax_gradient(tensor(&s, VOCAB, DType::F64), &targets, 0.0).unwrap();
    assert_close(&values(soft.gradient), &values(hard.gradient), 1e-14);
    assert_close(&values(soft.loss), &values(hard.loss), 1e-14);
}

#[test]
fn everything_is_finite_when_logits_are_huge_or_rule_words_out() {
    let mut s = logits(6);
    (s[0], s[1], s[VOCAB]) = (1e4, -1e4, -1e4);
    // Ruled out by the model and by the target.
    s[VOCAB + 2] = f64::NEG_INFINITY;
    for dtype in [DType::F32, DType::F64] {
        let found = found(&s, &distributions(), VOCAB, &WEIGHTS, dtype).unwrap();
        for found in [found.gradient, found.loss] {
            let found = values(found);
            assert!(found.iter().all(|x| x.is_finite()), "{found:?}");
        }
    }
}

#[test]
fn gradient_is_right_when_the_vocabulary_has_one_word_or_a_hundred_thousand() {
    let single = found(&[3.7], &[1.0], 1, &[1.5], DType::F32).unwrap();
    assert_eq!(values(single.gradient), [0.0]);
    assert_eq!(values(single.loss), [0.0]);

    let vocab = 100_000;
    let (mut s, mut scores) = (random_logits(vocab, 7), random_logits(vocab, 8));
    // Words that count among so many.
    s[500] += 14.0;
    scores[500] += 13.0;
    scores[77_777] += 14.0;
    let q = softmax(&scores, vocab);
    // Sums of so many 32-bit numbers are within the tolerance.
    found(&s, &q, vocab, &[1.5], DType::F32).unwrap();
    let gradient = values(found(&s, &q, vocab, &[1.5], DType::F64).unwrap().gradient);
    check_coordinates(&s, &gradient, [0, 1, 500, 77_777, vocab - 1], |s| {
        loss(s, &q, vocab, &[1.5])
    })
    .unwrap();
}

#[test]
fn targets_that_are_no_distributions_are_refused_with_row_and_sum() {
    let refuse = |change: fn(&mut [f64])| {
        let mut q = vec![0.25, 0.75, 0.5, 0.5];
        change(&mut q);
        found(&[0.0; 4], &q, 2, &[1.0; 2], DType::F64).map_err(|error| error.to_string())
    };
    assert_eq!(
        refuse(|q| q[3] = 0.25).unwrap_err(),
        "soft target in row 1: found a sum of 0.75 and a smallest value of 0.25, \
         expected values of 0 or more that sum to 1 within 0.0001"
    );
    let negative = refuse(|q| (q[0], q[1]) = (-0.5, 1.5)).unwrap_err();
    assert!(
        negative.starts_with("soft target in row 0: found a sum of 1 and a smallest value of -0.5"),
        "{negative}"
    );
    assert!(
        refuse(|q| q[2] = f64::NAN)
            .unwrap_err()
            .contains("row 1: found a sum of NaN")
    );
    assert!(refuse(|q| q[3] = 0.5 + 2e-4).is_err());
    assert!(refuse(|q| q[3] = 0.5 + 5e-5).is_ok());
}

#[test]
fn misfitting_targets_are_refused() {
    let wide = found(&[0.0; 4], &[0.5; 4], 2, &[1.0; 3], DType::F32).unwrap_err();
    assert_eq!(wide.to_string(), "row weights: found 3 rows, expected 2");
    let targets = SoftTargets {
        distributions: tensor(&[0.5; 4], 2, DType::F32),
        weights: &[1.0; 2],
    };
    let error = soft_target_gradient(tensor(&[0.0; 6], 3, DType::F32), &targets).unwrap_err();
    assert_eq!(
        error.to_string(),
        "soft targets: found shape [2, 2], expected [2, 3], that of the logits"
    );
}
