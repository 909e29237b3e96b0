//! `scst train`: run the stages of a configuration.

mod earlier;
mod given;
mod one;
mod seeds;
mod watch;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use scst_trainer::{Config, Longer, Outcome, Registry, Start, abandon_lock};

use crate::{
    arguments::TrainArguments,
    commands::{INTERRUPTED, seed_runs::SeedRuns, set_threads},
    failure::Failure,
    output::{note, print_line, program, quoted, say},
    ranks::Ranks,
};
use given::{Given, given, holds_seeds, refuse_out};
use one::{Surroundings, resume_line, train_run};
use seeds::Plan;

pub(crate) fn run(
    arguments: TrainArguments,
    registry: &Registry,
    ranks: &Ranks,
) -> Result<ExitCode, Failure> {
    let goes_on = arguments.resume || arguments.resume_or_start;
    let given = given(&arguments.config.config, goes_on)?;
    if arguments.seeds.is_some() || matches!(given, Given::Seeds(_)) {
        let size = ranks.group().size();
        if size > 1 {
            return Err(Failure::Mistake(format!(
                "found runs of several seeds on {size} ranks, expected one run: give each seed a job of its own"
            )));
        }
        return train_seeds(&arguments, given, registry);
    }
    let overrides = arguments.config.overrides()?;
    let (path, directory) = match given {
        Given::Config(path) => (path, arguments.out.clone()),
        Given::Run(directory) | Given::Seeds(directory) => {
            refuse_out(&arguments, &directory)?;
            (directory.join("config.toml"), Some(directory))
        }
    };
    let config = Config::load(&path, overrides, &registry.captioners)?;
    let directory = directory.unwrap_or_else(|| PathBuf::from("runs").join(&config.name));
    if SeedRuns::read(&directory)?.is_some() {
        return Err(holds_seeds(&directory));
    }
    set_threads(config.threads.or_else(|| ranks.threads()))?;
    let stop = stop_on_signal(vec![directory.clone()])?;
    let start = match (arguments.resume, arguments.resume_or_start) {
        (true, _) => Start::Resume,
        (false, true) => Start::ResumeOrNew,
        (false, false) => Start::New,
    };
    let around = Surroundings {
        stop: &stop,
        registry,
        group: ranks.group(),
    };
    let outcome = train_run(&config, (&directory, start), &arguments, around)?;
    let next = || {
        print_line!(
            "next: {} eval {} --split test --beam 5",
            program(),
            quoted(&directory)
        );
    };
    Ok(match outcome {
        Outcome::Finished(_) => {
            next();
            ExitCode::SUCCESS
        }
        Outcome::AlreadyFinished { longer, .. } => {
            next();
            note!("{}", already_finished(&directory, longer.as_ref()));
            ExitCode::SUCCESS
        }
        Outcome::Stopped { checkpoint } => {
            say!("stopped; checkpoint {}; to go on:", checkpoint.display());
            say!("  {}", resume_line(&directory));
            ExitCode::from(INTERRUPTED)
        }
    })
}

/// What is said of a run that is resumed after its end.
fn already_finished(directory: &Path, longer: Option<&Longer>) -> String {
    match longer {
        Some(Longer { key, now }) => format!(
            "this run was finished already, and nothing was done; to train longer, give more than {now}: {} --set {key}={}",
            resume_line(directory),
            now.saturating_mul(2)
        ),
        None => format!(
            "this run was finished already, and nothing was done; its last stage has ended for good: to train on, begin a \
             run whose first stage has `start_from.checkpoint = \"{}\"`",
            directory.display()
        ),
    }
}

/// Trains a run a seed; each goes on where it is, and the finished ones are left as they are.
fn train_seeds(
    arguments: &TrainArguments,
    given: Given,
    registry: &Registry,
) -> Result<ExitCode, Failure> {
    let plan = Plan::of(arguments, given, registry)?;
    set_threads(plan.config.threads)?;
    let stop = stop_on_signal(plan.directories())?;
    Ok(if plan.train(arguments, &stop, registry)? {
        ExitCode::SUCCESS
    } else {
        say!("stopped; to go on:");
        say!("  {}", resume_line(&plan.directory));
        ExitCode::from(INTERRUPTED)
    })
}

/// A flag that the first Ctrl-C (or SIGTERM) raises; the second one ends the process.
fn stop_on_signal(directories: Vec<PathBuf>) -> Result<Arc<AtomicBool>, Failure> {
    let stop = Arc::new(AtomicBool::new(false));
    let raised = Arc::clone(&stop);
    ctrlc::set_handler(move || {
        if raised.swap(true, Ordering::Relaxed) {
            for run in &directories {
                abandon_lock(run);
            }
            std::process::exit(i32::from(INTERRUPTED));
        }
        say!("stopping after this step or batch of captions; press Ctrl-C again to stop at once");
    })
    .map_err(|error| Failure::Failed(format!("cannot listen for Ctrl-C: {error}")))?;
    Ok(stop)
}
