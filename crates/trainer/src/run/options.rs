//! How a run is begun, and how it ends.

use std::{path::PathBuf, sync::atomic::AtomicBool};

use scst_group::Group;
use serde::Serialize;

use super::record::Program;
use crate::{
    registry::Registry,
    run::progress::{Best, StageSummary},
};

/// What there may be in the run directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// No run: one is begun.
    New,
    /// A run: it goes on.
    Resume,
    /// Either.
    ResumeOrNew,
}

/// How a run is begun.
#[derive(Debug)]
pub struct RunOptions<'a> {
    /// The run directory.
    pub directory: PathBuf,
    /// Whether a run is begun there, or goes on.
    pub start: Start,
    /// Whether a run that goes on reads all features again and compares their checksum, even where they look as they
    /// did.
    pub verify_features: bool,
    /// Becomes true when the run should end after the current step, or batch of captions, with a checkpoint.
    pub stop: &'a AtomicBool,
    /// Rewards and captioners beside the built-in ones.
    pub registry: &'a Registry,
    /// Which program this is, for the record of the run; that of a library may leave it out.
    pub program: Option<&'a Program>,
    /// The processes that train the run together. The first of them writes and observes; the others need the same files to
    /// read.
    pub group: &'a dyn Group,
    /// After how many steps, again and again, a fingerprint of the weights is logged.
    pub hash_every: Option<u64>,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// All stages are done.
    Finished(Box<Summary>),
    /// All stages were done before, and nothing was.
    AlreadyFinished {
        /// What came of it.
        summary: Box<Summary>,
        /// How it can train longer; none if its last stage has ended for good: by its patience, or because its learning
        /// rate depends on the end.
        longer: Option<Longer>,
    },
    /// It was asked to stop, and wrote a checkpoint.
    Stopped {
        /// The checkpoint.
        checkpoint: PathBuf,
    },
}

/// What has to be larger for a finished run to go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Longer {
    /// The key, such as `stages.1.epochs`.
    pub key: String,
    /// Its value, which the run has reached.
    pub now: u64,
}

/// What `summary.json` holds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    /// Every stage.
    pub stages: Vec<StageSummary>,
    /// The best validation of the run.
    pub best: Option<Best>,
    /// Every choice that changes the scores.
    pub signature: String,
    /// What makes the results worth less than they look: stages that made captions worse than they found them, and
    /// captions that are degenerate at the end of a stage or in `best/`.
    pub warnings: Vec<String>,
}
