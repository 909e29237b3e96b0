//! `scst train`: run the stages of a configuration.

mod earlier;
mod given;
mod watch;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use scst_trainer::{
    Config, Longer, Outcome, Program, Registry, RunOptions, Start, Summary, abandon_lock,
    checkpoints_of, train,
};

use crate::{
    arguments::TrainArguments,
    build_info,
    commands::set_threads,
    display::Display,
    examples::scores,
    failure::Failure,
    output::{note, print_line, program, quoted, say, warn},
};
use given::{Given, given};
use watch::Watch;

/// Exit code of a run that was interrupted, as shells report it.
const INTERRUPTED: u8 = 130;

pub(crate) fn run(arguments: TrainArguments, registry: &Registry) -> Result<ExitCode, Failure> {
    let goes_on = arguments.resume || arguments.resume_or_start;
    let overrides = arguments.config.overrides()?;
    let (config, directory) = match given(&arguments.config.config, goes_on)? {
        Given::Config(path) => {
            let config = Config::load(&path, overrides, &registry.captioners)?;
            let default = || PathBuf::from("runs").join(&config.name);
            let directory = arguments.out.clone().unwrap_or_else(default);
            (config, directory)
        }
        Given::Run(directory) => {
            if let Some(out) = &arguments.out {
                return Err(Failure::Mistake(format!(
                    "--out `{}`: expected no other directory, for the run `{}` goes on where it is",
                    out.display(),
                    directory.display()
                )));
            }
            (
                Config::load(
                    &directory.join("config.toml"),
                    overrides,
                    &registry.captioners,
                )?,
                directory,
            )
        }
    };
    set_threads(config.threads)?;
    let stop = stop_on_signal(&directory)?;
    let options = RunOptions {
        directory: directory.clone(),
        start: match (arguments.resume, arguments.resume_or_start) {
            (true, _) => Start::Resume,
            (false, true) => Start::ResumeOrNew,
            (false, false) => Start::New,
        },
        verify_features: arguments.verify_features,
        stop: &stop,
        registry,
        program: Some(&this_program()),
    };
    let mut display = Display::of_run(&config, arguments.show);
    let mut watch = Watch::new(&mut display);
    let outcome = train(&config, &options, &mut watch);
    let is_begun = watch.is_begun();
    display.finish();
    let outcome = outcome.map_err(|error| {
        let earlier = earlier::advice(&directory, &error);
        let failure = Failure::from(error);
        if let Some(advice) = earlier {
            failure.followed_by(&advice)
        } else if is_begun && !checkpoints_of(&directory).is_empty() {
            let advice = format!(
                "to go on from the newest checkpoint:\n  {}",
                resume_line(&directory)
            );
            failure.followed_by(&advice)
        } else {
            failure
        }
    })?;
    Ok(match outcome {
        Outcome::Finished(summary) => {
            print_summary(&directory, &summary, &mut display);
            ExitCode::SUCCESS
        }
        Outcome::AlreadyFinished { summary, longer } => {
            print_summary(&directory, &summary, &mut display);
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

/// This program, for the record of the run.
fn this_program() -> Program {
    Program {
        version: build_info::VERSION.to_owned(),
        commit: build_info::COMMIT.map(str::to_owned),
        features: build_info::features()
            .into_iter()
            .map(str::to_owned)
            .collect(),
        command: std::env::args_os()
            .map(|word| word.to_string_lossy().into_owned())
            .collect(),
    }
}

/// The command that goes on with a run, ready to paste.
fn resume_line(directory: &Path) -> String {
    format!("{} train --resume {}", program(), quoted(directory))
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

fn print_summary(directory: &Path, summary: &Summary, display: &mut Display) {
    print_line!("run: {}", directory.display());
    for stage in &summary.stages {
        let best = stage.best.as_ref().map_or_else(
            || "not validated".to_owned(),
            |best| format!("validation {}", scores(&best.scores)),
        );
        let (name, steps, secs) = (&stage.name, stage.steps, stage.seconds);
        print_line!("stage {name}: {best} ({steps} steps, {secs:.0} s)");
    }
    print_line!("curve: {}", directory.join("curve.svg").display());
    display.show_samples();
    let warnings = summary.warnings.iter();
    let unsaid = warnings.filter(|warning| !display.has_just_warned(warning));
    unsaid.for_each(warn);
    print_line!(
        "next: {} eval {} --split test --beam 5",
        program(),
        quoted(directory)
    );
}

/// A flag that the first Ctrl-C (or SIGTERM) raises; the second one ends the process.
fn stop_on_signal(directory: &Path) -> Result<Arc<AtomicBool>, Failure> {
    let stop = Arc::new(AtomicBool::new(false));
    let raised = Arc::clone(&stop);
    let directory = directory.to_owned();
    ctrlc::set_handler(move || {
        if raised.swap(true, Ordering::Relaxed) {
            abandon_lock(&directory);
            std::process::exit(i32::from(INTERRUPTED));
        }
        say!("stopping after this step or batch of captions; press Ctrl-C again to stop at once");
    })
    .map_err(|error| Failure::Failed(format!("cannot listen for Ctrl-C: {error}")))?;
    Ok(stop)
}
