//! Captioners that read texts: their gradients against autodiff and finite differences, and what they learn.

use burn::tensor::{DType, Device, IndexingUpdateOp, Tensor, TensorData};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::{
    Att2inConfig, Captioner, CaptionerConfig, Dropout, Gradients, InputKind, LstmEncoderConfig,
    ModelError, Noise, OutputGradients, Signal, Source, SourceTokens, SourceVectors, Tape,
    TextDimensions, TextEncoderConfig, TransformerEncoderConfig, rows::index,
};

mod runs;

const DIMENSIONS: TextDimensions = TextDimensions {
    source_vocab: 9,
    vocab: 11,
};
const HIDDEN: usize = 6;
/// Texts of different lengths, the longest not the first.
const TEXTS: [&[u32]; 3] = [&[3, 1, 8], &[5], &[2, 7, 7, 4, 6]];
const TEXT_OF_TARGET: [usize; 5] = [0, 2, 1, 2, 0];
const INPUTS: [&[u32]; 5] = [&[0, 3, 9], &[0], &[0, 10, 10, 1], &[0, 7], &[0, 5]];
const ROWS: usize = 12;

fn captioners() -> Vec<CaptionerConfig> {
    let small = |inputs| Att2inConfig {
        hidden: HIDDEN,
        embedding: 4,
        attention_size: 3,
        inputs,
        dropout: 0.0,
    };
    let size = |key: &str, _| match key {
        "embedding" => 4,
        "attention_size" => 3,
        "layers" | "heads" => 2,
        _ => HIDDEN,
    };
    let others = [
        "fc",
        "show_tell",
        "att2all",
        "show_attend_tell",
        "up_down",
        "transformer",
    ];
    let others = others.map(|name| CaptionerConfig::of_sizes(name, 0.0, size).unwrap());
    let mut all = vec![
        CaptionerConfig::Att2in(small(InputKind::Relu)),
        CaptionerConfig::Att2in(small(InputKind::Linear)),
    ];
    all.extend(others);
    all
}

fn encoders() -> [TextEncoderConfig; 2] {
    [
        TextEncoderConfig::Lstm(LstmEncoderConfig {
            layers: 2,
            hidden: 4,
            embedding: 3,
        }),
        TextEncoderConfig::Transformer(TransformerEncoderConfig {
            layers: 2,
            hidden: 6,
            heads: 2,
            feed_forward: 7,
        }),
    ]
}

fn texts(texts: &[&[u32]]) -> SourceTokens {
    let counts = texts.iter().map(|text| text.len()).collect();
    SourceTokens::new(texts.concat(), counts).unwrap()
}

fn model(
    captioner: &CaptionerConfig,
    encoder: &TextEncoderConfig,
    place: (&Device, DType),
) -> Captioner {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    Captioner::init_with_encoder_as(captioner, encoder, DIMENSIONS, place, &mut rng).unwrap()
}

fn noise(rate: f64) -> Noise {
    Noise {
        dropout: (rate > 0.0).then(|| Dropout::new(rate, ChaCha8Rng::seed_from_u64(5))),
        locations: None,
    }
}

fn hidden_gradient(place: (&Device, DType)) -> Tensor<2> {
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let values: Vec<f64> = (0..ROWS * HIDDEN)
        .map(|_| rng.random_range(-1.0..1.0))
        .collect();
    Tensor::from_data(TensorData::new(values, [ROWS, HIDDEN]), place)
}

/// A run over [`INPUTS`] with dropout of a rate.
type Run = fn(&Captioner, f64) -> Tape;

fn forced(model: &Captioner, rate: f64) -> Tape {
    let tape = model.teacher_forced(texts(&TEXTS), &TEXT_OF_TARGET, &INPUTS, noise(rate));
    tape.unwrap()
}

/// `sum(hidden * d_hidden)` of the targets, and its gradients.
fn loss(model: &Captioner, d_hidden: &Tensor<2>, (run, rate): (Run, f64)) -> f64 {
    let hidden = run(model, rate).hidden().unwrap();
    (hidden * d_hidden.clone()).sum().into_scalar::<f64>()
}

fn gradients(model: &Captioner, d_hidden: &Tensor<2>, (run, rate): (Run, f64)) -> Gradients {
    let tape = run(model, rate);
    let (weight, bias) = model.output_layer().unwrap();
    let output = OutputGradients {
        hidden: d_hidden.clone(),
        weight: weight.zeros_like(),
        bias: bias.zeros_like(),
    };
    let signal = Signal::Words {
        output,
        location: None,
    };
    model.backward(tape, signal).unwrap().gradients
}

/// An element of a parameter, and the slope of the loss there.
struct Slope {
    parameter: String,
    element: usize,
    value: f64,
}

/// The slopes at some elements of every parameter, by finite differences.
fn slopes(model: &Captioner, d_hidden: &Tensor<2>, run: (Run, f64)) -> Vec<Slope> {
    let (device, dtype) = model.place();
    let step = 1e-5;
    let mut slopes = Vec::new();
    for parameter in model.parameters() {
        if parameter.name.starts_with("words.output") {
            continue;
        }
        let elements = parameter.values.dims()[0];
        for element in (0..elements).step_by(elements.div_ceil(4)) {
            let moved = |by: f64| {
                let changed = model.clone().update(|name, values| {
                    if name != parameter.name {
                        return values;
                    }
                    let one = Tensor::full([1], by, (&device, dtype));
                    let at = index(&[element], &device);
                    values.select_assign(0, at, one, IndexingUpdateOp::Add)
                });
                loss(&changed, d_hidden, run)
            };
            // Of fourth order: layer normalisation bends sharply where nearly all units of a row are dropped.
            let difference = |by: f64| (moved(by) - moved(-by)) / (2.0 * by);
            slopes.push(Slope {
                parameter: parameter.name.clone(),
                element,
                value: (4.0 * difference(step) - difference(2.0 * step)) / 3.0,
            });
        }
    }
    slopes
}

/// The largest error of gradients, relative to the largest element of each, and where it is.
fn largest_error(found: &Gradients, slopes: &[Slope]) -> (f64, String) {
    let mut largest = (0.0, String::new());
    for slope in slopes {
        let name = &slope.parameter;
        let gradient = found.get(name).expect(name).clone();
        let gradient: Vec<f64> = gradient.try_into_vec_as().unwrap();
        let scale = gradient.iter().fold(0.0f64, |m, g| m.max(g.abs()));
        assert!(scale > 1e-7, "{name}: {scale:e}");
        // Where a gradient is small all over, the rounding of the loss counts.
        let error = (gradient[slope.element] - slope.value).abs() / scale.max(1e-4);
        if error > largest.0 {
            largest = (error, format!("{name}[{}]", slope.element));
        }
    }
    largest
}

#[test]
fn gradients_equal_finite_differences_in_f64_through_captioner_and_encoder() {
    let place = (&Device::flex(), DType::F64);
    let d_hidden = hidden_gradient(place);
    for captioner in captioners() {
        for encoder in encoders() {
            for rate in [0.0, 0.4] {
                let run = (forced as Run, rate);
                let model = model(&captioner, &encoder, place);
                let found = gradients(&model, &d_hidden, run);
                let slopes = slopes(&model, &d_hidden, run);
                let (error, at) = largest_error(&found, &slopes);
                let name = (captioner.name(), encoder.name());
                assert!(
                    error < 2e-6,
                    "{name:?}, dropout {rate}, {at}: relative error {error:e}"
                );
                // The check has power.
                let wrong = found.map(|gradient| gradient.mul_scalar(1.0 + 1e-4));
                let (error, _) = largest_error(&wrong, &slopes);
                assert!(error > 5e-5, "{name:?}");
            }
        }
    }
}

#[test]
fn gradients_on_the_host_equal_those_of_tensor_operations_of_64_bits() {
    let device = Device::flex();
    for captioner in captioners() {
        for encoder in encoders() {
            let of = |dtype| {
                let place = (&device, dtype);
                let model = model(&captioner, &encoder, place);
                gradients(&model, &hidden_gradient(place), (forced, 0.4))
            };
            let (found, expected) = (of(DType::F32), of(DType::F64));
            for parameter in model(&captioner, &encoder, (&device, DType::F32)).parameters() {
                let name = &parameter.name;
                if name.starts_with("words.output") {
                    continue;
                }
                let values = |of: &Gradients| -> Vec<f64> {
                    of.get(name).unwrap().clone().try_into_vec_as().unwrap()
                };
                let (found, expected) = (values(&found), values(&expected));
                let scale = expected.iter().fold(1e-3f64, |m, g| m.max(g.abs()));
                for (found, expected) in found.iter().zip(&expected) {
                    let error = (found - expected).abs() / scale;
                    assert!(error < 2e-5, "{} {name}: {error:e}", captioner.name());
                }
            }
        }
    }
}

#[test]
fn a_text_has_the_same_vectors_whatever_texts_are_beside_it() {
    let place = (&Device::flex(), DType::F64);
    let fc = &captioners()[0];
    for encoder in encoders() {
        let model = model(fc, &encoder, place);
        let encoder = model.encoder.as_ref().unwrap();
        let vectors = |these: &[&[u32]]| -> Vec<f64> {
            let (vectors, _) = encoder.read(&texts(these), None).unwrap();
            vectors.vectors().try_into_vec_as().unwrap()
        };
        let together = vectors(&TEXTS);
        let alone = TEXTS.map(|text| vectors(&[text])).concat();
        for (a, b) in together.iter().zip(&alone) {
            assert!((a - b).abs() < 1e-12, "{a} {b}");
        }
        // Order counts.
        let turned: Vec<u32> = TEXTS[0].iter().rev().copied().collect();
        assert_ne!(vectors(&[TEXTS[0]]), vectors(&[&turned]));
    }
}

#[test]
fn attention_is_over_the_tokens_of_the_text() {
    let device = Device::flex();
    for captioner in captioners().iter().filter(|c| c.reads_regions()) {
        let model = model(captioner, &encoders()[0], (&device, DType::F32));
        let state = model.start(texts(&TEXTS), &[1, 2]).unwrap();
        let (weights, _) = model.attend(&[0, 0], state).unwrap();
        let weights: Vec<f32> = weights.try_into_vec_as().unwrap();
        let (first, second) = weights.split_at(weights.len() / 2);
        assert!((first[0] - 1.0).abs() < 1e-6, "one token: {first:?}");
        let sum: f32 = second.iter().sum();
        assert!((sum - 1.0).abs() < 1e-5 && second.iter().all(|&w| w > 0.0));
    }
}

#[test]
fn sources_of_another_kind_and_captioners_that_read_no_text_are_refused() {
    let device = Device::flex();
    let captioner = &captioners()[0];
    let model = model(captioner, &encoders()[0], (&device, DType::F32));
    let vectors = SourceVectors::pooled(Tensor::zeros([1, 8], &device));
    let error = model.start(vectors, &[0]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "found vectors to read, the captioner reads texts"
    );
    let error = model.start(texts(&[&[99]]), &[0]).unwrap_err();
    assert!(matches!(error, ModelError::WordOutOfRange { word: 99, .. }));
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let sources = crate::Dimensions {
        feature: 8,
        vocab: 11,
    };
    let of_sources = Captioner::init(captioner, sources, &device, &mut rng).unwrap();
    let error = of_sources.start(texts(&TEXTS), &[0]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "found texts to read, the captioner reads vectors"
    );
    let markov = CaptionerConfig::of_sizes("markov", 0.0, |_, size| size).unwrap();
    let error =
        Captioner::init_with_encoder(&markov, &encoders()[0], DIMENSIONS, &device, &mut rng);
    assert_eq!(
        error.unwrap_err().to_string(),
        "captioner `markov` does not read texts"
    );
    assert!(SourceTokens::new(vec![1, 2], vec![1]).is_err());
    assert!(SourceTokens::new(vec![1], vec![1, 0]).is_err());
}

#[test]
fn parameters_are_as_many_as_the_sizes_say() {
    for captioner in captioners() {
        for encoder in encoders() {
            let model = model(&captioner, &encoder, (&Device::flex(), DType::F32));
            let dimensions = crate::Dimensions {
                feature: encoder.width(),
                vocab: DIMENSIONS.vocab,
            };
            let found: usize = model.parameters().iter().map(|p| p.values.dims()[0]).sum();
            let expected = encoder.parameter_count(DIMENSIONS.source_vocab)
                + captioner.parameter_count(dimensions);
            assert_eq!(
                found as u128,
                expected,
                "{} {}",
                captioner.name(),
                encoder.name()
            );
        }
    }
}

/// Texts turned around are learnt by heart.
#[test]
fn eight_texts_are_turned_around_after_training() {
    let device = Device::flex();
    let pairs: Vec<Vec<u32>> = (0..8u32)
        .map(|n| (0..2 + n % 3).map(|k| 2 + (n * 5 + k * 3) % 7).collect())
        .collect();
    let sources: Vec<&[u32]> = pairs.iter().map(Vec::as_slice).collect();
    let targets: Vec<Vec<u32>> = pairs
        .iter()
        .map(|text| text.iter().rev().copied().chain([0]).collect())
        .collect();
    let inputs: Vec<Vec<u32>> = pairs
        .iter()
        .map(|text| [0].into_iter().chain(text.iter().rev().copied()).collect())
        .collect();
    let inputs: Vec<&[u32]> = inputs.iter().map(Vec::as_slice).collect();
    let of_target: Vec<usize> = (0..8).collect();
    let wide = |name| {
        let size = |key: &str, _| match key {
            "layers" => 1,
            "heads" => 2,
            _ => 32,
        };
        CaptionerConfig::of_sizes(name, 0.0, size).unwrap()
    };
    let encoders = [
        TextEncoderConfig::Lstm(LstmEncoderConfig {
            layers: 1,
            hidden: 16,
            embedding: 16,
        }),
        TextEncoderConfig::Transformer(TransformerEncoderConfig {
            layers: 1,
            hidden: 32,
            heads: 2,
            feed_forward: 32,
        }),
    ];
    for name in ["att2in", "show_attend_tell", "up_down", "transformer"] {
        for encoder in &encoders {
            let mut model = model(&wide(name), encoder, (&device, DType::F32));
            let mut moments = std::collections::BTreeMap::new();
            for step in 1..=250 {
                let source = Source::from(texts(&sources));
                let tape = model
                    .teacher_forced(source, &of_target, &inputs, noise(0.0))
                    .unwrap();
                let gradients = cross_entropy(&model, tape, &targets);
                model = adam(model, &gradients, &mut moments, step);
            }
            let mut state = model.start(texts(&sources), &of_target).unwrap();
            let mut words = vec![0u32; 8];
            let mut found = vec![Vec::new(); 8];
            for _ in 0..5 {
                let hidden;
                (hidden, state) = model.step(&words, state, None).unwrap();
                let best = model.logits(hidden).argmax(1);
                words = best.try_into_vec_as().unwrap();
                for (found, &word) in found.iter_mut().zip(&words) {
                    found.push(word);
                }
            }
            for (found, target) in found.iter().zip(&targets) {
                assert_eq!(&found[..target.len()], target, "{name} {}", encoder.name());
            }
        }
    }
}

/// The gradients of the summed cross-entropy of targets.
fn cross_entropy(model: &Captioner, tape: Tape, targets: &[Vec<u32>]) -> Gradients {
    let longest = targets.iter().map(Vec::len).max().unwrap();
    let packed = (0..longest).flat_map(|t| targets.iter().filter_map(move |target| target.get(t)));
    let packed: Vec<usize> = packed.map(|&word| word as usize).collect();
    let hidden = tape.hidden().unwrap();
    let (weight, bias) = model.output_layer().unwrap();
    let logits = hidden.clone().matmul(weight.clone()) + bias;
    let [rows, vocab] = logits.dims();
    let p = burn::tensor::activation::softmax(logits, 1);
    let mut one_hot = vec![0.0f32; rows * vocab];
    for (row, word) in packed.iter().enumerate() {
        one_hot[row * vocab + word] = 1.0;
    }
    let d = p - Tensor::from_data(TensorData::new(one_hot, [rows, vocab]), &hidden.device());
    let output = OutputGradients {
        hidden: d.clone().matmul(weight.transpose()),
        weight: hidden.transpose().matmul(d.clone()),
        bias: d.sum_dim(0),
    };
    let signal = Signal::Words {
        output,
        location: None,
    };
    model.backward(tape, signal).unwrap().gradients
}

type Moments = std::collections::BTreeMap<String, (Tensor<1>, Tensor<1>)>;

fn adam(model: Captioner, gradients: &Gradients, moments: &mut Moments, step: i32) -> Captioner {
    model.update(|name, values| {
        let Some(gradient) = gradients.get(name) else {
            return values;
        };
        let zeros = || (gradient.zeros_like(), gradient.zeros_like());
        let (m, v) = moments.remove(name).unwrap_or_else(zeros);
        let m = m.mul_scalar(0.9) + gradient.clone().mul_scalar(0.1);
        let v = v.mul_scalar(0.99) + gradient.clone().square().mul_scalar(0.01);
        let rate = 0.01 * (1.0 - 0.99f64.powi(step)).sqrt() / (1.0 - 0.9f64.powi(step));
        let change = m.clone() / v.clone().sqrt().add_scalar(1e-8);
        moments.insert(name.to_owned(), (m, v));
        values - change.mul_scalar(rate)
    })
}
