//! What a run tells those who watch it.

use std::path::Path;

use crate::{
    corpus::description::DataDescription,
    decode::evaluate::report::{EvaluationReport, ScoredCaption},
    events::Record,
    run::progress::{Best, BestSoFar, StageSummary},
    warning::Warning,
};

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
        /// Sources, captions and words.
        data: &'a DataDescription,
        /// Validation sources that are used.
        val_sources: usize,
        /// Parameters of the captioner.
        parameters: usize,
    },
    /// Something that lets the run go on but should be known.
    Warning(&'a Warning),
    /// A stage begins, or goes on after a resume. What it begins with may be validated next.
    StageStarted {
        /// Its name.
        name: &'a str,
        /// Its objective, `xe` or `scst`.
        kind: &'a str,
        /// Where the run is.
        position: Position,
        /// Training sources that no batch of an epoch holds, others in every epoch.
        sources_left_out: usize,
        /// The scores of the weights that it began with, where they are known already.
        start: Option<&'a Best>,
    },
    /// A step is done.
    Step {
        /// Where the run is.
        position: Position,
    },
    /// Training metrics of the last steps.
    Metrics {
        /// The metrics.
        record: &'a Record,
        /// Where the run is.
        position: Position,
        /// The best validations so far.
        best: BestSoFar<'a>,
    },
    /// Captions of validation sources are being decoded.
    Validating {
        /// Sources that have one.
        done: usize,
        /// Sources in all.
        sources: usize,
    },
    /// The validation sources were scored.
    Validated {
        /// The scores, and all captions.
        report: &'a EvaluationReport,
        /// Captions of the same few sources at every validation, as many as `validation.samples` asks for.
        samples: &'a [&'a ScoredCaption],
        /// Where the run is.
        position: Position,
        /// Whether these are the weights that the stage begins with, before its first step.
        is_start: bool,
        /// Whether this is the best of the run so far.
        is_best: bool,
        /// The best validations so far, this one included.
        best: BestSoFar<'a>,
    },
    /// A checkpoint was written.
    CheckpointWritten {
        /// Its directory.
        path: &'a Path,
    },
    /// A stage has ended.
    StageEnded(&'a StageSummary),
}

/// Where a run is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Position {
    /// Index of the stage, from 0.
    pub stage: usize,
    /// Stages in all.
    pub stages: usize,
    /// Steps of the stage that are done.
    pub step: u64,
    /// Steps of the stage in all, unless its patience ends it before.
    pub steps: u64,
    /// Steps in an epoch of the stage.
    pub steps_per_epoch: u64,
    /// Steps of the run that are done.
    pub run_step: u64,
    /// Steps of all stages, unless patience ends one before.
    pub run_steps: u64,
    /// Seconds spent in the stage, before a resume too.
    pub stage_secs: f64,
    /// Seconds spent in all stages so far, before a resume too.
    pub run_secs: f64,
}

impl Position {
    /// The epoch of the last step that is done, from 1; 1 before the first step.
    pub fn epoch(&self) -> u64 {
        self.step.div_ceil(self.steps_per_epoch.max(1)).max(1)
    }

    /// Epochs of the stage, the last one perhaps not whole.
    pub fn epochs(&self) -> u64 {
        self.steps.div_ceil(self.steps_per_epoch.max(1)).max(1)
    }
}

/// Watches a run.
pub trait Observer {
    /// Takes note of an event.
    fn observe(&mut self, event: &Event<'_>);
}

/// Nobody watches.
pub struct Unobserved;

impl Observer for Unobserved {
    fn observe(&mut self, _: &Event<'_>) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn epochs_are_counted_from_one_and_rounded_up() {
        let at = |step| Position {
            stage: 0,
            stages: 1,
            step,
            steps: 25,
            steps_per_epoch: 10,
            run_step: step,
            run_steps: 25,
            stage_secs: 0.0,
            run_secs: 0.0,
        };
        let epochs = [0, 1, 10, 11, 20, 25].map(|step| at(step).epoch());
        assert_eq!(epochs, [1, 1, 1, 2, 2, 3]);
        assert_eq!(at(0).epochs(), 3);
    }
}
