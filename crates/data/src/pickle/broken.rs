//! What is wrong with bytes that are no pickle.

use std::path::Path;

use crate::DataError;
use crate::error::Place;
use crate::looks_like::{Kind, looks_like};

/// Why bytes are no pickle.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Broken {
    /// Which byte is wrong, from 0.
    pub(super) at: usize,
    pub(super) found: &'static str,
    pub(super) expected: &'static str,
}

impl Broken {
    /// As an error of the file at `path`, which holds `bytes`.
    pub(crate) fn of(self, path: &Path, bytes: &[u8]) -> DataError {
        match looks_like(bytes) {
            Kind::Pickle | Kind::Unknown => DataError::Value {
                path: path.to_owned(),
                at: Place::Key(format!("byte {}", self.at)),
                found: self.found.to_owned(),
                expected: self.expected.to_owned(),
            },
            found => another_kind(path, found),
        }
    }
}

/// A file of another kind.
pub(super) fn another_kind(path: &Path, found: Kind) -> DataError {
    DataError::Value {
        path: path.to_owned(),
        at: Place::File,
        found: found.to_string(),
        expected: "a pickle of Python".to_owned(),
    }
}
