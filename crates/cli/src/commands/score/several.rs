//! Several captions of an image: all together, the best of every image, and how various they are.

use std::sync::Arc;

use rayon::prelude::*;
use scst_data::coco_evaluation::{Group, ReferencedImage, check_referenced, group};
use scst_reward::{
    DocumentFrequency, FrequencySource, Item, MAX_ORDER, evaluate_diversity_of_text, evaluate_text,
};

use super::{
    files::Files,
    numbers::numbers,
    raw_text::add_raw_text,
    report::{Metric, Report},
    scored::{empty_report, evaluate, has_diversity},
    tokenized::{Tokenized, tokenize, tokenize_all},
};
use crate::{
    arguments::{ScoreArguments, Tokenizer},
    failure::Failure,
};

/// Scores several captions of an image: all together, and the best of every image.
pub(super) fn score_several(
    arguments: &ScoreArguments,
    files: &Files,
    table: Option<Arc<DocumentFrequency>>,
) -> Result<Report, Failure> {
    // Diversity alone needs no references, and compares the captions that there are.
    let subset = arguments.subset || !arguments.several;
    let groups = group(files.references(), files.candidates(), subset)
        .map_err(|error| files.failure(error))?;
    let captions = tokenize(&groups, arguments.tokenizer);
    let mut report = empty_report(arguments, &captions, groups.len());
    report.several = arguments.several.then_some(captions.len());
    if arguments.several {
        let scored: Vec<ReferencedImage> = groups.iter().map(|(i, _)| (*i).clone()).collect();
        check_referenced(files.inputs[0].path(), &scored).map_err(|error| files.failure(error))?;
        // Of the images that are scored, each counted once, however many captions it has.
        let of_images = match &table {
            Some(table) => Arc::clone(table),
            None => frequencies(&scored, arguments.tokenizer)?,
        };
        evaluate(arguments, &captions, Some(&of_images), &mut report)?;
        add_best(&groups, &captions, arguments, &of_images, &mut report)?;
        add_raw_text(arguments, &captions, Some(&groups), &mut report)?;
    }
    if has_diversity(arguments) {
        let table = match table {
            Some(table) => table,
            None => {
                let (refs, references) = files.references();
                check_referenced(refs, references).map_err(|error| files.failure(error))?;
                frequencies(references, arguments.tokenizer)?
            }
        };
        add_diversity(&groups, &captions, &table, &mut report)?;
    }
    Ok(report)
}

/// Document frequencies of the references of images.
fn frequencies(
    images: &[ReferencedImage],
    tokenizer: Tokenizer,
) -> Result<Arc<DocumentFrequency>, Failure> {
    let references: Vec<Vec<String>> = images
        .par_iter()
        .map(|image| tokenize_all(&image.captions, tokenizer))
        .collect();
    Ok(Arc::new(DocumentFrequency::from_texts(&references)?))
}

/// What each metric says of the captions of every image that it itself likes best.
fn add_best(
    groups: &[Group<'_>],
    captions: &[Tokenized<'_>],
    arguments: &ScoreArguments,
    table: &Arc<DocumentFrequency>,
    report: &mut Report,
) -> Result<(), Failure> {
    for (metric, number) in report.metrics.iter_mut().zip(numbers(arguments)) {
        let mut first = 0;
        let best = groups.iter().map(|(_, results)| {
            let of_image = first..first + results.len();
            first = of_image.end;
            // The first of several that are as good.
            of_image.reduce(|best, next| {
                if metric.captions[next] > metric.captions[best] {
                    next
                } else {
                    best
                }
            })
        });
        let best: Vec<Item<'_, str, String>> = best.flatten().map(|k| captions[k].item()).collect();
        let evaluation = evaluate_text(&best, FrequencySource::Table(table))?;
        metric.best = Some(number.of_corpus(&evaluation));
    }
    Ok(())
}

fn add_diversity(
    groups: &[Group<'_>],
    captions: &[Tokenized<'_>],
    table: &Arc<DocumentFrequency>,
    report: &mut Report,
) -> Result<(), Failure> {
    let mut rest = captions;
    let mut texts = Vec::with_capacity(groups.len());
    for (_, results) in groups {
        let (of_image, behind) = rest.split_at(results.len());
        rest = behind;
        texts.push(of_image.iter().map(|c| c.candidate.as_str()).collect());
    }
    let texts: Vec<Vec<&str>> = texts;
    let diversity = evaluate_diversity_of_text(&texts, table)?;
    let mut add = |name: String, corpus: Option<f64>| {
        report.metrics.push(Metric {
            name,
            corpus,
            best: None,
            captions: Vec::new(),
        });
    };
    for (order, score) in (1..).zip(diversity.distinct) {
        add(format!("distinct_{order}"), Some(score));
    }
    for order in 0..MAX_ORDER {
        let score = diversity.mbleu.map(|scores| scores[order]);
        add(format!("mbleu_{}", order + 1), score);
    }
    add("self_cider".to_owned(), diversity.self_cider);
    report.signatures.push(diversity.signature);
    Ok(())
}
