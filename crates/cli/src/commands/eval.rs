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
    if config.data.text.is_some() {
        refuse_flags_of_images(arguments)?;
    }
    if let Some(name) = &arguments.backend {
        config.backend = Backend::parse(name)?;
    }
    if let Some(captions) = &arguments.captions {
        let splits = arguments.splits.as_deref();
        config.data.captions = Some(caption_source(captions, splits, arguments.split)?);
    }
    if let Some(features) = &mut config.data.features {
        *features = arguments.data.source(features)?;
    }
    checkpoint.locate(&mut config)?;
    let device = config.backend.device()?;
    let captioner = checkpoint.captioner(&config.model, &device)?;
    let corpus = Corpus::of_checkpoint(&config, &checkpoint)?;
    checkpoint.check_inputs(&corpus)?;
    corpus.notices().iter().for_each(warn);
    let others = ensemble(
        arguments,
        features_of_run.as_ref(),
        &corpus,
        &captioner,
        captioners,
    )?;
    let examples = corpus.split(arguments.split.into())?;
    if arguments.data.features.is_none() {
        note_changed_features(&corpus, &checkpoint, &arguments.model)?;
    }
    if references_are_alike(examples.iter().map(|image| &*image.references)) {
        warn(&CiderAlwaysZero);
    }
    let mut display = Display::of_run(&config, 0);
    corpus.check_sources(examples, &mut display)?;
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
    report::print(
        arguments,
        config.data.names(),
        config.validation.metric,
        &report,
    );
    Ok(ExitCode::SUCCESS)
}

/// Refuses flags that belong to images, of a run that reads texts.
fn refuse_flags_of_images(arguments: &EvalArguments) -> Result<(), Failure> {
    let flags = [
        ("--captions", arguments.captions.is_some()),
        ("--features", arguments.data.features.is_some()),
    ];
    Failure::refuse_flags(&flags, |flag| {
        let run = arguments.model.display();
        format!("{flag}: found it with `{run}`, which reads texts, expected none")
    })
}

/// The captioners of an ensemble but for the first.
fn ensemble(
    arguments: &EvalArguments,
    expected: Option<&FeatureSource>,
    corpus: &Corpus,
    first: &Captioner,
    registry: &CaptionerRegistry,
) -> Result<Vec<Captioner>, Failure> {
    let mut others = Vec::new();
    for path in &arguments.ensemble {
        let other = Checkpoint::load_run_or_checkpoint(path, registry)?;
        other.check_inputs(corpus)?;
        let found = other.features_found()?;
        if arguments.data.features.is_none() && found.as_ref() != expected {
            return Err(Failure::Mistake(format!(
                "`{}` was trained on the features `{}`, expected `{}` as of `{}`; if they are the same, name them with \
                 --captions and --features",
                path.display(),
                path_of(found.as_ref()),
                path_of(expected),
                arguments.model.display()
            )));
        }
        others.push(other.captioner(&other.config.model, &first.device())?);
    }
    Ok(others)
}

/// Where features are, for people.
fn path_of(source: Option<&FeatureSource>) -> String {
    let path = source.map(|source| source.path().display().to_string());
    path.unwrap_or_else(|| "none".to_owned())
}
