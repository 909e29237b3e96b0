//! `scst score`: the metrics of captions against references.

mod files;
mod numbers;
mod programs;
mod raw_text;
mod report;
mod scored;
mod several;
mod tokenized;

use std::{path::Path, process::ExitCode, sync::Arc};

use scst_data::coco_evaluation::{Group, pair};
use scst_reward::DocumentFrequency;

use crate::{
    arguments::{ScoreArguments, ScoreMetric},
    commands::{document_frequency::read_table, set_threads},
    failure::Failure,
};
use files::Files;
use programs::run_programs;
use raw_text::add_raw_text;
use report::Report;
use scored::{empty_report, evaluate, has_diversity};
use several::score_several;
use tokenized::tokenize;

pub(crate) fn run(arguments: &ScoreArguments) -> Result<ExitCode, Failure> {
    set_threads(arguments.threads)?;
    check_metrics(arguments)?;
    let table = frequency_table(&arguments.document_frequency)?;
    let files = Files::read(arguments)?;
    let report = if arguments.several || has_diversity(arguments) {
        score_several(arguments, &files, table)?
    } else {
        score(arguments, &files, table.as_ref())?
    };
    report.print(arguments);
    Ok(ExitCode::SUCCESS)
}

/// Whether the metrics can be computed together.
fn check_metrics(arguments: &ScoreArguments) -> Result<(), Failure> {
    let others = arguments.metrics.iter();
    let others = others.filter(|metric| **metric != ScoreMetric::Diversity);
    if has_diversity(arguments) && others.count() > 0 && !arguments.several {
        return Err(Failure::Mistake(
            "found --metrics diversity with others, expected it alone or --several: it compares several captions of \
             an image, the others one"
                .to_owned(),
        ));
    }
    let is_program = |metric| matches!(metric, ScoreMetric::Meteor | ScoreMetric::Spice);
    if arguments.several && arguments.metrics.iter().copied().any(is_program) {
        return Err(Failure::Mistake(
            "found meteor or spice with --several, expected metrics that need no program of their own"
                .to_owned(),
        ));
    }
    Ok(())
}

fn score(
    arguments: &ScoreArguments,
    files: &Files,
    table: Option<&Arc<DocumentFrequency>>,
) -> Result<Report, Failure> {
    let pairs = pair(files.references(), files.candidates(), arguments.subset)
        .map_err(|error| files.failure(error))?;
    let pairs: Vec<Group<'_>> = pairs.into_iter().map(|(i, c)| (i, vec![c])).collect();
    let captions = tokenize(&pairs, arguments.tokenizer);
    let mut report = empty_report(arguments, &captions, captions.len());
    evaluate(arguments, &captions, table, &mut report)?;
    add_raw_text(arguments, &captions, None, &mut report)?;
    run_programs(arguments, &captions, &mut report)?;
    Ok(report)
}

/// The table of a file; nothing for `corpus`.
fn frequency_table(path: &Path) -> Result<Option<Arc<DocumentFrequency>>, Failure> {
    if path == Path::new("corpus") {
        return Ok(None);
    }
    read_table(path).map(Arc::new).map(Some)
}
