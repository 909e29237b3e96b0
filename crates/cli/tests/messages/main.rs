//! One message of every kind that there is, held against the rules of `testing/src/messages.rs`.

mod data;
mod diagnosis;
mod encoder;
mod forms;
mod numerics;
mod reward;
mod trainer;

use std::{io, path::PathBuf};

use scst_testing::messages::{FILE, KEY, check, problem, sample};

/// The file of samples.
fn file() -> PathBuf {
    FILE.into()
}

/// The key of samples.
fn key() -> String {
    KEY.to_owned()
}

/// Something that a user gave.
fn text() -> String {
    "a dog".to_owned()
}

/// What the operating system says.
fn system() -> io::Error {
    io::Error::from_raw_os_error(2)
}

#[test]
fn rules_tell_good_messages_from_bad_ones() {
    let good = [
        "`a.json`: images[3]: found \"u64\", expected a number",
        "key `data.map`: found the value `Some(3)`, expected a number from 0 to 1",
        "cannot read `a.json`: No such file or directory (os error 2)",
        "COCO has no captions here",
        "found shape [36, 2048, 10], expected [36, 4]",
        "`a.npy`: found 1.5, expected 2",
    ];
    for message in good {
        assert_eq!(problem(message), None, "{message}");
    }
    let bad = [
        "Found a map",
        "found a list.",
        "found a list. expected an object",
        "found one\ntwo",
        "invalid type: map, expected a sequence at line 1 column 1",
        "expected usize",
        "found None, expected Some(3)",
        "found leading bytes [80, 02, 7d], expected [73, 63, 73]",
        "EOF while parsing a value",
        "checksum e3b0c44298fc1c149afbf4c8996fb924",
        "unknown variant `a`, expected one of `b`, `c`",
    ];
    for message in bad {
        assert!(problem(message).is_some(), "{message}");
    }
}
