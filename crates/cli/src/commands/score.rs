//! `scst score`: the metrics of captions against references.

mod files;
mod input;
mod numbers;
mod programs;
mod report;
mod several;
mod tokenized;

use std::{path::Path, process::ExitCode, sync::Arc};

use scst_data::coco_evaluation::{Group, pair};
use scst_reward::{
    DocumentFrequency, EvaluationMetric, FrequencySource, Item, evaluate_text, references_are_alike,
};

use crate::{
    arguments::{ScoreArguments, ScoreMetric},
    commands::{document_frequency::read_table, set_threads},
    failure::Failure,
    output::{CiderAlwaysZero, warn},
};
use files::Files;
use numbers::{evaluation_metrics, numbers};
use programs::run_programs;
use report::Report;
use several::score_several;
use tokenized::{Tokenized, tokenize};

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

fn has_diversity(arguments: &ScoreArguments) -> bool {
    arguments.metrics.contains(&ScoreMetric::Diversity)
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
            "found meteor or spice with --several, expected cider_d, cider, bleu, rouge_l or diversity"
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
    run_programs(arguments, &captions, &mut report)?;
    Ok(report)
}

fn empty_report(arguments: &ScoreArguments, captions: &[Tokenized<'_>], images: usize) -> Report {
    Report {
        images,
        several: None,
        rows: captions.iter().map(Tokenized::row).collect(),
        metrics: Vec::new(),
        signatures: Vec::new(),
        tokenizer: arguments.tokenizer.name(),
    }
}

/// The metrics that are computed here.
fn evaluate(
    arguments: &ScoreArguments,
    captions: &[Tokenized<'_>],
    table: Option<&Arc<DocumentFrequency>>,
    report: &mut Report,
) -> Result<(), Failure> {
    let metrics = evaluation_metrics(arguments);
    if metrics.is_empty() {
        return Ok(());
    }
    let source = table.map_or(FrequencySource::Corpus, FrequencySource::Table);
    let items: Vec<Item<'_, str, String>> = captions.iter().map(Tokenized::item).collect();
    let counts_images = |metric: &EvaluationMetric| {
        matches!(metric, EvaluationMetric::CiderD | EvaluationMetric::Cider)
    };
    if table.is_none()
        && metrics.iter().any(counts_images)
        && references_are_alike(items.iter().map(|item| item.references))
    {
        warn(&CiderAlwaysZero);
    }
    let evaluation = evaluate_text(&items, source)?;
    for number in numbers(arguments) {
        let captions = (0..items.len()).map(|k| number.of_caption(&evaluation, k));
        report.add(
            &number.name(),
            number.of_corpus(&evaluation),
            captions.collect(),
        );
    }
    report.signatures.push(evaluation.signature(&metrics));
    Ok(())
}

/// The table of a file; nothing for `corpus`.
fn frequency_table(path: &Path) -> Result<Option<Arc<DocumentFrequency>>, Failure> {
    if path == Path::new("corpus") {
        return Ok(None);
    }
    read_table(path).map(Arc::new).map(Some)
}
