//! Why a search can fail.

use std::fmt::Display;

use thiserror::Error;

/// Why a search failed; `E` is the model's own error.
#[derive(Debug, Error)]
#[non_exhaustive]
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
    /// Constraints leave no word, and the model rules out the end token.
    #[error(
        "the constraints forbid every word that could follow caption {row} at step {step}, and it cannot end there \
         because the model gives the end token no probability"
    )]
    NothingAllowed {
        /// Row of the batch.
        row: usize,
        /// Decoding step, from 0.
        step: usize,
    },
    /// An option that is out of range.
    #[error("{0}")]
    Option(OptionProblem),
}

/// An option that is out of range.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{option}: found {found}, expected {expected}")]
pub struct OptionProblem {
    /// Its name.
    pub option: &'static str,
    /// Its value.
    pub found: String,
    /// What it should have been.
    pub expected: &'static str,
}

/// Adds a problem unless `holds`.
pub(crate) fn require(
    problems: &mut Vec<OptionProblem>,
    holds: bool,
    option: &'static str,
    found: impl Display,
    expected: &'static str,
) {
    if !holds {
        problems.push(OptionProblem {
            option,
            found: found.to_string(),
            expected,
        });
    }
}

/// The first problem as an error.
pub(crate) fn refuse<E>(problems: Vec<OptionProblem>) -> Result<(), SamplerError<E>> {
    let first = problems.into_iter().next();
    first.map_or(Ok(()), |problem| Err(SamplerError::Option(problem)))
}
