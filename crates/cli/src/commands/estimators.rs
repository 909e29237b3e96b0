//! `scst estimators`: how good the gradients of sampled captions are.

mod toy;

use std::{path::Path, process::ExitCode};

use scst_trainer::{
    Checkpoint, Config, EstimatorLab, EstimatorReport, Registry, measure_estimators, measure_toy,
};
use serde::Serialize;

use crate::{
    arguments::{ConfigArguments, EstimatorArguments, EstimatorTask},
    commands::set_threads,
    failure::Failure,
    output::print_line,
};
use toy::ToyTable;

pub(crate) fn run(arguments: EstimatorArguments, registry: &Registry) -> Result<ExitCode, Failure> {
    let json = arguments.json;
    match arguments.resolve()? {
        EstimatorTask::Toy => {
            let reports = measure_toy()?;
            if json {
                print_json(&reports)?;
            } else {
                print_line!("{}", ToyTable(&reports));
            }
        }
        EstimatorTask::Run {
            config,
            checkpoint,
            lab,
        } => {
            let reports = measure(&config, &checkpoint, &lab, registry)?;
            if json {
                print_json(&reports)?;
            } else {
                print_table(&reports)?;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn measure(
    config: &ConfigArguments,
    checkpoint: &Path,
    lab: &EstimatorLab,
    registry: &Registry,
) -> Result<Vec<EstimatorReport>, Failure> {
    let Registry {
        rewards,
        captioners,
    } = registry;
    let config = Config::load(&config.config, config.overrides()?, captioners)?;
    set_threads(config.threads)?;
    let checkpoint = Checkpoint::load_run_or_checkpoint(checkpoint, captioners)?;
    Ok(measure_estimators(&config, &checkpoint, rewards, lab)?)
}

fn print_json<T: Serialize>(reports: &[T]) -> Result<(), Failure> {
    let list = serde_json::to_string(reports).map_err(|error| cannot_write(&error))?;
    print_line!("{list}");
    Ok(())
}

fn print_table(reports: &[EstimatorReport]) -> Result<(), Failure> {
    print_line!("| baseline | samples | bias (of noise alone) | variance | cosine | ms a draw |");
    print_line!("|---|--:|--:|--:|--:|--:|");
    for report in reports {
        let baseline =
            serde_json::to_value(report.baseline).map_err(|error| cannot_write(&error))?;
        print_line!(
            "| {} | {} | {:.3} ({:.3}) | {:.2} | {:.3} | {:.0} |",
            baseline.as_str().unwrap_or_default(),
            report.samples,
            report.bias,
            report.noise,
            report.variance,
            report.cosine,
            report.milliseconds,
        );
    }
    Ok(())
}

fn cannot_write(error: &serde_json::Error) -> Failure {
    Failure::Failed(format!("cannot write the report: {error}"))
}
