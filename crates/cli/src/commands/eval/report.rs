//! What `scst eval` prints.

use std::fmt::Write as _;

use console::Term;
use scst_reward::{CorpusScores, ReportMetric, TextScores};
use scst_trainer::{
    EvaluationReport, ScoredCaption,
    config::{Names, ValidationMetric},
};
use serde_json::{Map, Value, json};

use crate::{
    arguments::{CaptionOrder, EvalArguments},
    examples::{columns, example, hanging, name, ranked, spread},
    output::print_line,
};

/// Captions, if they are wanted, and the scores: for people or as JSON.
pub(super) fn print(
    arguments: &EvalArguments,
    names: Names,
    metric: ValidationMetric,
    report: &EvaluationReport,
) {
    if let Some(order) = arguments.per_caption {
        let captions = in_order(&report.captions, order, metric);
        if arguments.json {
            for caption in captions {
                print_line!("{}", described(caption));
            }
        } else {
            print_table(&captions, names);
        }
    }
    if arguments.json {
        print_line!("{}", summary(arguments, report));
        return;
    }
    if let Some(number) = arguments.show {
        let width = columns(&Term::stdout());
        for caption in spread(&ranked(&report.captions, metric), number) {
            for line in example(caption, names, width) {
                print_line!("{line}");
            }
        }
    }
    print_scores(arguments, names, report);
}

fn in_order(
    captions: &[ScoredCaption],
    order: CaptionOrder,
    metric: ValidationMetric,
) -> Vec<&ScoredCaption> {
    match order {
        CaptionOrder::Best => ranked(captions, metric),
        CaptionOrder::Worst => {
            let mut captions = ranked(captions, metric);
            captions.reverse();
            captions
        }
        CaptionOrder::Split => captions.iter().collect(),
    }
}

/// A row an image or text, what was made of it and all of its references below it.
fn print_table(captions: &[&ScoredCaption], names: Names) {
    let width = columns(&Term::stdout());
    let of_text = captions.first().map(|caption| caption.scores.text);
    let mut labels = String::new();
    for (metric, _) in of_text.iter().flat_map(TextScores::iter) {
        let _ = write!(labels, "  {:>7}", metric.label());
    }
    print_line!("CIDEr-D  BLEU-4  ROUGE-L{labels}  {}", names.source);
    for caption in captions {
        let scores = caption.scores;
        let (cider_d, bleu, rouge_l) = (scores.cider_d, scores.bleu[3], scores.rouge_l);
        let mut of_text = String::new();
        for (metric, score) in scores.text.iter() {
            let column = metric.label().len().max(7);
            let _ = write!(of_text, "  {score:column$.4}");
        }
        print_line!(
            "{cider_d:7.4}  {bleu:6.4}  {rouge_l:7.4}{of_text}  {}",
            name(caption)
        );
        let source = caption.source.iter();
        let source = source.flat_map(|text| hanging("         source     ", text, width));
        let head = format!("         {:<9}  ", names.target);
        let text = hanging(&head, &caption.caption, width);
        for line in source.chain(text) {
            print_line!("{line}");
        }
        for reference in &caption.references {
            for line in hanging("         reference  ", reference, width) {
                print_line!("{line}");
            }
        }
    }
}

/// Scores by the names that files use.
fn named(scores: &CorpusScores) -> Map<String, Value> {
    let values = ReportMetric::values(scores).into_iter();
    values
        .map(|(metric, score)| (metric.name(), json!(score)))
        .collect()
}

/// A caption as a line of JSON.
fn described(caption: &ScoredCaption) -> Value {
    let mut object = Map::from_iter([
        ("image".to_owned(), json!(caption.name)),
        ("image_id".to_owned(), json!(caption.id)),
        ("caption".to_owned(), json!(caption.caption)),
    ]);
    object.extend(named(&caption.scores));
    object.insert("log_probability".to_owned(), json!(caption.log_probability));
    object.insert("is_cut_off".to_owned(), json!(caption.is_cut_off));
    object.insert("breaks".to_owned(), json!(caption.broken));
    if let Some(source) = &caption.source {
        object.insert("source".to_owned(), json!(source));
    }
    object.insert("references".to_owned(), json!(caption.references));
    object.into()
}

fn summary(arguments: &EvalArguments, report: &EvaluationReport) -> Value {
    json!({
        "split": arguments.evaluation.split().name(),
        "images": report.captions.len(),
        "decoder": report.decoder,
        "models": std::iter::once(&arguments.model).chain(&arguments.ensemble).collect::<Vec<_>>(),
        "metrics": named(&report.scores),
        "distinct_captions": report.distinct_captions,
        "mean_length": report.mean_length,
        "dead_ends": report.dead_ends,
        "signature": report.signature,
    })
}

fn print_scores(arguments: &EvalArguments, names: Names, report: &EvaluationReport) {
    let scores = report.scores;
    print_line!(
        "{} {} {}, {}",
        report.captions.len(),
        arguments.evaluation.split().name(),
        names.sources,
        report.decoder
    );
    for (n, bleu) in (1..).zip(scores.bleu) {
        print_line!("BLEU-{n}   {bleu:.4}");
    }
    print_line!("ROUGE-L  {:.4}", scores.rouge_l);
    print_line!("CIDEr-D  {:.4}", scores.cider_d);
    for (metric, score) in scores.text.iter() {
        print_line!("{:<8} {score:.4}", metric.label());
    }
    print_line!(
        "{} distinct {}, mean length {:.2} words, {:.1} % cut off",
        report.distinct_captions,
        names.targets,
        report.mean_length,
        100.0 * report.cut_off_share
    );
    if report.dead_ends > 0 {
        print_line!(
            "{} of {} {} ended where the decoder's options left no word, and break one of them",
            report.dead_ends,
            report.captions.len(),
            names.targets
        );
    }
    print_line!("{}", report.signature);
}
