//! Why a configuration cannot be used.

use std::path::PathBuf;

use thiserror::Error;

use super::{
    complaint::{Complaint, told},
    problem::Problem,
};

/// Why a configuration cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration `{}`: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is not TOML.
    #[error("`{}`, line {line}: {message}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// What the parser says.
        message: String,
    },
    /// An override is not `key.path=value`.
    #[error("{flag} `{text}`: {expected}")]
    Override {
        /// What gave it.
        flag: String,
        /// The override as given.
        text: String,
        /// What was expected.
        expected: String,
    },
    /// A key is unknown or missing, or values have the wrong type, are out of range or contradict one another.
    #[error("{}", told(path, complaints))]
    Problems {
        /// The file.
        path: PathBuf,
        /// All of them.
        complaints: Vec<Complaint>,
    },
    /// A key that is to be explained and that there is not.
    #[error("no key is named `{key}`{}", meant(near.as_deref()))]
    UnknownKey {
        /// The key.
        key: String,
        /// The one that was probably meant.
        near: Option<String>,
    },
    /// Values of a configuration that no file holds are out of range or contradict one another.
    #[error("the configuration: {}", join(problems))]
    Invalid {
        /// All of them.
        problems: Vec<Problem>,
    },
    /// The configuration has no TOML form.
    #[error("the configuration cannot be written as TOML: {message}")]
    Write {
        /// Why.
        message: String,
    },
}

fn meant(near: Option<&str>) -> String {
    near.map_or_else(String::new, |near| format!(" (did you mean `{near}`?)"))
}

fn join(problems: &[Problem]) -> String {
    let problems: Vec<String> = problems.iter().map(Problem::to_string).collect();
    problems.join("; ")
}
