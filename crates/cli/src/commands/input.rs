//! Files that are named, or standard input.

use std::{
    io,
    path::{Path, PathBuf},
};

use scst_data::{CaptionFile, DataError, Split, read_captions};
use tempfile::NamedTempFile;

use crate::failure::Failure;

/// How messages call standard input.
const STANDARD_INPUT: &str = "standard input";

/// A file to read, which is standard input's for `-`: what is read there is looked at more than once.
pub(crate) struct Input {
    path: PathBuf,
    /// What standard input held.
    copy: Option<NamedTempFile>,
}

impl Input {
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        if path != Path::new("-") {
            return Ok(Self {
                path: path.to_owned(),
                copy: None,
            });
        }
        let copied = || -> io::Result<NamedTempFile> {
            let mut copy = NamedTempFile::new()?;
            io::copy(&mut io::stdin().lock(), &mut copy)?;
            Ok(copy)
        };
        let copy = copied()
            .map_err(|error| Failure::Failed(format!("cannot read standard input: {error}")))?;
        Ok(Self {
            path: copy.path().to_owned(),
            copy: Some(copy),
        })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn read(
        &self,
        splits: Option<&Path>,
        split: Option<Split>,
    ) -> Result<CaptionFile, DataError> {
        read_captions(&self.path, splits, split)
    }

    /// A failure with the name that people know.
    pub(crate) fn failed(&self, error: DataError) -> Failure {
        match error.into() {
            Failure::Mistake(message) => Failure::Mistake(self.named(message)),
            Failure::Failed(message) => Failure::Failed(self.named(message)),
        }
    }

    /// A message with the name that people know.
    pub(crate) fn named(&self, message: String) -> String {
        match self.copy {
            None => message,
            Some(_) => {
                let path = self.path.display();
                let message = message.replace(&format!("`{path}`"), STANDARD_INPUT);
                message.replace(&path.to_string(), STANDARD_INPUT)
            }
        }
    }
}
