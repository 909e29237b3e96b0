//! A small training step on any backend, compared with the same step on flex.

use std::sync::Arc;

#[cfg(feature = "cube")]
use burn::tensor::DType;
use burn::tensor::{Device, Tensor, TensorData};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use scst_data::{Vocabulary, vocabulary::UNKNOWN_ID};
use scst_loss::{Baseline, softmax_gradient};
use scst_model::{
    Captioner, CaptionerConfig, Dimensions, Dropout, Gradients, Noise, SourceVectors,
};
use scst_reward::{ImageReferences, References, RewardSources};
use scst_sampler::END;

use crate::{
    Backend, TrainError,
    backend::device_name,
    config::ScstConfig,
    objective::{
        batch::{LossWeights, SourceBatch, StepContext, caption_gradient, repeat},
        sequence::SelfCritic,
    },
    registry::Registry,
};

const SOURCES: usize = 4;
const FEATURE: usize = 12;
const WORDS: usize = 23;
const MAX_LENGTH: usize = 6;

/// How closely a backend agrees with flex.
#[derive(Debug, Clone, PartialEq)]
pub struct Agreement {
    /// The device's own name.
    pub device: String,
    /// Largest difference of any gradient of a cross-entropy step, relative to the largest
    /// gradient.
    pub xe: f64,
    /// The same for a self-critical step.
    pub scst: f64,
    /// The kernel of a device that differs most from the loop of the CPU, and by how much of its largest number; none on
    /// the CPU.
    pub kernel: Option<(String, f64)>,
}

impl Agreement {
    /// The difference that 32-bit arithmetic in another order explains.
    pub const TOLERANCE: f64 = 1e-4;

    /// Whether every difference is that small.
    pub fn holds(&self) -> bool {
        let kernel = self.kernel.as_ref().map(|(_, largest)| *largest);
        let all = [self.xe, self.scst].into_iter().chain(kernel);
        all.into_iter()
            .all(|difference| difference <= Self::TOLERANCE)
    }
}

/// Takes the gradients of one cross-entropy step and one self-critical step on `backend` and on
/// flex, from the same seeds.
///
/// # Errors
/// [`TrainError`] when the backend is not there or a step fails.
pub fn self_test(backend: Backend) -> Result<Agreement, TrainError> {
    let device = backend.device()?;
    let mut agreement = Agreement {
        device: device_name(&device),
        xe: 0.0,
        scst: 0.0,
        kernel: None,
    };
    #[cfg(feature = "cube")]
    if scst_kernels::cube::runs_on(&device, DType::F32) {
        let worst = scst_kernels::cube::check::check(&device)?;
        agreement.kernel = Some((worst.of, worst.largest));
    }
    for config in captioners() {
        let (xe, scst) = gradients(&config, &device)?;
        let (expected_xe, expected_scst) = gradients(&config, &Device::flex())?;
        agreement.xe = agreement.xe.max(difference(&xe, &expected_xe));
        agreement.scst = agreement.scst.max(difference(&scst, &expected_scst));
    }
    Ok(agreement)
}

fn difference(found: &[f32], expected: &[f32]) -> f64 {
    let scale = expected.iter().fold(0.0f32, |m, x| m.max(x.abs()));
    let pairs = found.iter().zip(expected);
    let largest = pairs.fold(0.0f32, |m, (f, e)| m.max((f - e).abs()));
    let same = found.len() == expected.len() && found.iter().all(|x| x.is_finite());
    if same {
        f64::from(largest / scale)
    } else {
        f64::INFINITY
    }
}

/// Captioners of every kind.
fn captioners() -> impl Iterator<Item = CaptionerConfig> {
    let size = |key, default| match key {
        "hidden" => 16,
        "embedding" | "shortlist" => 8,
        "attention_size" => 12,
        "positions" => MAX_LENGTH,
        "rank" => 4,
        "layers" | "heads" => 2,
        "feed_forward" => 24,
        _ => default,
    };
    let names = CaptionerConfig::NAMES.into_iter();
    names.filter_map(move |name| CaptionerConfig::of_sizes(name, 0.25, size))
}

/// All gradients of a cross-entropy step and of a self-critical step, as lists of numbers.
fn gradients(
    config: &CaptionerConfig,
    device: &Device,
) -> Result<(Vec<f32>, Vec<f32>), TrainError> {
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    let vocabulary = vocabulary();
    let dimensions = Dimensions {
        feature: FEATURE,
        vocab: vocabulary.len(),
    };
    let captioner = Captioner::init(config, dimensions, device, &mut rng)?;
    let regions: Vec<usize> = (0..SOURCES)
        .map(|source| {
            if config.reads_regions() {
                1 + source % 3
            } else {
                1
            }
        })
        .collect();
    let vectors = [regions.iter().sum(), FEATURE];
    let values: Vec<f32> = (0..vectors[0] * vectors[1])
        .map(|_| rng.random_range(-1.0..1.0))
        .collect();
    let vectors = Tensor::from_data(TensorData::new(values, vectors), device);
    let features = SourceVectors::regions(vectors, regions)?;
    let captions: Vec<Vec<u32>> = (0..2 * SOURCES)
        .map(|n| {
            let length = 1 + n % (MAX_LENGTH - 1);
            let words = (0..length).map(|_| rng.random_range(2..vocabulary.len() as u32));
            words.chain([END]).collect()
        })
        .collect();

    let inputs: Vec<Vec<u32>> = captions
        .iter()
        .map(|words| [&[END], &words[..words.len() - 1]].concat())
        .collect();
    let inputs: Vec<&[u32]> = inputs.iter().map(Vec::as_slice).collect();
    let noise = Noise {
        dropout: Some(Dropout::new(0.25, ChaCha8Rng::seed_from_u64(12))),
        locations: None,
    };
    let source_of_sequence = repeat(SOURCES, 2);
    let tape = captioner.teacher_forced(features.clone(), &source_of_sequence, &inputs, noise)?;
    let weights = LossWeights {
        rows: vec![1.0; tape.rows()],
        captions: vec![1.0; captions.len()],
        position_weight: Some(0.5),
    };
    let mut xe = Gradients::default();
    let (rest, _) = caption_gradient(
        &captioner,
        tape,
        &captions,
        weights,
        |logits, targets, _| softmax_gradient(logits, targets, 0.1),
        |_| None,
        &mut |_, group| xe.merge(group),
    )?;
    xe.merge(rest);

    let references = (0..SOURCES).map(|source| {
        let of_source = &captions[2 * source..2 * source + 2];
        let texts = of_source.iter().map(|words| vocabulary.decode(words));
        ImageReferences::new(source.to_string(), of_source, texts.collect::<Vec<_>>())
    });
    let references = References::new(Some(END), references.collect())?;
    let sources = RewardSources::new(Arc::new(references)).with_unknown(UNKNOWN_ID);
    let config = ScstConfig {
        samples_per_source: 3,
        baseline: Baseline::Greedy,
        ..ScstConfig::default()
    };
    let mut critic = SelfCritic::new(&config, &sources, &Registry::default())?;
    let batch = SourceBatch {
        source: features.into(),
        examples: (0..SOURCES).collect(),
        prefixes: Vec::new(),
    };
    let context = StepContext {
        seed: 13,
        stage: 0,
        step: 0,
        epoch: 0,
        dropout: 0.25,
        hard_attention: None,
        part: 0,
    };
    let scst = critic.contribution(&captioner, &vocabulary, MAX_LENGTH, batch, context)?;
    Ok((
        flatten(&captioner, &xe)?,
        flatten(&captioner, &scst.gradients)?,
    ))
}

fn vocabulary() -> Vocabulary {
    let words: Vec<String> = (0..WORDS).map(|word| format!("word{word}")).collect();
    Vocabulary::build([words.as_slice()].into_iter(), 1)
}

fn flatten(captioner: &Captioner, gradients: &Gradients) -> Result<Vec<f32>, TrainError> {
    let mut all = Vec::new();
    for parameter in captioner.parameters() {
        if let Some(gradient) = gradients.get(&parameter.name) {
            all.extend(gradient.clone().try_into_vec_as::<f32>()?);
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn difference_is_infinite_when_gradients_are_missing_or_not_finite() {
        assert_eq!(difference(&[1.0], &[1.0, 2.0]), f64::INFINITY);
        assert_eq!(difference(&[f32::NAN, 2.0], &[1.0, 2.0]), f64::INFINITY);
        assert!((difference(&[1.0, 2.0], &[1.0, 2.5]) - 0.2).abs() < 1e-6);
    }
}
