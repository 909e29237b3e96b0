//! What a run leaves beside its checkpoints.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use scst_model::CaptionerRegistry;
use scst_report::{Record, RecordKind, Stage};
use scst_trainer::{
    Checkpoint, StageSummary,
    config::StageConfig,
    events::{self, METRICS_FILE, read_records},
};
use serde::Deserialize;

use crate::{commands::seed_runs::runs_of, failure::Failure};

/// Name of the file of what came of a run.
const SUMMARY: &str = "summary.json";
/// Name of the file of its configuration.
const CONFIG: &str = "config.toml";

/// A run, or the runs of several seeds.
pub(super) struct RunFiles {
    /// What it was given as.
    pub(super) name: String,
    /// The run directories, a seed each.
    pub(super) directories: Vec<PathBuf>,
    /// The checkpoints that are decoded of every seed, with the names of their stages.
    pub(super) checkpoints: Vec<Vec<(String, PathBuf)>>,
    pub(super) configuration: String,
    /// By stage, those that SacreEOS has.
    pub(super) signatures: Vec<(String, String)>,
    pub(super) warnings: Vec<String>,
    /// Of the first seed.
    pub(super) stages: Vec<Stage>,
    /// Of every seed.
    pub(super) records: Vec<Vec<Record>>,
}

/// What `summary.json` holds of what a report shows.
#[derive(Deserialize)]
struct Summary {
    stages: Vec<StageSummary>,
    #[serde(default)]
    warnings: Vec<String>,
}

/// Which checkpoints of a run are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Checkpoints {
    /// The best ones before and after self-critical training.
    BeforeAndAfter,
    /// The best one of the run.
    Best,
}

impl RunFiles {
    pub(super) fn read(
        path: &Path,
        checkpoints: Checkpoints,
        captioners: &CaptionerRegistry,
    ) -> Result<Self, Failure> {
        let directories = runs_of(path)?;
        let mut files = Self {
            name: path.display().to_string(),
            directories: Vec::new(),
            checkpoints: Vec::new(),
            configuration: String::new(),
            signatures: Vec::new(),
            warnings: Vec::new(),
            stages: Vec::new(),
            records: Vec::new(),
        };
        for directory in directories {
            let metrics = directory.join(METRICS_FILE);
            if !metrics.is_file() {
                return Err(Failure::Mistake(format!(
                    "`{}`: found no `{METRICS_FILE}`, expected the directory of a run",
                    directory.display()
                )));
            }
            let checkpoint = Checkpoint::load_run_or_checkpoint(&directory, captioners)?;
            let stages = &checkpoint.config.stages;
            files.checkpoints.push(match checkpoints {
                Checkpoints::BeforeAndAfter => before_and_after(&directory, stages),
                Checkpoints::Best => best(&directory),
            });
            let records = read_records(&metrics).map_err(|error| Failure::failed(&error))?;
            files
                .records
                .push(records.into_iter().map(record).collect());
            let summary = summary(&directory.join(SUMMARY))?;
            if files.directories.is_empty() {
                files.configuration = read_text(&directory.join(CONFIG))?;
                files.signatures = stages.iter().filter_map(sacreeos).collect();
                let stages = summary.iter().flat_map(|summary| &summary.stages);
                files.stages = stages.map(stage).collect();
            }
            match summary {
                Some(summary) => files.warnings.extend(summary.warnings),
                None => files.warnings.push(format!(
                    "`{}` has not ended: there is no `{SUMMARY}`",
                    directory.display()
                )),
            }
            files.directories.push(directory);
        }
        let fewest = files.checkpoints.iter().min_by_key(|of_run| of_run.len());
        let common: Vec<String> = fewest
            .into_iter()
            .flatten()
            .map(|(name, _)| name.clone())
            .collect();
        for of_run in &mut files.checkpoints {
            of_run.retain(|(name, _)| common.contains(name));
        }
        Ok(files)
    }
}

/// The best checkpoints before and after self-critical training; what `best` holds where there are none.
fn before_and_after(run: &Path, stages: &[StageConfig]) -> Vec<(String, PathBuf)> {
    let is_scst = |stage: &StageConfig| stage.scst.is_some();
    let first = stages.iter().position(is_scst);
    let before = first.and_then(|first| stages.get(first.checked_sub(1)?));
    let after = stages.iter().rfind(|stage| is_scst(stage));
    let best_of = |stage: &StageConfig| {
        let path = run.join("checkpoints").join(format!("best-{}", stage.name));
        (stage.name.clone(), path)
    };
    let found = before.into_iter().chain(after).map(best_of);
    let found: Vec<_> = found.filter(|(_, path)| path.is_dir()).collect();
    if found.is_empty() {
        return best(run);
    }
    found
}

fn best(run: &Path) -> Vec<(String, PathBuf)> {
    vec![("best".to_owned(), run.to_owned())]
}

/// The signature that SacreEOS gives a stage.
fn sacreeos(stage: &StageConfig) -> Option<(String, String)> {
    let signature = stage.scst.as_ref()?.sacreeos_signature()?;
    Some((format!("SacreEOS of {}", stage.name), signature))
}

fn record(record: events::Record) -> Record {
    Record {
        step: record.step,
        stage: record.stage,
        kind: match record.kind {
            events::RecordKind::Train => RecordKind::Train,
            events::RecordKind::Validation | events::RecordKind::Start => RecordKind::Validation,
        },
        values: record.values,
    }
}

fn stage(summary: &StageSummary) -> Stage {
    Stage {
        name: summary.name.clone(),
        kind: summary.kind.clone(),
        steps: summary.steps,
        seconds: summary.seconds,
        start: summary.start.as_ref().map(|start| start.metric),
        best: summary.best.as_ref().map(|best| (best.step, best.metric)),
        last: summary.last.as_ref().map(|last| last.metric),
    }
}

/// What came of a run, if it has ended.
fn summary(path: &Path) -> Result<Option<Summary>, Failure> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(path, &error)),
    };
    serde_json::from_slice(&bytes).map(Some).map_err(|error| {
        Failure::Failed(format!(
            "`{}`, line {}: found something else than the summary of a run",
            path.display(),
            error.line()
        ))
    })
}

fn read_text(path: &Path) -> Result<String, Failure> {
    fs::read_to_string(path).map_err(|error| unreadable(path, &error))
}

fn unreadable(path: &Path, error: &io::Error) -> Failure {
    Failure::Failed(format!("cannot read `{}`: {error}", path.display()))
}
