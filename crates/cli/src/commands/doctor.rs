//! `scst doctor`: what is likely to go wrong with a run, or has gone wrong, and what to do.

mod before;
mod finding;
mod run_log;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use scst_trainer::{NearestRuns, Registry, events::METRICS_FILE};

use crate::{
    arguments::DoctorArguments,
    commands::seed_runs::{SeedRuns, runs_of},
    failure::Failure,
};

pub(crate) fn run(arguments: DoctorArguments, registry: &Registry) -> Result<ExitCode, Failure> {
    if arguments.subject.is_file() {
        return before::run(arguments, registry);
    }
    let directory = directory(&arguments.subject)?;
    if let Some(flag) = arguments.flag_of_config() {
        return Err(Failure::Mistake(format!(
            "{flag}: found beside the run `{}`, expected it beside a configuration: a run is what it was begun as",
            directory.display()
        )));
    }
    run_log::run(&runs_of(&directory)?, arguments.json, registry)
}

/// The directory of a run or of several, which may be meant by its name below `runs/`.
///
/// # Errors
/// [`Failure::Mistake`] when it is neither.
fn directory(path: &Path) -> Result<PathBuf, Failure> {
    for directory in [path.to_owned(), Path::new("runs").join(path)] {
        if directory.join(METRICS_FILE).is_file() || SeedRuns::read(&directory)?.is_some() {
            return Ok(directory);
        }
    }
    Err(Failure::Mistake(format!(
        "`{}`: found neither a configuration nor a run with its `{METRICS_FILE}`{}",
        path.display(),
        NearestRuns::to(path)
    )))
}
