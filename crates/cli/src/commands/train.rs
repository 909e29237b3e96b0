//! `scst train`: run the stages of a configuration.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use scst_reward::RewardRegistry;
use scst_trainer::{Config, Outcome, RunOptions, Start, train};

use crate::{
    arguments::TrainArguments,
    commands::set_threads,
    display::Display,
    failure::Failure,
    output::{print_line, program, quoted, warn},
};

/// Exit code of a run that was interrupted, as shells report it.
const INTERRUPTED: u8 = 130;

pub(crate) fn run(
    arguments: TrainArguments,
    registry: &RewardRegistry,
) -> Result<ExitCode, Failure> {
    let config = Config::load(&arguments.config.config, arguments.config.overrides()?)?;
    set_threads(config.threads)?;
    let directory = arguments.out.clone();
    let directory = directory.unwrap_or_else(|| PathBuf::from("runs").join(&config.name));
    let stop = stop_on_signal()?;
    let options = RunOptions {
        directory: directory.clone(),
        start: match (arguments.resume, arguments.resume_or_start) {
            (true, _) => Start::Resume,
            (false, true) => Start::ResumeOrNew,
            (false, false) => Start::New,
        },
        verify_features: arguments.verify_features,
        stop: &stop,
        rewards: registry,
    };
    let mut display = Display::of_run(config.validation.metric, arguments.show);
    match train(&config, &options, &mut display)? {
        Outcome::Finished(summary) => {
            display.finish();
            print_line!("run: {}", directory.display());
            for stage in &summary.stages {
                let best = stage.best.as_ref().map_or_else(
                    || "not validated".to_owned(),
                    |best| {
                        let scores = best.scores;
                        format!(
                            "validation CIDEr-D {:.4}, BLEU-4 {:.4}, ROUGE-L {:.4}",
                            scores.cider_d, scores.bleu[3], scores.rouge_l
                        )
                    },
                );
                let (name, steps, secs) = (&stage.name, stage.steps, stage.seconds);
                print_line!("stage {name}: {best} ({steps} steps, {secs:.0} s)");
            }
            print_line!("curve: {}", directory.join("curve.svg").display());
            display.show_samples();
            summary.warnings.iter().for_each(warn);
            print_line!(
                "next: {} eval {} --split test --beam 5",
                program(),
                quoted(&directory)
            );
            Ok(ExitCode::SUCCESS)
        }
        Outcome::Stopped { checkpoint } => {
            display.finish();
            eprintln!("stopped; checkpoint {}; to go on:", checkpoint.display());
            eprintln!("  {}", resume_line(&directory));
            Ok(ExitCode::from(INTERRUPTED))
        }
    }
}

/// The command that goes on with a run, ready to paste.
fn resume_line(directory: &Path) -> String {
    format!("{} train --resume {}", program(), quoted(directory))
}

/// A flag that the first Ctrl-C (or SIGTERM) raises; the second one ends the process.
fn stop_on_signal() -> Result<Arc<AtomicBool>, Failure> {
    let stop = Arc::new(AtomicBool::new(false));
    let raised = Arc::clone(&stop);
    ctrlc::set_handler(move || {
        if raised.swap(true, Ordering::Relaxed) {
            std::process::exit(i32::from(INTERRUPTED));
        }
        eprintln!(
            "stopping after this step or batch of captions; press Ctrl-C again to stop at once"
        );
    })
    .map_err(|error| Failure::Failed(format!("cannot listen for Ctrl-C: {error}")))?;
    Ok(stop)
}
