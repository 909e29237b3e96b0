//! What one caption of an image and several have in common.

use std::sync::Arc;

use scst_reward::{
    DocumentFrequency, EvaluationMetric, FrequencySource, Item, evaluate_text, references_are_alike,
};

use super::{
    numbers::{evaluation_metrics, numbers},
    report::Report,
    tokenized::Tokenized,
};
use crate::{
    arguments::{ScoreArguments, ScoreMetric},
    failure::Failure,
    output::{CiderAlwaysZero, warn},
};

pub(super) fn has_diversity(arguments: &ScoreArguments) -> bool {
    arguments.metrics.contains(&ScoreMetric::Diversity)
}

pub(super) fn empty_report(
    arguments: &ScoreArguments,
    captions: &[Tokenized<'_>],
    images: usize,
) -> Report {
    Report {
        images,
        several: None,
        rows: captions.iter().map(Tokenized::row).collect(),
        metrics: Vec::new(),
        signatures: Vec::new(),
        raw_text_signature: None,
        tokenizer: arguments.tokenizer.name(),
    }
}

/// The metrics that are computed here.
pub(super) fn evaluate(
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
