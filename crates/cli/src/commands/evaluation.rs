//! A run or checkpoint on a split: what `scst eval` and `scst compare` have in common.

use std::{
    collections::BTreeSet,
    fmt,
    ops::ControlFlow,
    path::{Path, PathBuf},
    time::Duration,
};

use scst_data::{Example, FeatureSource};
use scst_model::{Captioner, CaptionerRegistry};
use scst_reward::references_are_alike;
use scst_trainer::{Backend, Checkpoint, Config, Corpus, EvaluationReport, evaluate};

use crate::{
    arguments::EvaluationArguments,
    commands::{caption_file::caption_source, changed_features::note_changed_features},
    display::Display,
    failure::Failure,
    output::{CiderAlwaysZero, warn},
};

/// Decodes a split with a run, or with an ensemble of it and others, and scores what comes of it.
///
/// `model`: where the checkpoint comes from. The configuration is that of the run, with what the arguments set over it.
/// `warned` is what was warned of before.
pub(crate) fn evaluate_run(
    (model, mut checkpoint): (&Path, Checkpoint),
    ensemble: &[PathBuf],
    arguments: &EvaluationArguments,
    captioners: &CaptionerRegistry,
    warned: &mut BTreeSet<String>,
) -> Result<(Config, EvaluationReport), Failure> {
    let features_of_run = checkpoint.features_found()?;
    arguments.set.apply(&mut checkpoint, captioners)?;
    let decoder = arguments.decoder.resolve(&checkpoint)?;
    let mut config = checkpoint.config.clone();
    if config.data.text.is_some() {
        refuse_flags_of_images(model, arguments)?;
    }
    if let Some(name) = &arguments.backend {
        config.backend = Backend::parse(name)?;
    }
    if let Some(captions) = &arguments.captions {
        let splits = arguments.splits.as_deref();
        config.data.captions = Some(caption_source(captions, splits, arguments.split())?);
    }
    if let Some(features) = &mut config.data.features {
        *features = arguments.data.source(features)?;
    }
    checkpoint.locate(&mut config)?;
    let device = config.backend.device()?;
    let captioner = checkpoint.captioner(&config.model, &device)?;
    let corpus = Corpus::of_checkpoint(&config, &checkpoint)?;
    checkpoint.check_inputs(&corpus)?;
    for notice in corpus.notices() {
        warn_once(notice, warned);
    }
    let others = Ensemble {
        model,
        others: ensemble,
        arguments,
        expected: features_of_run.as_ref(),
    };
    let others = others.load(&corpus, &captioner, captioners)?;
    let examples = corpus.split(arguments.split().into())?;
    if arguments.data.features.is_none() {
        note_changed_features(&corpus, &checkpoint, model)?;
    }
    if references_are_alike(examples.iter().map(|image| &*image.references)) {
        warn_once(&CiderAlwaysZero, warned);
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
    Ok((config, report))
}

fn warn_once(warning: &impl fmt::Display, warned: &mut BTreeSet<String>) {
    if warned.insert(warning.to_string()) {
        warn(warning);
    }
}

/// Refuses flags that belong to images, of a run that reads texts.
fn refuse_flags_of_images(model: &Path, arguments: &EvaluationArguments) -> Result<(), Failure> {
    let flags = [
        ("--captions", arguments.captions.is_some()),
        ("--features", arguments.data.features.is_some()),
    ];
    Failure::refuse_flags(&flags, |flag| {
        let run = model.display();
        format!("{flag}: found it with `{run}`, which reads texts, expected none")
    })
}

/// The captioners of an ensemble but for the first.
struct Ensemble<'a> {
    model: &'a Path,
    others: &'a [PathBuf],
    arguments: &'a EvaluationArguments,
    expected: Option<&'a FeatureSource>,
}

impl Ensemble<'_> {
    fn load(
        &self,
        corpus: &Corpus,
        first: &Captioner,
        registry: &CaptionerRegistry,
    ) -> Result<Vec<Captioner>, Failure> {
        let mut others = Vec::new();
        for path in self.others {
            let other = Checkpoint::load_run_or_checkpoint(path, registry)?;
            other.check_inputs(corpus)?;
            let found = other.features_found()?;
            if self.arguments.data.features.is_none() && found.as_ref() != self.expected {
                return Err(Failure::Mistake(format!(
                    "`{}` was trained on the features `{}`, expected `{}` as of `{}`; if they are the same, name them \
                     with --captions and --features",
                    path.display(),
                    path_of(found.as_ref()),
                    path_of(self.expected),
                    self.model.display()
                )));
            }
            others.push(other.captioner(&other.config.model, &first.device())?);
        }
        Ok(others)
    }
}

/// Where features are, for people.
fn path_of(source: Option<&FeatureSource>) -> String {
    let path = source.map(|source| source.path().display().to_string());
    path.unwrap_or_else(|| "none".to_owned())
}
