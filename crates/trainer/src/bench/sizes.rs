//! What is timed: backend, sizes and number of steps.

use scst_model::{
    Att2allConfig, Att2inConfig, CaptionerConfig, Dimensions, FcConfig, MarkovConfig,
    ShowTellConfig, TransformerConfig, UpDownConfig,
};
use serde::Serialize;

use super::SHORTEST;
use crate::{Backend, TrainError, config::bounds};

/// The largest value of any size: products of sizes stay far from overflow.
const LARGEST: usize = 1_000_000;

/// The captioner that is trained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BenchModel {
    /// The image vector as the first input of an LSTM.
    #[default]
    Fc,
    /// The image vector as the first input of an LSTM that reads plain words.
    ShowTell,
    /// Attention over regions, which enters the candidate of an LSTM.
    Att2in,
    /// A softmax over whole captions.
    Markov,
    /// Attention to the words so far and to regions, without a recurrence.
    Transformer,
    /// Attention over regions, which enters candidate and gates of an LSTM.
    Att2all,
    /// One LSTM that attends to regions, below one that chooses words.
    UpDown,
}

/// What is timed: backend, sizes and number of steps.
#[derive(Debug, Clone, PartialEq)]
pub struct StepBench {
    /// Where tensors live and are computed.
    pub backend: Backend,
    /// The captioner.
    pub model: BenchModel,
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
            model: BenchModel::default(),
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
                expected: format!("at most {}", bounds::WORDS_OF_A_STEP),
            });
        }
        let dimensions = Dimensions {
            feature: self.feature,
            vocab: self.vocab,
        };
        let model = self.captioner();
        if let Some(message) = bounds::oversize(&model, dimensions) {
            let captioner = model.name();
            return Err(TrainError::CaptionerTooLarge { captioner, message });
        }
        let heads = TransformerConfig::default().heads;
        if self.model == BenchModel::Transformer && !self.hidden.is_multiple_of(heads) {
            return Err(TrainError::BenchSize {
                name: "hidden",
                found: self.hidden.to_string(),
                expected: format!("a multiple of the {heads} heads of the transformer"),
            });
        }
        Ok(())
    }

    /// The captioner of these sizes.
    pub(super) fn captioner(&self) -> CaptionerConfig {
        match self.model {
            BenchModel::Fc => CaptionerConfig::Fc(FcConfig {
                hidden: self.hidden,
                embedding: self.hidden,
                dropout: self.dropout,
                ..FcConfig::default()
            }),
            BenchModel::ShowTell => CaptionerConfig::ShowTell(ShowTellConfig {
                hidden: self.hidden,
                embedding: self.hidden,
                dropout: self.dropout,
            }),
            BenchModel::Att2in => CaptionerConfig::Att2in(Att2inConfig {
                hidden: self.hidden,
                embedding: self.hidden,
                attention_size: self.hidden,
                dropout: self.dropout,
                ..Att2inConfig::default()
            }),
            BenchModel::Markov => CaptionerConfig::Markov(MarkovConfig {
                hidden: self.hidden,
                positions: self.length,
                dropout: self.dropout,
                ..MarkovConfig::default()
            }),
            BenchModel::Transformer => CaptionerConfig::Transformer(TransformerConfig {
                hidden: self.hidden,
                feed_forward: 4 * self.hidden,
                dropout: self.dropout,
                ..TransformerConfig::default()
            }),
            BenchModel::Att2all => CaptionerConfig::Att2all(Att2allConfig {
                hidden: self.hidden,
                embedding: self.hidden,
                attention_size: self.hidden,
                dropout: self.dropout,
            }),
            BenchModel::UpDown => CaptionerConfig::UpDown(UpDownConfig {
                hidden: self.hidden,
                embedding: self.hidden,
                attention_size: self.hidden,
                dropout: self.dropout,
            }),
        }
    }
}
