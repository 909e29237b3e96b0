//! `scst estimators`: how good the gradients of sampled captions are.

mod toy;

use std::{path::Path, process::ExitCode};

use scst_files::write_bytes_atomically;
use scst_trainer::{
    Checkpoint, Config, EstimatorPicture, EstimatorReport, Registry, draw_estimators,
    measure_estimators, measure_toy,
};
use serde::Serialize;

use crate::{
    arguments::{EstimatorArguments, EstimatorRun, EstimatorTask},
    commands::{out_file::check_out_file, set_threads},
    failure::Failure,
    output::{note, print_line},
    ranks::Ranks,
};
use toy::ToyTable;

pub(crate) fn run(
    arguments: EstimatorArguments,
    registry: &Registry,
    ranks: &Ranks,
) -> Result<ExitCode, Failure> {
    let json = arguments.json;
    let file = arguments.picture.clone();
    file.as_deref().map_or(Ok(()), check_picture)?;
    let picture = match arguments.resolve()? {
        EstimatorTask::Toy => {
            let reports = measure_toy()?;
            if json {
                print_json(&reports)?;
            } else {
                print_line!("{}", ToyTable(&reports));
            }
            EstimatorPicture::of_toy(&reports)
        }
        EstimatorTask::Run(run) => {
            let reports = measure(&run, registry, ranks)?;
            if json {
                print_json(&reports)?;
            } else {
                print_table(&reports);
            }
            EstimatorPicture::of_draws(&reports)
        }
    };
    if let Some(path) = file
        && ranks.is_first()
    {
        let svg = draw_estimators(&picture).map_err(|error| Failure::failed(&error))?;
        write_bytes_atomically(&path, svg.as_bytes()).map_err(|error| Failure::failed(&error))?;
        note!("wrote {}", path.display());
    }
    Ok(ExitCode::SUCCESS)
}

/// Refuses, before anything is measured, a picture that could not be written.
fn check_picture(path: &Path) -> Result<(), Failure> {
    if path.extension().is_none_or(|ending| ending != "svg") {
        return Err(Failure::Mistake(format!(
            "--picture: found `{}`, expected a file ending in .svg",
            path.display()
        )));
    }
    check_out_file("--picture", path)
}

fn measure(
    run: &EstimatorRun,
    registry: &Registry,
    ranks: &Ranks,
) -> Result<Vec<EstimatorReport>, Failure> {
    let EstimatorRun {
        config,
        checkpoint,
        lab,
    } = run;
    let captioners = &registry.captioners;
    let config = Config::load(&config.config, config.overrides()?, captioners)?;
    set_threads(config.threads.or_else(|| ranks.threads()))?;
    let checkpoint = Checkpoint::load_run_or_checkpoint(checkpoint, captioners)?;
    Ok(measure_estimators(
        &config,
        &checkpoint,
        registry,
        lab,
        ranks.group(),
    )?)
}

fn print_json<T: Serialize>(reports: &[T]) -> Result<(), Failure> {
    let list = serde_json::to_string(reports).map_err(|error| cannot_write(&error))?;
    print_line!("{list}");
    Ok(())
}

fn print_table(reports: &[EstimatorReport]) {
    print_line!(
        "| estimator | samples | scale | bias (of noise alone) | variance | cosine | ms a draw | variance x s |"
    );
    print_line!("|---|--:|--:|--:|--:|--:|--:|--:|");
    for report in reports {
        print_line!(
            "| {} | {} | {:.3} | {:.3} ({:.3}) | {:.2} | {:.3} | {:.0} | {:.2} |",
            report.estimator.name(),
            report.samples,
            report.scale,
            report.bias,
            report.noise,
            report.variance,
            report.cosine,
            report.milliseconds,
            report.variance * report.milliseconds / 1e3,
        );
    }
}

fn cannot_write(error: &serde_json::Error) -> Failure {
    Failure::Failed(format!("cannot write the report: {error}"))
}
