//! `scst score`: the metrics of captions against references.

mod input;
mod report;

use std::{path::Path, process::ExitCode, sync::Arc};

use rayon::prelude::*;
use scst_data::{
    CaptionFile, CaptionLayout, DataError, Split,
    coco_evaluation::{
        CaptionResult, Group, ReferencedImage, check_referenced, group, ids_of_two_kinds, pair,
    },
};
use scst_reward::{
    DocumentFrequency, Evaluation, EvaluationMetric, FrequencySource, Item, MAX_ORDER, Meteor,
    MeteorOptions, SpiceOptions, TextItem, evaluate_diversity_of_text, evaluate_text,
    references_are_alike, spice,
};

use crate::{
    arguments::{ScoreArguments, ScoreMetric, SplitName, Tokenizer},
    commands::{document_frequency::read_table, set_threads},
    failure::Failure,
    output::{CiderAlwaysZero, warn},
};
use input::Input;
use report::{Metric, Report, Row};

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

/// References and candidates, as they were read.
struct Files {
    inputs: [Input; 2],
    references: CaptionFile,
    candidates: CaptionFile,
    split: Option<SplitName>,
}

impl Files {
    fn read(arguments: &ScoreArguments) -> Result<Self, Failure> {
        let (refs, cands) = (&*arguments.references, &*arguments.candidates);
        if [refs, cands] == [Path::new("-"); 2] {
            return Err(Failure::Mistake(
                "found `-` for both references and candidates, expected one of them in a file"
                    .to_owned(),
            ));
        }
        let inputs = [Input::open(refs)?, Input::open(cands)?];
        let [refs, cands] = &inputs;
        let splits = arguments.splits.as_deref();
        let split = arguments.split.map(Split::from);
        let (references, candidates) =
            rayon::join(|| refs.read(splits, split), || cands.read(None, None));
        let references = references.map_err(|error| named(&inputs, error))?;
        let mut candidates = candidates.map_err(|error| named(&inputs, error))?;
        let numbered = candidates.number_lines(inputs[1].path(), (inputs[0].path(), &references));
        numbered.map_err(|error| named(&inputs, error))?;
        if references.layout == CaptionLayout::Lines && candidates.layout != CaptionLayout::Lines {
            return Err(Failure::Mistake(inputs[0].named(format!(
                "`{}` is plain text, expected references with the names of their images, or candidates in plain text \
                 too",
                inputs[0].path().display()
            ))));
        }
        let files = Self {
            inputs,
            references,
            candidates,
            split: arguments.split,
        };
        let notices = files.references.notices.iter();
        let notices = notices.chain(&files.candidates.notices).cloned();
        let of_ids = ids_of_two_kinds(files.references(), files.candidates());
        for notice in notices.chain(of_ids) {
            warn(&in_words(&files.inputs, notice.to_string()));
        }
        Ok(files)
    }

    fn references(&self) -> (&Path, &[ReferencedImage]) {
        (self.inputs[0].path(), &self.references.images)
    }

    fn candidates(&self) -> (&Path, &[CaptionResult]) {
        (self.inputs[1].path(), &self.candidates.captions)
    }

    fn failure(&self, error: DataError) -> Failure {
        let is_unlisted = matches!(error, DataError::UnlistedImage { .. });
        match (named(&self.inputs, error), self.split) {
            (Failure::Mistake(message), Some(split)) if is_unlisted => Failure::Mistake(format!(
                "{message} among the images of --split {}",
                split.name()
            )),
            (failure, _) => failure,
        }
    }
}

/// A message in which standard input is called so.
fn in_words(inputs: &[Input; 2], message: String) -> String {
    let [refs, cands] = inputs;
    cands.named(refs.named(message))
}

fn named(inputs: &[Input; 2], error: DataError) -> Failure {
    let is_twice = matches!(&error, DataError::Duplicate { path, .. } if path == inputs[1].path());
    let hint = if is_twice {
        "; --several scores several captions an image"
    } else {
        ""
    };
    match error.into() {
        Failure::Mistake(message) => Failure::Mistake(in_words(inputs, message) + hint),
        Failure::Failed(message) => Failure::Failed(in_words(inputs, message)),
    }
}

/// One caption with the references of its image, tokenised.
struct Tokenized<'a> {
    image: &'a ReferencedImage,
    raw: &'a str,
    candidate: String,
    references: Arc<Vec<String>>,
}

impl Tokenized<'_> {
    fn row(&self) -> Row {
        let image = self.image.file_name.clone();
        Row {
            id: self.image.id.clone(),
            image: image.filter(|name| *name != self.image.id.to_text()),
            caption: self.raw.to_owned(),
        }
    }

    fn item(&self) -> Item<'_, str, String> {
        Item {
            candidate: self.candidate.as_str(),
            references: self.references.as_slice(),
        }
    }
}

/// The captions of all groups, one after the other.
fn tokenize<'a>(groups: &[Group<'a>], tokenizer: Tokenizer) -> Vec<Tokenized<'a>> {
    let captions = groups.par_iter().flat_map_iter(|(image, results)| {
        let references = Arc::new(tokenize_all(&image.captions, tokenizer));
        results.iter().map(move |result| Tokenized {
            image,
            raw: &result.caption,
            candidate: tokenizer.tokenize(&result.caption),
            references: Arc::clone(&references),
        })
    });
    captions.collect()
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

/// The metrics that are other programs.
fn run_programs(
    arguments: &ScoreArguments,
    captions: &[Tokenized<'_>],
    report: &mut Report,
) -> Result<(), Failure> {
    let items: Vec<TextItem<'_>> = captions
        .iter()
        .map(|caption| TextItem {
            hypothesis: &caption.candidate,
            references: &caption.references,
        })
        .collect();
    if arguments.metrics.contains(&ScoreMetric::Meteor) {
        let mut meteor = Meteor::start(&MeteorOptions {
            jar: jar(arguments.meteor_jar.as_deref(), "--meteor-jar")?,
            java: arguments.java.clone(),
            ..MeteorOptions::default()
        })?;
        let scores = meteor.score(&items)?;
        report.add("meteor", scores.corpus, scores.items);
        report.signatures.push("meteor|1.5|norm".to_owned());
    }
    if arguments.metrics.contains(&ScoreMetric::Spice) {
        let options = SpiceOptions {
            jar: jar(arguments.spice_jar.as_deref(), "--spice-jar")?,
            java: arguments.java.clone(),
            ..SpiceOptions::default()
        };
        let scores = spice(&options, &items)?;
        report.add("spice", scores.mean, scores.items);
        report.signatures.push("spice|1.0".to_owned());
    }
    Ok(())
}

/// One number of an evaluation.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Number {
    CiderD,
    Cider,
    /// By the order less 1.
    Bleu(usize),
    RougeL,
}

impl Number {
    fn name(self) -> String {
        match self {
            Self::CiderD => "cider_d".to_owned(),
            Self::Cider => "cider".to_owned(),
            Self::Bleu(order) => format!("bleu_{}", order + 1),
            Self::RougeL => "rouge_l".to_owned(),
        }
    }

    fn of_corpus(self, evaluation: &Evaluation) -> f64 {
        match self {
            Self::CiderD => evaluation.scores.cider_d,
            Self::Cider => evaluation.cider,
            Self::Bleu(order) => evaluation.scores.bleu[order],
            Self::RougeL => evaluation.scores.rouge_l,
        }
    }

    fn of_caption(self, evaluation: &Evaluation, caption: usize) -> f64 {
        let scores = &evaluation.captions[caption];
        match self {
            Self::CiderD => scores.cider_d,
            Self::Cider => evaluation.caption_ciders[caption],
            Self::Bleu(order) => scores.bleu[order],
            Self::RougeL => scores.rouge_l,
        }
    }

    fn metric(self) -> EvaluationMetric {
        match self {
            Self::CiderD => EvaluationMetric::CiderD,
            Self::Cider => EvaluationMetric::Cider,
            Self::Bleu(_) => EvaluationMetric::Bleu,
            Self::RougeL => EvaluationMetric::RougeL,
        }
    }
}

/// The numbers that are asked for, each once.
fn numbers(arguments: &ScoreArguments) -> Vec<Number> {
    let mut numbers = Vec::new();
    for metric in &arguments.metrics {
        let wanted: &[Number] = match metric {
            ScoreMetric::CiderD => &[Number::CiderD],
            ScoreMetric::Cider => &[Number::Cider],
            ScoreMetric::Bleu => &[0, 1, 2, 3].map(Number::Bleu),
            ScoreMetric::Bleu1 => &[Number::Bleu(0)],
            ScoreMetric::Bleu2 => &[Number::Bleu(1)],
            ScoreMetric::Bleu3 => &[Number::Bleu(2)],
            ScoreMetric::Bleu4 => &[Number::Bleu(3)],
            ScoreMetric::RougeL => &[Number::RougeL],
            ScoreMetric::Meteor | ScoreMetric::Spice | ScoreMetric::Diversity => &[],
        };
        for number in wanted {
            if !numbers.contains(number) {
                numbers.push(*number);
            }
        }
    }
    numbers
}

fn evaluation_metrics(arguments: &ScoreArguments) -> Vec<EvaluationMetric> {
    let mut metrics: Vec<EvaluationMetric> = Vec::new();
    for number in numbers(arguments) {
        let metric = number.metric();
        if !metrics.contains(&metric) {
            metrics.push(metric);
        }
    }
    metrics
}

/// Scores several captions of an image: all together, and the best of every image.
fn score_several(
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
