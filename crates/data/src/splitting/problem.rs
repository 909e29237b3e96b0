//! Why sources cannot be shared out.

use crate::captions::split::Split;

/// Why sources cannot be shared out.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SplitError {
    /// The shares cannot be read.
    #[error(
        "found `{found}`, expected shares of train, val and test such as `0.8,0.1,0.1` or `6000,1000,1000`"
    )]
    Form {
        /// What was given.
        found: String,
    },
    /// Fractions add up to something else.
    #[error("found fractions that add up to {sum}, expected 1, as `0.8,0.1,0.1`")]
    Sum {
        /// Their sum.
        sum: f64,
    },
    /// Counts add up to something else than there are sources.
    #[error(
        "found counts that add up to {sum}, expected {sources}, the number of sources; fractions such as `0.8,0.1,0.1` go with any number"
    )]
    Sources {
        /// Their sum.
        sum: usize,
        /// The sources.
        sources: usize,
    },
    /// A split that training needs would be empty.
    #[error(
        "found a share of 0 for `{split}`, expected sources to train on and sources to validate on"
    )]
    Nothing {
        /// The split.
        split: Split,
    },
    /// There are too few sources.
    #[error("found {sources} sources, too few for one in `{split}`")]
    TooFew {
        /// The sources.
        sources: usize,
        /// The split that would be empty.
        split: Split,
    },
}
