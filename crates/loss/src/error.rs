//! What can be wrong with the arguments of a loss.

use thiserror::Error;

/// How far the sum of a soft target may be from 1.
pub const SOFT_TARGET_TOLERANCE: f64 = 1e-4;

/// A mistake in the arguments of a loss.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum LossError {
    /// Two arguments disagree in their number of rows.
    #[error("{what}: found {found} rows, expected {expected}")]
    Rows {
        /// The argument at fault.
        what: &'static str,
        /// Rows found.
        found: usize,
        /// Rows expected.
        expected: usize,
    },
    /// An argument is not of the shape of the logits.
    #[error("{what}: found shape {found:?}, expected {expected:?}, that of the logits")]
    Shape {
        /// The argument at fault.
        what: &'static str,
        /// Shape found.
        found: [usize; 2],
        /// Shape of the logits.
        expected: [usize; 2],
    },
    /// A soft target is no distribution.
    #[error(
        "soft target in row {row}: found a sum of {sum} and a smallest value of {smallest}, expected values of 0 or more that sum to 1 within {SOFT_TARGET_TOLERANCE}"
    )]
    NotADistribution {
        /// Row of the target.
        row: usize,
        /// Sum of its values.
        sum: f64,
        /// Smallest of its values.
        smallest: f64,
    },
    /// A target word lies outside the vocabulary.
    #[error("target word {word} in row {row} is outside the vocabulary of {vocab} words")]
    WordOutOfRange {
        /// Row of the word.
        row: usize,
        /// The word id.
        word: u32,
        /// Size of the vocabulary.
        vocab: usize,
    },
    /// A number lies outside its range.
    #[error("{what}: found {found}, expected {expected}")]
    Range {
        /// The argument at fault.
        what: &'static str,
        /// The value found.
        found: f64,
        /// The values allowed.
        expected: &'static str,
    },
    /// Products of bfloat16 are asked of a machine or a device that has none.
    #[error(
        "products of bfloat16 are those of the CPU backend `flex` on a processor with AVX-512 BF16"
    )]
    Precision,
    /// The device could not hand back a result.
    #[error("cannot read {what} back from the device: {reason}")]
    Read {
        /// What was to be read.
        what: &'static str,
        /// The device's own words.
        reason: String,
    },
}
