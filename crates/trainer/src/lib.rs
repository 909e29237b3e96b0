//! Training runs: stages, optimisation, checkpoints, evaluation, events.
//!
//! A [`Config`] names data, captioner and stages; [`train`] runs them and leaves a run directory;
//! [`evaluate`](fn@evaluate) scores a captioner on a split. Nothing here prints: who wants to
//! watch passes an [`Observer`].
#![cfg_attr(
    test,
    allow(clippy::unwrap_used, reason = "tests may stop at the first surprise")
)]

mod alike;
mod backend;
mod captioner;
mod checkpoint;
pub mod config;
mod corpus;
mod custom;
mod decode;
mod diagnosis;
mod draws;
mod error;
pub mod events;
mod hex;
mod import;
mod lab;
mod objective;
mod observer;
mod optimise;
mod ranks;
mod registry;
mod run;
mod svg;
mod warning;

pub use backend::{Backend, BackendError, Memory};
pub use checkpoint::{Checkpoint, CheckpointError, NearestRuns, checkpoints_of};
pub use config::Config;
pub use corpus::{Corpus, DataDescription, describe, images::Images, layout::CustomLayout};
pub use custom::{Addition, CustomError, CustomRegistry};
pub use decode::caption::{Caption, CaptionWriter};
pub use decode::collapse::{CaptionStatistics, Collapse, ReferenceStatistics, collapses};
pub use decode::custom::{CustomSearch, SearchModel};
pub use decode::evaluate::{DecodedCaption, Decoding, EvaluationReport, ScoredCaption, evaluate};
pub use diagnosis::examination::Examination;
pub use diagnosis::fault::{Fault, Finding};
pub use diagnosis::features::{FeatureFault, FeatureStatistics};
pub use diagnosis::frequency_table::{ForeignTable, TableMismatch};
pub use diagnosis::references::{ReferenceCounts, Resolution};
pub use diagnosis::settings::{Setting, setting_faults};
pub use error::TrainError;
pub use import::{ImportError, StateTensor, WeightsProblem, import_self_critical};
pub use lab::agreement::{Agreement, self_test};
pub use lab::bench::{
    BenchTask, ImageSizes, RanksReport, ScstParts, SourceReport, StepBench, StepReport, TextSizes,
    bench_step,
};
pub use lab::estimator::Estimator;
pub use lab::estimators::{EstimatorLab, EstimatorReport, measure_estimators};
pub use lab::picture::{EstimatorPicture, PictureError, draw_estimators};
pub use lab::toy::{TOY_SAMPLES, ToyReport, measure_toy};
pub use lab::trial::{StageTrial, Trial};
pub use objective::custom::{CustomObjective, JudgedSample};
pub use observer::{Event, Observer, Position, Unobserved};
pub use registry::Registry;
pub use run::progress::{Best, BestSoFar, StageSummary};
pub use run::{
    Checkup, FeaturesFound, Findings, Longer, Outcome, Program, RunOptions, StageFound, Start,
    Summary, abandon_lock, check, data_warnings, examine, train,
};
pub use scst_group::{Alone, Group, GroupError};
pub use scst_kernels::product::Precision;
pub use warning::Warning;
