//! `scst bench`: how fast training is on this machine.

use std::process::ExitCode;

use scst_trainer::{StepBench, bench_step};

use crate::{
    arguments::StepBenchArguments, commands::set_threads, failure::Failure, output::print_line,
};

pub(crate) fn step(arguments: &StepBenchArguments) -> Result<ExitCode, Failure> {
    set_threads(Some(arguments.threads))?;
    let report = bench_step(&StepBench {
        backend: arguments.backend,
        model: arguments.model.clone(),
        images: arguments.images,
        samples: arguments.samples,
        vocab: arguments.vocab,
        hidden: arguments.hidden,
        feature: arguments.feature,
        regions: arguments.regions,
        length: arguments.length,
        dropout: arguments.dropout,
        steps: arguments.steps,
        warmup: arguments.warmup,
    })?;
    let line = serde_json::to_string(&report)
        .map_err(|error| Failure::Failed(format!("cannot write the report: {error}")))?;
    print_line!("{line}");
    Ok(ExitCode::SUCCESS)
}
