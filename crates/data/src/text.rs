//! Text files whose errors name the line.

use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use crate::DataError;
use crate::error::Place;
use crate::looks_like::{Kind, looks_like};
use crate::spill::Spill;

/// Reads a UTF-8 file, without a byte order mark.
///
/// # Errors
///
/// The file cannot be read, seems to be something else than text, or a line is not UTF-8 or holds a byte 0.
pub(crate) fn read(path: &Path) -> Result<String, DataError> {
    let bytes = fs::read(path).map_err(DataError::read(path))?;
    // What is before the text is a byte order mark.
    let start = bytes.len() - checked(path, &bytes)?.len();
    let mut text = String::from_utf8(bytes).unwrap_or_default();
    text.drain(..start);
    Ok(text)
}

/// A UTF-8 file that need not fit into memory: a copy that nobody else can change.
pub(crate) struct LargeText {
    path: PathBuf,
    bytes: Spill<u8>,
}

impl LargeText {
    /// Copies a file.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or there is no room for the copy.
    pub(crate) fn open(path: &Path) -> Result<Self, DataError> {
        let mut file = File::open(path).map_err(DataError::read(path))?;
        let mut bytes = Spill::default();
        let mut block = vec![0; BLOCK];
        loop {
            let read = match file.read(&mut block) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(DataError::read(path)(error)),
            };
            bytes.push(&block[..read])?;
        }
        bytes.whole()?;
        Ok(Self {
            path: path.to_owned(),
            bytes,
        })
    }

    /// The text, without a byte order mark.
    ///
    /// # Errors
    ///
    /// As for [`read`].
    pub(crate) fn text(&self) -> Result<&str, DataError> {
        let [in_file, in_memory] = self.bytes.runs();
        // `open` has brought all bytes to one of the two.
        let bytes = if in_file.is_empty() {
            in_memory
        } else {
            in_file
        };
        checked(&self.path, bytes)
    }
}

/// So many bytes are read at a time.
const BLOCK: usize = 1 << 18;

/// The text of a file, without a byte order mark, if it is text.
fn checked<'a>(path: &Path, bytes: &'a [u8]) -> Result<&'a str, DataError> {
    // Bytes that are no text, or a note in the place of the text, are told by what they seem to be.
    let kind = looks_like(bytes);
    let text = std::str::from_utf8(bytes);
    let is_text = text.is_ok() && !bytes.contains(&0);
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
    let text =
        text.map_err(|error| wrong(&bytes[..error.valid_up_to()], "bytes that are not UTF-8"))?;
    if let Some(zero) = text.find('\0') {
        return Err(wrong(&text.as_bytes()[..zero], "a byte 0"));
    }
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}

/// The number of line breaks, as on any system.
fn breaks(text: &[u8]) -> u64 {
    let ends = text.iter().enumerate().filter(|&(at, &byte)| {
        byte == b'\n' || (byte == b'\r' && text.get(at + 1) != Some(&b'\n'))
    });
    ends.count() as u64
}
