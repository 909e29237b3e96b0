//! `scst report`: a page of what became of runs; `scst card`: the model card of one.

mod card;
mod gathering;
mod outputs;
mod pictures;
mod run_files;
mod scores;

use std::process::ExitCode;

use scst_files::write_bytes_atomically;
use scst_report::{page, text};
use scst_trainer::Registry;

use crate::{
    arguments::ReportArguments,
    commands::{out_file::check_out_file, set_threads},
    failure::Failure,
    output::{note, print_line},
};
use gathering::Gathering;
use pictures::add_pictures;
use run_files::Checkpoints;

pub(crate) use card::run as run_card;

pub(crate) fn run(arguments: &ReportArguments, registry: &Registry) -> Result<ExitCode, Failure> {
    let evaluation = &arguments.evaluation;
    set_threads(evaluation.threads.or_else(|| evaluation.set.threads()))?;
    if !arguments.text {
        check_out_file("--out", &arguments.out)?;
    }
    let gathering = Gathering {
        runs: &arguments.runs,
        checkpoints: Checkpoints::BeforeAndAfter,
        evaluation,
        resamples: arguments.resamples,
    };
    let gathered = gathering.gather(registry)?;
    let mut report = gathered.report;
    if let Some(folder) = &arguments.images {
        add_pictures(&mut report, &gathered.attention, folder)?;
    }
    if arguments.text {
        print_line!("{}", text(&report)?.trim_end());
    } else {
        let written = write_bytes_atomically(&arguments.out, page(&report)?.as_bytes());
        written.map_err(|error| Failure::failed(&error))?;
        note!("{}", arguments.out.display());
    }
    Ok(ExitCode::SUCCESS)
}
