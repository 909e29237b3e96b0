//! Text files whose errors name the line.

use std::fs;
use std::path::Path;

use crate::DataError;
use crate::error::Place;

/// Reads a UTF-8 file, without a byte order mark.
///
/// # Errors
///
/// The file cannot be read, or a line is not UTF-8.
pub(crate) fn read(path: &Path) -> Result<String, DataError> {
    let bytes = fs::read(path).map_err(DataError::read(path))?;
    let mut text = String::from_utf8(bytes).map_err(|error| {
        let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        DataError::Value {
            path: path.to_owned(),
            at: Place::Line(breaks(valid) + 1),
            found: "bytes that are not UTF-8".to_owned(),
            expected: "text".to_owned(),
        }
    })?;
    if text.starts_with('\u{feff}') {
        text.drain(..'\u{feff}'.len_utf8());
    }
    Ok(text)
}

/// The number of line breaks.
pub(crate) fn breaks(text: &[u8]) -> u64 {
    text.split(|&byte| byte == b'\n').skip(1).count() as u64
}
