//! What is timed: backend, sizes and number of steps.

use scst_model::{CaptionerConfig, Dimensions, TransformerConfig};

use crate::{
    Backend, TrainError,
    config::{bounds, limits},
};

/// Words of the shortest reference.
pub(super) const SHORTEST: usize = 7;
/// The largest value of any size: products of sizes stay far from overflow.
const LARGEST: usize = 1_000_000;

/// What is timed: backend, sizes and number of steps.
#[derive(Debug, Clone, PartialEq)]
pub struct StepBench {
    /// Where tensors live and are computed.
    pub backend: Backend,
    /// The captioner: one of [`CaptionerConfig::NAMES`].
    pub model: String,
    /// Images in a batch.
    pub images: usize,
    /// Captions of every image: gold ones for cross-entropy, samples for the self-critical step.
    pub samples: usize,
    /// Words in the vocabulary, end token and unknown word included.
    pub vocab: usize,
    /// Units of an LSTM, length of word embeddings, and size of attention; of the transformer a quarter of the
    /// feed-forward units.
    pub hidden: usize,
    /// Length of a feature vector.
    pub feature: usize,
    /// Regions of an image, where the captioner reads regions.
    pub regions: usize,
    /// Longest caption in words, end token included.
    pub length: usize,
    /// Dropout rate.
    pub dropout: f64,
    /// Steps that are timed.
    pub steps: usize,
    /// Steps before these.
    pub warmup: usize,
}

impl Default for StepBench {
    fn default() -> Self {
        Self {
            backend: Backend::default(),
            model: "fc".to_owned(),
            images: 10,
            samples: 5,
            vocab: 2600,
            hidden: 512,
            feature: 1280,
            regions: 49,
            length: 16,
            dropout: 0.5,
            steps: 20,
            warmup: 3,
        }
    }
}

impl StepBench {
    /// The first size that is out of range.
    pub(super) fn check(&self) -> Result<(), TrainError> {
        for (name, found, least) in [
            ("images", self.images, 1),
            ("samples", self.samples, 1),
            ("vocab", self.vocab, 10),
            ("hidden", self.hidden, 1),
            ("feature", self.feature, 1),
            ("regions", self.regions, 1),
            ("length", self.length, SHORTEST + 2),
            ("steps", self.steps, 1),
            ("warmup", self.warmup, 0),
        ] {
            if !(least..=LARGEST).contains(&found) {
                return Err(TrainError::BenchSize {
                    name,
                    found: found.to_string(),
                    expected: format!("{least} to {LARGEST}"),
                });
            }
        }
        if !(0.0..1.0).contains(&self.dropout) {
            return Err(TrainError::BenchSize {
                name: "dropout",
                found: self.dropout.to_string(),
                expected: "0 or more, less than 1".to_owned(),
            });
        }
        let factors = [self.images, self.samples.max(self.regions), self.length];
        if let Some(words) = bounds::too_many_words(factors) {
            return Err(TrainError::BenchSize {
                name: "images, samples or regions, and length",
                found: format!("{words} words or regions a step"),
                expected: format!("at most {}", limits::WORDS_OF_A_STEP),
            });
        }
        let dimensions = Dimensions {
            feature: self.feature,
            vocab: self.vocab,
        };
        let model = self.captioner()?;
        if let Some(message) = bounds::oversize(&model, dimensions) {
            let captioner = model.name();
            return Err(TrainError::CaptionerTooLarge { captioner, message });
        }
        let heads = TransformerConfig::default().heads;
        let has_heads = matches!(model, CaptionerConfig::Transformer(_));
        if has_heads && !self.hidden.is_multiple_of(heads) {
            return Err(TrainError::BenchSize {
                name: "hidden",
                found: self.hidden.to_string(),
                expected: format!("a multiple of the {heads} heads of the transformer"),
            });
        }
        Ok(())
    }

    /// The captioner of these sizes.
    pub(super) fn captioner(&self) -> Result<CaptionerConfig, TrainError> {
        let size = |key, default| match key {
            "hidden" | "embedding" | "attention_size" => self.hidden,
            "feed_forward" => 4 * self.hidden,
            "positions" => self.length,
            _ => default,
        };
        CaptionerConfig::of_sizes(&self.model, self.dropout, size).ok_or_else(|| {
            TrainError::BenchSize {
                name: "model",
                found: format!("`{}`", self.model),
                expected: format!("one of `{}`", CaptionerConfig::NAMES.join("`, `")),
            }
        })
    }
}
