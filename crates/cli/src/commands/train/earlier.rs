//! What to do when the newest checkpoint of a run is damaged and there are earlier ones.

use std::path::Path;

use scst_trainer::{CheckpointError, TrainError, checkpoints_of};

/// Advice for a run in `directory` that cannot go on for `error`, if the newest checkpoint is to blame and is not alone.
pub(super) fn advice(directory: &Path, error: &TrainError) -> Option<String> {
    let is_of_files = matches!(
        error,
        TrainError::Data(_)
            | TrainError::Checkpoint(
                CheckpointError::Damaged { .. }
                    | CheckpointError::Missing { .. }
                    | CheckpointError::Vocabulary { .. }
            )
    );
    let mut checkpoints = checkpoints_of(directory);
    let (newest, before) = (checkpoints.pop()?, checkpoints.pop()?);
    let names_it = error.to_string().contains(&*newest.to_string_lossy());
    (is_of_files && names_it).then(|| {
        format!(
            "there is an earlier checkpoint: with `{}` deleted, the run goes on from `{}`",
            newest.display(),
            before.display()
        )
    })
}
