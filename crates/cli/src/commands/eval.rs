//! `scst eval`: score a run or checkpoint.

mod report;

use std::{collections::BTreeSet, process::ExitCode};

use scst_files::write_bytes_atomically;
use scst_trainer::{Checkpoint, Registry};

use crate::{
    arguments::EvalArguments,
    commands::{evaluation::Prepared, out_file::check_out_file, set_threads},
    failure::Failure,
    ranks::Ranks,
};

pub(crate) fn run(
    arguments: &EvalArguments,
    registry: &Registry,
    ranks: &Ranks,
) -> Result<ExitCode, Failure> {
    let evaluation = &arguments.evaluation;
    let threads = evaluation.threads.or_else(|| evaluation.set.threads());
    set_threads(threads.or_else(|| ranks.threads()))?;
    if let Some(path) = &arguments.out {
        check_out_file("--out", path)?;
    }
    let checkpoint = Checkpoint::load_run_or_checkpoint(&arguments.model, &registry.captioners)?;
    let model = (&*arguments.model, checkpoint);
    let prepared = Prepared::new(model, evaluation, registry)?;
    let opened = prepared.open(&mut BTreeSet::new(), ranks.group())?;
    let report = opened.evaluate(&arguments.ensemble, ranks.group())?;
    let config = &prepared.config;
    if let Some(path) = &arguments.out
        && ranks.is_first()
    {
        let bytes = serde_json::to_vec(&report.results())
            .map_err(|error| Failure::Failed(error.to_string()))?;
        write_bytes_atomically(path, &bytes).map_err(|error| Failure::Failed(error.to_string()))?;
    }
    report::print(
        arguments,
        config.data.names(),
        config.validation.metric,
        &report,
    );
    Ok(ExitCode::SUCCESS)
}
