//! Text files whose errors name the line.

use std::fs;
use std::path::Path;

use crate::DataError;
use crate::error::Place;
use crate::looks_like::{Kind, looks_like};

/// Reads a UTF-8 file, without a byte order mark.
///
/// # Errors
///
/// The file cannot be read, seems to be something else than text, or a line is not UTF-8 or holds a byte 0.
pub(crate) fn read(path: &Path) -> Result<String, DataError> {
    let bytes = fs::read(path).map_err(DataError::read(path))?;
    // Bytes that are no text, or a note in the place of the text, are told by what they seem to be.
    let kind = looks_like(&bytes);
    let is_text = !bytes.contains(&0) && std::str::from_utf8(&bytes).is_ok();
    if kind == Kind::LfsPointer || !(is_text || kind.is_text() || kind == Kind::Unknown) {
        return Err(DataError::SeemsToBe {
            path: path.to_owned(),
            kind,
            expected: "text".to_owned(),
        });
    }
    let wrong = |before: &[u8], found: &str| DataError::Value {
        path: path.to_owned(),
        at: Place::Line(breaks(before) + 1),
        found: found.to_owned(),
        expected: "text".to_owned(),
    };
    let mut text = String::from_utf8(bytes).map_err(|error| {
        let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        wrong(valid, "bytes that are not UTF-8")
    })?;
    if let Some(zero) = text.find('\0') {
        return Err(wrong(&text.as_bytes()[..zero], "a byte 0"));
    }
    if text.starts_with('\u{feff}') {
        text.drain(..'\u{feff}'.len_utf8());
    }
    Ok(text)
}

/// The number of line breaks, as on any system.
fn breaks(text: &[u8]) -> u64 {
    let ends = text.iter().enumerate().filter(|&(at, &byte)| {
        byte == b'\n' || (byte == b'\r' && text.get(at + 1) != Some(&b'\n'))
    });
    ends.count() as u64
}
