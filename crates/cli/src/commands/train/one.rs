//! One run of `scst train`, with what is shown and said of it.

use std::{path::Path, sync::atomic::AtomicBool};

use scst_trainer::{
    Group, Outcome, Program, Registry, RunOptions, Start, Summary, Unobserved, checkpoints_of,
    config::ValidConfig, train,
};

use super::{earlier, watch::Watch};
use crate::{
    arguments::TrainArguments,
    build_info,
    display::Display,
    examples::scores,
    failure::Failure,
    output::{print_line, program, quoted, warn},
};

/// What a run is trained with, beside its configuration.
#[derive(Clone, Copy)]
pub(super) struct Surroundings<'a> {
    pub(super) stop: &'a AtomicBool,
    pub(super) registry: &'a Registry,
    pub(super) group: &'a dyn Group,
}

/// Trains the run in `directory` and prints what came of it; a failure is told with the way on.
pub(super) fn train_run(
    config: &ValidConfig,
    (directory, start): (&Path, Start),
    arguments: &TrainArguments,
    around: Surroundings<'_>,
) -> Result<Outcome, Failure> {
    let Surroundings {
        stop,
        registry,
        group,
    } = around;
    let options = RunOptions {
        directory: directory.to_owned(),
        start,
        verify_features: arguments.verify_features,
        stop,
        registry,
        program: Some(&this_program()),
        group,
        hash_every: arguments.hash_every,
    };
    let mut display = Display::of_run(config, arguments.show);
    let mut watch = Watch::new(&mut display);
    let outcome = if group.rank() == 0 {
        train(config, &options, &mut watch)
    } else {
        train(config, &options, &mut Unobserved)
    };
    let is_begun = watch.is_begun();
    display.finish();
    let outcome = outcome.map_err(|error| {
        let earlier = earlier::advice(directory, &error);
        let failure = Failure::from(error);
        if let Some(advice) = earlier {
            failure.followed_by(&advice)
        } else if is_begun && !checkpoints_of(directory).is_empty() {
            let advice = format!(
                "to go on from the newest checkpoint:\n  {}",
                resume_line(directory)
            );
            failure.followed_by(&advice)
        } else {
            failure
        }
    })?;
    if let Outcome::Finished(summary) | Outcome::AlreadyFinished { summary, .. } = &outcome
        && group.rank() == 0
    {
        print_summary(directory, summary, &mut display);
    }
    Ok(outcome)
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
pub(super) fn resume_line(directory: &Path) -> String {
    format!("{} train --resume {}", program(), quoted(directory))
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
}
