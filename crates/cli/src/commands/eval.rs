//! `scst eval`: score a run or checkpoint.

mod report;

use std::{ops::ControlFlow, process::ExitCode, time::Duration};

use scst_data::{Example, FeatureSource};
use scst_files::write_bytes_atomically;
use scst_model::{Captioner, CaptionerRegistry};
use scst_reward::references_are_alike;
use scst_trainer::{Backend, Checkpoint, Corpus, evaluate};

use crate::{
    arguments::EvalArguments,
    commands::{
        caption_file::caption_source, changed_features::note_changed_features, set_threads,
    },
    display::Display,
    failure::Failure,
    output::{CiderAlwaysZero, warn},
};

pub(crate) fn run(
    arguments: &EvalArguments,
    captioners: &CaptionerRegistry,
) -> Result<ExitCode, Failure> {
    set_threads(arguments.threads.or_else(|| arguments.set.threads()))?;
    let mut checkpoint = Checkpoint::load_run_or_checkpoint(&arguments.model, captioners)?;
    let features_of_run = checkpoint.features_found()?;
    arguments.set.apply(&mut checkpoint, captioners)?;
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
    let others = ensemble(arguments, &features_of_run, &corpus, &captioner, captioners)?;
    let examples = corpus.split(arguments.split.into())?;
    if arguments.data.features.is_none() {
        note_changed_features(&corpus, &checkpoint, &arguments.model)?;
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
            display.progress("evaluation", done, examples.len(), Duration::ZERO);
            ControlFlow::Continue(())
        },
    )?;
    display.finish();
    let report = report.ok_or_else(|| Failure::Failed("the evaluation was stopped".to_owned()))?;
    if let Some(path) = &arguments.out {
        let bytes = serde_json::to_vec(&report.results())
            .map_err(|error| Failure::Failed(error.to_string()))?;
        write_bytes_atomically(path, &bytes).map_err(|error| Failure::Failed(error.to_string()))?;
    }
    report::print(arguments, &report);
    Ok(ExitCode::SUCCESS)
}

/// The captioners of an ensemble but for the first.
fn ensemble(
    arguments: &EvalArguments,
    expected: &FeatureSource,
    corpus: &Corpus,
    first: &Captioner,
    registry: &CaptionerRegistry,
) -> Result<Vec<Captioner>, Failure> {
    let mut others = Vec::new();
    for path in &arguments.ensemble {
        let other = Checkpoint::load_run_or_checkpoint(path, registry)?;
        other.check_inputs(corpus)?;
        let found = other.features_found()?;
        if arguments.data.features.is_none() && found != *expected {
            return Err(Failure::Mistake(format!(
                "`{}` was trained on the features `{}`, expected `{}` as of `{}`; if they are the same, name them with \
                 --captions and --features",
                path.display(),
                found.path().display(),
                expected.path().display(),
                arguments.model.display()
            )));
        }
        others.push(other.captioner(&other.config.model, &first.device())?);
    }
    Ok(others)
}
