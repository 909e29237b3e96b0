//! What is said of features that are no longer those that a run was trained on.

use std::path::Path;

use scst_trainer::{Checkpoint, Corpus};

use crate::{failure::Failure, output::note};

/// Tells how the features of `corpus` differ from those that `checkpoint`, called `model`, was trained on, if they do.
pub(crate) fn note_changed_features(
    corpus: &Corpus,
    checkpoint: &Checkpoint,
    model: &Path,
) -> Result<(), Failure> {
    if let Some(difference) = corpus
        .images()
        .map(|images| images.changed_since(checkpoint))
        .transpose()?
        .flatten()
    {
        note!(
            "note: `{}` has changed since `{}` was trained on it: found {}, expected {}",
            difference.path.display(),
            model.display(),
            difference.found,
            difference.expected
        );
    }
    Ok(())
}
