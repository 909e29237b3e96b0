//! `scst score`: the metrics of captions against references.

use std::{path::Path, process::ExitCode, sync::Arc};

use rayon::prelude::*;
use scst_data::{
    ImageId,
    coco_evaluation::{
        check_referenced, group, ids_of_two_kinds, pair, read_references, read_results,
    },
};
use scst_reward::{
    DocumentFrequency, Evaluation, EvaluationMetric, FrequencySource, Item, Meteor, MeteorOptions,
    SpiceOptions, TextItem, evaluate_diversity_of_text, evaluate_text, references_are_alike, spice,
};
use serde_json::{Map, Value, json};

use crate::{
    arguments::{ScoreArguments, ScoreMetric, Tokenizer},
    commands::{document_frequency::read_table, set_threads},
    failure::Failure,
    output::{CiderAlwaysZero, print_line, warn},
};

pub(crate) fn run(arguments: &ScoreArguments) -> Result<ExitCode, Failure> {
    set_threads(arguments.threads)?;
    let diversity = arguments.metrics.contains(&ScoreMetric::Diversity);
    if diversity && arguments.metrics.len() > 1 {
        return Err(Failure::Mistake(
            "found --metrics diversity with others, expected it alone: it compares several \
             captions of an image, the others one"
                .to_owned(),
        ));
    }
    let report = if diversity {
        score_diversity(arguments)?
    } else {
        score(arguments)?
    };
    report.print(arguments);
    Ok(ExitCode::SUCCESS)
}

/// What is printed.
struct Report {
    images: usize,
    metrics: Map<String, Value>,
    /// One object a caption, `image_id` first.
    captions: Vec<Map<String, Value>>,
    signature: String,
}

impl Report {
    /// Adds a metric's number of the corpus and of every caption.
    fn add(&mut self, name: &str, corpus: Value, captions: impl Iterator<Item = Value>) {
        self.metrics.insert(name.to_owned(), corpus);
        for (caption, score) in self.captions.iter_mut().zip(captions) {
            caption.insert(name.to_owned(), score);
        }
    }

    fn print(self, arguments: &ScoreArguments) {
        if arguments.json {
            let mut output = json!({
                "metrics": self.metrics,
                "images": self.images,
                "signature": self.signature,
            });
            if arguments.per_caption {
                output["per_caption"] = self.captions.into();
            }
            print_line!("{output}");
            return;
        }
        if arguments.per_caption {
            for caption in self.captions {
                let line: Vec<String> = caption
                    .into_iter()
                    .map(|(k, v)| format!("{k} {v}"))
                    .collect();
                print_line!("{}", line.join("  "));
            }
        }
        print_line!("{} images", self.images);
        for (name, score) in self.metrics {
            match score {
                Value::Array(orders) => {
                    for (order, score) in (1..).zip(orders) {
                        print_score(&format!("{name}_{order}"), &score);
                    }
                }
                score => print_score(&name, &score),
            }
        }
        print_line!("{}", self.signature);
    }
}

fn print_score(name: &str, score: &Value) {
    match score.as_f64() {
        Some(score) => print_line!("{name:<12} {score:.4}"),
        None => print_line!("{name:<12} undefined"),
    }
}

/// One image's captions, tokenised.
struct Tokenized<'a> {
    id: &'a ImageId,
    candidate: String,
    references: Vec<String>,
}

fn score(arguments: &ScoreArguments) -> Result<Report, Failure> {
    let (refs, cands) = (&*arguments.references, &*arguments.candidates);
    let table = frequency_table(&arguments.document_frequency)?;
    let (references, results) = rayon::join(|| read_references(refs), || read_results(cands));
    let (references, results) = (references?, results?);
    ids_of_two_kinds((refs, &references), (cands, &results))
        .iter()
        .for_each(warn);
    let pairs = pair((refs, &references), (cands, &results), arguments.subset)?;
    let tokenizer = arguments.tokenizer;
    let captions: Vec<Tokenized<'_>> = pairs
        .par_iter()
        .map(|(image, result)| Tokenized {
            id: &image.id,
            candidate: tokenizer.tokenize(&result.caption),
            references: tokenize_all(&image.captions, tokenizer),
        })
        .collect();

    let mut report = Report {
        images: captions.len(),
        metrics: Map::new(),
        captions: captions
            .iter()
            .map(|caption| Map::from_iter([("image_id".to_owned(), json!(caption.id))]))
            .collect(),
        signature: String::new(),
    };
    let mut signatures = evaluate(arguments, &captions, table.as_ref(), &mut report)?;
    signatures.extend(run_programs(arguments, &captions, &mut report)?);
    report.signature = format!("{}|tokenizer:{}", signatures.join("+"), tokenizer.name());
    Ok(report)
}

/// The metrics that are computed here; returns their signature.
fn evaluate(
    arguments: &ScoreArguments,
    captions: &[Tokenized<'_>],
    table: Option<&Arc<DocumentFrequency>>,
    report: &mut Report,
) -> Result<Vec<String>, Failure> {
    let metrics = arguments.metrics.iter().copied();
    let metrics: Vec<EvaluationMetric> = metrics.filter_map(evaluation_metric).collect();
    if metrics.is_empty() {
        return Ok(Vec::new());
    }
    let source = table.map_or(FrequencySource::Corpus, FrequencySource::Table);
    let items: Vec<Item<'_, str, String>> = captions
        .iter()
        .map(|caption| Item {
            candidate: caption.candidate.as_str(),
            references: caption.references.as_slice(),
        })
        .collect();
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
    for metric in &metrics {
        add_evaluation(report, &evaluation, *metric);
    }
    Ok(vec![evaluation.signature(&metrics)])
}

/// The metrics that are other programs; returns their signatures.
fn run_programs(
    arguments: &ScoreArguments,
    captions: &[Tokenized<'_>],
    report: &mut Report,
) -> Result<Vec<String>, Failure> {
    let items: Vec<TextItem<'_>> = captions
        .iter()
        .map(|caption| TextItem {
            hypothesis: &caption.candidate,
            references: &caption.references,
        })
        .collect();
    let mut signatures = Vec::new();
    if arguments.metrics.contains(&ScoreMetric::Meteor) {
        let mut meteor = Meteor::start(&MeteorOptions {
            jar: jar(arguments.meteor_jar.as_deref(), "--meteor-jar")?,
            java: arguments.java.clone(),
            ..MeteorOptions::default()
        })?;
        let scores = meteor.score(&items)?;
        let captions = scores.items.into_iter().map(Value::from);
        report.add("meteor", json!(scores.corpus), captions);
        signatures.push("meteor|1.5|norm".to_owned());
    }
    if arguments.metrics.contains(&ScoreMetric::Spice) {
        let options = SpiceOptions {
            jar: jar(arguments.spice_jar.as_deref(), "--spice-jar")?,
            java: arguments.java.clone(),
            ..SpiceOptions::default()
        };
        let scores = spice(&options, &items)?;
        let captions = scores.items.into_iter().map(Value::from);
        report.add("spice", json!(scores.mean), captions);
        signatures.push("spice|1.0".to_owned());
    }
    Ok(signatures)
}

fn evaluation_metric(metric: ScoreMetric) -> Option<EvaluationMetric> {
    match metric {
        ScoreMetric::CiderD => Some(EvaluationMetric::CiderD),
        ScoreMetric::Cider => Some(EvaluationMetric::Cider),
        ScoreMetric::Bleu => Some(EvaluationMetric::Bleu),
        ScoreMetric::RougeL => Some(EvaluationMetric::RougeL),
        ScoreMetric::Meteor | ScoreMetric::Spice | ScoreMetric::Diversity => None,
    }
}

fn add_evaluation(report: &mut Report, evaluation: &Evaluation, metric: EvaluationMetric) {
    let scores = &evaluation.scores;
    let captions = evaluation.captions.iter();
    match metric {
        EvaluationMetric::CiderD => {
            let captions = captions.map(|caption| json!(caption.cider_d));
            report.add("cider_d", json!(scores.cider_d), captions);
        }
        EvaluationMetric::Cider => {
            let captions = evaluation.caption_ciders.iter().map(|score| json!(score));
            report.add("cider", json!(evaluation.cider), captions);
        }
        EvaluationMetric::Bleu => {
            let captions = captions.map(|caption| json!(caption.bleu));
            report.add("bleu", json!(scores.bleu), captions);
        }
        EvaluationMetric::RougeL => {
            let captions = captions.map(|caption| json!(caption.rouge_l));
            report.add("rouge_l", json!(scores.rouge_l), captions);
        }
    }
}

fn score_diversity(arguments: &ScoreArguments) -> Result<Report, Failure> {
    let (refs, cands) = (&*arguments.references, &*arguments.candidates);
    let table = frequency_table(&arguments.document_frequency)?;
    let (references, results) = (read_references(refs)?, read_results(cands)?);
    ids_of_two_kinds((refs, &references), (cands, &results))
        .iter()
        .for_each(warn);
    let groups = group((refs, &references), (cands, &results))?;
    let tokenizer = arguments.tokenizer;
    let captions: Vec<Vec<String>> = groups
        .par_iter()
        .map(|captions| tokenize_all(captions, tokenizer))
        .collect();
    let table = match table {
        Some(table) => table,
        None => {
            check_referenced(refs, &references)?;
            let references: Vec<Vec<String>> = references
                .par_iter()
                .map(|image| tokenize_all(&image.captions, tokenizer))
                .collect();
            Arc::new(DocumentFrequency::from_texts(&references)?)
        }
    };
    let diversity = evaluate_diversity_of_text(&captions, &table)?;
    let metrics = [
        ("distinct", json!(diversity.distinct)),
        ("mbleu", json!(diversity.mbleu)),
        ("self_cider", json!(diversity.self_cider)),
    ];
    Ok(Report {
        images: diversity.images,
        metrics: Map::from_iter(metrics.map(|(name, score)| (name.to_owned(), score))),
        captions: Vec::new(),
        signature: format!("{}|tokenizer:{}", diversity.signature, tokenizer.name()),
    })
}

fn tokenize_all<T: AsRef<str>>(captions: &[T], tokenizer: Tokenizer) -> Vec<String> {
    let captions = captions.iter();
    captions
        .map(|caption| tokenizer.tokenize(caption.as_ref()))
        .collect()
}

/// The table of a file; nothing for `corpus`.
fn frequency_table(path: &Path) -> Result<Option<Arc<DocumentFrequency>>, Failure> {
    if path == Path::new("corpus") {
        return Ok(None);
    }
    read_table(path).map(Arc::new).map(Some)
}

fn jar(path: Option<&Path>, flag: &str) -> Result<std::path::PathBuf, Failure> {
    path.map(Path::to_owned).ok_or_else(|| {
        Failure::Mistake(format!(
            "found no {flag}, expected the path of the Java program"
        ))
    })
}
