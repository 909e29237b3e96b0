//! The directory of the runs of several seeds: `seeds.json` says which, `seed-N` holds the run of each.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
};

use scst_files::write_bytes_atomically;
use serde::{Deserialize, Serialize};

use crate::failure::Failure;

/// Name of the file.
const NAME: &str = "seeds.json";

/// What `seeds.json` holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SeedRuns {
    /// The seeds, in the order in which they are trained.
    pub(crate) seeds: Vec<u64>,
    /// Where the relative paths of the configuration start from.
    pub(crate) working_directory: PathBuf,
}

impl SeedRuns {
    /// Those of these seeds, begun in the current directory.
    pub(crate) fn here(seeds: Vec<u64>) -> Result<Self, Failure> {
        let working_directory = env::current_dir();
        let working_directory = working_directory
            .map_err(|error| Failure::Failed(format!("cannot read `.`: {error}")))?;
        Ok(Self {
            seeds,
            working_directory,
        })
    }

    /// Those in a directory, if it is one of several seeds.
    pub(crate) fn read(directory: &Path) -> Result<Option<Self>, Failure> {
        let path = directory.join(NAME);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
                ) =>
            {
                return Ok(None);
            }
            Err(error) => {
                let path = path.display();
                return Err(Failure::Failed(format!("cannot read `{path}`: {error}")));
            }
        };
        let runs = serde_json::from_slice(&bytes);
        runs.map(Some).map_err(|error| {
            Failure::Failed(format!(
                "`{}`, line {}: found something else than the seeds that `scst train --seeds` writes there",
                path.display(),
                error.line()
            ))
        })
    }

    /// Writes them.
    pub(crate) fn write(&self, directory: &Path) -> Result<(), Failure> {
        write_json(&directory.join(NAME), self)
    }
}

/// The run of a seed.
pub(crate) fn run_of(directory: &Path, seed: u64) -> PathBuf {
    directory.join(format!("seed-{seed}"))
}

/// The runs that a path names: a directory of several seeds stands for all of them.
pub(crate) fn runs_of(path: &Path) -> Result<Vec<PathBuf>, Failure> {
    Ok(match SeedRuns::read(path)? {
        Some(found) => found.seeds.iter().map(|&seed| run_of(path, seed)).collect(),
        None => vec![path.to_owned()],
    })
}

/// Writes a file of JSON, whole or not at all.
pub(crate) fn write_json(path: &Path, content: &impl Serialize) -> Result<(), Failure> {
    let failed = |error: &dyn std::error::Error| Failure::failed(error);
    let bytes = serde_json::to_vec_pretty(content).map_err(|error| failed(&error))?;
    write_bytes_atomically(path, &bytes).map_err(|error| failed(&error))
}
