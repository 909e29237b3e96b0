//! A captioner with random weights, as configuration and data ask for.

use burn::tensor::Device;
use rand::Rng;
use scst_model::{
    Captioner, CaptionerConfig, Dimensions, ModelError, TextDimensions, TextEncoderConfig,
};

/// The size of what is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SourceSize {
    /// Vectors.
    Vectors {
        /// Numbers in each.
        width: usize,
    },
    /// Texts.
    Texts {
        /// Tokens in their vocabulary.
        vocab: usize,
    },
}

/// What a captioner is made for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape<'a> {
    pub(crate) model: &'a CaptionerConfig,
    /// What reads texts for it.
    pub(crate) encoder: Option<&'a TextEncoderConfig>,
    pub(crate) source: SourceSize,
    /// Words in the vocabulary of targets.
    pub(crate) vocab: usize,
}

impl Shape<'_> {
    /// The captioner, weights drawn from `rng`.
    ///
    /// # Errors
    /// [`ModelError`] when the captioner is not known, makes no sense, or cannot read such sources.
    pub(crate) fn init(self, device: &Device, rng: &mut impl Rng) -> Result<Captioner, ModelError> {
        let Self {
            model,
            encoder,
            source,
            vocab,
        } = self;
        match (source, encoder) {
            (SourceSize::Vectors { width }, None) => {
                let dimensions = Dimensions {
                    feature: width,
                    vocab,
                };
                Captioner::init(model, dimensions, device, rng)
            }
            (
                SourceSize::Texts {
                    vocab: source_vocab,
                },
                Some(encoder),
            ) => {
                let dimensions = TextDimensions {
                    source_vocab,
                    vocab,
                };
                Captioner::init_with_encoder(model, encoder, dimensions, device, rng)
            }
            (SourceSize::Vectors { .. }, Some(_)) => Err(ModelError::OtherSource {
                found: "vectors",
                expected: "texts",
            }),
            (SourceSize::Texts { .. }, None) => Err(ModelError::OtherSource {
                found: "texts",
                expected: "vectors",
            }),
        }
    }

    /// How many parameters it has.
    pub(crate) fn parameter_count(self) -> u128 {
        let feature = match (self.source, self.encoder) {
            (SourceSize::Vectors { width }, _) => width,
            (SourceSize::Texts { .. }, encoder) => encoder.map_or(0, TextEncoderConfig::width),
        };
        let of_encoder = match (self.source, self.encoder) {
            (SourceSize::Texts { vocab }, Some(encoder)) => encoder.parameter_count(vocab),
            _ => 0,
        };
        let vocab = self.vocab;
        let dimensions = Dimensions { feature, vocab };
        of_encoder.saturating_add(self.model.parameter_count(dimensions))
    }
}

/// Numbers that a captioner learns.
pub(crate) fn parameters(captioner: &Captioner) -> usize {
    let parameters = captioner.parameters();
    parameters.iter().map(|p| p.values.dims()[0]).sum()
}
