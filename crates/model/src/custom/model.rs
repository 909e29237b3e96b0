//! A captioner of another crate with weights, its runs, and their way back by autodiff.

use std::{collections::BTreeSet, sync::Arc};

use burn::tensor::{DType, Device, Tensor};
use rand::Rng;

use super::{
    CustomCaptioner, CustomConfig, CustomParameter, CustomState, CustomTape, Units, Weights,
};
use crate::{
    Dimensions, Dropout, Gradients, ModelError, OutputGradients, Parameter, SourceVectors,
    architecture::Architecture, rows::time_first,
};

/// The output layer, which every captioner that scores word by word has under these names.
const OUTPUT_WEIGHT: &str = "words.output_weight";
const OUTPUT_BIAS: &str = "words.output_bias";
const OUTPUT: &str = "words.output";

/// A captioner of another crate with weights.
#[derive(Debug, Clone)]
pub(crate) struct CustomModel {
    name: String,
    captioner: Arc<dyn CustomCaptioner>,
    feature: usize,
    /// The captioner's own, and behind them the output layer.
    weights: Weights,
}

impl CustomConfig {
    /// The captioner.
    ///
    /// # Errors
    /// [`ModelError::NotRegistered`] when nobody has [found](super::CaptionerRegistry::resolve) it.
    fn captioner(&self) -> Result<&Arc<dyn CustomCaptioner>, ModelError> {
        self.captioner
            .as_ref()
            .ok_or_else(|| ModelError::NotRegistered {
                name: self.name.clone(),
            })
    }
}

impl Architecture for CustomConfig {
    fn name(&self) -> &'static str {
        "custom"
    }

    fn dropout(&self) -> f64 {
        self.dropout
    }

    /// None: the captioner checks its options itself.
    fn sizes(&self) -> Vec<(&'static str, usize)> {
        Vec::new()
    }

    fn parameter_count(&self, dimensions: Dimensions) -> u128 {
        let Ok(captioner) = self.captioner() else {
            return 0;
        };
        let own = captioner.parameters(dimensions).into_iter();
        let output = output_layer(captioner.as_ref(), dimensions);
        let size = |of: CustomParameter| of.shape.map(|side| side as u128);
        own.chain(output)
            .map(size)
            .fold(0, |sum: u128, [rows, columns]| {
                sum.saturating_add(rows.saturating_mul(columns))
            })
    }

    fn reads_regions(&self) -> bool {
        self.captioner().is_ok_and(|own| own.reads_regions())
    }
}

fn output_layer(captioner: &dyn CustomCaptioner, dimensions: Dimensions) -> [CustomParameter; 2] {
    let (hidden, vocab) = (captioner.hidden(), dimensions.vocab);
    let weight = CustomParameter::linear(OUTPUT_WEIGHT, [hidden, vocab]);
    let bias = CustomParameter {
        name: OUTPUT_BIAS.to_owned(),
        shape: [1, vocab],
        initial: weight.initial,
    };
    [weight, bias]
}

impl CustomModel {
    /// A captioner with initial weights drawn from `rng`.
    ///
    /// # Errors
    /// [`ModelError`] when nobody has found the captioner, or its list of parameters is no list of parameters.
    pub(crate) fn init(
        config: &CustomConfig,
        dimensions: Dimensions,
        place: (&Device, DType),
        rng: &mut impl Rng,
    ) -> Result<Self, ModelError> {
        let captioner = config.captioner()?.clone();
        let problem = |problem| ModelError::Custom {
            captioner: config.name.clone(),
            problem,
        };
        if captioner.hidden() == 0 {
            let hidden = "found 0 columns of its output, expected 1 or more";
            return Err(problem(hidden.to_owned()));
        }
        let own = captioner.parameters(dimensions);
        check_parameters(&own).map_err(problem)?;
        let all = own
            .into_iter()
            .chain(output_layer(captioner.as_ref(), dimensions));
        let init = |parameter: CustomParameter| {
            let values = parameter.init(place, rng);
            (parameter.name, values)
        };
        let weights = Weights::new(all.map(init).collect());
        Ok(Self {
            name: config.name.clone(),
            captioner,
            feature: dimensions.feature,
            weights,
        })
    }

    pub(crate) fn feature(&self) -> usize {
        self.feature
    }

    /// The weight `[hidden, vocab]` and bias `[1, vocab]` of the output layer.
    pub(crate) fn output_layer(&self) -> (Tensor<2>, Tensor<2>) {
        self.weights.last_two()
    }

    pub(crate) fn parameters(&self) -> Vec<Parameter> {
        let parameter = |(name, values): &(String, Tensor<2>)| Parameter {
            name: name.clone(),
            shape: values.dims().to_vec(),
            values: values.clone().reshape([-1]),
        };
        self.weights.iter().map(parameter).collect()
    }

    pub(crate) fn update(self, change: impl FnMut(&str, Tensor<1>) -> Tensor<1>) -> Self {
        Self {
            weights: self.weights.update(change),
            ..self
        }
    }

    /// Reads sources and opens captions, for decoding without gradients.
    pub(crate) fn start(
        &self,
        features: &SourceVectors,
        source_of_sequence: &[usize],
    ) -> Result<CustomState, ModelError> {
        features.check(self.feature, source_of_sequence)?;
        let state = self.read(&self.weights, features, None)?;
        Ok(state.select(source_of_sequence))
    }

    /// Reads sources and opens captions of which autodiff takes note.
    pub(crate) fn start_tape(
        &self,
        features: &SourceVectors,
        source_of_sequence: &[usize],
        dropout: Option<Dropout>,
    ) -> Result<(CustomState, CustomTape), ModelError> {
        features.check(self.feature, source_of_sequence)?;
        let goes_on = features.needs_gradient();
        let features = features.map(|vectors| {
            let vectors = Tensor::from_inner(vectors);
            if goes_on {
                vectors.require_grad()
            } else {
                vectors
            }
        });
        let mut tape = CustomTape {
            weights: self.weights.tracked(),
            read: goes_on.then(|| features.vectors()),
            dropout,
            outputs: Vec::new(),
        };
        let state = self.read(&tape.weights, &features, tape.dropout.as_mut())?;
        let state = CustomState {
            is_tracked: true,
            ..state
        };
        Ok((state.select(source_of_sequence), tape))
    }

    fn read(
        &self,
        weights: &Weights,
        features: &SourceVectors,
        dropout: Option<&mut Dropout>,
    ) -> Result<CustomState, ModelError> {
        let sources = features.sources();
        if !self.captioner.reads_regions() && features.vectors().dims()[0] != sources {
            return Err(ModelError::Rows {
                what: "feature vectors of an image",
                found: features.region_counts().iter().copied().max().unwrap_or(0),
                expected: 1,
            });
        }
        let tensors = self.captioner.start(weights, features, Units(dropout))?;
        self.check_state(&tensors, sources)?;
        Ok(CustomState {
            rows: sources,
            tensors,
            is_tracked: false,
        })
    }

    /// Feeds one word to every open caption; returns the input of the output layer.
    pub(crate) fn step(
        &self,
        words: &[u32],
        state: CustomState,
        tape: Option<&mut CustomTape>,
    ) -> Result<(Tensor<2>, CustomState), ModelError> {
        let Some(tape) = tape else {
            return self.advance(&self.weights, words, state.untracked(), None);
        };
        if !state.is_tracked {
            return Err(ModelError::OtherCaptioner);
        }
        let dropout = tape.dropout.as_mut();
        let (output, state) = self.advance(&tape.weights, words, state, dropout)?;
        tape.outputs.push(output.clone());
        Ok((output.inner(), state))
    }

    fn advance(
        &self,
        weights: &Weights,
        words: &[u32],
        state: CustomState,
        dropout: Option<&mut Dropout>,
    ) -> Result<(Tensor<2>, CustomState), ModelError> {
        let rows = state.rows;
        if words.len() != rows {
            return Err(ModelError::Rows {
                what: "words of a step",
                found: words.len(),
                expected: rows,
            });
        }
        let vocab = self.output_layer().1.dims()[1];
        if let Some(&word) = words.iter().find(|&&word| word as usize >= vocab) {
            return Err(ModelError::WordOutOfRange { word, vocab });
        }
        let units = Units(dropout);
        let (output, tensors) = self.captioner.step(weights, words, state.tensors, units)?;
        let expected = [rows, self.captioner.hidden()];
        if output.dims() != expected {
            return Err(self.problem(format!(
                "found an output of shape {:?}, expected {expected:?}",
                output.dims()
            )));
        }
        self.check_state(&tensors, rows)?;
        Ok((output, CustomState { tensors, ..state }))
    }

    fn check_state(&self, tensors: &[Tensor<2>], rows: usize) -> Result<(), ModelError> {
        let other = tensors.iter().find(|tensor| tensor.dims()[0] != rows);
        other.map_or(Ok(()), |tensor| {
            let [found, _] = tensor.dims();
            Err(self.problem(format!("found a state of {found} rows, expected {rows}")))
        })
    }

    fn problem(&self, problem: String) -> ModelError {
        ModelError::Custom {
            captioner: self.name.clone(),
            problem,
        }
    }

    /// Runs whole captions, given as input words.
    pub(crate) fn teacher_forced(
        &self,
        features: &SourceVectors,
        source_of_sequence: &[usize],
        input_words: &[&[u32]],
        dropout: Option<Dropout>,
    ) -> Result<CustomTape, ModelError> {
        let steps = time_first(input_words, source_of_sequence)?;
        let (mut state, mut tape) = self.start_tape(features, source_of_sequence, dropout)?;
        let mut open: Vec<usize> = (0..input_words.len()).collect();
        for (t, captions) in steps.into_iter().enumerate() {
            if captions.len() < open.len() {
                let still = |&k: &usize| input_words[open[k]].len() > t;
                let rows: Vec<usize> = (0..open.len()).filter(still).collect();
                state = state.select(&rows);
            }
            let words: Vec<u32> = captions.iter().map(|&n| input_words[n][t]).collect();
            (_, state) = self.step(&words, state, Some(&mut tape))?;
            open = captions;
        }
        Ok(tape)
    }

    /// Gradients of all parameters from those at the output layer, by autodiff of `sum(hidden * d_hidden)`; and that at
    /// the vectors that were read, where the backward pass goes on to them.
    pub(crate) fn backward(
        tape: &CustomTape,
        output: OutputGradients,
    ) -> Result<(Gradients, Option<Tensor<2>>), ModelError> {
        let [rows, _] = output.hidden.dims();
        if rows != tape.rows() {
            return Err(ModelError::Rows {
                what: "rows of hidden gradients",
                found: rows,
                expected: tape.rows(),
            });
        }
        let mut gradients = Gradients::default();
        let mut d_vectors = None;
        if !tape.outputs.is_empty() {
            let hidden = Tensor::cat(tape.outputs.clone(), 0);
            let found = (hidden * Tensor::from_inner(output.hidden))
                .sum()
                .backward();
            tape.weights.collect(&found, &mut gradients);
            d_vectors = tape.read.as_ref().map(|read| {
                let gradient = read.grad(&found);
                gradient.unwrap_or_else(|| read.clone().inner().zeros_like())
            });
        }
        gradients.add(OUTPUT_WEIGHT, output.weight);
        gradients.add(OUTPUT_BIAS, output.bias);
        Ok((gradients, d_vectors))
    }
}

/// What is wrong with a list of parameters.
fn check_parameters(own: &[CustomParameter]) -> Result<(), String> {
    let mut names = BTreeSet::new();
    for CustomParameter { name, shape, .. } in own {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if name.is_empty() || !name.chars().all(plain) {
            return Err(format!(
                "found a parameter named `{name}`, expected letters, digits, `-`, `_` and `.`"
            ));
        }
        if name.starts_with(OUTPUT) || !names.insert(name) {
            return Err(format!(
                "found a parameter named `{name}`, expected a name that no other parameter and not the output layer has"
            ));
        }
        if shape.contains(&0) {
            return Err(format!(
                "found parameter `{name}` of shape {shape:?}, expected no side of 0"
            ));
        }
    }
    Ok(())
}
