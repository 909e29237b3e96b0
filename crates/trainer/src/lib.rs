//! Training runs: stages, optimisation, checkpoints, evaluation, events.
//!
//! A [`Config`] names data, captioner and stages; [`train`] runs them and leaves a run directory;
//! [`evaluate`](fn@evaluate) scores a captioner on a split. Nothing here prints: who wants to
//! watch passes an [`Observer`].
#![cfg_attr(
    test,
    allow(clippy::unwrap_used, reason = "tests may stop at the first surprise")
)]

mod backend;
mod bench;
mod caption;
mod checkpoint;
mod collapse;
pub mod config;
mod corpus;
mod decode;
mod draws;
mod error;
mod estimators;
mod evaluate;
pub mod events;
pub mod files;
mod import;
mod objective;
mod observer;
mod optimiser;
mod places;
mod progress;
mod reduce;
mod registry;
mod run;
mod schedule;
mod scst;
mod search;
mod self_test;
mod update;
mod warning;
mod xe;

pub use backend::{Backend, BackendError};
pub use bench::{ScstParts, StepBench, StepReport, bench_step};
pub use caption::{Caption, CaptionWriter};
pub use checkpoint::{Checkpoint, CheckpointError, NearestRuns, checkpoints_of};
pub use collapse::{CaptionStatistics, Collapse, ReferenceStatistics, collapses};
pub use config::Config;
pub use corpus::{Corpus, DataDescription, describe};
pub use error::TrainError;
pub use estimators::{EstimatorLab, EstimatorReport, measure_estimators};
pub use evaluate::{DecodedCaption, EvaluationReport, ScoredCaption, evaluate};
pub use import::{ImportError, StateTensor, WeightsProblem, import_self_critical};
pub use observer::{Event, Observer, Position};
pub use progress::{Best, BestSoFar, StageSummary};
pub use registry::Registry;
pub use run::{
    FeaturesFound, Findings, Longer, Outcome, Program, RunOptions, StageFound, Start, Summary,
    abandon_lock, check, data_warnings, train,
};
pub use self_test::{Agreement, self_test};
pub use warning::Warning;
