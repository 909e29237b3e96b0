//! `scst bench`: how fast training is on this machine.

use std::process::ExitCode;

use scst_trainer::bench_step;

use crate::{
    arguments::StepBenchArguments, commands::set_threads, failure::Failure, output::print_line,
    ranks::Ranks,
};

pub(crate) fn step(arguments: &StepBenchArguments, ranks: &Ranks) -> Result<ExitCode, Failure> {
    let group = ranks.group();
    let bench = arguments.resolve(group.size())?;
    set_threads(Some(arguments.threads))?;
    let report = bench_step(&bench, group)?;
    let line = serde_json::to_string(&report)
        .map_err(|error| Failure::Failed(format!("cannot write the report: {error}")))?;
    print_line!("{line}");
    Ok(ExitCode::SUCCESS)
}
