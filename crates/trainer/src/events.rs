//! What a run tells about itself: one JSON line a record or a warning and one a sample caption, the same for TensorBoard,
//! and the learning curve.

pub mod curve;
mod lines;
mod metrics_jsonl;
mod samples_jsonl;
mod tensorboard;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use serde_json::error::Category;

use crate::evaluate::ScoredCaption;
use crate::files::{FileAction, FileError};
use metrics_jsonl::MetricsWriter;
use samples_jsonl::SamplesWriter;
use tensorboard::{Kept, TensorBoardWriter};

pub use metrics_jsonl::{METRICS_FILE, read_records};
pub use samples_jsonl::{SAMPLES_FILE, Sample, read_samples};

/// Which part of a run a record measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RecordKind {
    /// Numbers of training steps.
    Train,
    /// Numbers of a pass over the validation split.
    Validation,
    /// Numbers of the weights that a stage begins with, over the validation split.
    Start,
}

impl RecordKind {
    /// The name in files: `train`, `validation` or `start`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Validation => "validation",
            Self::Start => "start",
        }
    }
}

/// Named numbers measured at one step.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// Steps taken so far, counted over all stages.
    pub step: u64,
    /// Name of the stage that was running.
    pub stage: String,
    /// What was measured.
    pub kind: RecordKind,
    /// Names and numbers in the order in which they are written.
    pub values: Vec<(String, f64)>,
}

impl Record {
    /// The number called `name`, if there is one.
    pub fn value(&self, name: &str) -> Option<f64> {
        let mut values = self.values.iter();
        values.find(|(key, _)| key == name).map(|&(_, value)| value)
    }

    /// Whether the baseline equals the reward but for rounding: so by construction where it is the mean reward of an
    /// image's own samples or of the others (`mean`, `leave_one_out`), and there is nothing to see in it.
    pub fn baseline_is_reward(&self) -> bool {
        let (reward, baseline) = (self.value("reward"), self.value("baseline"));
        reward.zip(baseline).is_some_and(|(reward, baseline)| {
            (reward - baseline).abs() <= 1e-9 * reward.abs().max(1.0)
        })
    }
}

/// A record and the Unix time at which it was written.
#[derive(Debug)]
struct StampedRecord {
    record: Record,
    wall_secs: f64,
}

/// Why records could not be written or read.
///
/// Each message already contains its `error`, which is therefore not a further link of the cause chain.
#[derive(Debug, thiserror::Error)]
pub enum EventError {
    /// A file could not be handled.
    #[error(transparent)]
    File(#[from] FileError),
    /// A line is not a record.
    #[error("`{}`, line {line}: found {}, expected an object with `step`, `stage`, `kind`, `wall_secs` and numbers", path.display(), form(error))]
    Malformed {
        /// The file of records.
        path: PathBuf,
        /// Number of the line, from 1.
        line: usize,
        /// What is wrong with it.
        error: serde_json::Error,
    },
    /// A line is not a sample caption.
    #[error("`{}`, line {line}: found {}, expected an object with `step`, `stage`, `image`, `caption`, `references` and scores", path.display(), form(error))]
    MalformedSample {
        /// The file of sample captions.
        path: PathBuf,
        /// Number of the line, from 1.
        line: usize,
        /// What is wrong with it.
        error: serde_json::Error,
    },
    /// A value's name would make a line ambiguous.
    #[error("a record cannot hold a value called `{name}`: that name is reserved or given twice")]
    Name {
        /// The offending name.
        name: String,
    },
}

/// What a line is instead of a record.
fn form(error: &serde_json::Error) -> String {
    match error.classify() {
        Category::Eof => "a part of a record".to_owned(),
        Category::Syntax | Category::Io => {
            format!("what is no JSON from column {} on", error.column())
        }
        Category::Data => {
            let message = error.to_string();
            let message = message.split(" at line ").next().unwrap_or_default();
            if let Some(key) = message.strip_prefix("missing field ") {
                format!("no key {key}")
            } else if let Some(kind) = message.strip_prefix("unknown variant ") {
                kind.split(", expected").next().unwrap_or(kind).to_owned()
            } else {
                format!("a value of another kind before column {}", error.column())
            }
        }
    }
}

/// Name of the directory of TensorBoard's event files in a run directory.
pub const TENSORBOARD_DIRECTORY: &str = "tensorboard";

/// Where a run goes on, and what of its files is therefore to be forgotten.
#[derive(Debug, Clone)]
pub struct ResumePoint<'a> {
    /// Steps of the run that are done.
    pub step: u64,
    /// The stage that goes on.
    pub stage: &'a str,
    /// Whether the validation of that step was made, or that of the start of the stage before its first step; else it is
    /// still to be made, and what there is of it is forgotten.
    pub is_validated: bool,
    /// The stages that have not begun; one of them may have, at this very step, before the run was killed.
    pub later_stages: Vec<&'a str>,
}

/// What a line of a run's files is, as far as it matters to a run that goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Of {
    Training,
    Validation,
}

impl ResumePoint<'_> {
    /// Whether a line that was written after `step` steps in `stage` still holds.
    fn keeps(&self, step: u64, stage: &str, of: Of) -> bool {
        let is_undone = !self.is_validated && of == Of::Validation && stage == self.stage;
        step < self.step || (step == self.step && !is_undone && !self.later_stages.contains(&stage))
    }
}

/// Writes the records of a run to `metrics.jsonl`, its sample captions to `samples.jsonl`, and both to a TensorBoard event
/// file in `tensorboard/`.
///
/// Every record has reached the operating system when [`write`](Self::write) returns, so that a killed process
/// loses none; [`flush`](Self::flush) forces them to the disk.
#[derive(Debug)]
pub struct EventWriter {
    metrics: MetricsWriter,
    samples: SamplesWriter,
    tensorboard: TensorBoardWriter,
}

impl EventWriter {
    /// Starts the files of a new run in the existing directory `run_dir`.
    ///
    /// # Errors
    /// When `run_dir` already holds records or cannot be written.
    pub fn create(run_dir: &Path) -> Result<Self, EventError> {
        Ok(Self {
            metrics: MetricsWriter::create(run_dir)?,
            samples: SamplesWriter::create(run_dir)?,
            tensorboard: tensorboard(run_dir, &Kept::default())?,
        })
    }

    /// Continues a run: drops what does not hold any more and a torn last line, then appends.
    ///
    /// What is kept goes into a new event file, on whose reading TensorBoard drops what it knew. Of `metrics.jsonl` and
    /// `samples.jsonl`, one that is missing is begun.
    ///
    /// # Errors
    /// When a line is not what it should be, or the files cannot be written; their lines are then intact.
    pub fn resume(run_dir: &Path, point: &ResumePoint<'_>) -> Result<Self, EventError> {
        let (metrics, records) = MetricsWriter::resume(run_dir, point)?;
        let (samples, texts) = SamplesWriter::resume(run_dir, point)?;
        Ok(Self {
            metrics,
            samples,
            tensorboard: tensorboard(run_dir, &Kept { records, texts })?,
        })
    }

    /// Appends a record with the present time.
    ///
    /// Numbers that are not finite become `null` in `metrics.jsonl` and are left out of the TensorBoard file.
    ///
    /// # Errors
    /// When a value's name is reserved or given twice, or a file cannot be written.
    pub fn write(&mut self, record: &Record) -> Result<(), EventError> {
        let wall_secs = unix_secs();
        self.metrics.write(record, wall_secs)?;
        self.tensorboard.write(record, wall_secs)?;
        Ok(())
    }

    /// Appends captions of a validation, of the kind that its record has, which was written before.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn write_samples(
        &mut self,
        step: u64,
        stage: &str,
        kind: RecordKind,
        captions: &[&ScoredCaption],
    ) -> Result<(), EventError> {
        let sample = |caption: &&ScoredCaption| Sample::new(step, stage, caption);
        let samples: Vec<Sample> = captions.iter().map(sample).collect();
        self.samples.write(&samples)?;
        let texts: Vec<&Sample> = samples.iter().collect();
        self.tensorboard
            .write_text(step, kind, &texts, unix_secs())?;
        Ok(())
    }

    /// Appends a warning, given after `step` in `stage`, unless the run's file holds it already.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn warn(&mut self, step: u64, stage: &str, message: &str) -> Result<(), EventError> {
        Ok(self.metrics.warn(step, stage, message, unix_secs())?)
    }

    /// Forces everything written so far to the disk; call it before the checkpoint of the same step is published.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn flush(&mut self) -> Result<(), EventError> {
        self.metrics.flush()?;
        self.samples.flush()?;
        self.tensorboard.flush()?;
        Ok(())
    }
}

/// A new event file in the run's directory for them, which is made if it is missing.
fn tensorboard(run_dir: &Path, kept: &Kept) -> Result<TensorBoardWriter, EventError> {
    let directory = run_dir.join(TENSORBOARD_DIRECTORY);
    fs::create_dir_all(&directory).map_err(FileError::on(FileAction::Create, &directory))?;
    Ok(TensorBoardWriter::create(&directory, kept, unix_secs())?)
}

/// Unix time in seconds, to the millisecond.
fn unix_secs() -> f64 {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH);
    elapsed.map_or(0.0, |elapsed| elapsed.as_millis() as f64 / 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    pub(super) fn train(step: u64, loss: f64) -> Record {
        Record {
            step,
            stage: "xe".to_owned(),
            kind: RecordKind::Train,
            values: vec![
                ("loss".to_owned(), loss),
                ("learning_rate".to_owned(), 5e-4),
            ],
        }
    }

    /// A run of the one stage `xe` that goes on after `step`.
    pub(super) fn after(step: u64) -> ResumePoint<'static> {
        ResumePoint {
            step,
            stage: "xe",
            is_validated: true,
            later_stages: Vec::new(),
        }
    }

    #[test]
    fn of_the_last_step_only_what_came_before_in_the_run_is_kept() {
        let mut point = ResumePoint {
            later_stages: vec!["scst"],
            ..after(7)
        };
        for of in [Of::Training, Of::Validation] {
            assert!(point.keeps(6, "xe", of) && point.keeps(7, "xe", of));
            assert!(!point.keeps(8, "xe", of) && !point.keeps(7, "scst", of));
        }
        point.is_validated = false;
        assert!(point.keeps(7, "xe", Of::Training) && point.keeps(6, "xe", Of::Validation));
        assert!(!point.keeps(7, "xe", Of::Validation));
        // The validation that ended the stage before.
        assert!(point.keeps(7, "warm-up", Of::Validation));
    }

    #[test]
    fn reads_what_was_written_when_resumed() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let mut writer = EventWriter::create(dir.path()).expect("the files are made");
        for step in 1..=3 {
            writer
                .write(&train(step, step as f64))
                .expect("the record is written");
        }
        drop(writer);
        let mut writer = EventWriter::resume(dir.path(), &after(2)).expect("the run is resumed");
        writer
            .write(&train(3, -1.0))
            .expect("the record is written");
        writer.flush().expect("the records are forced to the disk");
        let records = read_records(&dir.path().join(METRICS_FILE)).expect("the records are read");
        assert_eq!(records, [train(1, 1.0), train(2, 2.0), train(3, -1.0)]);
    }

    #[test]
    fn keeps_two_event_files_when_resumed_often() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        EventWriter::create(dir.path()).expect("the files are made");
        for step in 1..=3 {
            EventWriter::resume(dir.path(), &after(step)).expect("the run is resumed");
        }
        let event_files = dir.path().join(TENSORBOARD_DIRECTORY);
        let entries = fs::read_dir(event_files).expect("the directory is listed");
        assert_eq!(entries.count(), 2);
    }

    #[test]
    fn refuses_to_start_when_the_run_has_records() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        EventWriter::create(dir.path()).expect("the files are made");
        let error = EventWriter::create(dir.path()).expect_err("the run exists");
        let message = error.to_string();
        assert!(message.starts_with("cannot create `"), "{message}");
        assert!(message.contains("metrics.jsonl`: File exists"), "{message}");
    }
}
