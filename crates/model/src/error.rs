//! What can be wrong with the input of a captioner.

use scst_structured::StructuredError;
use thiserror::Error;

/// A mistake in what a captioner was given.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum ModelError {
    /// Features do not have the dimension that the captioner was built for.
    #[error("features have {found} dimensions, the captioner was built for {expected}")]
    FeatureDimension {
        /// Dimension found.
        found: usize,
        /// Dimension expected.
        expected: usize,
    },
    /// A word id lies outside the vocabulary.
    #[error("word id {word} is outside the vocabulary of {vocab} words")]
    WordOutOfRange {
        /// The word id.
        word: u32,
        /// Size of the vocabulary.
        vocab: usize,
    },
    /// Captions, images or rows do not fit together.
    #[error("{what}: found {found}, expected {expected}")]
    Rows {
        /// What was counted.
        what: &'static str,
        /// Number found.
        found: usize,
        /// Number expected.
        expected: usize,
    },
    /// The device does not hand values back.
    #[error("cannot read values back from the device: {reason}")]
    Read {
        /// Why.
        reason: String,
    },
    /// What only a captioner with an output layer of words has was asked of one that scores whole captions.
    #[error("the captioner scores whole captions and has no softmax over single words")]
    WholeCaptions,
    /// Scores of whole captions from which nothing can be inferred.
    #[error(transparent)]
    Structured(#[from] StructuredError),
    /// Attention is asked of a captioner that has none.
    #[error("the captioner does not attend to regions")]
    NoAttention,
    /// A captioner that reads images only is to read texts.
    #[error("captioner `{captioner}` does not read texts")]
    NoText {
        /// Its name.
        captioner: &'static str,
    },
    /// Sources of another kind than the captioner reads.
    #[error("found {found} to read, the captioner reads {expected}")]
    OtherSource {
        /// What was given.
        found: &'static str,
        /// What it reads.
        expected: &'static str,
    },
    /// A state or tape that another captioner made.
    #[error("the state or tape is that of a captioner of another kind")]
    OtherCaptioner,
    /// A captioner that only another program knows.
    #[error("captioner `{name}` is none that this program has")]
    NotRegistered {
        /// Its name.
        name: String,
    },
    /// A captioner of another crate does not keep to what captioners have to be.
    #[error("captioner `{captioner}`: {problem}")]
    Custom {
        /// Its name.
        captioner: String,
        /// What was found and expected.
        problem: String,
    },
    /// Products of bfloat16 are asked of a machine or a device that has none.
    #[error(
        "products of bfloat16 are those of the CPU backend `flex` on a processor with AVX-512 BF16"
    )]
    Precision,
    /// Parameters of other names than the captioner has.
    #[error("parameter `{name}` is missing")]
    MissingParameter {
        /// Name of the parameter.
        name: String,
    },
    /// A parameter of another shape than the captioner has.
    #[error("parameter `{name}` has shape {found:?}, the captioner expects {expected:?}")]
    ParameterShape {
        /// Name of the parameter.
        name: String,
        /// Shape found.
        found: Vec<usize>,
        /// Shape expected.
        expected: Vec<usize>,
    },
}
