//! What a run tells about itself: one JSON line a record or a warning and one a sample caption, the same for TensorBoard,
//! and the learning curve.

pub mod curve;
mod error;
mod lines;
mod metrics_jsonl;
mod record;
mod resume_point;
mod samples_jsonl;
mod tensorboard;

use std::fs;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::decode::evaluate::report::ScoredCaption;
use metrics_jsonl::MetricsWriter;
use samples_jsonl::SamplesWriter;
use scst_files::{FileAction, FileError};
use tensorboard::{Kept, TensorBoardWriter};

pub use error::EventError;
pub use metrics_jsonl::{
    LogEntry, LoggedHash, LoggedWarning, METRICS_FILE, read_log, read_records,
};
pub use record::{Record, RecordKind};
pub use resume_point::ResumePoint;
pub use samples_jsonl::{SAMPLES_FILE, Sample, read_samples};

/// Name of the directory of TensorBoard's event files in a run directory.
pub const TENSORBOARD_DIRECTORY: &str = "tensorboard";

/// Writes the records of a run to `metrics.jsonl`, its sample captions to `samples.jsonl`, and both to a TensorBoard event
/// file in `tensorboard/`.
///
/// Every record has reached the operating system when [`write`](Self::write) returns, so that a killed process
/// loses none; [`flush`](Self::flush) forces them to the disk.
///
/// Of several processes that train a run together, one writes; the others have a writer to [nowhere](Self::nowhere).
#[derive(Debug)]
pub struct EventWriter {
    files: Option<Files>,
}

#[derive(Debug)]
struct Files {
    metrics: MetricsWriter,
    samples: SamplesWriter,
    tensorboard: TensorBoardWriter,
}

impl EventWriter {
    /// Writes nothing.
    pub fn nowhere() -> Self {
        Self { files: None }
    }

    /// Starts the files of a new run in the existing directory `run_dir`.
    ///
    /// # Errors
    /// When `run_dir` already holds records or cannot be written.
    pub fn create(run_dir: &Path) -> Result<Self, EventError> {
        let files = Files {
            metrics: MetricsWriter::create(run_dir)?,
            samples: SamplesWriter::create(run_dir)?,
            tensorboard: tensorboard(run_dir, &Kept::default())?,
        };
        Ok(Self { files: Some(files) })
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
        let files = Files {
            metrics,
            samples,
            tensorboard: tensorboard(run_dir, &Kept { records, texts })?,
        };
        Ok(Self { files: Some(files) })
    }

    /// Appends a record with the present time.
    ///
    /// Numbers that are not finite become `null` in `metrics.jsonl` and are left out of the TensorBoard file.
    ///
    /// # Errors
    /// When a value's name is reserved or given twice, or a file cannot be written.
    pub fn write(&mut self, record: &Record) -> Result<(), EventError> {
        let Some(files) = &mut self.files else {
            return Ok(());
        };
        let wall_secs = unix_secs();
        files.metrics.write(record, wall_secs)?;
        files.tensorboard.write(record, wall_secs)?;
        Ok(())
    }

    /// Appends captions of a validation, of the kind that its record has, which was written before, and returns them as they
    /// were written.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn write_samples(
        &mut self,
        step: u64,
        stage: &str,
        kind: RecordKind,
        captions: &[&ScoredCaption],
    ) -> Result<Vec<Sample>, EventError> {
        let sample = |caption: &&ScoredCaption| Sample::new(step, stage, caption);
        let samples: Vec<Sample> = captions.iter().map(sample).collect();
        if let Some(files) = &mut self.files {
            files.samples.write(&samples)?;
            let texts: Vec<&Sample> = samples.iter().collect();
            files
                .tensorboard
                .write_text(step, kind, &texts, unix_secs())?;
        }
        Ok(samples)
    }

    /// Appends a warning, given after `step` in `stage`, unless the run's file holds it already, and says whether it did not.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn warn(&mut self, step: u64, stage: &str, message: &str) -> Result<bool, EventError> {
        Ok(match &mut self.files {
            Some(files) => files.metrics.warn(step, stage, message, unix_secs())?,
            None => true,
        })
    }

    /// Appends a fingerprint of the weights after `step` in `stage`.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write_hash(&mut self, step: u64, stage: &str, weights: &str) -> Result<(), EventError> {
        if let Some(files) = &mut self.files {
            files
                .metrics
                .write_hash(step, stage, weights, unix_secs())?;
        }
        Ok(())
    }

    /// Forces everything written so far to the disk; call it before the checkpoint of the same step is published.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn flush(&mut self) -> Result<(), EventError> {
        if let Some(files) = &mut self.files {
            files.metrics.flush()?;
            files.samples.flush()?;
            files.tensorboard.flush()?;
        }
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
    use super::record::tests::train;
    use super::resume_point::tests::after;
    use super::*;
    use std::fs;

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
