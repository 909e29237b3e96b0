//! What a run tells those who watch it.

use std::path::Path;

use crate::{evaluate::EvaluationReport, events::Record, progress::StageSummary, warning::Warning};

/// Something that happened in a run.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// The features of another image were read and found good, before anything is done with them.
    CheckingFeatures {
        /// Images that are done.
        done: usize,
        /// Images in all.
        images: usize,
    },
    /// The features look as they did when the run read them but for their modification time, as after copying; they
    /// are read again.
    FeaturesTouched {
        /// The file or folder.
        path: &'a Path,
    },
    /// The lock of the run directory was left behind by a process that has ended.
    LockTakenOver {
        /// The run directory.
        path: &'a Path,
        /// The process, its machine, and since when it had the lock.
        holder: &'a str,
    },
    /// The data is read, the captioner stands.
    Ready {
        /// Training images.
        train_images: usize,
        /// Validation images that are used.
        val_images: usize,
        /// Words in the vocabulary.
        vocab: usize,
        /// Parameters of the captioner.
        parameters: usize,
        /// Captions left out because they hold no word.
        wordless: usize,
    },
    /// Something that lets the run go on but should be known.
    Warning(&'a Warning),
    /// A stage begins, or goes on after a resume.
    StageStarted {
        /// Its name.
        name: &'a str,
        /// Steps done.
        step: u64,
        /// Steps in all.
        steps: u64,
        /// Steps in an epoch.
        steps_per_epoch: u64,
    },
    /// A step is done.
    Step {
        /// Steps of the stage that are done.
        step: u64,
    },
    /// Training metrics of the last steps.
    Metrics(&'a Record),
    /// Captions of validation images are being decoded.
    Validating {
        /// Images that have one.
        done: usize,
        /// Images in all.
        images: usize,
    },
    /// The validation images were scored.
    Validated {
        /// The scores.
        report: &'a EvaluationReport,
        /// Whether this is the best of the run so far.
        is_best: bool,
    },
    /// A checkpoint was written.
    CheckpointWritten {
        /// Its directory.
        path: &'a Path,
    },
    /// A stage has ended.
    StageEnded(&'a StageSummary),
}

/// Watches a run.
pub trait Observer {
    /// Takes note of an event.
    fn observe(&mut self, event: &Event<'_>);
}

/// Nobody watches.
pub(crate) struct Unobserved;

impl Observer for Unobserved {
    fn observe(&mut self, _: &Event<'_>) {}
}
