//! What the run that is asked for captions has.

use scst_data::FeatureSource;
use scst_trainer::{Backend, Checkpoint, Corpus, Registry};

use crate::{
    arguments::CaptionArguments,
    failure::Failure,
    output::{program, quoted},
};

/// The backend of the arguments, or of the run.
pub(super) fn backend(
    arguments: &CaptionArguments,
    checkpoint: &Checkpoint,
) -> Result<Backend, Failure> {
    match &arguments.backend {
        Some(name) => Ok(Backend::parse(name)?),
        None => Ok(checkpoint.config.backend),
    }
}

/// The data that the run was trained on.
pub(super) fn corpus(checkpoint: &Checkpoint, registry: &Registry) -> Result<Corpus, Failure> {
    let mut config = checkpoint.config.clone();
    checkpoint.locate(&mut config)?;
    Ok(Corpus::of_checkpoint(&config, checkpoint, registry)?)
}

/// The features that the run was trained on, and their dimension.
///
/// # Errors
/// The run reads texts.
pub(super) fn features<'a>(
    arguments: &CaptionArguments,
    checkpoint: &'a Checkpoint,
) -> Result<(&'a FeatureSource, usize), Failure> {
    let features = checkpoint.features_of_run();
    features.ok_or_else(|| reads_texts(arguments))
}

/// A run that reads texts is asked for captions.
pub(super) fn reads_texts(arguments: &CaptionArguments) -> Failure {
    Failure::Mistake(format!(
        "`{run}` reads texts, not images; for what it makes of them: `{} generate {run} FILE`",
        program(),
        run = quoted(&arguments.model),
    ))
}
