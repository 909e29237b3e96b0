//! Why records cannot be written or read.

use std::path::PathBuf;

use scst_files::FileError;
use serde_json::error::Category;

/// Why records could not be written or read.
///
/// Each message already contains its `error`, which is therefore not a further link of the cause chain.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EventError {
    /// A file could not be handled.
    #[error(transparent)]
    File(#[from] FileError),
    /// A line is not a record.
    #[error("`{}`, line {line}: found {}, expected an object with `step`, `stage`, `kind`, `wall_secs` and numbers", path.display(), form(error))]
    Malformed {
        /// The file of records.
        path: PathBuf,
        /// Number of the line, from 1.
        line: usize,
        /// What is wrong with it.
        error: serde_json::Error,
    },
    /// A line is not a sample caption.
    #[error("`{}`, line {line}: found {}, expected an object with `step`, `stage`, `image`, `caption`, `references` and scores", path.display(), form(error))]
    MalformedSample {
        /// The file of sample captions.
        path: PathBuf,
        /// Number of the line, from 1.
        line: usize,
        /// What is wrong with it.
        error: serde_json::Error,
    },
    /// A value's name would make a line ambiguous.
    #[error("a record cannot hold a value called `{name}`: that name is reserved or given twice")]
    Name {
        /// The offending name.
        name: String,
    },
}

/// What a line is instead of a record.
fn form(error: &serde_json::Error) -> String {
    match error.classify() {
        Category::Eof => "a part of a record".to_owned(),
        Category::Syntax | Category::Io => {
            format!("what is no JSON from column {} on", error.column())
        }
        Category::Data => {
            let message = error.to_string();
            let message = message.split(" at line ").next().unwrap_or_default();
            if let Some(key) = message.strip_prefix("missing field ") {
                format!("no key {key}")
            } else if let Some(kind) = message.strip_prefix("unknown variant ") {
                kind.split(", expected").next().unwrap_or(kind).to_owned()
            } else {
                format!("a value of another kind before column {}", error.column())
            }
        }
    }
}
