//! `scst estimators`: how good the gradients of sampled captions are.

use std::process::ExitCode;

use scst_trainer::{Checkpoint, Config, EstimatorLab, Registry, measure_estimators};

use crate::{
    arguments::EstimatorArguments, commands::set_threads, failure::Failure, output::print_line,
};

pub(crate) fn run(
    arguments: &EstimatorArguments,
    registry: &Registry,
) -> Result<ExitCode, Failure> {
    let Registry {
        rewards,
        captioners,
    } = registry;
    let overrides = arguments.config.overrides()?;
    let config = Config::load(&arguments.config.config, overrides, captioners)?;
    set_threads(config.threads)?;
    let checkpoint = Checkpoint::load_run_or_checkpoint(&arguments.checkpoint, captioners)?;
    let lab = EstimatorLab {
        images: arguments.images,
        samples: arguments.samples.clone(),
        draws: arguments.draws,
        reference_draws: arguments.reference_draws,
    };
    let reports = measure_estimators(&config, &checkpoint, rewards, &lab)?;
    if arguments.json {
        let list = serde_json::to_string(&reports)
            .map_err(|error| Failure::Failed(format!("cannot write the report: {error}")))?;
        print_line!("{list}");
        return Ok(ExitCode::SUCCESS);
    }
    print_line!("| baseline | samples | bias (of noise alone) | variance | cosine | ms a draw |");
    print_line!("|---|--:|--:|--:|--:|--:|");
    for report in &reports {
        let baseline = serde_json::to_value(report.baseline)
            .map_err(|error| Failure::Failed(format!("cannot write the report: {error}")))?;
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
    Ok(ExitCode::SUCCESS)
}
