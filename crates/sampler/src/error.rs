//! Why a search can fail.

use thiserror::Error;

/// Why a search failed; `E` is the model's own error.
#[derive(Debug, Error)]
pub enum SamplerError<E> {
    /// The model could not score the next words.
    #[error(transparent)]
    Model(#[from] E),
    /// The device could not hand back scores or words.
    #[error("cannot read the scores of step {step} back from the device: {reason}")]
    Read {
        /// Decoding step, from 0.
        step: usize,
        /// The device's own words.
        reason: String,
    },
    /// Scores that are no distribution: NaN, or everything impossible.
    #[error("the scores of row {row} at step {step} are not a distribution (NaN or all -inf)")]
    NoDistribution {
        /// Row of the batch.
        row: usize,
        /// Decoding step, from 0.
        step: usize,
    },
    /// A search of width 0.
    #[error("found a beam of width 0, expected 1 or more")]
    Width,
}
