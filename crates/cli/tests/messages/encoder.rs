//! Errors of image encoders.

use scst_encoder::{
    Architecture, AttentionPictureError, EncoderError, EncoderRecord, Orientation, PassedOver,
    PictureError, WeightsError, read_whole,
};

use scst_trainer::GroupError;

use super::{check, file, sample, system, text};

fn weights() -> Vec<WeightsError> {
    vec![
        WeightsError::Read(system()),
        WeightsError::Format,
        WeightsError::Foreign {
            found: "an HTML page",
        },
        WeightsError::Object { name: text() },
        WeightsError::Ambiguous {
            prefixes: vec![text(), text()],
        },
        WeightsError::Tensor(system()),
        WeightsError::Missing {
            name: text(),
            nearest: vec![text()],
        },
        WeightsError::Repeats { name: text() },
        WeightsError::Shape {
            name: text(),
            found: vec![1],
            expected: vec![2],
        },
        WeightsError::Type {
            name: text(),
            found: "int8".to_owned(),
        },
        WeightsError::NotFinite { name: text() },
        WeightsError::Unexpected { name: text() },
    ]
}

fn pictures() -> Vec<PictureError> {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join("a.jpg");
    let read = |bytes: &[u8]| {
        std::fs::write(&path, bytes).expect("a file");
        read_whole(&path, Orientation::Exif).expect_err("no picture")
    };
    vec![
        PictureError::Read(system()),
        PictureError::Foreign {
            found: "an HTML page",
        },
        PictureError::Unknown,
        PictureError::Unsupported { format: "JPEG" },
        read(b"\xff\xd8\xff\xe0"),
        read(b"\x89PNG\r\n\x1a\n"),
        read(b"<html>"),
        read(b"GIF89a"),
        read(b"II*\0"),
        PictureError::TooLarge {
            width: 100_000,
            height: 100_000,
        },
        PictureError::TooLong,
        PictureError::Pixels,
    ]
}

fn encoding() -> Vec<EncoderError> {
    let mut errors = vec![
        EncoderError::NoOutput,
        EncoderError::Group(GroupError::Unreadable {
            what: "features".to_owned(),
            rank: 1,
        }),
        EncoderError::OutputName { path: file() },
        EncoderError::SameOutput { path: file() },
        EncoderError::OutputExists { path: file() },
        EncoderError::List {
            path: file(),
            error: system(),
        },
        EncoderError::NoImages {
            path: file(),
            passed_over: PassedOver::default(),
        },
        EncoderError::NothingEncoded { path: file() },
        EncoderError::ImageName { path: file() },
        EncoderError::OtherProgress { path: file() },
        EncoderError::OldProgress { path: file() },
        EncoderError::ChangedMeanwhile { path: file() },
        EncoderError::Busy { path: file() },
        EncoderError::Write {
            path: file(),
            error: system(),
        },
    ];
    errors.extend(pictures().into_iter().map(|error| EncoderError::Picture {
        path: file(),
        error,
    }));
    errors.extend(weights().into_iter().map(|error| EncoderError::Weights {
        path: file(),
        architecture: Architecture::ResNet101,
        error,
    }));
    errors
}

#[test]
fn messages_of_encoders_keep_the_rules() {
    let records = [
        &b"[]"[..],
        b"{",
        b"{\"encoder\": 3}",
        b"{\"a\": 3}",
        b"<html>",
    ];
    let records = records.map(|json| EncoderRecord::parse(json).expect_err("no record"));
    let attention = [
        AttentionPictureError::Regions { regions: 3 },
        AttentionPictureError::Weight { weight: f32::NAN },
        AttentionPictureError::Photo(PictureError::Pixels),
    ];
    let samples = weights()
        .into_iter()
        .map(sample)
        .chain(pictures().into_iter().map(sample))
        .chain(encoding().into_iter().map(sample))
        .chain(records.into_iter().map(sample))
        .chain(attention.into_iter().map(sample));
    let samples: Vec<_> = samples.collect();
    let sources = [include_str!("../../../encoder/src/error.rs")];
    // What only a library or the machine brings about.
    let without = [
        "AttentionPictureError::Encode",
        "EncoderError::Record",
        "EncoderError::Threads",
    ];
    check(&sources, &samples, &without);
}
