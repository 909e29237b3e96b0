//! What is timed: backend, sizes and number of steps.

use scst_kernels::product::Precision;
use scst_model::{
    CaptionerConfig, LstmEncoderConfig, TextEncoderConfig, TransformerConfig,
    TransformerEncoderConfig,
};

use crate::{
    Backend, TrainError,
    captioner::{Shape, SourceSize},
    config::{bounds, limits},
};

/// Words of the shortest reference.
pub(super) const SHORTEST: usize = 7;
/// Words of the smallest vocabulary.
const SMALLEST_VOCAB: usize = 10;
/// The largest value of any size: products of sizes stay far from overflow.
const LARGEST: usize = 1_000_000;

/// What is read, with its sizes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BenchTask {
    /// Features of images.
    Images(ImageSizes),
    /// Texts, by an encoder.
    Texts(TextSizes),
}

/// Sizes of images.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageSizes {
    /// Images in a batch.
    pub images: usize,
    /// Length of a feature vector.
    pub feature: usize,
    /// Regions of an image, where the captioner reads regions.
    pub regions: usize,
}

impl Default for ImageSizes {
    fn default() -> Self {
        Self {
            images: 10,
            feature: 1280,
            regions: 49,
        }
    }
}

/// Sizes of texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextSizes {
    /// Texts in a batch.
    pub sources: usize,
    /// Longest text in tokens; lengths are uniform from a third of it.
    pub length: usize,
    /// Tokens in the vocabulary of texts, end token and unknown token included.
    pub vocab: usize,
    /// What reads them: one of [`TextEncoderConfig::NAMES`].
    pub encoder: String,
}

impl Default for TextSizes {
    fn default() -> Self {
        Self {
            sources: 64,
            length: 30,
            vocab: 2600,
            encoder: "lstm".to_owned(),
        }
    }
}

impl BenchTask {
    /// Sources in a batch.
    pub(super) fn sources(&self) -> usize {
        match self {
            Self::Images(sizes) => sizes.images,
            Self::Texts(sizes) => sizes.sources,
        }
    }

    /// What a captioner is made for.
    pub(super) fn source_size(&self) -> SourceSize {
        match self {
            Self::Images(sizes) => SourceSize::Vectors {
                width: sizes.feature,
            },
            Self::Texts(sizes) => SourceSize::Texts { vocab: sizes.vocab },
        }
    }

    /// Every size by its name, with the least that it may be.
    fn sizes(&self) -> [(&'static str, usize, usize); 3] {
        match self {
            Self::Images(sizes) => [
                ("images", sizes.images, 1),
                ("feature", sizes.feature, 1),
                ("regions", sizes.regions, 1),
            ],
            Self::Texts(sizes) => [
                ("sources", sizes.sources, 1),
                ("source-length", sizes.length, 1),
                ("source-vocab", sizes.vocab, SMALLEST_VOCAB),
            ],
        }
    }
}

/// What is timed: backend, sizes and number of steps.
#[derive(Debug, Clone, PartialEq)]
pub struct StepBench {
    /// Where tensors live and are computed.
    pub backend: Backend,
    /// What the inputs of matrix products are rounded to.
    pub precision: Precision,
    /// The captioner: one of [`CaptionerConfig::NAMES`].
    pub model: String,
    /// What is read.
    pub task: BenchTask,
    /// Captions of every source: gold ones for cross-entropy, samples for the self-critical step.
    pub samples: usize,
    /// Words in the vocabulary, end token and unknown word included.
    pub vocab: usize,
    /// Units of an LSTM, length of word embeddings, and size of attention; of a transformer a quarter of the
    /// feed-forward units. A text encoder makes vectors of this length, by an LSTM of half as many units a direction.
    pub hidden: usize,
    /// Longest caption in words, end token included.
    pub length: usize,
    /// Dropout rate.
    pub dropout: f64,
    /// Parts that a batch is computed in: at least as many as ranks.
    pub parts: usize,
    /// Steps that are timed.
    pub steps: usize,
    /// Steps before these.
    pub warmup: usize,
}

impl Default for StepBench {
    fn default() -> Self {
        Self {
            backend: Backend::default(),
            precision: Precision::default(),
            model: "fc".to_owned(),
            task: BenchTask::Images(ImageSizes::default()),
            samples: 5,
            vocab: 2600,
            hidden: 512,
            length: 16,
            dropout: 0.5,
            parts: 1,
            steps: 20,
            warmup: 3,
        }
    }
}

impl StepBench {
    /// The first size that is out of range on so many ranks.
    pub(super) fn check(&self, ranks: usize) -> Result<(), TrainError> {
        let sources = self.task.sources();
        if !(ranks..=sources.max(ranks)).contains(&self.parts) {
            return Err(TrainError::BenchSize {
                name: "parts",
                found: self.parts.to_string(),
                expected: format!(
                    "at least the number of ranks, {ranks}, and at most that of sources, {sources}"
                ),
            });
        }
        let sizes = [
            ("samples", self.samples, 1),
            ("vocab", self.vocab, SMALLEST_VOCAB),
            ("hidden", self.hidden, 1),
            ("length", self.length, SHORTEST + 2),
            ("steps", self.steps, 1),
            ("warmup", self.warmup, 0),
        ];
        for (name, found, least) in self.task.sizes().into_iter().chain(sizes) {
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
        self.check_step()?;
        let (model, encoder) = (self.captioner()?, self.encoder()?);
        if encoder.is_some() && !model.reads_texts() {
            return Err(TrainError::BenchSize {
                name: "model",
                found: format!("`{}`", self.model),
                expected: "one that reads texts, such as `att2in` or `transformer`".to_owned(),
            });
        }
        if self.precision != Precision::F32 && matches!(model, CaptionerConfig::Markov(_)) {
            return Err(TrainError::BenchSize {
                name: "precision",
                found: format!("`bf16` with captioner `{}`", model.name()),
                expected: "`f32`, or another captioner: this one takes its own products".to_owned(),
            });
        }
        let shape = Shape {
            model: &model,
            encoder: encoder.as_ref(),
            source: self.task.source_size(),
            vocab: self.vocab,
        };
        if let Some(message) = bounds::oversize(shape) {
            let captioner = model.name();
            return Err(TrainError::CaptionerTooLarge { captioner, message });
        }
        let of_captioner = matches!(model, CaptionerConfig::Transformer(_))
            .then(|| (TransformerConfig::default().heads, "transformer"));
        let of_encoder = match encoder {
            Some(TextEncoderConfig::Transformer(config)) => {
                Some((config.heads, "transformer encoder"))
            }
            _ => None,
        };
        for (heads, of) in of_captioner.into_iter().chain(of_encoder) {
            if !self.hidden.is_multiple_of(heads) {
                return Err(TrainError::BenchSize {
                    name: "hidden",
                    found: self.hidden.to_string(),
                    expected: format!("a multiple of the {heads} heads of the {of}"),
                });
            }
        }
        Ok(())
    }

    /// Whether a step is so large that memory or time would end before it.
    fn check_step(&self) -> Result<(), TrainError> {
        let (name, unit, vectors) = match &self.task {
            BenchTask::Images(sizes) => (
                "images, samples or regions, and length",
                "words or regions",
                sizes.regions,
            ),
            BenchTask::Texts(sizes) => (
                "sources, samples or source-length, and length",
                "words or tokens",
                sizes.length,
            ),
        };
        let factors = [self.task.sources(), self.samples.max(vectors), self.length];
        bounds::too_many_words(factors).map_or(Ok(()), |words| {
            Err(TrainError::BenchSize {
                name,
                found: format!("{words} {unit} a step"),
                expected: format!("at most {}", limits::WORDS_OF_A_STEP),
            })
        })
    }

    /// The encoder of texts, of these sizes.
    pub(super) fn encoder(&self) -> Result<Option<TextEncoderConfig>, TrainError> {
        let BenchTask::Texts(sizes) = &self.task else {
            return Ok(None);
        };
        let half = self.hidden.div_ceil(2);
        Ok(Some(match sizes.encoder.as_str() {
            "lstm" => TextEncoderConfig::Lstm(LstmEncoderConfig {
                hidden: half,
                embedding: half,
                ..LstmEncoderConfig::default()
            }),
            "transformer" => TextEncoderConfig::Transformer(TransformerEncoderConfig {
                hidden: self.hidden,
                feed_forward: 4 * self.hidden,
                ..TransformerEncoderConfig::default()
            }),
            other => {
                return Err(TrainError::BenchSize {
                    name: "encoder",
                    found: format!("`{other}`"),
                    expected: format!("one of `{}`", TextEncoderConfig::NAMES.join("`, `")),
                });
            }
        }))
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
