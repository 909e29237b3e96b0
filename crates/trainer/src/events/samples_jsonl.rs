//! `samples.jsonl`: captions of the same few validation sources at every validation, one JSON object a line.
//!
//! ```text
//! {"step":48,"stage":"xe","image":"a.jpg","image_id":"a.jpg","caption":"a dog runs","references":["a dog is running"],
//!  "cider_d":1.5,"bleu_4":0.0,"rouge_l":0.7,"log_probability":-3.5,"is_cut_off":false}
//! ```
//! There is no time in it: the file of a run that was killed and went on has the same bytes as that of one that was not.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use scst_data::ExampleId;
use scst_files::{FileAction, FileError};
use scst_reward::TextScores;
use serde::{Deserialize, Serialize};

use super::error::EventError;
use super::lines::{append_line, keep_lines, lines};
use super::resume_point::{Of, ResumePoint};
use crate::decode::evaluate::report::ScoredCaption;

/// Name of the file of sample captions in a run's directory.
pub const SAMPLES_FILE: &str = "samples.jsonl";

/// The caption of a validation source after some step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sample {
    /// Steps taken so far, counted over all stages.
    pub step: u64,
    /// Name of the stage that was running.
    pub stage: String,
    /// What messages call its source: of an image its file name without folders, of a text its id, or its file and line.
    // Files know it by this name, of texts too.
    #[serde(rename = "image")]
    pub name: String,
    /// Id of its source, as in the user's files; its name where they have no ids.
    // As above.
    #[serde(rename = "image_id")]
    pub id: ExampleId,
    /// The caption, words joined by single spaces.
    pub caption: String,
    /// The references, words joined by single spaces.
    pub references: Vec<String>,
    /// CIDEr-D x10 of the caption, with the document frequencies of all validation sources.
    pub cider_d: f64,
    /// BLEU-4 of the caption, 0 to 1; close to 0 without four words in a row that a reference has.
    pub bleu_4: f64,
    /// ROUGE-L of the caption, 0 to 1.
    pub rouge_l: f64,
    /// Those metrics of raw text that validations compute.
    #[serde(default, skip_serializing_if = "TextScores::is_empty")]
    pub text: TextScores,
    /// Log-probability of the caption, nats, the end token counted; none where it is not finite.
    pub log_probability: Option<f64>,
    /// Whether it reached the maximum length without ending.
    pub is_cut_off: bool,
}

impl Sample {
    /// A caption after `step` steps of a run, in `stage`.
    pub fn new(step: u64, stage: &str, caption: &ScoredCaption) -> Self {
        let scores = &caption.scores;
        let log_probability = caption.log_probability;
        Self {
            step,
            stage: stage.to_owned(),
            name: caption.name.clone(),
            id: caption.id.clone(),
            caption: caption.caption.clone(),
            references: caption.references.clone(),
            cider_d: scores.cider_d,
            bleu_4: scores.bleu[3],
            rouge_l: scores.rouge_l,
            text: scores.text,
            log_probability: log_probability.is_finite().then_some(log_probability),
            is_cut_off: caption.is_cut_off,
        }
    }
}

/// Reads the sample captions of a run, in order.
///
/// A last line without its end is left out: it is being written, or its writer was killed.
///
/// # Errors
/// When the file cannot be read, or a line is not a sample caption.
pub fn read_samples(path: &Path) -> Result<Vec<Sample>, EventError> {
    let bytes = fs::read(path).map_err(FileError::on(FileAction::Read, path))?;
    let lines = lines(&bytes).enumerate();
    lines
        .map(|(index, line)| parse(path, index, line))
        .collect()
}

fn parse(path: &Path, index: usize, line: &[u8]) -> Result<Sample, EventError> {
    serde_json::from_slice(line).map_err(|error| EventError::MalformedSample {
        path: path.to_owned(),
        line: index + 1,
        error,
    })
}

/// Appends sample captions to the file.
#[derive(Debug)]
pub(super) struct SamplesWriter {
    path: PathBuf,
    file: File,
}

impl SamplesWriter {
    pub(super) fn create(run_dir: &Path) -> Result<Self, FileError> {
        let path = run_dir.join(SAMPLES_FILE);
        let file = File::create_new(&path).map_err(FileError::on(FileAction::Create, &path))?;
        Ok(Self { path, file })
    }

    /// Keeps the lines that still hold, byte for byte, and returns their captions.
    pub(super) fn resume(
        run_dir: &Path,
        point: &ResumePoint<'_>,
    ) -> Result<(Self, Vec<Sample>), EventError> {
        let path = run_dir.join(SAMPLES_FILE);
        let mut samples = Vec::new();
        let file = keep_lines(&path, |index, line| {
            let sample = parse(&path, index, line)?;
            let is_kept = point.keeps(sample.step, &sample.stage, Of::Validation);
            samples.extend(is_kept.then_some(sample));
            Ok::<_, EventError>(is_kept)
        })?;
        Ok((Self { path, file }, samples))
    }

    pub(super) fn write(&mut self, samples: &[Sample]) -> Result<(), FileError> {
        let Self { path, file } = self;
        let mut samples = samples.iter();
        samples.try_for_each(|sample| append_line(file, path, sample))
    }

    pub(super) fn flush(&mut self) -> Result<(), FileError> {
        let result = self.file.sync_data();
        result.map_err(FileError::on(FileAction::Write, &self.path))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::resume_point::tests::after;
    use super::*;

    pub(in super::super) fn sample(step: u64, stage: &str, caption: &str) -> Sample {
        Sample {
            step,
            stage: stage.to_owned(),
            name: "a.jpg".to_owned(),
            id: ExampleId::from(7),
            caption: caption.to_owned(),
            references: vec!["a dog".to_owned(), "un café | \"bar\"".to_owned()],
            cider_d: 0.1 + 0.2,
            bleu_4: 1e-17,
            rouge_l: 1.0 / 3.0,
            text: TextScores::default(),
            log_probability: Some(-3.25),
            is_cut_off: true,
        }
    }

    #[test]
    fn samples_are_read_back_and_a_torn_line_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(SAMPLES_FILE);
        let mut writer = SamplesWriter::create(dir.path()).unwrap();
        let mut samples = [sample(1, "xe", "a dog"), sample(2, "xe", "a \n cat")];
        samples[1].log_probability = None;
        writer.write(&samples).unwrap();
        let whole = fs::read(&path).unwrap();
        assert_eq!(read_samples(&path).unwrap(), samples);
        fs::write(&path, &whole[..whole.len() - 1]).unwrap();
        assert_eq!(read_samples(&path).unwrap(), samples[..1]);
    }

    #[test]
    fn resumed_file_has_the_bytes_of_one_that_was_not_interrupted() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(SAMPLES_FILE);
        let mut writer = SamplesWriter::create(dir.path()).unwrap();
        let samples = [
            sample(1, "xe", "a dog"),
            sample(2, "xe", "a cat"),
            sample(2, "scst", "two cats"),
        ];
        writer.write(&samples).unwrap();
        let whole = fs::read(&path).unwrap();
        fs::write(&path, &whole[..whole.len() - 5]).unwrap();
        let point = ResumePoint {
            later_stages: vec!["scst"],
            ..after(2)
        };
        let (mut writer, kept) = SamplesWriter::resume(dir.path(), &point).unwrap();
        assert_eq!(kept, samples[..2]);
        writer.write(&samples[2..]).unwrap();
        assert_eq!(fs::read(&path).unwrap(), whole);
        // A run of before there were samples gets a file.
        fs::remove_file(&path).unwrap();
        let (_, kept) = SamplesWriter::resume(dir.path(), &point).unwrap();
        assert!(kept.is_empty() && path.is_file());
    }

    #[test]
    fn line_that_is_no_sample_is_named_and_the_file_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(SAMPLES_FILE);
        let line = serde_json::to_string(&sample(1, "xe", "a dog")).unwrap();
        for (changed, found) in [
            (line.replace("rouge_l", "rouge"), "a value of another kind"),
            (line.replace("\"step\":1,", ""), "no key `step`"),
            (line[..20].to_owned(), "a part of a record"),
        ] {
            let text = format!("{line}\n{changed}\n");
            fs::write(&path, &text).unwrap();
            let error = SamplesWriter::resume(dir.path(), &after(3)).unwrap_err();
            let message = error.to_string();
            assert!(message.contains("samples.jsonl`, line 2: "), "{message}");
            assert!(message.contains(found), "{message}");
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
    }
}
