//! JSON documents whose errors name the key.

use std::fs;
use std::path::Path;

use serde::de::DeserializeOwned;

use crate::DataError;
use crate::error::Place;

/// What is wrong with a document, and where.
#[derive(Debug)]
pub(crate) struct Problem {
    /// The path of keys to the value, or `document`.
    pub(crate) key: String,
    /// What was found and expected, with line and column.
    pub(crate) error: serde_json::Error,
}

/// Parses a document.
///
/// # Errors
///
/// It is not JSON, or a value has another type than `T` wants.
pub(crate) fn parse<T: DeserializeOwned>(json: &[u8]) -> Result<T, Problem> {
    // Following the path of keys costs time, so it is done only once there is an error to explain.
    serde_json::from_slice(json).or_else(|_| {
        let document = &mut serde_json::Deserializer::from_slice(json);
        let value = serde_path_to_error::deserialize(&mut *document).map_err(|error| Problem {
            key: readable(&error.path().to_string()),
            error: error.into_inner(),
        })?;
        document.end().map(|()| value).map_err(|error| Problem {
            key: readable("."),
            error,
        })
    })
}

/// Reads and parses a file.
///
/// # Errors
///
/// As for [`parse`], and the file cannot be read.
pub(crate) fn read<T: DeserializeOwned>(path: &Path) -> Result<T, DataError> {
    let json = fs::read(path).map_err(DataError::read(path))?;
    parse(&json).map_err(|problem| DataError::Json {
        path: path.to_owned(),
        at: Place::Key(problem.key),
        problem: problem.error.to_string(),
    })
}

/// A path of keys up to the last that is known; the document as a whole has none.
fn readable(path: &str) -> String {
    let known = path.trim_end_matches(['.', '?']);
    if known.is_empty() {
        "document".to_owned()
    } else {
        known.to_owned()
    }
}
