//! Distillation against finite differences, autodiff and the limits that its source names.

use burn::tensor::{DType, activation::log_softmax};

use super::*;
use crate::gradient_check::{
    assert_close, assert_rows_sum_to_zero, autodiff, check_coordinates, check_gradient,
    log_softmax as log_softmax_of_slices, one_hot, random_logits, softmax as softmax_of_slices,
    tensor, tensor_on, values,
};

const ROWS: usize = 3;
const VOCAB: usize = 6;
const WORDS: [u32; ROWS] = [0, 5, 2];
const WEIGHTS: [f32; ROWS] = [1.0, -0.75, 2.5];
const TARGETS: RowTargets<'_> = RowTargets {
    words: &WORDS,
    weights: &WEIGHTS,
};
const HALF: Distillation = Distillation {
    weight: 0.5,
    temperature: 2.0,
    label_smoothing: 0.0,
};

fn logits(seed: u64) -> Vec<f64> {
    random_logits(ROWS * VOCAB, seed)
}

fn divided(values: &[f64], by: f32) -> Vec<f64> {
    values.iter().map(|v| v / f64::from(by)).collect()
}

/// The textbook definition, weighted and summed.
fn loss(s: &[f64], v: &[f64], options: &Distillation) -> f64 {
    loss_of(s, v, VOCAB, &TARGETS, options)
}

fn loss_of(
    s: &[f64],
    v: &[f64],
    vocab: usize,
    targets: &RowTargets<'_>,
    options: &Distillation,
) -> f64 {
    let (share, temperature) = (f64::from(options.weight), f64::from(options.temperature));
    let y = one_hot(targets.words, vocab);
    let log_p = log_softmax_of_slices(s, vocab);
    let q = softmax_of_slices(&divided(v, options.temperature), vocab);
    let soft_log_p = log_softmax_of_slices(&divided(s, options.temperature), vocab);
    let term = |k: usize| {
        let soft = -q[k] * soft_log_p[k] * temperature * temperature;
        let gold = -y[k] * log_p[k];
        f64::from(targets.weights[k / vocab]) * ((1.0 - share) * gold + share * soft)
    };
    (0..s.len()).map(term).sum()
}

fn found(s: &[f64], v: &[f64], options: &Distillation, dtype: DType) -> SoftmaxGradient {
    let (s, v) = (tensor(s, VOCAB, dtype), tensor(v, VOCAB, dtype));
    distillation_gradient(s, v, &TARGETS, options).unwrap()
}

fn gradient(s: &[f64], v: &[f64], options: &Distillation) -> Vec<f64> {
    values(found(s, v, options, DType::F64).gradient)
}

#[test]
fn gradient_equals_finite_differences_in_f64() {
    let (s, v) = (logits(1), logits(2));
    for (weight, temperature) in [(0.5, 2.0), (1.0, 1.0), (0.25, 4.0), (0.75, 0.5)] {
        let options = Distillation {
            weight,
            temperature,
            ..HALF
        };
        let gradient = gradient(&s, &v, &options);
        check_gradient(&s, &gradient, |s| loss(s, &v, &options)).unwrap();
        assert_rows_sum_to_zero(&gradient, VOCAB);
    }
}

#[test]
fn finite_difference_check_fails_when_the_temperature_is_not_scaled_back() {
    let (s, v) = (logits(1), logits(2));
    let options = Distillation {
        weight: 1.0,
        ..HALF
    };
    // The gradient of the cross-entropy alone, without its factor T^2: (softmax(s/T) - q) / T.
    let slip: Vec<f64> = gradient(&s, &v, &options).iter().map(|g| g / 4.0).collect();
    assert!(check_gradient(&s, &slip, |s| loss(s, &v, &options)).is_err());
}

#[test]
fn gradient_equals_autodiff_of_the_textbook_definition() {
    let (s, v) = (logits(3), logits(4));
    let expected = autodiff(&s, VOCAB, |logits, device| {
        let constant = |values: &[f64]| tensor_on(values, VOCAB, DType::F64, device);
        let gold = constant(&one_hot(&WORDS, VOCAB)) * log_softmax(logits.clone(), 1);
        let q = softmax(constant(&v).div_scalar(2.0), 1);
        let soft = q * log_softmax(logits.div_scalar(2.0), 1);
        let mixed = gold.mul_scalar(0.5) + soft.mul_scalar(0.5 * 4.0);
        (mixed * column_of(&WEIGHTS, device, DType::F64))
            .sum()
            .neg()
    });
    assert_close(&gradient(&s, &v, &HALF), &expected, 1e-13);
    let on_host = found(&s, &v, &HALF, DType::F32);
    assert_close(&values(on_host.gradient), &expected, 1e-6);
}

#[test]
fn loss_equals_the_textbook_definition() {
    let (s, v) = (logits(5), logits(6));
    let losses = values(found(&s, &v, &HALF, DType::F64).loss);
    let sum: f64 = losses
        .iter()
        .zip(WEIGHTS)
        .map(|(l, a)| l * f64::from(a))
        .sum();
    assert!((sum - loss(&s, &v, &HALF)).abs() < 1e-12, "{sum}");
}

#[test]
fn teacher_without_weight_leaves_smoothed_cross_entropy() {
    let (s, v) = (logits(7), logits(8));
    let options = Distillation {
        weight: 0.0,
        label_smoothing: 0.125,
        ..HALF
    };
    let expected = softmax_gradient(tensor(&s, VOCAB, DType::F64), &TARGETS, 0.125).unwrap();
    let expected = values(expected.gradient);
    assert_close(&gradient(&s, &v, &options), &expected, 1e-14);
}

#[test]
fn student_that_is_its_teacher_up_to_a_shift_is_left_alone() {
    let s = logits(9);
    let shifted: Vec<f64> = s.iter().map(|s| s + 5.0).collect();
    let options = Distillation {
        weight: 1.0,
        ..HALF
    };
    let gradient = gradient(&s, &shifted, &options);
    assert!(gradient.iter().all(|g| g.abs() < 1e-14), "{gradient:?}");
}

#[test]
fn high_temperatures_match_logits() {
    // Hinton, Vinyals, Dean 2015, eq. 4: T^2 dL/ds goes to (s - v) / V for logits with mean 0.
    let centred = |seed| -> Vec<f64> {
        let rows = logits(seed);
        let centre = |row: &[f64]| -> Vec<f64> {
            let mean = row.iter().sum::<f64>() / VOCAB as f64;
            row.iter().map(|v| v - mean).collect()
        };
        rows.chunks(VOCAB).flat_map(centre).collect()
    };
    let (s, v) = (centred(10), centred(11));
    let options = Distillation {
        weight: 1.0,
        temperature: 1e4,
        ..HALF
    };
    let expected: Vec<f64> = (0..s.len())
        .map(|k| f64::from(WEIGHTS[k / VOCAB]) * (s[k] - v[k]) / VOCAB as f64)
        .collect();
    assert_close(&gradient(&s, &v, &options), &expected, 1e-3);
}

#[test]
fn everything_is_finite_when_logits_are_huge() {
    let (mut s, mut v) = (logits(12), logits(13));
    (s[0], s[1], s[VOCAB], v[1], v[VOCAB]) = (1e4, -1e4, -1e4, 1e4, 1e4);
    for dtype in [DType::F32, DType::F64] {
        let found = found(&s, &v, &HALF, dtype);
        for found in [found.gradient, found.loss] {
            let found = values(found);
            assert!(found.iter().all(|x| x.is_finite()), "{found:?}");
        }
    }
}

#[test]
fn gradient_is_right_when_the_vocabulary_has_one_word_or_a_hundred_thousand() {
    let targets = RowTargets {
        words: &[0],
        weights: &[1.5],
    };
    let single = || tensor(&[3.7], 1, DType::F32);
    let found = distillation_gradient(single(), single(), &targets, &HALF).unwrap();
    assert_eq!(values(found.gradient), [0.0]);

    let vocab = 100_000;
    let (mut s, mut v) = (random_logits(vocab, 14), random_logits(vocab, 15));
    // Words that count among so many.
    s[500] += 14.0;
    v[500] += 13.0;
    v[77_777] += 14.0;
    let rows = |values: &[f64]| tensor(values, vocab, DType::F64);
    let found = distillation_gradient(rows(&s), rows(&v), &targets, &HALF).unwrap();
    let gradient = values(found.gradient);
    check_coordinates(&s, &gradient, [0, 1, 500, 77_777, vocab - 1], |s| {
        loss_of(s, &v, vocab, &targets, &HALF)
    })
    .unwrap();
}

#[test]
fn misfitting_arguments_are_refused() {
    let refuse = |vocab, options: Distillation| {
        let (s, v) = (
            tensor(&logits(1), VOCAB, DType::F32),
            tensor(&logits(2), vocab, DType::F32),
        );
        distillation_gradient(s, v, &TARGETS, &options)
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        refuse(3, HALF),
        "logits of the teacher: found shape [6, 3], expected [3, 6], that of the logits"
    );
    let weight = Distillation {
        weight: 1.5,
        ..HALF
    };
    assert_eq!(
        refuse(VOCAB, weight),
        "weight of the teacher: found 1.5, expected a number from 0 to 1"
    );
    for temperature in [0.0, -1.0, f32::NAN, f32::INFINITY] {
        let options = Distillation {
            temperature,
            ..HALF
        };
        let message = refuse(VOCAB, options);
        assert!(message.starts_with("temperature: found"), "{message}");
    }
}
