//! Metrics of raw text: captions and references as they stand, whatever the tokenizer of the others is.

use scst_data::coco_evaluation::Group;
use scst_reward::{Item, TextMetric, evaluate_raw_text};

use super::{report::Report, tokenized::Tokenized};
use crate::{arguments::ScoreArguments, failure::Failure};

/// The metrics of raw text that are asked for, each once.
fn metrics(arguments: &ScoreArguments) -> Vec<TextMetric> {
    let mut metrics = Vec::new();
    for metric in arguments
        .metrics
        .iter()
        .filter_map(|metric| metric.of_text())
    {
        if !metrics.contains(&metric) {
            metrics.push(metric);
        }
    }
    metrics
}

/// Adds what the metrics of raw text say; of groups of several captions an image also what each says of those that it
/// likes best.
pub(super) fn add_raw_text(
    arguments: &ScoreArguments,
    captions: &[Tokenized<'_>],
    several: Option<&[Group<'_>]>,
    report: &mut Report,
) -> Result<(), Failure> {
    let metrics = metrics(arguments);
    if metrics.is_empty() {
        return Ok(());
    }
    let items: Vec<Item<'_, str, String>> = captions.iter().map(Tokenized::raw_item).collect();
    let evaluation = evaluate_raw_text(&items, &metrics)?;
    for &metric in &metrics {
        let value = evaluation.corpus.get(metric);
        let of_captions = evaluation.captions.iter();
        let of_captions: Vec<f64> = of_captions
            .filter_map(|scores| scores.get(metric))
            .collect();
        let best = match several {
            Some(groups) => {
                let best = best_of_groups(metric, groups, &of_captions);
                let items: Vec<_> = best.into_iter().map(|k| captions[k].raw_item()).collect();
                evaluate_raw_text(&items, &[metric])?.corpus.get(metric)
            }
            None => None,
        };
        report.add_metric(metric.name(), value, best, of_captions);
    }
    report.raw_text_signature = Some(evaluation.signature);
    Ok(())
}

/// The best caption of every group, the first of several that are as good.
fn best_of_groups(metric: TextMetric, groups: &[Group<'_>], scores: &[f64]) -> Vec<usize> {
    let mut first = 0;
    let best = groups.iter().filter_map(|(_, results)| {
        let of_image = first..first + results.len();
        first = of_image.end;
        of_image.reduce(|best, next| {
            if metric.is_better(scores[next], scores[best]) {
                next
            } else {
                best
            }
        })
    });
    best.collect()
}
