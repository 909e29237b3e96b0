//! What can be wrong with counts and with what is asked of them.

use thiserror::Error;

/// Why nothing can be said of a difference.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum SignificanceError {
    /// A side of a comparison has no run.
    #[error("found a side without a run, expected one run or more on each")]
    NoRuns,
    /// Counts of no source.
    #[error("found counts of no source, expected one source or more")]
    NoSources,
    /// Counts that are no rows of one length.
    #[error("found {found} counts, expected rows of {width}")]
    Rows {
        /// Counts found.
        found: usize,
        /// Counts of a source.
        width: usize,
    },
    /// A count that is no number.
    #[error("counts of source {source_index}: found {found}, expected a finite number")]
    Count {
        /// The source.
        source_index: usize,
        /// The count found.
        found: f64,
    },
    /// Runs that were not evaluated on the same sources.
    #[error("found a run of {found} sources, expected {expected} as of the first")]
    Sources {
        /// Sources of the run.
        found: usize,
        /// Sources of the first run.
        expected: usize,
    },
    /// Runs of which not the same is counted.
    #[error("found a run with {found} counts a source, expected {expected} as of the first")]
    Width {
        /// Counts of the run.
        found: usize,
        /// Counts of the first run.
        expected: usize,
    },
    /// Too few or too many resamples.
    #[error("resamples: found {found}, expected {least} to {most}")]
    Resamples {
        /// Resamples asked for.
        found: usize,
        /// The fewest.
        least: usize,
        /// The most.
        most: usize,
    },
}
