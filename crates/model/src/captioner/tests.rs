//! Every captioner's hand-written backward pass against autodiff and finite differences, and teacher forcing against
//! single steps.

use burn::tensor::{Distribution, IndexingUpdateOp, TensorData, activation::log_softmax};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::{
    Att2allConfig, Att2inConfig, AttentionKind, CandidateKind, Dropout, FcConfig, Gradients,
    InputKind, OutputGradients, ShowAttendTellConfig, ShowTellConfig, TransformerConfig,
    UpDownConfig, autodiff, rows::index,
};

mod precision;
mod textbook;

const DIMENSIONS: Dimensions = Dimensions {
    feature: 6,
    vocab: 11,
};
pub(super) const HIDDEN: usize = 6;
const SOURCE_OF_SEQUENCE: [usize; 5] = [0, 0, 1, 2, 2];
/// Regions of the images, where the captioner reads regions.
const REGIONS: [usize; 3] = [4, 2, 3];
/// Input words: captions of different lengths, so that rows leave at different steps.
const INPUTS: [&[u32]; 5] = [
    &[0, 3, 9, 2],
    &[0],
    &[0, 10, 10, 1, 4, 3],
    &[0, 7],
    &[0, 5, 2, 8],
];
const ROWS: usize = 17;

pub(super) fn configs() -> [CaptionerConfig; 9] {
    [
        CaptionerConfig::Fc(FcConfig {
            hidden: HIDDEN,
            embedding: 4,
            dropout: 0.0,
            ..FcConfig::default()
        }),
        CaptionerConfig::Fc(FcConfig {
            hidden: HIDDEN,
            embedding: 4,
            candidate: CandidateKind::Maxout,
            word_input: InputKind::Linear,
            dropout: 0.0,
        }),
        CaptionerConfig::ShowTell(ShowTellConfig {
            hidden: HIDDEN,
            embedding: 4,
            dropout: 0.0,
        }),
        CaptionerConfig::Att2in(Att2inConfig {
            hidden: HIDDEN,
            embedding: 4,
            attention_size: 3,
            dropout: 0.0,
            ..Att2inConfig::default()
        }),
        CaptionerConfig::Att2in(Att2inConfig {
            hidden: HIDDEN,
            embedding: 4,
            attention_size: 3,
            inputs: InputKind::Linear,
            dropout: 0.0,
        }),
        CaptionerConfig::Att2all(Att2allConfig {
            hidden: HIDDEN,
            embedding: 4,
            attention_size: 3,
            dropout: 0.0,
        }),
        CaptionerConfig::ShowAttendTell(ShowAttendTellConfig {
            attention: AttentionKind::Soft,
            hidden: HIDDEN,
            embedding: 4,
            attention_size: 3,
            dropout: 0.0,
        }),
        CaptionerConfig::UpDown(UpDownConfig {
            hidden: HIDDEN,
            embedding: 4,
            attention_size: 3,
            dropout: 0.0,
        }),
        CaptionerConfig::Transformer(TransformerConfig {
            hidden: HIDDEN,
            layers: 2,
            heads: 2,
            feed_forward: 9,
            dropout: 0.0,
        }),
    ]
}

pub(super) fn model(config: &CaptionerConfig, device: &Device, dtype: DType) -> Captioner {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    Captioner::init_as(config, DIMENSIONS, (device, dtype), &mut rng).unwrap()
}

fn random(shape: [usize; 2], seed: u64, place: (&Device, DType)) -> Tensor<2> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let values: Vec<f64> = (0..shape[0] * shape[1])
        .map(|_| rng.random_range(-1.0..1.0))
        .collect();
    Tensor::from_data(TensorData::new(values, shape), place)
}

fn features(config: &CaptionerConfig, device: &Device, dtype: DType) -> SourceVectors {
    let vectors = |rows| random([rows, DIMENSIONS.feature], 2, (device, dtype));
    if config.reads_regions() {
        SourceVectors::regions(vectors(REGIONS.iter().sum()), REGIONS.to_vec()).unwrap()
    } else {
        SourceVectors::pooled(vectors(REGIONS.len()))
    }
}

fn dropout() -> Dropout {
    Dropout::new(0.4, ChaCha8Rng::seed_from_u64(5))
}

fn run(config: &CaptionerConfig, model: &Captioner, dropout: Option<Dropout>) -> Tape {
    let (device, dtype) = model.place();
    let features = features(config, &device, dtype);
    let noise = noise(dropout);
    model
        .teacher_forced(features, &SOURCE_OF_SEQUENCE, &INPUTS, noise)
        .unwrap()
}

fn noise(dropout: Option<Dropout>) -> Noise {
    Noise {
        dropout,
        locations: None,
    }
}

fn output(model: &Captioner, hidden: &Tensor<2>) -> OutputGradients {
    let (weight, bias) = model.output_layer().unwrap();
    OutputGradients {
        hidden: hidden.clone(),
        weight: weight.zeros_like(),
        bias: bias.zeros_like(),
    }
}

fn backward(model: &Captioner, tape: Tape, output: OutputGradients) -> Gradients {
    let location = None;
    let signal = Signal::Words { output, location };
    model.backward(tape, signal).unwrap().gradients
}

/// Gradients of `sum(hidden * d_hidden)`.
fn closed_form(
    config: &CaptionerConfig,
    model: &Captioner,
    dropout: Option<Dropout>,
    d_hidden: &Tensor<2>,
) -> Gradients {
    let tape = run(config, model, dropout);
    backward(model, tape, output(model, d_hidden))
}

fn largest(tensor: Tensor<1>) -> f64 {
    tensor.abs().max().into_scalar::<f64>()
}

#[test]
fn backward_equals_autodiff_of_the_same_run() {
    for config in configs() {
        for dropout in [None, Some(dropout())] {
            let plain = Device::flex();
            let d_hidden = random([ROWS, HIDDEN], 3, (&plain, DType::F32));
            let model_here = model(&config, &plain, DType::F32);
            let found = closed_form(&config, &model_here, dropout.clone(), &d_hidden);

            let device = Device::flex().autodiff();
            let tracked = model(&config, &device, DType::F32);
            let hidden = run(&config, &tracked, dropout).hidden().unwrap();
            let loss = (hidden * Tensor::from_inner(d_hidden)).sum();
            let gradients = loss.backward();
            let oracle = match &tracked.kind {
                Kind::Fc(model) => autodiff::of_module(model, &gradients),
                Kind::Att2in(model) => autodiff::of_module(model, &gradients),
                Kind::ShowAttendTell(model) => autodiff::of_module(model, &gradients),
                Kind::Markov(model) => autodiff::of_module(&**model, &gradients),
                Kind::Transformer(model) => autodiff::of_module(&**model, &gradients),
                Kind::UpDown(model) => autodiff::of_module(&**model, &gradients),
                Kind::Custom(_) => unreachable!("it has tests of its own"),
            };
            for (name, expected) in oracle {
                if name.starts_with("words.output") {
                    continue;
                }
                let expected = expected.unwrap();
                let scale = largest(expected.clone());
                assert!(scale > 1e-4, "{name}: the oracle is not trivially zero");
                let difference = largest(found.get(&name).unwrap().clone() - expected);
                // Where terms cancel, their sum keeps their rounding.
                assert!(
                    difference < 1e-5 * scale.max(1e-3),
                    "{} {name}: {difference:e} of {scale:e}",
                    config.name()
                );
            }
        }
    }
}

#[test]
fn backward_equals_finite_differences_in_f64() {
    let place = (&Device::flex(), DType::F64);
    let d_hidden = random([ROWS, HIDDEN], 3, place);
    for config in configs() {
        let model = model(&config, place.0, DType::F64);
        let gradients = closed_form(&config, &model, Some(dropout()), &d_hidden);
        let loss = |model: &Captioner| {
            let hidden = run(&config, model, Some(dropout())).hidden().unwrap();
            (hidden * d_hidden.clone()).sum().into_scalar::<f64>()
        };
        let step = 1e-5;
        for parameter in model.parameters() {
            if parameter.name.starts_with("words.output") {
                continue;
            }
            let elements = parameter.values.dims()[0];
            let gradient = gradients.get(&parameter.name).unwrap().clone();
            let gradient: Vec<f64> = gradient.try_into_vec_as().unwrap();
            let scale = gradient.iter().fold(0.0f64, |m, g| m.max(g.abs()));
            for k in (0..elements).step_by(elements.div_ceil(12)) {
                let moved = |by: f64| {
                    loss(&model.clone().update(|name, values| {
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
                    "{} {}[{k}]: relative error {error:e}",
                    config.name(),
                    parameter.name
                );
            }
        }
    }
}

#[test]
fn gradients_that_are_handed_out_early_are_complete_and_come_in_groups_of_their_own() {
    let device = Device::flex();
    for config in configs() {
        let model = model(&config, &device, DType::F32);
        let d_hidden = random([ROWS, HIDDEN], 3, (&device, DType::F32));
        let mut all = closed_form(&config, &model, None, &d_hidden);
        let tape = run(&config, &model, None);
        let signal = Signal::Words {
            output: output(&model, &d_hidden),
            location: None,
        };
        let mut groups: Vec<Gradients> = Vec::new();
        let rest = model.backward_in_groups(tape, signal, &mut |group, gradients| {
            assert_eq!(group, groups.len(), "{}", config.name());
            groups.push(gradients);
        });
        assert_eq!(groups.len(), model.early_groups(), "{}", config.name());
        groups.push(rest.unwrap().gradients);
        for mut group in groups {
            let names: Vec<String> = group.lengths().map(|(name, _)| name.to_owned()).collect();
            assert!(!names.is_empty(), "{}", config.name());
            for name in names {
                let [found, expected] = [&mut group, &mut all].map(|gradients| {
                    let gradient = gradients.remove(&name).expect("a name comes once");
                    gradient.try_into_vec_as::<f32>().unwrap()
                });
                assert_eq!(found, expected, "{} {name}", config.name());
            }
        }
        assert_eq!(all.lengths().count(), 0, "{}", config.name());
    }
}

/// A recorded run of single steps over [`INPUTS`].
#[expect(
    clippy::needless_range_loop,
    reason = "a timestep, not an index of captions"
)]
fn run_by_steps(config: &CaptionerConfig, model: &Captioner) -> Tape {
    let features = features(config, &model.device(), DType::F32);
    let (mut state, mut tape) = model
        .start_tape(features, &SOURCE_OF_SEQUENCE, Noise::default())
        .unwrap();
    let mut open: Vec<usize> = (0..INPUTS.len()).collect();
    for t in 0..6 {
        let rows: Vec<usize> = (0..open.len())
            .filter(|&k| INPUTS[open[k]].len() > t)
            .collect();
        if rows.len() < open.len() {
            // Two selections in a row must compose.
            let all: Vec<usize> = (0..rows.len()).collect();
            state = state.select(&rows).select(&all);
            tape.keep(&rows);
            tape.keep(&all);
            open = rows.iter().map(|&k| open[k]).collect();
        }
        let words: Vec<u32> = open.iter().map(|&n| INPUTS[n][t]).collect();
        (_, state) = model.step(&words, state, Some(&mut tape)).unwrap();
    }
    tape
}

#[test]
fn single_steps_equal_teacher_forcing() {
    let device = Device::flex();
    for config in configs() {
        let model = model(&config, &device, DType::F32);
        let log_p = |hidden: Tensor<2>| log_softmax(model.logits(hidden), 1);
        let expected = log_p(run(&config, &model, None).hidden().unwrap());
        let tape = run_by_steps(&config, &model);
        let found = log_p(tape.hidden().unwrap());
        assert_eq!(found.dims(), [ROWS, DIMENSIONS.vocab]);
        assert!(largest((found - expected).reshape([-1])) < 1e-5);

        let d_hidden = random([ROWS, HIDDEN], 3, (&device, DType::F32));
        let found = backward(&model, tape, output(&model, &d_hidden));
        let expected = closed_form(&config, &model, None, &d_hidden);
        for parameter in model.parameters() {
            let name = &parameter.name;
            let difference = found.get(name).unwrap().clone() - expected.get(name).unwrap().clone();
            assert!(largest(difference) < 1e-5, "{} {name}", config.name());
        }
    }
}

#[test]
fn captions_do_not_depend_on_other_sources_when_these_have_more_regions() {
    let read_regions = configs().into_iter().filter(CaptionerConfig::reads_regions);
    let in_both =
        read_regions.flat_map(|config| [DType::F32, DType::F64].map(|d| (config.clone(), d)));
    for (config, dtype) in in_both {
        let device = Device::flex();
        let model = model(&config, &device, dtype);
        let together = features(&config, &device, dtype);
        let tape = |features, sources: &[usize], inputs: &[&[u32]]| {
            let tape = model
                .teacher_forced(features, sources, inputs, Noise::default())
                .unwrap();
            tape.hidden().unwrap()
        };
        // Image 1 has 2 regions, after the 4 of image 0.
        let own = together.vectors().narrow(0, 4, 2);
        let alone = SourceVectors::regions(own, vec![2]).unwrap();
        let expected = tape(alone, &[0], &[&[0, 3, 9]]);
        let found = tape(together, &[0, 1, 2], &[&[], &[0, 3, 9], &[]]);
        assert!(largest((found - expected).reshape([-1])) < 1e-6);
    }
}

#[test]
fn every_parameter_gets_a_gradient() {
    let device = Device::flex();
    for config in configs() {
        let model = model(&config, &device, DType::F32);
        let d_hidden = Tensor::random([ROWS, HIDDEN], Distribution::Uniform(-1.0, 1.0), &device);
        let gradients = closed_form(&config, &model, None, &d_hidden);
        for parameter in model.parameters() {
            let gradient = gradients.get(&parameter.name).unwrap();
            let dims = parameter.values.dims();
            assert_eq!(gradient.dims(), dims, "{}", parameter.name);
        }
    }
}

#[test]
fn eight_captions_are_learnt_by_heart() {
    let captions: [[u32; 4]; 8] = [
        [3, 4, 5, 0],
        [3, 5, 4, 0],
        [6, 6, 7, 0],
        [4, 8, 9, 0],
        [10, 2, 3, 0],
        [2, 2, 2, 0],
        [9, 8, 7, 0],
        [5, 10, 6, 0],
    ];
    let inputs = captions.map(|[a, b, c, _]| [0, a, b, c]);
    let inputs: Vec<&[u32]> = inputs.iter().map(<[u32; 4]>::as_slice).collect();
    let targets: Vec<i64> = (0..4)
        .flat_map(|t| captions.iter().map(move |words| i64::from(words[t])))
        .collect();
    let device = Device::flex();
    let (sources, regions) = (8, 3);
    for mut config in configs() {
        match &mut config {
            CaptionerConfig::Fc(config) => config.hidden = 32,
            CaptionerConfig::ShowTell(config) => config.hidden = 32,
            CaptionerConfig::Att2in(config) => config.hidden = 32,
            CaptionerConfig::Att2all(config) => config.hidden = 32,
            CaptionerConfig::ShowAttendTell(config) => config.hidden = 32,
            CaptionerConfig::Markov(config) => config.hidden = 32,
            CaptionerConfig::Transformer(config) => {
                (config.hidden, config.feed_forward) = (32, 64);
            }
            CaptionerConfig::UpDown(config) => config.hidden = 32,
            CaptionerConfig::Custom(_) => unreachable!("it has tests of its own"),
        }
        let place = (&device, DType::F32);
        let features = if config.reads_regions() {
            let vectors = random([sources * regions, DIMENSIONS.feature], 4, place);
            SourceVectors::regions(vectors, vec![regions; sources]).unwrap()
        } else {
            SourceVectors::pooled(random([sources, DIMENSIONS.feature], 4, place))
        };
        let source_of_sequence: Vec<usize> = (0..sources).collect();
        let mut model = model(&config, &device, DType::F32);
        let target = TensorData::new(targets.clone(), [32, 1]);
        let target = Tensor::<2, burn::tensor::Int>::from_data(target, &device);
        let one_hot = Tensor::<2>::zeros([32, DIMENSIONS.vocab], &device).scatter(
            1,
            target,
            Tensor::ones([32, 1], &device),
            IndexingUpdateOp::Add,
        );
        let mut loss = f64::INFINITY;
        for _ in 0..400 {
            let tape = model
                .teacher_forced(
                    features.clone(),
                    &source_of_sequence,
                    &inputs,
                    Noise::default(),
                )
                .unwrap();
            let hidden = tape.hidden().unwrap();
            let log_p = log_softmax(model.logits(hidden.clone()), 1);
            let cross_entropy = (log_p.clone() * one_hot.clone()).sum().neg();
            loss = cross_entropy.into_scalar::<f64>() / 32.0;
            let g = log_p.exp() - one_hot.clone();
            let (weight, _) = model.output_layer().unwrap();
            let output = OutputGradients {
                hidden: g.clone().matmul(weight.transpose()),
                weight: hidden.transpose().matmul(g.clone()),
                bias: g.sum_dim(0),
            };
            let gradients = backward(&model, tape, output);
            model = model.update(|name, values| {
                let gradient = gradients.get(name).unwrap().clone();
                values - gradient.mul_scalar(0.03).clamp(-0.03, 0.03)
            });
        }
        assert!(loss < 0.05, "{}: {loss}", config.name());
    }
}

#[test]
fn misfitting_input_is_refused() {
    let device = Device::flex();
    let [fc, _, _, att2in, _, _, _, up_down, _] =
        configs().map(|config| model(&config, &device, DType::F32));
    let vectors = |rows, columns| random([rows, columns], 2, (&device, DType::F32));
    let message = |features, sources: &[usize], inputs: &[&[u32]]| {
        let result = fc.teacher_forced(features, sources, inputs, Noise::default());
        result.unwrap_err().to_string()
    };
    let wrong = SourceVectors::pooled(vectors(3, 7));
    let right = || SourceVectors::pooled(vectors(3, 6));
    assert_eq!(
        message(wrong, &SOURCE_OF_SEQUENCE, &INPUTS),
        "features have 7 dimensions, the captioner was built for 6"
    );
    assert_eq!(
        message(right(), &[3], &[&[0]]),
        "image of a caption, counted from 0: found 3, expected 2"
    );
    assert_eq!(
        message(right(), &[0], &[&[0, 11]]),
        "word id 11 is outside the vocabulary of 11 words"
    );
    assert_eq!(
        message(right(), &[0, 1], &[&[0]]),
        "captions: found 1, expected 2"
    );
    let regions = SourceVectors::regions(vectors(3, 6), vec![2, 1]).unwrap();
    assert_eq!(
        message(regions, &[0], &[&[0]]),
        "feature vectors of an image: found 2, expected 1"
    );
    let short = SourceVectors::regions(vectors(3, 6), vec![2, 2]);
    assert_eq!(
        short.unwrap_err().to_string(),
        "vectors of regions: found 3, expected 4"
    );
    let none = SourceVectors::regions(vectors(3, 6), vec![3, 0]);
    assert!(none.is_err());
    for (one, other) in [(&fc, &att2in), (&fc, &up_down), (&up_down, &att2in)] {
        let state = one.start(right(), &[0]).unwrap();
        let error = other.step(&[0], state.clone(), None).unwrap_err();
        assert_eq!(error, ModelError::OtherCaptioner);
        let error = other.attend(&[0], state).unwrap_err();
        assert_eq!(error, ModelError::OtherCaptioner);
    }
}

#[test]
fn attention_follows_its_regions_wherever_they_stand() {
    let place = (&Device::flex(), DType::F32);
    let rows = random([4, DIMENSIONS.feature], 2, place);
    for config in configs() {
        let model = model(&config, place.0, place.1);
        let weights = |order: &[usize]| -> Result<Vec<Vec<f32>>, ModelError> {
            let vectors = rows.clone().select(0, index(order, place.0));
            let features = if config.reads_regions() {
                SourceVectors::regions(vectors, vec![order.len()])?
            } else {
                SourceVectors::pooled(vectors.narrow(0, 0, 1))
            };
            let mut state = model.start(features, &[0])?;
            let mut steps = Vec::new();
            for word in [0, 3, 9, 2] {
                let (weights, next) = model.attend(&[word], state)?;
                steps.push(weights.try_into_vec_as().unwrap());
                state = next;
            }
            Ok(steps)
        };
        if !config.reads_regions() {
            assert_eq!(weights(&[0]), Err(ModelError::NoAttention));
            continue;
        }
        let order = [2, 0, 3, 1];
        let (given, moved) = (weights(&[0, 1, 2, 3]).unwrap(), weights(&order).unwrap());
        assert_ne!(given[0], given[3], "the words before count");
        for (given, moved) in given.iter().zip(moved) {
            assert!((given.iter().sum::<f32>() - 1.0).abs() < 1e-6);
            for (k, &region) in order.iter().enumerate() {
                assert!((moved[k] - given[region]).abs() < 1e-6, "{}", config.name());
            }
        }
        // Equal regions are looked at equally.
        for weight in weights(&[1, 1, 1]).unwrap().concat() {
            assert!((weight - 1.0 / 3.0).abs() < 1e-6);
        }
    }
}
