//! `metrics.jsonl`: one JSON object a line, `{"step":1,"stage":"xe","kind":"train","wall_secs":1.5,"loss":9.2}`.
//!
//! The values of a record follow its four own keys in their order; `null` stands for a number that is not finite.
//! `wall_secs` is the Unix time of writing. A warning is a line of the kind `warning` with a `message` and no values; a line of
//! the kind `hash` has a fingerprint of all weights, `weights_sha256`.

use std::collections::BTreeSet;
use std::fmt;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use scst_files::{FileAction, FileError};
use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::error::EventError;
use super::lines::{append_line, keep_lines, lines};
use super::record::{Record, RecordKind, StampedRecord};
use super::resume_point::{Of, ResumePoint};

/// Name of the file of records in a run's directory.
pub const METRICS_FILE: &str = "metrics.jsonl";

/// The key of a fingerprint of all weights.
const HASH: &str = "weights_sha256";
/// The keys that a value cannot have.
const RESERVED: [&str; 6] = ["step", "stage", "kind", "wall_secs", "message", HASH];

/// Reads the records of a run, in order and without its warnings; numbers that were not finite come back as NaN.
///
/// A last line without its end is left out: it is being written, or its writer was killed.
///
/// # Errors
/// When the file cannot be read, or a line is not a record.
pub fn read_records(path: &Path) -> Result<Vec<Record>, EventError> {
    let entries = read_log(path)?.into_iter();
    let records = entries.filter_map(|entry| match entry {
        LogEntry::Record(record) => Some(record),
        LogEntry::Warning(_) | LogEntry::Hash(_) => None,
    });
    Ok(records.collect())
}

/// A fingerprint of all weights as a run has logged it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoggedHash {
    /// Steps taken so far, counted over all stages.
    pub step: u64,
    /// Name of the stage that was running.
    pub stage: String,
    /// The fingerprint: the same where all weights have the same bits.
    pub weights: String,
}

/// A warning as a run has logged it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoggedWarning {
    /// Steps taken so far, counted over all stages.
    pub step: u64,
    /// Name of the stage that was running.
    pub stage: String,
    /// The sentence.
    pub message: String,
}

/// What a line of a run's records holds.
#[derive(Debug, Clone, PartialEq)]
pub enum LogEntry {
    /// Numbers.
    Record(Record),
    /// A warning.
    Warning(LoggedWarning),
    /// A fingerprint.
    Hash(LoggedHash),
}

/// Reads the records and warnings of a run, in order; otherwise as [`read_records`].
///
/// # Errors
/// When the file cannot be read, or a line is not a record or a warning.
pub fn read_log(path: &Path) -> Result<Vec<LogEntry>, EventError> {
    let bytes = fs::read(path).map_err(FileError::on(FileAction::Read, path))?;
    let entries = lines(&bytes).enumerate();
    entries
        .map(|(index, line)| {
            Ok(match parse(path, index, line)? {
                Entry::Record(stamped) => LogEntry::Record(stamped.record),
                Entry::Warning {
                    step,
                    stage,
                    message,
                } => LogEntry::Warning(LoggedWarning {
                    step,
                    stage,
                    message,
                }),
                Entry::Hash(hash) => LogEntry::Hash(hash),
            })
        })
        .collect()
}

/// Appends records to the file.
#[derive(Debug)]
pub(super) struct MetricsWriter {
    path: PathBuf,
    file: File,
    /// The warnings that the file holds.
    warnings: BTreeSet<String>,
}

impl MetricsWriter {
    pub(super) fn create(run_dir: &Path) -> Result<Self, EventError> {
        let path = run_dir.join(METRICS_FILE);
        let file = File::create_new(&path).map_err(FileError::on(FileAction::Create, &path))?;
        Ok(Self {
            path,
            file,
            warnings: BTreeSet::new(),
        })
    }

    /// Keeps the lines that still hold, byte for byte, and returns their records.
    pub(super) fn resume(
        run_dir: &Path,
        point: &ResumePoint<'_>,
    ) -> Result<(Self, Vec<StampedRecord>), EventError> {
        let path = run_dir.join(METRICS_FILE);
        let mut warnings = BTreeSet::new();
        let mut records = Vec::new();
        let file = keep_lines(&path, |index, line| {
            let entry = parse(&path, index, line)?;
            let (step, stage, of) = match &entry {
                Entry::Record(StampedRecord { record, .. }) => {
                    let of = match record.kind {
                        RecordKind::Train => Of::Training,
                        RecordKind::Validation | RecordKind::Start => Of::Validation,
                    };
                    (record.step, record.stage.as_str(), of)
                }
                // What is said before the next step is said of its validation, or is said again.
                Entry::Warning { step, stage, .. } => (*step, stage.as_str(), Of::Validation),
                Entry::Hash(hash) => (hash.step, hash.stage.as_str(), Of::Training),
            };
            if !point.keeps(step, stage, of) {
                return Ok::<_, EventError>(false);
            }
            match entry {
                Entry::Record(stamped) => records.push(stamped),
                Entry::Warning { message, .. } => {
                    warnings.insert(message);
                }
                Entry::Hash(_) => {}
            }
            Ok(true)
        })?;
        let writer = Self {
            path,
            file,
            warnings,
        };
        Ok((writer, records))
    }

    pub(super) fn write(&mut self, record: &Record, wall_secs: f64) -> Result<(), EventError> {
        check_names(record)?;
        self.append(&Line { record, wall_secs })?;
        Ok(())
    }

    /// Appends a warning unless the file holds it, and says whether it did not.
    pub(super) fn warn(
        &mut self,
        step: u64,
        stage: &str,
        message: &str,
        wall_secs: f64,
    ) -> Result<bool, FileError> {
        if !self.warnings.insert(message.to_owned()) {
            return Ok(false);
        }
        self.append(&WarningLine {
            step,
            stage,
            kind: LineKind::Warning,
            wall_secs,
            message,
        })?;
        Ok(true)
    }

    /// Appends a fingerprint of all weights.
    pub(super) fn write_hash(
        &mut self,
        step: u64,
        stage: &str,
        weights: &str,
        wall_secs: f64,
    ) -> Result<(), FileError> {
        self.append(&HashLine {
            step,
            stage,
            kind: LineKind::Hash,
            wall_secs,
            weights,
        })
    }

    fn append(&mut self, line: &impl Serialize) -> Result<(), FileError> {
        append_line(&mut self.file, &self.path, line)
    }

    pub(super) fn flush(&mut self) -> Result<(), FileError> {
        let result = self.file.sync_data();
        result.map_err(FileError::on(FileAction::Write, &self.path))
    }
}

fn check_names(record: &Record) -> Result<(), EventError> {
    let names = || record.values.iter().map(|(name, _)| name.as_str());
    for (index, name) in names().enumerate() {
        if RESERVED.contains(&name) || names().take(index).any(|earlier| earlier == name) {
            let name = name.to_owned();
            return Err(EventError::Name { name });
        }
    }
    Ok(())
}

fn parse(path: &Path, index: usize, line: &[u8]) -> Result<Entry, EventError> {
    serde_json::from_slice(line)
        .map(|Parsed(entry)| entry)
        .map_err(|error| EventError::Malformed {
            path: path.to_owned(),
            line: index + 1,
            error,
        })
}

/// A record on its way into a line.
struct Line<'a> {
    record: &'a Record,
    wall_secs: f64,
}

impl Serialize for Line<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let record = self.record;
        let mut map = serializer.serialize_map(Some(RESERVED.len() + record.values.len()))?;
        map.serialize_entry("step", &record.step)?;
        map.serialize_entry("stage", &record.stage)?;
        map.serialize_entry("kind", &record.kind)?;
        map.serialize_entry("wall_secs", &self.wall_secs)?;
        for (name, value) in &record.values {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

/// What a line measures or says.
#[derive(Debug, Clone, Copy, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
enum LineKind {
    Train,
    Validation,
    Start,
    Warning,
    Hash,
}

/// A warning on its way into a line.
#[derive(serde::Serialize)]
struct WarningLine<'a> {
    step: u64,
    stage: &'a str,
    kind: LineKind,
    wall_secs: f64,
    message: &'a str,
}

/// A fingerprint on its way into a line.
#[derive(serde::Serialize)]
struct HashLine<'a> {
    step: u64,
    stage: &'a str,
    kind: LineKind,
    wall_secs: f64,
    #[serde(rename = "weights_sha256")]
    weights: &'a str,
}

/// What a line holds.
enum Entry {
    Record(StampedRecord),
    Warning {
        step: u64,
        stage: String,
        message: String,
    },
    Hash(LoggedHash),
}

/// What came out of a line; a map type would lose the order of the values.
struct Parsed(Entry);

impl<'de> Deserialize<'de> for Parsed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(LineVisitor)
    }
}

struct LineVisitor;

impl<'de> Visitor<'de> for LineVisitor {
    type Value = Parsed;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with `step`, `stage`, `kind`, `wall_secs` and numbers")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Parsed, A::Error> {
        let mut step: Option<u64> = None;
        let mut stage: Option<String> = None;
        let mut kind: Option<LineKind> = None;
        let mut wall_secs: Option<f64> = None;
        let mut message: Option<String> = None;
        let mut weights: Option<String> = None;
        let mut values = Vec::new();
        while let Some(name) = map.next_key::<String>()? {
            match name.as_str() {
                "step" => step = Some(map.next_value()?),
                "stage" => stage = Some(map.next_value()?),
                "kind" => kind = Some(map.next_value()?),
                "wall_secs" => wall_secs = Some(map.next_value()?),
                "message" => message = Some(map.next_value()?),
                HASH => weights = Some(map.next_value()?),
                _ => {
                    let value: Option<f64> = map.next_value()?;
                    values.push((name, value.unwrap_or(f64::NAN)));
                }
            }
        }
        let step = step.ok_or_else(|| de::Error::missing_field("step"))?;
        let stage = stage.ok_or_else(|| de::Error::missing_field("stage"))?;
        let kind = match kind.ok_or_else(|| de::Error::missing_field("kind"))? {
            LineKind::Train => RecordKind::Train,
            LineKind::Validation => RecordKind::Validation,
            LineKind::Start => RecordKind::Start,
            LineKind::Hash => {
                let weights = weights.ok_or_else(|| de::Error::missing_field(HASH))?;
                return Ok(Parsed(Entry::Hash(LoggedHash {
                    step,
                    stage,
                    weights,
                })));
            }
            LineKind::Warning => {
                let message = message.ok_or_else(|| de::Error::missing_field("message"))?;
                return Ok(Parsed(Entry::Warning {
                    step,
                    stage,
                    message,
                }));
            }
        };
        let wall_secs = wall_secs.ok_or_else(|| de::Error::missing_field("wall_secs"))?;
        let record = Record {
            step,
            stage,
            kind,
            values,
        };
        Ok(Parsed(Entry::Record(StampedRecord { record, wall_secs })))
    }
}

#[cfg(test)]
mod tests {
    use super::super::record::tests::train;
    use super::super::resume_point::tests::after;
    use super::*;
    use proptest::prelude::*;
    use tempfile::TempDir;

    fn temporary_directory() -> TempDir {
        tempfile::tempdir().expect("a temporary directory")
    }

    fn text(dir: &TempDir) -> String {
        fs::read_to_string(dir.path().join(METRICS_FILE)).expect("the file is read")
    }

    fn put(dir: &TempDir, text: &str) -> PathBuf {
        let path = dir.path().join(METRICS_FILE);
        fs::write(&path, text).expect("the file is written");
        path
    }

    const FIRST: &str = r#"{"step":1,"stage":"xe","kind":"train","wall_secs":2.5,"loss":9.25}"#;
    const SECOND: &str =
        r#"{"step":2,"stage":"xe","kind":"validation","wall_secs":3.0,"cider_d":0.5}"#;

    #[test]
    fn fingerprints_are_read_back_and_those_of_later_steps_are_forgotten() {
        let dir = temporary_directory();
        let mut writer = MetricsWriter::create(dir.path()).expect("the file is made");
        for step in [2, 4, 6] {
            let written = writer.write_hash(step, "xe", &format!("{step}ab"), 1.5);
            written.expect("the fingerprint is written");
        }
        let line =
            r#"{"step":2,"stage":"xe","kind":"hash","wall_secs":1.5,"weights_sha256":"2ab"}"#;
        assert_eq!(text(&dir).lines().next(), Some(line));
        MetricsWriter::resume(dir.path(), &after(4)).expect("the run is resumed");
        let path = dir.path().join(METRICS_FILE);
        let hash = |step: u64| {
            LogEntry::Hash(LoggedHash {
                step,
                stage: "xe".to_owned(),
                weights: format!("{step}ab"),
            })
        };
        assert_eq!(read_log(&path).expect("a log"), [hash(2), hash(4)]);
        assert_eq!(read_records(&path).expect("records"), []);
        let without = line.replace(r#","weights_sha256":"2ab""#, "");
        let message = read_log(&put(&dir, &(without + "\n"))).expect_err("a line without it");
        assert!(message.to_string().contains(HASH), "{message}");
    }

    #[test]
    fn keeps_the_order_of_the_values_when_written() {
        let dir = temporary_directory();
        let mut writer = MetricsWriter::create(dir.path()).expect("the file is made");
        let record = Record {
            step: 7,
            stage: "scst \"new\"".to_owned(),
            kind: RecordKind::Validation,
            values: vec![("z".to_owned(), 1.0), ("a".to_owned(), 0.1)],
        };
        writer.write(&record, 1.5).expect("the record is written");
        assert_eq!(
            text(&dir),
            r#"{"step":7,"stage":"scst \"new\"","kind":"validation","wall_secs":1.5,"z":1.0,"a":0.1}"#
                .to_owned()
                + "\n"
        );
        let records = read_records(&dir.path().join(METRICS_FILE)).expect("the file is read");
        assert_eq!(records, [record]);
    }

    #[test]
    fn writes_null_when_a_value_is_not_finite() {
        let dir = temporary_directory();
        let mut writer = MetricsWriter::create(dir.path()).expect("the file is made");
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            writer
                .write(&train(1, value), 0.0)
                .expect("the record is written");
        }
        assert_eq!(text(&dir).matches("\"loss\":null,").count(), 3);
        let records = read_records(&dir.path().join(METRICS_FILE)).expect("the file is read");
        for record in records {
            assert!(record.value("loss").is_some_and(f64::is_nan));
            assert_eq!(record.value("learning_rate"), Some(5e-4));
        }
    }

    #[test]
    fn refuses_a_name_when_it_is_reserved_or_repeated() {
        let dir = temporary_directory();
        let mut writer = MetricsWriter::create(dir.path()).expect("the file is made");
        for names in [["loss", "step"], ["loss", "loss"]] {
            let mut record = train(1, 0.0);
            record.values = names.map(|name| (name.to_owned(), 0.0)).to_vec();
            let error = writer.write(&record, 0.0).expect_err("the name is wrong");
            assert!(matches!(error, EventError::Name { name } if name == names[1]));
        }
        assert_eq!(text(&dir), "");
    }

    #[test]
    fn drops_later_records_and_a_torn_line_when_resumed() {
        let dir = temporary_directory();
        put(
            &dir,
            &format!("{FIRST}\n{SECOND}\n{FIRST}\n{{\"step\":1,\"sta"),
        );
        let (_, kept) = MetricsWriter::resume(dir.path(), &after(1)).expect("the run is resumed");
        let wall_secs: Vec<f64> = kept.iter().map(|stamped| stamped.wall_secs).collect();
        assert_eq!(wall_secs, [2.5, 2.5]);
        assert_eq!(text(&dir), format!("{FIRST}\n{FIRST}\n"));
    }

    #[test]
    fn keeps_every_byte_when_nothing_is_later() {
        let dir = temporary_directory();
        put(&dir, &format!("{FIRST}\n{SECOND}\n"));
        MetricsWriter::resume(dir.path(), &after(2)).expect("the run is resumed");
        assert_eq!(text(&dir), format!("{FIRST}\n{SECOND}\n"));
    }

    #[test]
    fn validation_of_the_last_step_is_dropped_when_it_is_to_be_made_again() {
        let dir = temporary_directory();
        put(
            &dir,
            &format!("{FIRST}\n{}\n{SECOND}\n", FIRST.replace('1', "2")),
        );
        let undone = ResumePoint {
            is_validated: false,
            ..after(2)
        };
        MetricsWriter::resume(dir.path(), &undone).expect("the run is resumed");
        assert_eq!(
            text(&dir),
            format!("{FIRST}\n{}\n", FIRST.replace('1', "2"))
        );
    }

    #[test]
    fn warnings_are_written_once_kept_when_resumed_and_no_records() {
        let dir = temporary_directory();
        let mut writer = MetricsWriter::create(dir.path()).expect("the file is made");
        for (step, message) in [(0, "beware"), (1, "beware"), (2, "mind the gap")] {
            writer
                .warn(step, "xe", message, 2.5)
                .expect("the warning is written");
            writer
                .write(&train(step, 1.0), 2.5)
                .expect("the record is written");
        }
        let warning = |step: u64, message: &str| {
            format!(
                r#"{{"step":{step},"stage":"xe","kind":"warning","wall_secs":2.5,"message":"{message}"}}"#
            )
        };
        let written = text(&dir);
        let found: Vec<&str> = written
            .lines()
            .filter(|line| line.contains("warning"))
            .collect();
        assert_eq!(found, [warning(0, "beware"), warning(2, "mind the gap")]);
        let path = dir.path().join(METRICS_FILE);
        assert_eq!(read_records(&path).expect("the file is read").len(), 3);
        let (mut writer, kept) =
            MetricsWriter::resume(dir.path(), &after(1)).expect("the run is resumed");
        assert_eq!(kept.len(), 2);
        for message in ["beware", "mind the gap"] {
            writer
                .warn(1, "xe", message, 2.5)
                .expect("the warning is written");
        }
        let written = text(&dir);
        let found: Vec<&str> = written
            .lines()
            .filter(|line| line.contains("warning"))
            .collect();
        assert_eq!(found, [warning(0, "beware"), warning(1, "mind the gap")]);
    }

    #[test]
    fn starts_empty_when_the_file_is_missing() {
        let dir = temporary_directory();
        MetricsWriter::resume(dir.path(), &after(5)).expect("the run is resumed");
        assert_eq!(text(&dir), "");
    }

    #[test]
    fn leaves_out_the_last_line_when_it_has_no_end() {
        let dir = temporary_directory();
        let path = put(&dir, &format!("{FIRST}\n{SECOND}"));
        assert_eq!(read_records(&path).expect("the file is read").len(), 1);
    }

    #[test]
    fn names_file_line_and_reason_when_a_line_is_malformed() {
        let cases = [
            ("{\"step\":1,", "found a part of a record, expected"),
            ("[]", "expected an object with `step`"),
            ("nonsense", "found what is no JSON from column 2 on"),
            ("", "found a part of a record, expected"),
            (
                r#"{"step":1,"stage":"xe"}"#,
                "found no key `kind`, expected",
            ),
            (
                &FIRST.replace("9.25", "\"low\""),
                "found a value of another kind before column",
            ),
            (&FIRST.replace("train", "test"), "found `test`, expected"),
            (
                &FIRST.replace("\"step\":1", "\"step\":-1"),
                "found a value of another kind before column",
            ),
        ];
        for (line, reason) in cases {
            let dir = temporary_directory();
            let before = format!("{FIRST}\n{line}\n{SECOND}\n");
            let path = put(&dir, &before);
            let message = read_records(&path)
                .expect_err("a line is malformed")
                .to_string();
            assert!(
                message.contains("metrics.jsonl`, line 2: found "),
                "{message}"
            );
            assert!(message.contains(reason), "{message}");
            assert!(!message.contains("at line 1"), "{message}");
            MetricsWriter::resume(dir.path(), &after(1)).expect_err("a line is malformed");
            assert_eq!(text(&dir), before);
        }
    }

    #[test]
    fn names_the_file_when_it_cannot_be_read() {
        let error = read_records(Path::new("no/metrics.jsonl")).expect_err("it is missing");
        let message = error.to_string();
        assert!(
            message.starts_with("cannot read `no/metrics.jsonl`: No such file"),
            "{message}"
        );
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn fails_when_the_disk_is_full() {
        let mut writer = MetricsWriter {
            path: PathBuf::from("runs/x/metrics.jsonl"),
            warnings: BTreeSet::new(),
            file: File::options()
                .write(true)
                .open("/dev/full")
                .expect("it exists"),
        };
        let error = writer
            .write(&train(1, 0.0), 0.0)
            .expect_err("the device is full");
        let message = error.to_string();
        assert!(
            message.starts_with("cannot write `runs/x/metrics.jsonl`: No space left"),
            "{message}"
        );
    }

    proptest! {
        #[test]
        fn reads_back_every_bit_when_the_numbers_are_finite(
            step: u64,
            stage: String,
            values in prop::collection::btree_map("[a-z_]{1,3}", prop::num::f64::NORMAL | prop::num::f64::ZERO, 0..5),
        ) {
            let dir = temporary_directory();
            let mut writer = MetricsWriter::create(dir.path()).expect("the file is made");
            let values = values.into_iter().rev().collect();
            let record = Record { step, stage, kind: RecordKind::Train, values };
            writer.write(&record, 0.25).expect("the record is written");
            let records = read_records(&dir.path().join(METRICS_FILE)).expect("the file is read");
            prop_assert_eq!(records, [record]);
        }
    }
}
