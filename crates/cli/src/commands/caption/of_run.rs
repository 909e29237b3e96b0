//! What the run that is asked for captions has.

use scst_trainer::{Backend, Checkpoint, Corpus};

use crate::{arguments::CaptionArguments, failure::Failure};

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
pub(super) fn corpus(checkpoint: &Checkpoint) -> Result<Corpus, Failure> {
    let mut config = checkpoint.config.clone();
    checkpoint.locate(&mut config)?;
    Ok(Corpus::with_vocabulary(
        &config.data,
        &config.model,
        checkpoint.vocabulary.clone(),
        checkpoint.standardiser.clone(),
    )?)
}
