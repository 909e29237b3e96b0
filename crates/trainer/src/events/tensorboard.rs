//! Event files that TensorBoard reads: `Event` protocol buffers in TFRecord frames.
//!
//! ```text
//! frame = length: u64 | mask(crc32c(length)): u32 | event | mask(crc32c(event)): u32       little endian
//! mask(c) = (c rotated right by 15) + 0xa282ead8
//! Event   = 1 wall_time: double | 2 step: int64 | 3 file_version: string | 5 summary | 7 session_log
//! Summary = repeated 1 Value,  Value = 1 tag: string | 2 simple_value: float | 8 tensor | 9 metadata
//! tensor  = 1 dtype: enum, DT_STRING = 7 | 2 tensor_shape, empty: one text | 8 string_val: bytes
//! metadata = 1 plugin_data = 1 plugin_name: string | 4 data_class: enum, DATA_CLASS_TENSOR = 2
//! SessionLog = 1 status: enum, START = 1
//! ```
//! (`tensorflow/core/util/event.proto`, `tensorflow/core/framework/{summary,tensor}.proto`,
//! `tensorflow/core/lib/io/record_writer.cc`.)

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use scst_files::{FileAction, FileError};

use super::record::{Record, RecordKind, StampedRecord};
use super::samples_jsonl::Sample;

const NAME_PREFIX: &str = "events.out.tfevents.";

/// What is kept of a run that goes on.
#[derive(Debug, Default)]
pub(super) struct Kept {
    pub(super) records: Vec<StampedRecord>,
    /// Sample captions of the validations among the records.
    pub(super) texts: Vec<Sample>,
}

impl Kept {
    /// The sample captions that belong to a record.
    fn texts_of(&self, record: &Record) -> Vec<&Sample> {
        let is_wanted = record.kind != RecordKind::Train;
        let own =
            |text: &&Sample| is_wanted && text.step == record.step && text.stage == record.stage;
        self.texts.iter().filter(own).collect()
    }
}

/// Appends scalars and texts to an event file of its own.
#[derive(Debug)]
pub(super) struct TensorBoardWriter {
    path: PathBuf,
    file: File,
}

impl TensorBoardWriter {
    /// Starts a new event file with the records kept of an interrupted run, and discards the earlier files.
    ///
    /// A TensorBoard that has read those must drop all it knows. One of its two loaders does so on a `START` event,
    /// purging its step and later ones (but ignores the first such event of a run, so the first file needs one too);
    /// the other, the default, on a tag whose steps do not grow. `START` at step 0 and the kept records serve both.
    /// The former stops reading when the file it has reached is gone, so the last one is emptied, not deleted.
    pub(super) fn create(run_dir: &Path, kept: &Kept, wall_secs: f64) -> Result<Self, FileError> {
        let names = event_files(run_dir).map_err(FileError::on(FileAction::List, run_dir))?;
        let path = run_dir.join(next_name(&names, wall_secs as u64));
        let file = File::create_new(&path).map_err(FileError::on(FileAction::Create, &path))?;
        let mut writer = Self { path, file };
        let mut events = frame(&event(wall_secs, 0, &Content::FileVersion));
        events.extend(frame(&event(wall_secs, 0, &Content::SessionStart)));
        for StampedRecord { record, wall_secs } in &kept.records {
            events.extend(scalars(record, *wall_secs));
            let texts = kept.texts_of(record);
            events.extend(text(record.step, record.kind, &texts, *wall_secs));
        }
        writer.append(&events)?;
        writer.flush()?;
        let mut earlier = names
            .iter()
            .map(|&(secs, number)| run_dir.join(file_name(secs, number)));
        if let Some(last) = earlier.next_back() {
            fs::write(&last, b"").map_err(FileError::on(FileAction::Write, &last))?;
        }
        for file in earlier {
            fs::remove_file(&file).map_err(FileError::on(FileAction::Remove, &file))?;
        }
        Ok(writer)
    }

    /// Appends the values as scalars tagged `kind/name`, except those that are not finite in single precision.
    pub(super) fn write(&mut self, record: &Record, wall_secs: f64) -> Result<(), FileError> {
        self.append(&scalars(record, wall_secs))
    }

    /// Appends the captions as one text tagged `kind/samples`, unless there are none.
    pub(super) fn write_text(
        &mut self,
        step: u64,
        kind: RecordKind,
        samples: &[&Sample],
        wall_secs: f64,
    ) -> Result<(), FileError> {
        self.append(&text(step, kind, samples, wall_secs))
    }

    pub(super) fn flush(&mut self) -> Result<(), FileError> {
        let result = self.file.sync_data();
        result.map_err(FileError::on(FileAction::Write, &self.path))
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), FileError> {
        let result = self.file.write_all(bytes);
        result.map_err(FileError::on(FileAction::Write, &self.path))
    }
}

/// The frame of a record, empty when no value is finite.
fn scalars(record: &Record, wall_secs: f64) -> Vec<u8> {
    let values: Vec<(String, f32)> = record
        .values
        .iter()
        .map(|(name, value)| (format!("{}/{name}", record.kind.as_str()), *value as f32))
        .filter(|(_, value)| value.is_finite())
        .collect();
    if values.is_empty() {
        return Vec::new();
    }
    frame(&event(wall_secs, record.step, &Content::Summary(&values)))
}

/// The frame of sample captions, empty when there are none.
fn text(step: u64, kind: RecordKind, samples: &[&Sample], wall_secs: f64) -> Vec<u8> {
    if samples.is_empty() {
        return Vec::new();
    }
    let tag = format!("{}/samples", kind.as_str());
    let content = Content::Text(&tag, &table(samples));
    frame(&event(wall_secs, step, &content))
}

/// A table in Markdown, which TensorBoard shows as such.
fn table(samples: &[&Sample]) -> String {
    let cell = |text: &str| text.replace('|', "\\|");
    let mut table = "| image | CIDEr-D | caption | references |\n|---|---|---|---|\n".to_owned();
    for sample in samples {
        let references: Vec<String> = sample.references.iter().map(|text| cell(text)).collect();
        table.extend([
            format!("| {} | {:.3} ", cell(&sample.name), sample.cider_d),
            format!(
                "| {} | {} |\n",
                cell(&sample.caption),
                references.join("; ")
            ),
        ]);
    }
    table
}

/// Time and number in the names of a run's event files, in order.
fn event_files(run_dir: &Path) -> io::Result<Vec<(u64, u64)>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(run_dir)? {
        files.extend(parse_name(&entry?.file_name().to_string_lossy()));
    }
    files.sort_unstable();
    Ok(files)
}

/// A name that sorts after those of `files`, even when the clock went back: TensorBoard reads the files of a run in
/// the order of their names.
fn next_name(files: &[(u64, u64)], secs: u64) -> String {
    match files.last() {
        Some(&(latest, number)) if latest >= secs => file_name(latest, number + 1),
        _ => file_name(secs, 0),
    }
}

fn file_name(secs: u64, number: u64) -> String {
    format!("{NAME_PREFIX}{secs:010}.{number:04}")
}

fn parse_name(name: &str) -> Option<(u64, u64)> {
    let (secs, number) = name.strip_prefix(NAME_PREFIX)?.split_once('.')?;
    let (secs, number) = (secs.parse().ok()?, number.parse().ok()?);
    (name == file_name(secs, number)).then_some((secs, number))
}

/// What an event tells.
enum Content<'a> {
    FileVersion,
    SessionStart,
    Summary(&'a [(String, f32)]),
    /// A tag and a text.
    Text(&'a str, &'a str),
}

/// Encodes an `Event`.
fn event(wall_secs: f64, step: u64, content: &Content<'_>) -> Vec<u8> {
    let mut event = Vec::new();
    put_key(&mut event, 1, WireType::Fixed64);
    event.extend(wall_secs.to_le_bytes());
    if step > 0 {
        put_key(&mut event, 2, WireType::Varint);
        put_varint(&mut event, step);
    }
    match content {
        Content::FileVersion => put_bytes(&mut event, 3, b"brain.Event:2"),
        Content::SessionStart => {
            let mut session_log = Vec::new();
            put_key(&mut session_log, 1, WireType::Varint);
            put_varint(&mut session_log, 1);
            put_bytes(&mut event, 7, &session_log);
        }
        Content::Summary(values) => {
            let mut summary = Vec::new();
            for (tag, number) in *values {
                let mut value = Vec::new();
                put_bytes(&mut value, 1, tag.as_bytes());
                put_key(&mut value, 2, WireType::Fixed32);
                value.extend(number.to_le_bytes());
                put_bytes(&mut summary, 1, &value);
            }
            put_bytes(&mut event, 5, &summary);
        }
        Content::Text(tag, text) => {
            let mut summary = Vec::new();
            put_bytes(&mut summary, 1, &text_value(tag, text));
            put_bytes(&mut event, 5, &summary);
        }
    }
    event
}

/// Encodes a text as a `Value`.
fn text_value(tag: &str, text: &str) -> Vec<u8> {
    let mut plugin = Vec::new();
    put_bytes(&mut plugin, 1, b"text");
    let mut metadata = Vec::new();
    put_bytes(&mut metadata, 1, &plugin);
    put_key(&mut metadata, 4, WireType::Varint);
    put_varint(&mut metadata, 2);
    let mut tensor = Vec::new();
    put_key(&mut tensor, 1, WireType::Varint);
    put_varint(&mut tensor, 7);
    put_bytes(&mut tensor, 2, b"");
    put_bytes(&mut tensor, 8, text.as_bytes());
    let mut value = Vec::new();
    put_bytes(&mut value, 1, tag.as_bytes());
    put_bytes(&mut value, 8, &tensor);
    put_bytes(&mut value, 9, &metadata);
    value
}

/// How a protocol buffer stores a field.
#[derive(Clone, Copy)]
enum WireType {
    Varint = 0,
    Fixed64 = 1,
    LengthDelimited = 2,
    Fixed32 = 5,
}

fn put_key(out: &mut Vec<u8>, field: u8, wire_type: WireType) {
    out.push(field << 3 | wire_type as u8);
}

fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn put_bytes(out: &mut Vec<u8>, field: u8, bytes: &[u8]) {
    put_key(out, field, WireType::LengthDelimited);
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Encodes a TFRecord.
fn frame(data: &[u8]) -> Vec<u8> {
    let length = (data.len() as u64).to_le_bytes();
    let mut frame = Vec::with_capacity(data.len() + 16);
    frame.extend(length);
    frame.extend(masked_crc(&length).to_le_bytes());
    frame.extend_from_slice(data);
    frame.extend(masked_crc(data).to_le_bytes());
    frame
}

fn masked_crc(data: &[u8]) -> u32 {
    let mask_delta = 0xa282_ead8;
    crc32c::crc32c(data)
        .rotate_right(15)
        .wrapping_add(mask_delta)
}

#[cfg(test)]
mod tests {
    use super::super::record::tests::train;
    use super::super::samples_jsonl::tests::sample;
    use super::*;
    use std::collections::BTreeMap;
    use tempfile::TempDir;

    /// What TensorBoard 2.21's `RecordWriter` writes for a file version and a session start at step 301 (wall time
    /// 1.5), then a summary at step 301 (wall time 2.5) of `train/loss` -0.5 and `train/learning_rate` 5e-4.
    const GOLDEN: &str = "\
        1800000000000000a37f4b2209000000000000f83f1a0d627261696e2e4576656e743a322a28646c\
        100000000000000095fbfe1809000000000000f83f10ad023a020801d17949d43d00000000000000\
        6049f1ec09000000000000044010ad022a2f0a110a0a747261696e2f6c6f737315000000bf0a1a0a\
        13747261696e2f6c6561726e696e675f72617465156f12033a9fc54135";

    /// What it writes for a summary at step 301 (wall time 2.5) of `validation/samples`, the text `| a |`, as made by its
    /// text plugin.
    const GOLDEN_TEXT: &str = "\
        3d000000000000006049f1ec09000000000000044010ad022a2f0a2d0a1276616c69646174696f6e2f73616d\
        706c6573420b0807120042057c2061207c4a0a0a060a047465787420029cf29cbb";

    fn temporary_directory() -> TempDir {
        tempfile::tempdir().expect("a temporary directory")
    }

    fn hex(bytes: &[u8]) -> String {
        let digit = |half: u8| char::from_digit(u32::from(half), 16).expect("four bits");
        let digits = |byte: &u8| [digit(byte >> 4), digit(byte & 15)];
        bytes.iter().flat_map(digits).collect()
    }

    /// CRC-32C by its definition, one bit at a time.
    fn slow_crc32c(data: &[u8]) -> u32 {
        !data.iter().fold(!0, |crc, &byte| {
            (0..8).fold(crc ^ u32::from(byte), |crc, _| {
                (crc >> 1) ^ (0x82f6_3b78 * (crc & 1))
            })
        })
    }

    fn take<'a>(bytes: &mut &'a [u8], count: usize) -> &'a [u8] {
        let (head, tail) = bytes.split_at(count);
        *bytes = tail;
        head
    }

    fn take_u64(bytes: &mut &[u8]) -> u64 {
        u64::from_le_bytes(take(bytes, 8).try_into().expect("eight bytes"))
    }

    fn take_u32(bytes: &mut &[u8]) -> u32 {
        u32::from_le_bytes(take(bytes, 4).try_into().expect("four bytes"))
    }

    fn take_varint(bytes: &mut &[u8]) -> u64 {
        let mut value = 0;
        for shift in (0..).step_by(7) {
            let byte = take(bytes, 1)[0];
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                break;
            }
        }
        value
    }

    fn frames(mut bytes: &[u8]) -> Vec<Vec<u8>> {
        let unmask = |masked: u32| masked.wrapping_sub(0xa282_ead8).rotate_left(15);
        let mut frames = Vec::new();
        while !bytes.is_empty() {
            let length = take_u64(&mut bytes);
            assert_eq!(
                unmask(take_u32(&mut bytes)),
                slow_crc32c(&length.to_le_bytes())
            );
            let data = take(&mut bytes, length as usize);
            assert_eq!(unmask(take_u32(&mut bytes)), slow_crc32c(data));
            frames.push(data.to_vec());
        }
        frames
    }

    /// The fields of a protocol buffer by number; numbers as their eight bits groups.
    fn fields(mut bytes: &[u8]) -> BTreeMap<u64, Vec<Vec<u8>>> {
        let mut fields: BTreeMap<u64, Vec<Vec<u8>>> = BTreeMap::new();
        while !bytes.is_empty() {
            let key = take_varint(&mut bytes);
            let value = match key & 7 {
                0 => take_varint(&mut bytes).to_le_bytes().to_vec(),
                1 => take(&mut bytes, 8).to_vec(),
                2 => {
                    let length = take_varint(&mut bytes);
                    take(&mut bytes, length as usize).to_vec()
                }
                5 => take(&mut bytes, 4).to_vec(),
                other => unreachable!("wire type {other}"),
            };
            fields.entry(key >> 3).or_default().push(value);
        }
        fields
    }

    /// `(step, tag, value)` of every scalar in a file.
    fn read_scalars(path: &Path) -> Vec<(u64, String, f32)> {
        let bytes = fs::read(path).expect("the file is read");
        let mut scalars = Vec::new();
        for event in frames(&bytes).iter().map(|frame| fields(frame)) {
            let Some(summaries) = event.get(&5) else {
                continue;
            };
            let step = event
                .get(&2)
                .map_or(0, |step| take_u64(&mut step[0].as_slice()));
            for value in &fields(&summaries[0])[&1] {
                let value = fields(value);
                let tag = String::from_utf8(value[&1][0].clone()).expect("a tag");
                let number = f32::from_bits(take_u32(&mut value[&2][0].as_slice()));
                scalars.push((step, tag, number));
            }
        }
        scalars
    }

    #[test]
    fn matches_tensorboard_when_encoding() {
        let mut bytes = frame(&event(1.5, 0, &Content::FileVersion));
        bytes.extend(frame(&event(1.5, 301, &Content::SessionStart)));
        bytes.extend(scalars(&train(301, -0.5), 2.5));
        assert_eq!(hex(&bytes), GOLDEN);
    }

    #[test]
    fn matches_tensorboard_when_encoding_a_text() {
        let text = Content::Text("validation/samples", "| a |");
        assert_eq!(hex(&frame(&event(2.5, 301, &text))), GOLDEN_TEXT);
    }

    #[test]
    fn samples_are_one_table_and_what_would_break_it_is_escaped() {
        let sample = sample(1, "xe", "a | dog");
        let expected = "| image | CIDEr-D | caption | references |\n|---|---|---|---|\n\
                        | a.jpg | 0.300 | a \\| dog | a dog; un café \\| \"bar\" |\n";
        assert_eq!(table(&[&sample]), expected);
        assert!(text(1, RecordKind::Validation, &[], 0.0).is_empty());
    }

    #[test]
    fn matches_the_check_value_when_hashing() {
        assert_eq!(slow_crc32c(b"123456789"), 0xe306_9283);
        assert_eq!(crc32c::crc32c(b"123456789"), 0xe306_9283);
    }

    #[test]
    fn reads_back_the_scalars_when_decoded() {
        let dir = temporary_directory();
        let mut writer =
            TensorBoardWriter::create(dir.path(), &Kept::default(), 0.0).expect("the file is made");
        for step in [0, 1, 127, 128, 1 << 40] {
            writer
                .write(&train(step, step as f64), 0.0)
                .expect("the record is written");
        }
        let scalars = read_scalars(&writer.path);
        assert_eq!(scalars.len(), 10);
        for pair in scalars.chunks(2) {
            let step = pair[0].0;
            assert_eq!(pair[0], (step, "train/loss".to_owned(), step as f32));
            assert_eq!(pair[1], (step, "train/learning_rate".to_owned(), 5e-4));
        }
    }

    #[test]
    fn leaves_a_value_out_when_it_is_not_finite() {
        let dir = temporary_directory();
        let mut writer =
            TensorBoardWriter::create(dir.path(), &Kept::default(), 0.0).expect("the file is made");
        for loss in [f64::NAN, f64::INFINITY, 1e300] {
            writer
                .write(&train(1, loss), 0.0)
                .expect("the record is written");
        }
        let mut record = train(2, f64::NAN);
        record.values.truncate(1);
        writer.write(&record, 0.0).expect("the record is left out");
        let scalars = read_scalars(&writer.path);
        assert_eq!(scalars.len(), 3);
        assert!(
            scalars
                .iter()
                .all(|(step, tag, _)| *step == 1 && tag == "train/learning_rate")
        );
    }

    #[test]
    fn sorts_after_the_earlier_file_when_the_clock_stands_or_goes_back() {
        let dir = temporary_directory();
        fs::write(
            dir.path().join("events.out.tfevents.1900000000.host"),
            "foreign",
        )
        .expect("the file is written");
        for (secs, expected) in [
            (1_700_000_000, vec![(1_700_000_000, 0)]),
            (1_700_000_000, vec![(1_700_000_000, 0), (1_700_000_000, 1)]),
            (1_600_000_000, vec![(1_700_000_000, 1), (1_700_000_000, 2)]),
            (1_700_000_001, vec![(1_700_000_000, 2), (1_700_000_001, 0)]),
        ] {
            TensorBoardWriter::create(dir.path(), &Kept::default(), f64::from(secs))
                .expect("the file is made");
            let files = event_files(dir.path()).expect("the directory is listed");
            assert_eq!(files, expected);
        }
        assert!(
            dir.path()
                .join("events.out.tfevents.1900000000.host")
                .exists()
        );
    }

    #[test]
    fn starts_over_with_the_kept_records_when_resumed() {
        let dir = temporary_directory();
        let mut writer = TensorBoardWriter::create(dir.path(), &Kept::default(), 10.0)
            .expect("the file is made");
        let validation = |step: u64| Record {
            kind: RecordKind::Validation,
            ..train(step, 0.5)
        };
        for step in 1..=3 {
            for record in [train(step, 0.5), validation(step)] {
                writer.write(&record, 11.0).expect("the record is written");
            }
            let sample = sample(step, "xe", "a dog");
            writer
                .write_text(step, RecordKind::Validation, &[&sample], 11.0)
                .expect("the text is written");
        }
        let earlier = writer.path;
        let first = fs::read(&earlier).expect("the file is read");
        let records = [train(1, 0.5), validation(1), train(2, 0.5), validation(2)];
        let kept = Kept {
            records: records
                .map(|record| StampedRecord {
                    record,
                    wall_secs: 11.0,
                })
                .into(),
            texts: vec![sample(1, "xe", "a dog"), sample(2, "xe", "a dog")],
        };
        let mut writer =
            TensorBoardWriter::create(dir.path(), &kept, 10.0).expect("the file is made");
        let second = fs::read(&writer.path).expect("the file is read");
        assert_eq!(frames(&second), frames(&first)[..8]);
        for record in [train(3, 0.5), validation(3)] {
            writer.write(&record, 11.0).expect("the record is written");
        }
        let sample = sample(3, "xe", "a dog");
        writer
            .write_text(3, RecordKind::Validation, &[&sample], 11.0)
            .expect("the text is written");
        assert_eq!(fs::read(&writer.path).expect("the file is read"), first);
        assert_eq!(fs::read(&earlier).expect("the file is read"), b"");
    }
}
