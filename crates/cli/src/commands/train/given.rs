//! What `scst train` is given: a configuration, or a run that is to go on.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use scst_trainer::NearestRuns;

use crate::{
    arguments::TrainArguments,
    commands::seed_runs::SeedRuns,
    failure::Failure,
    output::{program, quoted},
};

/// What `scst train` is given.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Given {
    /// A configuration file.
    Config(PathBuf),
    /// A run directory.
    Run(PathBuf),
    /// A directory of runs of several seeds.
    Seeds(PathBuf),
}

/// What `path` is. `goes_on`: whether a run may go on.
///
/// A run is also meant by its name below `runs/`, and by the `config.toml` in it.
///
/// # Errors
/// [`Failure::Mistake`] when it is neither, or a run is given and none may go on, with what to give in its place.
pub(super) fn given(path: &Path, goes_on: bool) -> Result<Given, Failure> {
    let called = path.display();
    let program = program();
    let resume = |run: &Path| format!("{program} train --resume {}", quoted(run));
    if path.is_file() {
        let directory = path.parent().filter(|_| path.ends_with("config.toml"));
        return match directory.filter(|_| goes_on) {
            Some(directory) if is_run(directory) => Ok(Given::Run(directory.to_owned())),
            Some(directory) if is_checkpoint(directory) => in_checkpoint(directory, &resume),
            Some(directory) if SeedRuns::read(directory)?.is_some() => {
                Ok(Given::Seeds(directory.to_owned()))
            }
            _ => Ok(Given::Config(path.to_owned())),
        };
    }
    if SeedRuns::read(path)?.is_some() {
        return if goes_on {
            Ok(Given::Seeds(path.to_owned()))
        } else {
            Err(holds_seeds(path))
        };
    }
    if is_run(path) {
        if goes_on {
            return Ok(Given::Run(path.to_owned()));
        }
        return Err(Failure::Mistake(format!(
            "`{called}` holds a run already, expected a configuration file; to go on with the run: {}",
            resume(path)
        )));
    }
    if is_checkpoint(path) {
        return in_checkpoint(path, &resume);
    }
    if let Some(run) = run_around(path) {
        return Err(Failure::Mistake(format!(
            "`{called}` is a part of a run, expected its directory: {}",
            resume(&run)
        )));
    }
    let by_name = Path::new("runs").join(path);
    if goes_on && !path.exists() && is_run(&by_name) {
        return Ok(Given::Run(by_name));
    }
    if goes_on && !path.exists() && SeedRuns::read(&by_name)?.is_some() {
        return Ok(Given::Seeds(by_name));
    }
    no_run(path, goes_on)?;
    Ok(Given::Config(path.to_owned()))
}

/// The answer to a directory of several runs where one run, or none, was expected.
pub(super) fn holds_seeds(directory: &Path) -> Failure {
    Failure::Mistake(format!(
        "`{}` holds the runs of several seeds already; to go on with them: {} train --resume {}",
        directory.display(),
        program(),
        quoted(directory)
    ))
}

/// Refuses `--out` beside a run, or runs, that go on where they are.
pub(super) fn refuse_out(arguments: &TrainArguments, directory: &Path) -> Result<(), Failure> {
    arguments.out.as_ref().map_or(Ok(()), |out| {
        Err(Failure::Mistake(format!(
            "--out `{}`: expected no other directory, for the run `{}` goes on where it is",
            out.display(),
            directory.display()
        )))
    })
}

/// The answer to what is no run, unless it is meant as a configuration file.
///
/// # Errors
/// [`Failure::Mistake`]; [`Failure::Failed`] when nobody may look whether it is a run.
fn no_run(path: &Path, goes_on: bool) -> Result<(), Failure> {
    let called = path.display();
    let config = path.join("config.toml");
    match fs::metadata(&config) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            return Err(Failure::Failed(format!(
                "cannot read `{}`: {error}",
                config.display()
            )));
        }
        _ => {}
    }
    if path.is_dir() {
        let left = ["checkpoints", "best"].map(|name| path.join(name));
        if let Some(left) = left.iter().find(|left| left.is_dir()) {
            return Err(Failure::Mistake(format!(
                "`{called}` holds no `config.toml`, but `{}` of a run: put the `config.toml` back, which every checkpoint \
                 holds too",
                left.display()
            )));
        }
        let expected = if goes_on {
            "a run directory or a configuration file"
        } else {
            "a configuration file"
        };
        return Err(Failure::Mistake(format!(
            "`{called}` holds no run: found no `config.toml`, expected {expected}{}",
            NearestRuns::to(path)
        )));
    }
    let is_meant_as_run = goes_on && path.extension().is_none_or(|ending| ending != "toml");
    if is_meant_as_run && !path.exists() {
        return Err(Failure::Mistake(format!(
            "there is no run `{called}`{}",
            NearestRuns::to(path)
        )));
    }
    Ok(())
}

/// The answer to a checkpoint.
fn in_checkpoint(path: &Path, resume: &dyn Fn(&Path) -> String) -> Result<Given, Failure> {
    let called = path.display();
    let begin = format!(
        "to begin another run with its weights, set `start_from.checkpoint = \"{called}\"` in the first stage of a \
         configuration"
    );
    Err(Failure::Mistake(match run_around(path) {
        Some(run) => format!(
            "`{called}` is a checkpoint, expected a run, which goes on from its newest one: {}; {begin}",
            resume(&run)
        ),
        None => format!("`{called}` is a checkpoint without a run, expected a run; {begin}"),
    }))
}

/// The run that a directory in it belongs to.
fn run_around(path: &Path) -> Option<PathBuf> {
    let above = path.ancestors().skip(1).take(2);
    let mut above = above.filter(|above| !above.as_os_str().is_empty());
    above.find(|above| is_run(above)).map(Path::to_owned)
}

fn is_checkpoint(directory: &Path) -> bool {
    directory.join("manifest.json").is_file()
}

/// Whether a run was begun in a directory: its configuration is there, and something else that a run leaves.
pub(super) fn is_run(directory: &Path) -> bool {
    let holds = |name: &str| directory.join(name).exists();
    directory.join("config.toml").is_file()
        && !is_checkpoint(directory)
        && ["checkpoints", "metrics.jsonl", "run.json"]
            .iter()
            .any(|name| holds(name))
}
