//! How long a run would take on this machine: from a few of its own steps, in a directory that is removed afterwards.

use std::{
    sync::atomic::AtomicBool,
    time::{Duration, Instant},
};

use scst_files::{FileAction, FileError};
use scst_group::Alone;

use super::bench::peak_rss_mib;
use crate::{
    TrainError,
    config::{Config, ValidConfig},
    observer::{Event, Observer},
    registry::Registry,
    run::{Outcome, RunOptions, StageFound, Start, train},
};

/// Steps of every stage before those that are timed: the first lays out weights and starts programs.
const WARM_UP: u64 = 1;
/// Validation sources that are decoded to see how long that takes.
const SOURCES: usize = 100;

/// What a few steps of every stage took.
#[derive(Debug, Clone, PartialEq)]
pub struct Trial {
    /// The stages, in order.
    pub stages: Vec<StageTrial>,
    /// The most memory that the process ever held, in MiB; unknown where there is no `/proc`. That of a GPU is not counted.
    pub peak_rss_mib: Option<u64>,
}

/// What a few steps of a stage took, and what the whole would.
///
/// An untrained captioner's samples are as long as they may be, so that self-critical steps and validations take less later.
#[derive(Debug, Clone, PartialEq)]
pub struct StageTrial {
    /// Name of the stage.
    pub name: String,
    /// Seconds of a step, a mean.
    pub step_secs: f64,
    /// Seconds of a validation of all sources.
    pub validation_secs: f64,
    /// Seconds of all steps and validations.
    pub secs: f64,
}

impl Trial {
    /// Takes `steps` steps of every stage that `found` tells of, and one more before. `val_sources`: what a validation scores.
    /// Nothing comes back if `stop` became true meanwhile.
    ///
    /// # Errors
    /// Those of [`train`].
    pub fn take(
        config: &ValidConfig,
        found: &[StageFound],
        val_sources: usize,
        steps: u64,
        registry: &Registry,
        stop: &AtomicBool,
    ) -> Result<Option<Self>, TrainError> {
        let short = shortened(config, steps + WARM_UP)?;
        let sources = val_sources.min(SOURCES);
        let directory = tempfile::tempdir();
        let directory =
            directory.map_err(FileError::on(FileAction::Create, &std::env::temp_dir()))?;
        let options = RunOptions {
            directory: directory.path().join("trial"),
            start: Start::New,
            verify_features: false,
            stop,
            registry,
            program: None,
            group: &Alone,
            hash_every: None,
        };
        let mut stopwatch = Stopwatch::default();
        let outcome = train(&short, &options, &mut stopwatch)?;
        if matches!(outcome, Outcome::Stopped { .. }) {
            return Ok(None);
        }
        let stages = config.stages.iter().zip(found).zip(stopwatch.stages);
        let stages = stages.map(|((stage, found), laps)| {
            let timed = laps.steps.get(WARM_UP as usize..).unwrap_or(&laps.steps);
            let step_secs = timed.iter().sum::<f64>() / timed.len().max(1) as f64;
            let share = val_sources as f64 / sources.max(1) as f64;
            let validation_secs = laps.validation.as_secs_f64() * share;
            let every = stage.validate_every_steps.unwrap_or(found.steps_per_epoch);
            let validations = found.steps.div_ceil(every.max(1)) as f64;
            StageTrial {
                name: found.name.clone(),
                step_secs,
                validation_secs,
                secs: found.steps as f64 * step_secs + validations * validation_secs,
            }
        });
        Ok(Some(Self {
            stages: stages.collect(),
            peak_rss_mib: peak_rss_mib(),
        }))
    }
}

/// The same run with so many steps a stage, and one small validation of each.
///
/// # Errors
/// [`TrainError::Config`] when that is not allowed.
fn shortened(config: &Config, steps: u64) -> Result<ValidConfig, TrainError> {
    let mut short = config.clone();
    short.log_every_steps = 1;
    short.checkpoints.every_steps = None;
    short.checkpoints.every_minutes = None;
    let sources = short.validation.sources.unwrap_or(SOURCES);
    short.validation.sources = Some(sources.min(SOURCES));
    for stage in &mut short.stages {
        (stage.epochs, stage.steps) = (None, Some(steps));
        stage.validate_every_steps = Some(steps);
        stage.patience = None;
    }
    Ok(short.validate()?)
}

/// Takes the times of a run.
#[derive(Default)]
struct Stopwatch {
    stages: Vec<Laps>,
    since: Option<Instant>,
}

/// The times of a stage.
#[derive(Default)]
struct Laps {
    /// Seconds of every step.
    steps: Vec<f64>,
    validation: Duration,
}

impl Observer for Stopwatch {
    fn observe(&mut self, event: &Event<'_>) {
        if let Event::StageStarted { .. } = event {
            self.stages.push(Laps::default());
        }
        let Some(laps) = self.stages.last_mut() else {
            return;
        };
        match event {
            Event::Metrics { record, .. } => {
                laps.steps.extend(record.value("step_secs"));
                self.since = Some(Instant::now());
            }
            Event::Validated {
                is_start: false, ..
            } => {
                if let Some(since) = self.since.take() {
                    laps.validation = since.elapsed();
                }
            }
            _ => {}
        }
    }
}
