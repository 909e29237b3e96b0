//! `scst eval`: score a run or checkpoint.

use std::{ops::ControlFlow, process::ExitCode};

use scst_data::Example;
use scst_model::Captioner;
use scst_reward::references_are_alike;
use scst_trainer::{
    Backend, Checkpoint, Corpus, EvaluationReport, Event, Observer, evaluate,
    files::write_bytes_atomically,
};
use serde_json::json;

use crate::{
    arguments::EvalArguments,
    commands::{caption_file::caption_source, set_threads},
    display::Display,
    failure::Failure,
    output::{CiderAlwaysZero, print_line, warn},
};

pub(crate) fn run(arguments: &EvalArguments) -> Result<ExitCode, Failure> {
    set_threads(arguments.threads)?;
    let checkpoint = Checkpoint::load_run_or_checkpoint(&arguments.model)?;
    let decoder = arguments.decoder.resolve(&checkpoint)?;
    let mut config = checkpoint.config.clone();
    if let Some(name) = &arguments.backend {
        config.backend = Backend::parse(name)?;
    }
    if let Some(captions) = &arguments.captions {
        let splits = arguments.splits.as_deref();
        config.data.captions = caption_source(captions, splits, arguments.split)?;
    }
    config.data.features = arguments.data.source(&config.data.features)?;
    checkpoint.locate(&mut config)?;
    let device = config.backend.device()?;
    let captioner = checkpoint.captioner(&config.model, &device)?;
    let corpus = Corpus::with_vocabulary(
        &config.data,
        &config.model,
        checkpoint.vocabulary.clone(),
        checkpoint.standardiser.clone(),
    )?;
    checkpoint.check_inputs(&corpus)?;
    corpus.notices().iter().for_each(warn);
    let others = ensemble(arguments, &checkpoint, &corpus, &captioner)?;
    let examples = corpus.split(arguments.split.into())?;
    if arguments.data.features.is_none()
        && let Some(difference) = corpus.features_changed_since(&checkpoint)?
    {
        eprintln!(
            "note: `{}` has changed since `{}` was trained on it: found {}, expected {}",
            difference.path.display(),
            arguments.model.display(),
            difference.found,
            difference.expected
        );
    }
    if references_are_alike(examples.iter().map(|image| image.references.as_slice())) {
        warn(&CiderAlwaysZero);
    }
    let mut display = Display::new();
    corpus.check_features(examples, &mut display)?;
    let examples: Vec<&Example> = examples.iter().collect();
    let report = evaluate(
        &captioner,
        &others,
        &corpus,
        &examples,
        &decoder,
        &config,
        &mut |done| {
            display.observe(&Event::Validating {
                done,
                images: examples.len(),
            });
            ControlFlow::Continue(())
        },
    )?;
    display.finish();
    let report = report.ok_or_else(|| Failure::Failed("the evaluation was stopped".to_owned()))?;
    if let Some(path) = &arguments.out {
        let bytes = serde_json::to_vec(&report.captions)
            .map_err(|error| Failure::Failed(error.to_string()))?;
        write_bytes_atomically(path, &bytes).map_err(|error| Failure::Failed(error.to_string()))?;
    }
    print(arguments, &report);
    Ok(ExitCode::SUCCESS)
}

/// The scores, for people or as JSON.
fn print(arguments: &EvalArguments, report: &EvaluationReport) {
    let scores = report.scores;
    let split = arguments.split.name();
    if arguments.json {
        let output = json!({
            "split": split,
            "images": report.captions.len(),
            "decoder": report.decoder,
            "models": std::iter::once(&arguments.model).chain(&arguments.ensemble).collect::<Vec<_>>(),
            "metrics": {
                "cider_d": scores.cider_d,
                "bleu": scores.bleu,
                "rouge_l": scores.rouge_l,
            },
            "distinct_captions": report.distinct_captions,
            "mean_length": report.mean_length,
            "dead_ends": report.dead_ends,
            "signature": report.signature,
        });
        print_line!("{output}");
        return;
    }
    print_line!(
        "{} {split} images, {}",
        report.captions.len(),
        report.decoder
    );
    for (n, bleu) in (1..).zip(scores.bleu) {
        print_line!("BLEU-{n}   {bleu:.4}");
    }
    print_line!("ROUGE-L  {:.4}", scores.rouge_l);
    print_line!("CIDEr-D  {:.4}", scores.cider_d);
    print_line!(
        "{} distinct captions, mean length {:.2} words, {:.1} % cut off",
        report.distinct_captions,
        report.mean_length,
        100.0 * report.cut_off_share
    );
    if report.dead_ends > 0 {
        print_line!(
            "{} of {} captions ended where the decoder's options left no word, and break one of them",
            report.dead_ends,
            report.captions.len()
        );
    }
    print_line!("{}", report.signature);
}

/// The captioners of an ensemble but for the first.
fn ensemble(
    arguments: &EvalArguments,
    checkpoint: &Checkpoint,
    corpus: &Corpus,
    first: &Captioner,
) -> Result<Vec<Captioner>, Failure> {
    let mut captioners = Vec::new();
    for path in &arguments.ensemble {
        let other = Checkpoint::load_run_or_checkpoint(path)?;
        other.check_inputs(corpus)?;
        let (found, expected) = (
            &other.config.data.features,
            &checkpoint.config.data.features,
        );
        if arguments.data.features.is_none() && found != expected {
            return Err(Failure::Mistake(format!(
                "`{}` was trained on the features `{}`, expected `{}` as of `{}`; if they are the same, name them with \
                 --captions and --features",
                path.display(),
                found.path().display(),
                expected.path().display(),
                arguments.model.display()
            )));
        }
        captioners.push(other.captioner(&other.config.model, &first.device())?);
    }
    Ok(captioners)
}
