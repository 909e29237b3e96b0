//! Hard attention against differences of what it maximises, and against the enumeration of all attention paths.

use burn::tensor::{IndexingUpdateOp, TensorData, activation::log_softmax};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::{
    Gradients, Locations, Noise, OutputGradients, parameters, recurrent, rows::index, tape::Tape,
    update_parameters,
};

const DIMENSIONS: Dimensions = Dimensions {
    feature: 4,
    vocab: 5,
};
/// Regions of the two images.
const REGIONS: [usize; 2] = [3, 2];
/// Input words and the words that follow, one caption an image.
const INPUTS: [&[u32]; 2] = [&[0, 3], &[0, 2, 4]];
const TARGETS: [&[u32]; 2] = [&[3, 0], &[2, 4, 0]];
/// In packed order: both first words, both second words, the third word of caption 1.
const PACKED: [(usize, usize); 5] = [(0, 0), (1, 0), (0, 1), (1, 1), (1, 2)];

fn place() -> (Device, DType) {
    (Device::flex(), DType::F64)
}

fn model() -> ShowAttendTellCaptioner {
    let config = ShowAttendTellConfig {
        attention: AttentionKind::Hard,
        hidden: 4,
        embedding: 3,
        attention_size: 3,
        dropout: 0.0,
    };
    let (device, dtype) = place();
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let model = ShowAttendTellCaptioner::init(&config, DIMENSIONS, (&device, dtype), &mut rng);
    // Weights of attention that differ.
    update_parameters(model, |name, values| {
        values.mul_scalar(if name.contains("score") { 8.0 } else { 2.0 })
    })
}

fn random(shape: [usize; 2], seed: u64) -> Tensor<2> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let count = shape[0] * shape[1];
    let values: Vec<f64> = (0..count).map(|_| rng.random_range(-1.0..1.0)).collect();
    let (device, dtype) = place();
    Tensor::from_data(TensorData::new(values, shape), (&device, dtype))
}

/// A run that looks at these regions, in packed order.
fn run(model: &ShowAttendTellCaptioner, path: &[usize]) -> Tape {
    let vectors = random([5, DIMENSIONS.feature], 2);
    let features = SourceVectors::regions(vectors, REGIONS.to_vec()).unwrap();
    let noise = Noise {
        dropout: None,
        locations: Some(Locations::given(path.iter().copied())),
    };
    recurrent::teacher_forced(model, features, &[0, 1], &INPUTS, noise).unwrap()
}

/// The weights of attention of all rows, packed.
fn weights(tape: &Tape) -> Vec<Vec<f64>> {
    let steps = tape.steps.iter();
    steps
        .flat_map(|step| {
            let weights = step.core.attention.as_ref().unwrap().weights.clone();
            let longest = weights.dims()[1];
            let values: Vec<f64> = weights.try_into_vec_as().unwrap();
            values
                .chunks(longest)
                .map(<[f64]>::to_vec)
                .collect::<Vec<_>>()
        })
        .collect()
}

/// `log p(w)` of all rows, packed, and the gradient of their negative sum at the logits.
fn words(model: &ShowAttendTellCaptioner, tape: &Tape) -> (Vec<f64>, Tensor<2>) {
    let hidden = tape.hidden().unwrap();
    let logits = hidden.matmul(model.words.output_weight.val()) + model.words.output_bias.val();
    let log_p = log_softmax(logits, 1);
    let values: Vec<f64> = log_p.clone().try_into_vec_as().unwrap();
    let word = |&(n, t): &(usize, usize)| TARGETS[n][t] as usize;
    let of_rows = PACKED.iter().enumerate();
    let of_words = of_rows.map(|(row, at)| values[row * DIMENSIONS.vocab + word(at)]);
    let mut one_hot = vec![0.0; values.len()];
    for (row, at) in PACKED.iter().enumerate() {
        one_hot[row * DIMENSIONS.vocab + word(at)] = 1.0;
    }
    let (device, dtype) = place();
    let shape = [PACKED.len(), DIMENSIONS.vocab];
    let one_hot = Tensor::<2>::from_data(TensorData::new(one_hot, shape), (&device, dtype));
    (of_words.collect(), log_p.exp() - one_hot)
}

/// All gradients of one run as one list.
fn gradient(
    model: &ShowAttendTellCaptioner,
    path: &[usize],
    d_logits: Option<Tensor<2>>,
    signal: LocationSignal<'_>,
) -> Vec<f64> {
    let tape = run(model, path);
    let g = d_logits.unwrap_or_else(|| words(model, &tape).1);
    let hidden = tape.hidden().unwrap();
    let output = OutputGradients {
        hidden: g
            .clone()
            .matmul(model.words.output_weight.val().transpose()),
        weight: hidden.transpose().matmul(g.clone()),
        bias: g.sum_dim(0),
    };
    let mut gradients = Gradients::default();
    let mut hand_out = |_, group| gradients.merge(group);
    let (rest, _) = recurrent::backward(model, tape, output, Some(signal), &mut hand_out).unwrap();
    gradients.merge(rest);
    let all = parameters(model).into_iter();
    all.flat_map(|parameter| {
        let gradient = gradients.get(&parameter.name).unwrap().clone();
        gradient.try_into_vec_as::<f64>().unwrap()
    })
    .collect()
}

/// Some elements of `gradient` against central differences of `loss`.
fn assert_slopes(
    model: &ShowAttendTellCaptioner,
    gradient: &[f64],
    loss: impl Fn(&ShowAttendTellCaptioner) -> f64,
) {
    let scale = gradient.iter().fold(0.0f64, |m, g| m.max(g.abs()));
    assert!(scale > 1e-2, "the gradient is not trivially zero");
    let (device, dtype) = place();
    let mut first = 0;
    for parameter in parameters(model) {
        let elements = parameter.values.dims()[0];
        for k in (0..elements).step_by(elements.div_ceil(8)) {
            let moved = |by: f64| {
                loss(&update_parameters(model.clone(), |name, values| {
                    if name != parameter.name {
                        return values;
                    }
                    let one = Tensor::full([1], by, (&device, dtype));
                    values.select_assign(0, index(&[k], &device), one, IndexingUpdateOp::Add)
                }))
            };
            let expected = (moved(1e-5) - moved(-1e-5)) / 2e-5;
            let error = (gradient[first + k] - expected).abs() / scale;
            let name = &parameter.name;
            assert!(
                error < 1e-6,
                "{name}[{k}]: {} {expected}",
                gradient[first + k]
            );
        }
        first += elements;
    }
}

#[test]
fn gradient_of_a_path_is_that_of_words_location_and_entropy() {
    let model = model();
    let path = [2, 1, 0, 0, 1];
    let a = [0.7f32, -1.2, 0.4, 0.9, -0.3];
    let signal = LocationSignal {
        weights: &a,
        entropy: 0.3,
    };
    let found = gradient(&model, &path, None, signal);
    assert_slopes(&model, &found, |model| {
        let tape = run(model, &path);
        let (log_p, _) = words(model, &tape);
        let alpha = weights(&tape);
        let of_rows = alpha.iter().zip(path).zip(a).map(|((alpha, region), a)| {
            let log = |x: f64| if x > 0.0 { x.ln() } else { 0.0 };
            let entropy: f64 = alpha.iter().map(|&x| -x * log(x)).sum();
            -f64::from(a) * log(alpha[region]) - 0.3 * entropy
        });
        of_rows.sum::<f64>() - log_p.iter().sum::<f64>()
    });
}

/// All paths: regions of image 0 at rows 0 and 2, of image 1 at rows 1, 3 and 4.
fn paths() -> Vec<Vec<usize>> {
    let mut paths = vec![vec![]];
    for (source, _) in PACKED {
        let longer = paths.iter().flat_map(|path: &Vec<usize>| {
            (0..REGIONS[source]).map(move |region| [path.as_slice(), &[region]].concat())
        });
        paths = longer.collect();
    }
    paths
}

#[test]
fn mean_over_all_paths_is_the_exact_gradient_of_the_variational_bound() {
    let model = model();
    let paths = paths();
    assert_eq!(paths.len(), 3 * 3 * 2 * 2 * 2);
    // Probability of a path, and log p of the words of every caption along it.
    let of_path = |model: &ShowAttendTellCaptioner, path: &[usize]| {
        let tape = run(model, path);
        let alpha = weights(&tape);
        let p: f64 = alpha
            .iter()
            .zip(path)
            .map(|(alpha, &region)| alpha[region])
            .product();
        let mut log_p = [0.0; 2];
        for ((n, _), value) in PACKED.iter().zip(words(model, &tape).0) {
            log_p[*n] += value;
        }
        (p, log_p)
    };
    let total: f64 = paths.iter().map(|path| of_path(&model, path).0).sum();
    assert!((total - 1.0).abs() < 1e-9, "{total}");

    // Any baseline that does not depend on the path.
    for baseline in [0.0, -3.7] {
        let mut mean: Vec<f64> = Vec::new();
        for path in &paths {
            let (p, log_p) = of_path(&model, path);
            let a = PACKED.map(|(n, _)| (log_p[n] - baseline) as f32);
            let signal = LocationSignal {
                weights: &a,
                entropy: 0.0,
            };
            let found = gradient(&model, path, None, signal);
            mean.resize(found.len(), 0.0);
            mean.iter_mut().zip(found).for_each(|(m, g)| *m += p * g);
        }
        // The weights of rows are 32-bit numbers, hence no more than six digits.
        assert_slopes(&model, &mean, |model| {
            let bound = paths.iter().map(|path| {
                let (p, log_p) = of_path(model, path);
                p * (log_p[0] + log_p[1])
            });
            -bound.sum::<f64>()
        });
    }
}

#[test]
fn gradients_are_finite_when_a_weight_underflows() {
    let model = update_parameters(model(), |name, values| {
        values.mul_scalar(if name.contains("score") { 1e4 } else { 1.0 })
    });
    let a = [1.0f32; 5];
    let signal = LocationSignal {
        weights: &a,
        entropy: 1.0,
    };
    let alpha = weights(&run(&model, &[0; 5]));
    assert!(alpha.iter().any(|row| row[..2].contains(&0.0)), "{alpha:?}");
    for path in [[0; 5], [1; 5]] {
        let found = gradient(&model, &path, None, signal);
        assert!(found.iter().all(|g| g.is_finite()));
    }
}
