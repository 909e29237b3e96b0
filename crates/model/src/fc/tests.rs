//! The hand-written backward pass against autodiff and finite differences, and teacher forcing
//! against single steps.

use burn::tensor::{Distribution, TensorData};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::{parameters, update_parameters};

const DIMENSIONS: Dimensions = Dimensions {
    feature: 6,
    vocab: 11,
};
const IMAGE_OF_CAPTION: [usize; 5] = [0, 0, 1, 2, 2];
/// Input words: captions of different lengths, so that rows leave at different steps.
const INPUTS: [&[u32]; 5] = [
    &[0, 3, 9, 2],
    &[0],
    &[0, 10, 10, 1, 4, 3],
    &[0, 7],
    &[0, 5, 2, 8],
];
const ROWS: usize = 17;

fn model(device: &Device, dtype: DType) -> FcCaptioner {
    let config = FcConfig {
        hidden: 5,
        embedding: 4,
        dropout: 0.0,
    };
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    FcCaptioner::init(&config, DIMENSIONS, (device, dtype), &mut rng)
}

fn random(shape: [usize; 2], seed: u64, place: (&Device, DType)) -> Tensor<2> {
    use rand::RngExt;
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let values: Vec<f64> = (0..shape[0] * shape[1])
        .map(|_| rng.random_range(-1.0..1.0))
        .collect();
    Tensor::from_data(TensorData::new(values, shape), place)
}

fn dropout() -> Dropout {
    Dropout::new(0.4, ChaCha8Rng::seed_from_u64(5))
}

fn run(model: &FcCaptioner, dropout: Option<Dropout>) -> Tape {
    let device = model.device();
    let dtype = model.embedding.val().dtype();
    let features = random([3, DIMENSIONS.feature], 2, (&device, dtype));
    model
        .teacher_forced(features, &IMAGE_OF_CAPTION, &INPUTS, dropout)
        .unwrap()
}

/// Gradients of `sum(hidden * d_hidden)`.
fn closed_form(model: &FcCaptioner, dropout: Option<Dropout>, d_hidden: Tensor<2>) -> Gradients {
    let tape = run(model, dropout);
    let (weight, bias) = model.output_layer();
    model
        .backward(tape, d_hidden, weight.zeros_like(), bias.zeros_like())
        .unwrap()
}

fn largest(tensor: Tensor<1>) -> f64 {
    tensor.abs().max().into_scalar::<f64>()
}

#[test]
fn backward_equals_autodiff_of_the_same_run() {
    for dropout in [None, Some(dropout())] {
        let plain = Device::flex();
        let d_hidden = random([ROWS, 5], 3, (&plain, DType::F32));
        let found = closed_form(
            &model(&plain, DType::F32),
            dropout.clone(),
            d_hidden.clone(),
        );

        let device = Device::flex().autodiff();
        let tracked = model(&device, DType::F32);
        let hidden = run(&tracked, dropout).hidden().unwrap();
        let loss = (hidden * Tensor::from_inner(d_hidden)).sum();
        let expected = loss.backward();
        for (name, parameter) in [
            ("embedding", &tracked.embedding),
            ("image_weight", &tracked.image_weight),
            ("image_bias", &tracked.image_bias),
            ("input_weight", &tracked.input_weight),
            ("recurrent_weight", &tracked.recurrent_weight),
            ("gate_bias", &tracked.gate_bias),
        ] {
            let expected = parameter.val().grad(&expected).unwrap().reshape([-1]);
            let scale = largest(expected.clone());
            assert!(scale > 1e-3, "{name}: the oracle is not trivially zero");
            let difference = largest(found.get(name).unwrap().clone() - expected);
            assert!(
                difference < 1e-5 * scale,
                "{name}: {difference:e} of {scale:e}"
            );
        }
    }
}

#[test]
fn backward_equals_finite_differences_in_f64() {
    let place = (&Device::flex(), DType::F64);
    let d_hidden = random([ROWS, 5], 3, place);
    let model = model(place.0, DType::F64);
    let gradients = closed_form(&model, Some(dropout()), d_hidden.clone());
    let loss = |model: &FcCaptioner| {
        let hidden = run(model, Some(dropout())).hidden().unwrap();
        (hidden * d_hidden.clone()).sum().into_scalar::<f64>()
    };
    let step = 1e-5;
    for parameter in parameters(&model) {
        if parameter.name.starts_with("output") {
            continue;
        }
        let elements = parameter.values.dims()[0];
        let gradient: Vec<f64> = gradients
            .get(&parameter.name)
            .unwrap()
            .clone()
            .try_into_vec_as()
            .unwrap();
        let scale = gradient.iter().fold(0.0f64, |m, g| m.max(g.abs()));
        for k in (0..elements).step_by(elements.div_ceil(12)) {
            let moved = |by: f64| {
                loss(&update_parameters(model.clone(), |name, values| {
                    if name != parameter.name {
                        return values;
                    }
                    let one = Tensor::full([1], by, (place.0, DType::F64));
                    let at = index(&[k], place.0);
                    values.select_assign(0, at, one, IndexingUpdateOp::Add)
                }))
            };
            let expected = (moved(step) - moved(-step)) / (2.0 * step);
            let error = (gradient[k] - expected).abs() / scale;
            assert!(
                error < 1e-6,
                "{}[{k}]: relative error {error:e}",
                parameter.name
            );
        }
    }
}

#[test]
#[expect(
    clippy::needless_range_loop,
    reason = "a timestep, not an index of captions"
)]
fn single_steps_equal_teacher_forcing() {
    let device = Device::flex();
    let model = model(&device, DType::F32);
    let expected = run(&model, None).hidden().unwrap();

    let features = random([3, DIMENSIONS.feature], 2, (&device, DType::F32));
    let (mut state, mut tape) = model.start(features, &IMAGE_OF_CAPTION, None).unwrap();
    let mut open: Vec<usize> = (0..INPUTS.len()).collect();
    for t in 0..6 {
        let rows: Vec<usize> = (0..open.len())
            .filter(|&k| INPUTS[open[k]].len() > t)
            .collect();
        if rows.len() < open.len() {
            // Two selections in a row must compose.
            state = state
                .select(&rows)
                .select(&(0..rows.len()).collect::<Vec<_>>());
            tape.keep(&rows);
            tape.keep(&(0..rows.len()).collect::<Vec<_>>());
            open = rows.iter().map(|&k| open[k]).collect();
        }
        let words: Vec<u32> = open.iter().map(|&n| INPUTS[n][t]).collect();
        (_, state) = model.step(&words, state, Some(&mut tape)).unwrap();
    }
    let found = tape.hidden().unwrap();
    assert_eq!(found.dims(), [ROWS, 5]);
    assert!(largest((found - expected).reshape([-1])) < 1e-6);

    let d_hidden = random([ROWS, 5], 3, (&device, DType::F32));
    let (weight, bias) = model.output_layer();
    let found = model
        .backward(
            tape,
            d_hidden.clone(),
            weight.zeros_like(),
            bias.zeros_like(),
        )
        .unwrap();
    let expected = closed_form(&model, None, d_hidden);
    for parameter in parameters(&model) {
        let name = &parameter.name;
        let difference = found.get(name).unwrap().clone() - expected.get(name).unwrap().clone();
        assert!(largest(difference) < 1e-5, "{name}");
    }
}

#[test]
fn every_parameter_gets_a_gradient() {
    let device = Device::flex();
    let model = model(&device, DType::F32);
    let d_hidden = Tensor::random([ROWS, 5], Distribution::Uniform(-1.0, 1.0), &device);
    let gradients = closed_form(&model, None, d_hidden);
    for parameter in parameters(&model) {
        let gradient = gradients.get(&parameter.name).unwrap();
        assert_eq!(
            gradient.dims(),
            parameter.values.dims(),
            "{}",
            parameter.name
        );
    }
}

#[test]
fn misfitting_input_is_refused() {
    let device = Device::flex();
    let model = model(&device, DType::F32);
    let place = (&device, DType::F32);
    let message = |result: Result<Tape, ModelError>| result.unwrap_err().to_string();
    let wrong = random([3, 7], 2, place);
    let right = random([3, 6], 2, place);
    assert_eq!(
        message(model.teacher_forced(wrong, &IMAGE_OF_CAPTION, &INPUTS, None)),
        "features have 7 dimensions, the captioner was built for 6"
    );
    assert_eq!(
        message(model.teacher_forced(right.clone(), &[3], &[&[0]], None)),
        "image of a caption, counted from 0: found 3, expected 2"
    );
    assert_eq!(
        message(model.teacher_forced(right.clone(), &[0], &[&[0, 11]], None)),
        "word id 11 is outside the vocabulary of 11 words"
    );
    assert_eq!(
        message(model.teacher_forced(right, &[0, 1], &[&[0]], None)),
        "captions: found 1, expected 2"
    );
}
