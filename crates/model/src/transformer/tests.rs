//! The cache under a search, dropout of rollouts, and positions.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;

const HIDDEN: usize = 8;
const REGIONS: [usize; 2] = [3, 1];
const INPUTS: [&[u32]; 3] = [&[0, 3, 9, 2], &[0, 7], &[0, 5, 2]];
const SOURCE_OF_SEQUENCE: [usize; 3] = [0, 1, 0];

fn random(shape: [usize; 2], seed: u64) -> Tensor<2> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let values = (0..shape[0] * shape[1]).map(|_| rng.random_range(-1.0f32..1.0));
    let data = TensorData::new(values.collect::<Vec<f32>>(), shape);
    Tensor::from_data(data, &Device::flex())
}

fn model() -> TransformerCaptioner {
    let config = TransformerConfig {
        hidden: HIDDEN,
        layers: 2,
        heads: 2,
        feed_forward: 16,
        dropout: 0.0,
    };
    let dimensions = Dimensions {
        feature: 5,
        vocab: 11,
    };
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    TransformerCaptioner::init(&config, dimensions, (&Device::flex(), DType::F32), &mut rng)
}

fn features() -> SourceVectors {
    SourceVectors::regions(random([4, 5], 2), REGIONS.to_vec()).unwrap()
}

fn dropout() -> Dropout {
    Dropout::new(0.3, ChaCha8Rng::seed_from_u64(3))
}

fn largest_difference<const D: usize>(a: Tensor<D>, b: Tensor<D>) -> f64 {
    assert_eq!(a.dims(), b.dims());
    (a - b).abs().max().into_scalar::<f64>()
}

#[test]
fn rollout_leaves_the_tape_of_teacher_forcing_when_units_are_dropped() {
    let model = model();
    let whole = model
        .teacher_forced(features(), &SOURCE_OF_SEQUENCE, &INPUTS, Some(dropout()))
        .unwrap();
    let (mut state, mut tape) = model
        .start(features(), &SOURCE_OF_SEQUENCE, Some(dropout()))
        .unwrap();
    let mut open: Vec<usize> = (0..INPUTS.len()).collect();
    let steps = time_first(&INPUTS, &SOURCE_OF_SEQUENCE).unwrap();
    for (t, captions) in steps.iter().enumerate() {
        let row = |n| open.iter().position(|k| k == n).unwrap();
        let rows: Vec<usize> = captions.iter().map(row).collect();
        state = state.select(&rows);
        open.clone_from(captions);
        let words: Vec<u32> = captions.iter().map(|&n| INPUTS[n][t]).collect();
        (_, state) = model
            .step(Words::Known(&words), state, Some(&mut tape))
            .unwrap();
    }
    let plain = model
        .teacher_forced(features(), &SOURCE_OF_SEQUENCE, &INPUTS, None)
        .unwrap();
    let hidden = [&whole, &tape, &plain].map(|tape| tape.hidden().unwrap());
    let [expected, found, plain] = hidden;
    assert!(largest_difference(expected.clone(), plain) > 0.1);
    assert!(largest_difference(expected, found) < 1e-5);

    let [expected, found] = [whole, tape].map(|tape| {
        let (weight, bias) = model.output_layer();
        let hidden = random([9, HIDDEN], 4);
        let output = OutputGradients {
            hidden,
            weight,
            bias,
        };
        let mut gradients = Gradients::default();
        let mut hand_out = |_, group| gradients.merge(group);
        let (rest, _) = model.backward(tape, output, &mut hand_out).unwrap();
        gradients.merge(rest);
        gradients
    });
    for parameter in crate::parameters(&model) {
        let [expected, found] = [&expected, &found].map(|g| g.get(&parameter.name).unwrap());
        let difference = largest_difference(expected.clone(), found.clone());
        assert!(difference < 1e-5, "{}: {difference:e}", parameter.name);
    }
}

#[test]
fn captions_keep_their_words_when_a_search_moves_and_copies_them() {
    let model = model();
    let (state, _) = model.start(features(), &[0, 1], None).unwrap();
    let (_, state) = model.step(Words::Known(&[0, 0]), state, None).unwrap();
    let state = state.select(&[1, 0, 1]);
    let (_, state) = model.step(Words::Known(&[4, 5, 6]), state, None).unwrap();
    let state = state.select(&[2, 1, 1, 0]);
    let (found, _) = model
        .step(Words::Known(&[7, 8, 9, 10]), state, None)
        .unwrap();
    let captions: [(usize, [u32; 3]); 4] = [
        (1, [0, 6, 7]),
        (0, [0, 5, 8]),
        (0, [0, 5, 9]),
        (1, [0, 4, 10]),
    ];
    for (row, (source, words)) in captions.iter().enumerate() {
        let tape = model
            .teacher_forced(features(), &[*source], &[words], None)
            .unwrap();
        let expected = tape.hidden().unwrap().narrow(0, 2, 1);
        let found = found.clone().narrow(0, row, 1);
        assert!(largest_difference(expected, found) < 1e-5, "row {row}");
    }
}

#[test]
fn step_is_refused_when_the_tape_is_of_another_run() {
    let model = model();
    let (state, _) = model.start(features(), &[0], None).unwrap();
    let mut other = model
        .teacher_forced(features(), &[0], &[&[0, 3]], None)
        .unwrap();
    let error = model
        .step(Words::Known(&[0]), state, Some(&mut other))
        .unwrap_err();
    assert_eq!(error.to_string(), "rows of the tape: found 2, expected 0");
}

#[test]
fn positions_are_told_apart_by_their_distance_alone() {
    let table = positions(20, HIDDEN, &random([1, 1], 5));
    let products: Vec<f64> = table
        .clone()
        .matmul(table.transpose())
        .try_into_vec_as()
        .unwrap();
    let product = |a: usize, b: usize| products[a * 20 + b];
    // Pairs of sine and cosine turn by an angle that is proportional to the distance.
    let expected = |distance: usize| -> f64 {
        let angle = |pair: i32| distance as f64 / 10f64.powi(pair);
        (0..4).map(|pair| angle(pair).cos()).sum()
    };
    for (a, b) in [(0, 0), (3, 3), (0, 1), (11, 12), (2, 9), (12, 19), (19, 0)] {
        assert!(
            (product(a, b) - expected(b.abs_diff(a))).abs() < 1e-5,
            "{a} {b}"
        );
    }
}
