//! `run.json`: by which program, from where and on which machine a run was begun, and every time that it went on.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
    time::SystemTime,
};

use scst_files::{FileAction, FileError, write_bytes_atomically};
use serde::{Deserialize, Serialize};

use super::{date::rfc3339, machine::ProcessName};
use crate::{TrainError, config::Config};

/// Name of the file in a run directory.
const NAME: &str = "run.json";

/// Which program runs, for the record of a run. A program around the library says what it knows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Program {
    /// Its version.
    pub version: String,
    /// The commit that it was built from.
    pub commit: Option<String>,
    /// Cargo features that it was built with.
    pub features: Vec<String>,
    /// The command line, the program's own name first.
    pub command: Vec<String>,
}

/// What `run.json` holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct RunRecord {
    /// Fingerprint of the captions that the run began with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) captions: Option<String>,
    /// Every start, the first one first.
    pub(crate) starts: Vec<StartRecord>,
}

/// A start of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct StartRecord {
    /// `started` or `resumed`.
    pub(crate) event: String,
    /// When, in UTC.
    pub(crate) date: String,
    /// Steps of the run that were done.
    pub(crate) step: u64,
    /// The version of the program.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) version: Option<String>,
    /// The commit that it was built from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) commit: Option<String>,
    /// Cargo features that it was built with.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) cargo_features: Vec<String>,
    /// The command line.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) command: Vec<String>,
    /// The machine.
    pub(crate) host: String,
    /// The process id.
    pub(crate) process: u32,
    /// CPU threads of each rank.
    pub(crate) threads: usize,
    /// Processes that train the run together.
    #[serde(skip_serializing_if = "is_alone")]
    pub(crate) ranks: usize,
    /// The current directory, which relative paths start from.
    pub(crate) working_directory: PathBuf,
    /// The run directory.
    pub(crate) run_directory: PathBuf,
    /// The files and folders of captions and features that were read.
    pub(crate) data: Vec<PathBuf>,
}

/// Whether there are no others.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
fn is_alone(ranks: &usize) -> bool {
    *ranks <= 1
}

impl StartRecord {
    /// This start. `config`: the configuration with every path where the file is.
    ///
    /// # Errors
    /// [`FileError`] when the current directory or the run directory is not there.
    pub(crate) fn now(
        step: u64,
        is_new: bool,
        directory: &Path,
        config: &Config,
        (program, ranks): (Option<&Program>, usize),
    ) -> Result<Self, FileError> {
        let here = Path::new(".");
        let working_directory =
            env::current_dir().map_err(FileError::on(FileAction::Read, here))?;
        let run_directory = directory.canonicalize();
        let run_directory = run_directory.map_err(FileError::on(FileAction::Read, directory))?;
        let data = config.paths().into_iter();
        let data = data.filter(|(key, _)| !key.starts_with("stages."));
        let data = data.map(|(_, path)| working_directory.join(path)).collect();
        let process = ProcessName::own();
        Ok(Self {
            event: if is_new { "started" } else { "resumed" }.to_owned(),
            date: rfc3339(SystemTime::now()),
            step,
            version: program.map(|program| program.version.clone()),
            commit: program.and_then(|program| program.commit.clone()),
            cargo_features: program.map_or_else(Vec::new, |p| p.features.clone()),
            command: program.map_or_else(Vec::new, |p| p.command.clone()),
            host: process.host,
            process: process.process,
            threads: rayon::current_num_threads(),
            ranks,
            working_directory,
            run_directory,
            data,
        })
    }
}

impl RunRecord {
    /// The record of the run in `directory`, if there is one.
    ///
    /// # Errors
    /// [`TrainError::RunRecord`] when it is damaged, [`TrainError::File`] when it cannot be read.
    pub(crate) fn read(directory: &Path) -> Result<Option<Self>, TrainError> {
        let path = directory.join(NAME);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(FileError::on(FileAction::Read, &path)(error).into()),
        };
        let record = serde_json::from_slice(&bytes);
        record.map(Some).map_err(|error| TrainError::RunRecord {
            line: error.line(),
            path,
        })
    }

    /// Writes it, atomically.
    ///
    /// # Errors
    /// [`FileError`] when it cannot be written.
    pub(crate) fn write(&self, directory: &Path) -> Result<(), FileError> {
        let path = directory.join(NAME);
        let bytes = serde_json::to_vec_pretty(self)
            .map_err(|error| FileError::on(FileAction::Write, &path)(error.into()))?;
        write_bytes_atomically(&path, &bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn record_is_read_as_written_and_damage_names_file_and_line() {
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(RunRecord::read(directory.path()).unwrap(), None);
        let record = RunRecord {
            captions: Some("abc".to_owned()),
            starts: vec![StartRecord {
                event: "started".to_owned(),
                working_directory: "/work".into(),
                ..StartRecord::default()
            }],
        };
        record.write(directory.path()).unwrap();
        assert_eq!(RunRecord::read(directory.path()).unwrap(), Some(record));
        fs::write(directory.path().join(NAME), "{\n  \"starts\": 3\n}").unwrap();
        let message = RunRecord::read(directory.path()).unwrap_err().to_string();
        assert!(message.contains("run.json`, line 2"), "{message}");
    }
}
