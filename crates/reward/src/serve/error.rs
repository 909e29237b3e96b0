//! What can be wrong with a request.

use thiserror::Error;

use crate::RewardError;

const EXAMPLE: &str = r#"a line such as {"captions":[{"image_id":"x.jpg","text":"a dog"}]}"#;

/// Why a request gets no scores.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RequestError {
    /// A line that is not JSON, or no object.
    #[error("found `{found}`, expected {EXAMPLE}")]
    Form {
        /// How the line begins.
        found: String,
    },
    /// A key that is missing, unknown or has another value than it may.
    #[error("{at}: found {found}, expected {expected}")]
    Value {
        /// Where: `captions[3].tokens`.
        at: String,
        /// What stands there.
        found: String,
        /// What may stand there.
        expected: String,
    },
    /// A line that is too long.
    #[error("found a line of more than {limit} bytes, expected fewer captions a request")]
    LineTooLong {
        /// The longest.
        limit: usize,
    },
    /// The rewards cannot be computed.
    #[error(transparent)]
    Reward(#[from] RewardError),
}
