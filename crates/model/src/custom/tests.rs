//! Captioners as another crate would write them: one that is the FC captioner once more, against its backward pass by
//! hand, and one that attends to regions, against finite differences.

use burn::tensor::{
    DType, Device, IndexingUpdateOp, Tensor, TensorData,
    activation::{relu, sigmoid, softmax},
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::{
    Captioner, CaptionerConfig, Dimensions, Dropout, FcConfig, Gradients, LstmEncoderConfig,
    ModelError, Noise, OutputGradients, Signal, SourceTokens, SourceVectors, Tape, TextDimensions,
    TextEncoderConfig, rows::index,
};

const DIMENSIONS: Dimensions = Dimensions {
    feature: 6,
    vocab: 11,
};
const HIDDEN: usize = 5;
const EMBEDDING: usize = 4;
const SOURCE_OF_SEQUENCE: [usize; 3] = [1, 0, 1];
const INPUTS: [&[u32]; 3] = [&[0, 3, 9, 2], &[0], &[0, 10, 4]];
const ROWS: usize = 8;

/// The FC captioner.
#[derive(Debug)]
struct Fc;

impl Fc {
    fn cell(
        weights: &Weights,
        x: Tensor<2>,
        state: &[Tensor<2>],
    ) -> Result<[Tensor<2>; 2], ModelError> {
        let gates = x.matmul(weights.get("words.input_weight")?)
            + state[0].clone().matmul(weights.get("recurrent_weight")?)
            + weights.get("words.gate_bias")?;
        let gate = |k: usize| gates.clone().narrow(1, k * HIDDEN, HIDDEN);
        let c = sigmoid(gate(1)) * state[1].clone() + sigmoid(gate(0)) * gate(3).tanh();
        Ok([sigmoid(gate(2)) * c.clone().tanh(), c])
    }
}

impl CustomCaptioner for Fc {
    fn hidden(&self) -> usize {
        HIDDEN
    }

    fn parameters(&self, Dimensions { feature, vocab }: Dimensions) -> Vec<CustomParameter> {
        let gates = 4 * HIDDEN;
        vec![
            CustomParameter::embedding("words.embedding", [vocab, EMBEDDING]),
            CustomParameter::linear("words.input_weight", [EMBEDDING, gates]),
            CustomParameter::bias("words.gate_bias", gates),
            CustomParameter::linear("image_weight", [feature, EMBEDDING]),
            CustomParameter::bias("image_bias", EMBEDDING),
            CustomParameter::linear("recurrent_weight", [HIDDEN, gates]),
        ]
    }

    fn start(
        &self,
        weights: &Weights,
        sources: &SourceVectors,
        _: Units<'_>,
    ) -> Result<Vec<Tensor<2>>, ModelError> {
        let vectors = sources.vectors();
        let place = (&vectors.device(), vectors.dtype());
        let zeros = Tensor::zeros([sources.sources(), HIDDEN], place);
        let x = vectors.matmul(weights.get("image_weight")?) + weights.get("image_bias")?;
        Ok(Self::cell(weights, x, &[zeros.clone(), zeros])?.into())
    }

    fn step(
        &self,
        weights: &Weights,
        words: &[u32],
        state: Vec<Tensor<2>>,
        mut units: Units<'_>,
    ) -> Result<(Tensor<2>, Vec<Tensor<2>>), ModelError> {
        let x = units.drop(relu(weights.embed("words.embedding", words)?));
        let [h, c] = Self::cell(weights, x, &state)?;
        Ok((units.drop(h.clone()), vec![h, c]))
    }
}

/// Attends to regions with the last output, and to nothing else.
#[derive(Debug)]
struct Attentive;

impl CustomCaptioner for Attentive {
    fn hidden(&self) -> usize {
        HIDDEN
    }

    fn reads_regions(&self) -> bool {
        true
    }

    fn parameters(&self, Dimensions { feature, vocab }: Dimensions) -> Vec<CustomParameter> {
        vec![
            CustomParameter::embedding("embedding", [vocab, HIDDEN]),
            CustomParameter::linear("values", [feature, HIDDEN]),
            CustomParameter::linear("query", [HIDDEN, HIDDEN]),
        ]
    }

    fn start(
        &self,
        weights: &Weights,
        sources: &SourceVectors,
        _: Units<'_>,
    ) -> Result<Vec<Tensor<2>>, ModelError> {
        let (vectors, is_there) = sources.padded();
        let [count, longest, feature] = vectors.dims();
        let rows = vectors.reshape([count * longest, feature]);
        let values = rows.matmul(weights.get("values")?);
        let h = Tensor::zeros([count, HIDDEN], (&values.device(), values.dtype()));
        Ok(vec![h, values.reshape([count, longest * HIDDEN]), is_there])
    }

    fn step(
        &self,
        weights: &Weights,
        words: &[u32],
        state: Vec<Tensor<2>>,
        _: Units<'_>,
    ) -> Result<(Tensor<2>, Vec<Tensor<2>>), ModelError> {
        let [h, values, is_there] = <[Tensor<2>; 3]>::try_from(state).unwrap();
        let [rows, longest] = is_there.dims();
        let regions = values.clone().reshape([rows, longest, HIDDEN]);
        let query = h.matmul(weights.get("query")?).reshape([rows, HIDDEN, 1]);
        let scores = regions.clone().matmul(query).reshape([rows, longest]);
        let attention = softmax(scores + (is_there.clone() - 1.0) * 1e9, 1);
        let seen = attention.reshape([rows, 1, longest]).matmul(regions);
        let seen = seen.reshape([rows, HIDDEN]);
        let h = (seen + weights.embed("embedding", words)?).tanh();
        Ok((h.clone(), vec![h, values, is_there]))
    }
}

fn config(name: &str) -> CaptionerConfig {
    let mut registry = CaptionerRegistry::default();
    registry.register("fc", |_| Ok(Fc));
    registry.register("attentive", |_| Ok(Attentive));
    let mut config = CaptionerConfig::Custom(CustomConfig::new(name));
    registry.resolve(&mut config).unwrap();
    config
}

fn model(config: &CaptionerConfig, dtype: DType) -> Captioner {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    Captioner::init_as(config, DIMENSIONS, (&Device::flex(), dtype), &mut rng).unwrap()
}

fn random(shape: [usize; 2], seed: u64, dtype: DType) -> Tensor<2> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let draw = |_| rng.random_range(-1.0..1.0);
    let values: Vec<f64> = (0..shape[0] * shape[1]).map(draw).collect();
    Tensor::from_data(TensorData::new(values, shape), (&Device::flex(), dtype))
}

fn pooled(dtype: DType) -> SourceVectors {
    SourceVectors::pooled(random([2, DIMENSIONS.feature], 2, dtype))
}

fn noise(dropout: f64) -> Noise {
    Noise {
        dropout: Some(Dropout::new(dropout, ChaCha8Rng::seed_from_u64(5))),
        locations: None,
    }
}

/// A recorded run of single steps over [`INPUTS`].
#[expect(
    clippy::needless_range_loop,
    reason = "a timestep, not an index of captions"
)]
fn run_by_steps(model: &Captioner, features: SourceVectors, dropout: f64) -> Tape {
    let started = model.start_tape(features, &SOURCE_OF_SEQUENCE, noise(dropout));
    let (mut state, mut tape) = started.unwrap();
    let mut open: Vec<usize> = (0..INPUTS.len()).collect();
    for t in 0..4 {
        let goes_on = |&k: &usize| INPUTS[open[k]].len() > t;
        let rows: Vec<usize> = (0..open.len()).filter(goes_on).collect();
        state = state.select(&rows);
        tape.keep(&rows);
        open = rows.iter().map(|&k| open[k]).collect();
        let words: Vec<u32> = open.iter().map(|&n| INPUTS[n][t]).collect();
        (_, state) = model.step(&words, state, Some(&mut tape)).unwrap();
    }
    tape
}

fn backward(model: &Captioner, tape: Tape, d_hidden: &Tensor<2>) -> Gradients {
    let (weight, bias) = model.output_layer().unwrap();
    let output = OutputGradients {
        hidden: d_hidden.clone(),
        weight: weight.ones_like(),
        bias: bias.ones_like(),
    };
    let location = None;
    let signal = Signal::Words { output, location };
    model.backward(tape, signal).unwrap().gradients
}

fn largest(tensor: Tensor<1>) -> f64 {
    tensor.abs().max().into_scalar::<f64>()
}

#[test]
fn the_same_network_has_the_same_outputs_and_gradients_as_by_hand() {
    let by_hand = CaptionerConfig::Fc(FcConfig {
        hidden: HIDDEN,
        embedding: EMBEDDING,
        ..FcConfig::default()
    });
    let by_hand = model(&by_hand, DType::F32);
    let mut own = model(&config("fc"), DType::F32);
    let values = by_hand.parameters();
    own = own.update(|name, _| {
        let same = values.iter().find(|parameter| parameter.name == name);
        same.unwrap().values.clone()
    });
    assert_eq!(own.parameters().len(), values.len());
    assert_eq!(own.dimensions(), DIMENSIONS);
    let d_hidden = random([ROWS, HIDDEN], 3, DType::F32);
    for dropout in [0.0, 0.4] {
        let tapes = [&by_hand, &own].map(|model| run_by_steps(model, pooled(DType::F32), dropout));
        let [expected, found] = tapes.each_ref().map(|tape| tape.hidden().unwrap());
        assert!(largest((found - expected).reshape([-1])) < 1e-6);
        let [of_hand, of_own] = tapes;
        let expected = backward(&by_hand, of_hand, &d_hidden);
        let found = backward(&own, of_own, &d_hidden);
        for parameter in &values {
            let name = &parameter.name;
            let expected = expected.get(name).unwrap().clone();
            assert!(largest(expected.clone()) > 1e-3, "{name}");
            let difference = largest(found.get(name).unwrap().clone() - expected);
            assert!(difference < 1e-5, "{name}: {difference:e}");
        }
    }
    // Without dropout whole captions are the same as single steps, and decoding as both.
    let whole = own
        .teacher_forced(
            pooled(DType::F32),
            &SOURCE_OF_SEQUENCE,
            &INPUTS,
            Noise::default(),
        )
        .unwrap();
    let steps = run_by_steps(&own, pooled(DType::F32), 0.0);
    let [whole, steps] = [whole, steps].map(|tape| tape.hidden().unwrap());
    assert_eq!(largest((whole.clone() - steps).reshape([-1])), 0.0);
    let state = own.start(pooled(DType::F32), &SOURCE_OF_SEQUENCE).unwrap();
    let (first, _) = own.step(&[0, 0, 0], state, None).unwrap();
    let first = first - whole.narrow(0, 0, 3);
    assert_eq!(largest(first.reshape([-1])), 0.0);
}

#[test]
fn attention_to_regions_has_the_gradients_of_finite_differences() {
    let config = config("attentive");
    assert!(config.reads_regions());
    let features = || {
        let vectors = random([5, DIMENSIONS.feature], 2, DType::F64);
        SourceVectors::regions(vectors, vec![2, 3]).unwrap()
    };
    let model = model(&config, DType::F64);
    let d_hidden = random([ROWS, HIDDEN], 3, DType::F64);
    let gradients = backward(&model, run_by_steps(&model, features(), 0.0), &d_hidden);
    let loss = |model: &Captioner| {
        let hidden = run_by_steps(model, features(), 0.0).hidden().unwrap();
        (hidden * d_hidden.clone()).sum().into_scalar::<f64>()
    };
    for parameter in model.parameters() {
        let name = &parameter.name;
        if name.starts_with("words.output") {
            continue;
        }
        let gradient: Vec<f64> = gradients
            .get(name)
            .unwrap()
            .clone()
            .try_into_vec_as()
            .unwrap();
        assert!(gradient.iter().any(|g| g.abs() > 1e-2), "{name}");
        for k in (0..gradient.len()).step_by(7) {
            let moved = |by: f64| {
                loss(&model.clone().update(|changed, values| {
                    if changed != name {
                        return values;
                    }
                    let device = values.device();
                    let one = Tensor::full([1], by, (&device, DType::F64));
                    values.select_assign(0, index(&[k], &device), one, IndexingUpdateOp::Add)
                }))
            };
            let expected = (moved(1e-5) - moved(-1e-5)) / 2e-5;
            let error = (gradient[k] - expected).abs();
            assert!(error < 1e-7, "{name}[{k}]: {} {expected}", gradient[k]);
        }
    }
}

/// A captioner of another crate behind an encoder of texts, and a run of it.
fn of_texts(name: &str) -> Result<Captioner, ModelError> {
    let encoder = TextEncoderConfig::Lstm(LstmEncoderConfig {
        layers: 1,
        hidden: 3,
        embedding: 4,
    });
    let dimensions = TextDimensions {
        source_vocab: 9,
        vocab: DIMENSIONS.vocab,
    };
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let place = (&Device::flex(), DType::F64);
    Captioner::init_with_encoder_as(&config(name), &encoder, dimensions, place, &mut rng)
}

fn run_of_texts(model: &Captioner) -> Tape {
    let texts = SourceTokens::new(vec![3, 1, 8, 5, 2], vec![2, 3]).unwrap();
    model
        .teacher_forced(texts, &SOURCE_OF_SEQUENCE, &INPUTS, noise(0.3))
        .unwrap()
}

#[test]
fn texts_have_the_gradients_of_finite_differences() {
    for name in ["fc", "attentive"] {
        let model = of_texts(name).unwrap();
        let d_hidden = random([ROWS, HIDDEN], 3, DType::F64);
        let gradients = backward(&model, run_of_texts(&model), &d_hidden);
        let loss = |model: &Captioner| {
            let hidden = run_of_texts(model).hidden().unwrap();
            (hidden * d_hidden.clone()).sum().into_scalar::<f64>()
        };
        for parameter in model.parameters() {
            let name = &parameter.name;
            if name.starts_with("words.output") {
                continue;
            }
            let gradient = gradients.get(name).expect(name).clone();
            let gradient: Vec<f64> = gradient.try_into_vec_as().unwrap();
            assert!(gradient.iter().any(|g| g.abs() > 1e-4), "{name}");
            for k in (0..gradient.len()).step_by(11) {
                let moved = |by: f64| {
                    loss(&model.clone().update(|changed, values| {
                        if changed != name {
                            return values;
                        }
                        let device = values.device();
                        let one = Tensor::full([1], by, (&device, DType::F64));
                        values.select_assign(0, index(&[k], &device), one, IndexingUpdateOp::Add)
                    }))
                };
                let expected = (moved(1e-5) - moved(-1e-5)) / 2e-5;
                let error = (gradient[k] - expected).abs();
                assert!(error < 1e-7, "{name}[{k}]: {} {expected}", gradient[k]);
            }
        }
        // Decoding reads texts, too.
        let texts = SourceTokens::new(vec![3], vec![1]).unwrap();
        let state = model.start(texts, &[0, 0]).unwrap();
        assert_eq!(
            model.step(&[0, 0], state, None).unwrap().0.dims(),
            [2, HIDDEN]
        );
    }
}

#[test]
fn names_of_encoders_are_refused_in_captioners_that_read_texts() {
    let mut registry = CaptionerRegistry::default();
    registry.register("mine", |_| {
        Ok(Wrong {
            parameters: vec![CustomParameter::bias("encoder.scale", 2)],
            hidden: 3,
            ..Wrong::default()
        })
    });
    let mut config = CaptionerConfig::Custom(CustomConfig::new("mine"));
    registry.resolve(&mut config).unwrap();
    let dimensions = TextDimensions {
        source_vocab: 9,
        vocab: 11,
    };
    let encoder = TextEncoderConfig::Lstm(LstmEncoderConfig::default());
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let error =
        Captioner::init_with_encoder(&config, &encoder, dimensions, &Device::flex(), &mut rng);
    assert_eq!(
        error.unwrap_err().to_string(),
        "captioner `mine`: found a parameter named `encoder.scale`, expected a name that does not begin with \
         `encoder.`, as those of the text encoder do"
    );
    assert!(Captioner::init(&config, DIMENSIONS, &Device::flex(), &mut rng).is_ok());
}

#[test]
fn sources_do_not_see_the_padding_of_others() {
    let model = model(&config("attentive"), DType::F32);
    let vectors = random([5, DIMENSIONS.feature], 2, DType::F32);
    let alone = SourceVectors::regions(vectors.clone().narrow(0, 0, 2), vec![2]).unwrap();
    let both = SourceVectors::regions(vectors, vec![2, 3]).unwrap();
    let hidden = |features| {
        let state = model.start(features, &[0]).unwrap();
        let (_, state) = model.step(&[0], state, None).unwrap();
        model.step(&[4], state, None).unwrap().0
    };
    assert!(largest((hidden(alone) - hidden(both)).reshape([-1])) < 1e-6);
}

/// A captioner with one thing wrong.
#[derive(Debug, Clone, Default)]
struct Wrong {
    parameters: Vec<CustomParameter>,
    hidden: usize,
    state_rows: Option<usize>,
    output_rows: usize,
}

impl CustomCaptioner for Wrong {
    fn hidden(&self) -> usize {
        self.hidden
    }

    fn parameters(&self, _: Dimensions) -> Vec<CustomParameter> {
        self.parameters.clone()
    }

    fn start(
        &self,
        _: &Weights,
        sources: &SourceVectors,
        _: Units<'_>,
    ) -> Result<Vec<Tensor<2>>, ModelError> {
        let rows = self.state_rows.unwrap_or(sources.sources());
        Ok(vec![random([rows, 1], 1, DType::F32)])
    }

    fn step(
        &self,
        weights: &Weights,
        _: &[u32],
        state: Vec<Tensor<2>>,
        _: Units<'_>,
    ) -> Result<(Tensor<2>, Vec<Tensor<2>>), ModelError> {
        if self.output_rows == 0 {
            weights.get("missing")?;
        }
        let output = random([self.output_rows, self.hidden], 1, DType::F32);
        Ok((output, state))
    }
}

#[test]
fn what_is_no_captioner_is_refused_with_its_name() {
    let run = |wrong: Wrong| -> String {
        let mut registry = CaptionerRegistry::default();
        registry.register("mine", move |_| Ok(wrong.clone()));
        let mut config = CaptionerConfig::Custom(CustomConfig::new("mine"));
        registry.resolve(&mut config).unwrap();
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mut run = || -> Result<(), ModelError> {
            let model = Captioner::init(&config, DIMENSIONS, &Device::flex(), &mut rng)?;
            let state = model.start(pooled(DType::F32), &[0])?;
            model.step(&[0], state, None).map(drop)
        };
        run().expect_err("something is wrong").to_string()
    };
    let right = Wrong {
        hidden: 3,
        output_rows: 1,
        ..Wrong::default()
    };
    let named = |names: [&str; 2]| names.map(|name| CustomParameter::bias(name, 2)).to_vec();
    for (wrong, expected) in [
        (
            Wrong {
                hidden: 0,
                ..right.clone()
            },
            "captioner `mine`: found 0 columns of its output, expected 1 or more",
        ),
        (
            Wrong {
                parameters: named(["a", "a"]),
                ..right.clone()
            },
            "captioner `mine`: found a parameter named `a`, expected a name that no other parameter and not the output \
             layer has",
        ),
        (
            Wrong {
                parameters: named(["a", "words.output_bias"]),
                ..right.clone()
            },
            "captioner `mine`: found a parameter named `words.output_bias`, expected a name that no other parameter and \
             not the output layer has",
        ),
        (
            Wrong {
                parameters: named(["a", "b c"]),
                ..right.clone()
            },
            "captioner `mine`: found a parameter named `b c`, expected letters, digits, `-`, `_` and `.`",
        ),
        (
            Wrong {
                parameters: vec![CustomParameter::bias("a", 0)],
                ..right.clone()
            },
            "captioner `mine`: found parameter `a` of shape [1, 0], expected no side of 0",
        ),
        (
            Wrong {
                state_rows: Some(7),
                ..right.clone()
            },
            "captioner `mine`: found a state of 7 rows, expected 2",
        ),
        (
            Wrong {
                output_rows: 4,
                ..right.clone()
            },
            "captioner `mine`: found an output of shape [4, 3], expected [1, 3]",
        ),
        (
            Wrong {
                output_rows: 0,
                ..right
            },
            "parameter `missing` is missing",
        ),
    ] {
        assert_eq!(run(wrong), expected);
    }
}

#[test]
fn states_and_words_that_do_not_fit_are_refused() {
    let own = model(&config("fc"), DType::F32);
    let state = || own.start(pooled(DType::F32), &[0]).unwrap();
    let step = |words: &[u32]| own.step(words, state(), None).unwrap_err().to_string();
    assert_eq!(step(&[0, 0]), "words of a step: found 2, expected 1");
    assert_eq!(
        step(&[11]),
        "word id 11 is outside the vocabulary of 11 words"
    );
    let (_, mut tape) = own
        .start_tape(pooled(DType::F32), &[0], Noise::default())
        .unwrap();
    let untracked = own.step(&[0], state(), Some(&mut tape));
    assert_eq!(untracked.unwrap_err(), ModelError::OtherCaptioner);
    assert_eq!(
        own.attend(&[0], state()).unwrap_err(),
        ModelError::NoAttention
    );
    let regions = random([3, DIMENSIONS.feature], 2, DType::F32);
    let regions = SourceVectors::regions(regions, vec![1, 2]).unwrap();
    assert_eq!(
        own.start(regions, &[0]).unwrap_err().to_string(),
        "feature vectors of an image: found 2, expected 1"
    );
}

#[test]
fn options_and_names_are_told() {
    let mut registry = CaptionerRegistry::default();
    let resolve = |registry: &CaptionerRegistry, config: &CustomConfig| {
        let mut config = CaptionerConfig::Custom(config.clone());
        let problem = registry.resolve(&mut config).err()?;
        Some([problem.key, problem.found, problem.expected])
    };
    let mut config = CustomConfig::new("mine");
    let problem = resolve(&registry, &config).unwrap();
    assert_eq!(problem[..2], ["name", "`mine`"]);
    assert!(problem[2].contains("none of its own"));
    let unresolved = CaptionerConfig::Custom(config.clone());
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let made = Captioner::init(&unresolved, DIMENSIONS, &Device::flex(), &mut rng);
    assert_eq!(
        made.err().map(|error| error.to_string()).as_deref(),
        Some("captioner `mine` is none that this program has")
    );

    registry.register("yours", |config| {
        config.check_options(&["hidden"])?;
        config.size("hidden", 3)?;
        Ok(Fc)
    });
    let problem = resolve(&registry, &config).unwrap();
    assert!(problem[2].ends_with("`yours`"));
    config.name = "yours".to_owned();
    assert_eq!(resolve(&registry, &config), None);
    for (key, value) in [("hidden", 0), ("hidden", 1_000_001), ("depth", 2)] {
        config.options = [(key.to_owned(), value.into())].into_iter().collect();
        let problem = resolve(&registry, &config).unwrap();
        assert_eq!(problem[0], format!("options.{key}"));
    }
    config.options = [("hidden".to_owned(), 7.into())].into_iter().collect();
    assert_eq!(config.size("hidden", 3), Ok(7));
    assert_eq!(resolve(&registry, &config), None);
}
