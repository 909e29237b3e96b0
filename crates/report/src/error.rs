//! Why a report cannot be written.

/// Why a report could not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// Outputs of one report are not of the same sources.
    #[error(
        "the report of `{run}` cannot be written: found {found} captions of {expected} {sources}, expected one each"
    )]
    Captions {
        /// The run.
        run: String,
        /// How many captions it has.
        found: usize,
        /// How many sources there are.
        expected: usize,
        /// What they are called.
        sources: String,
    },
    /// The template failed.
    #[error("the page cannot be written: {0}")]
    Page(#[from] askama::Error),
    /// What the page shows could not be put into it.
    #[error("the data of the page cannot be written as JSON")]
    Data(serde_json::Error),
}
