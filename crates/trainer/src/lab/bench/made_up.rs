//! Images, texts, and the captions of either, made up.

use std::sync::Arc;

use burn::tensor::{Device, TensorData};
use rand::{Rng, RngExt};
use rand_distr::StandardNormal;
use scst_data::Vocabulary;
use scst_kernels::traffic::send;
use scst_model::{ModelError, Source, SourceTokens, SourceVectors};
use scst_reward::{ImageReferences, References};
use scst_sampler::END;
use scst_tokens::UNKNOWN;

use super::sizes::{ImageSizes, SHORTEST, StepBench, TextSizes};
use crate::{
    TrainError,
    draws::{Purpose, generator},
    objective::batch::SourceBatch,
    optimise::division::Division,
};

/// Of all that is made up.
pub(super) const SEED: u64 = 1;
/// Sources that references are made up for.
pub(super) const TRAIN_SOURCES: usize = 1000;
/// References of every source.
const REFERENCES: usize = 5;

/// What is read at a step.
pub(super) struct Batch {
    pub(super) source: Source,
    /// Whose references every source has.
    pub(super) references: Vec<usize>,
}

impl Batch {
    /// Images of standard normal features.
    pub(super) fn images(
        sizes: &ImageSizes,
        regions: usize,
        device: &Device,
        rng: &mut impl Rng,
    ) -> Result<Self, ModelError> {
        let &ImageSizes {
            images, feature, ..
        } = sizes;
        let vectors = [images * regions, feature];
        let values: Vec<f32> = (0..vectors[0] * vectors[1])
            .map(|_| rng.sample(StandardNormal))
            .collect();
        let vectors = send(TensorData::new(values, vectors), device);
        let source = SourceVectors::regions(vectors, vec![regions; images])?;
        Ok(Self {
            source: source.into(),
            references: draw_references(images, rng),
        })
    }

    /// Texts whose lengths are uniform from a third of the longest to the longest.
    pub(super) fn texts(sizes: &TextSizes, rng: &mut impl Rng) -> Result<Self, ModelError> {
        let lengths = sizes.length.div_ceil(3)..=sizes.length;
        let counts: Vec<usize> = (0..sizes.sources)
            .map(|_| rng.random_range(lengths.clone()))
            .collect();
        let tokens = counts.iter().sum();
        let ids = (0..tokens).map(|_| token(sizes.vocab, rng)).collect();
        Ok(Self {
            source: SourceTokens::new(ids, counts)?.into(),
            references: draw_references(sizes.sources, rng),
        })
    }

    /// This rank's parts, with their numbers.
    pub(super) fn parts(
        &self,
        division: Division<'_>,
    ) -> impl Iterator<Item = (usize, SourceBatch)> {
        division.own().map(move |part| {
            let range = division.range(self.references.len(), part);
            let source = match division.parts {
                1 => self.source.clone(),
                _ => self.source.select(&range.clone().collect::<Vec<usize>>()),
            };
            let batch = SourceBatch {
                source,
                examples: self.references[range].to_vec(),
                prefixes: Vec::new(),
            };
            (part, batch)
        })
    }

    /// Tokens of all texts; of images none.
    pub(super) fn tokens(&self) -> usize {
        match &self.source {
            Source::Tokens(tokens) => tokens.ids().len(),
            Source::Vectors(_) => 0,
        }
    }
}

fn draw_references(sources: usize, rng: &mut impl Rng) -> Vec<usize> {
    (0..sources)
        .map(|_| rng.random_range(0..TRAIN_SOURCES))
        .collect()
}

/// A token of a vocabulary in which few are frequent and many are rare.
///
/// ```text
/// token = 2 + floor(0.98 vocab u^4),   u ~ uniform(0, 1)
/// ```
fn token(vocab: usize, rng: &mut impl Rng) -> u32 {
    let u: f64 = rng.random();
    let token = UNKNOWN + 1 + (vocab as f64 * u.powi(4) * 0.98) as u32;
    token.min(vocab as u32 - 1)
}

/// Captions of all sources, ended.
pub(super) fn captions(bench: &StepBench) -> Vec<Vec<Vec<u32>>> {
    let mut rng = generator(SEED, Purpose::MadeUp, 0, 0);
    let mut caption = || {
        let words = rng.random_range(SHORTEST..=bench.length - 2);
        let words = (0..words).map(|_| token(bench.vocab, &mut rng));
        words.chain([END]).collect()
    };
    (0..TRAIN_SOURCES)
        .map(|_| (0..REFERENCES).map(|_| caption()).collect())
        .collect()
}

/// The captions as references.
pub(super) fn references(
    captions: &[Vec<Vec<u32>>],
    vocabulary: &Vocabulary,
) -> Result<Arc<References>, TrainError> {
    let sources = captions.iter().enumerate().map(|(source, captions)| {
        let texts = captions.iter().map(|words| vocabulary.decode(words));
        let texts: Vec<String> = texts.collect();
        ImageReferences::new(source.to_string(), captions.as_slice(), texts)
    });
    Ok(Arc::new(References::new(Some(END), sources.collect())?))
}
