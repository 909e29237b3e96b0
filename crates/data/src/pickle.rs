//! Python's pickles as plain values: nothing in them is executed.
//!
//! All values lie in one list and refer to each other by their numbers. So a value that is used a million times is
//! kept once, no depth of nesting matters, and memory is a small multiple of the length of the file. Objects of any
//! class are kept as what they were made from; what only their class could tell is left out.

mod broken;
mod input;
mod machine;
mod view;

use std::borrow::Cow;
use std::fs;
use std::io::{Cursor, Read};
use std::path::Path;

use zip::ZipArchive;

use crate::DataError;
use crate::error::Place;
use crate::looks_like::{Kind, looks_like};
pub(crate) use broken::Broken;
use broken::another_kind;
use input::Input;
use machine::{Id, Machine, Value};
pub(crate) use view::View;

/// What the first pickle of a file of `torch.save` before PyTorch 1.6 is: its number, in protocol 2.
const TORCH: &[u8] = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.";
/// How many pickles come before the one that was saved: the number, a version and what the machine was.
const BEFORE_TORCH: usize = 3;
/// How a file of `torch.save` begins since: it is a zip archive.
const ZIP: &[u8] = b"PK\x03\x04";
/// The entry of such an archive that holds the pickle.
const ZIPPED: &str = "data.pkl";

/// A pickle that was read.
#[derive(Debug)]
pub(crate) struct Pickle<'a> {
    values: Vec<Value<'a>>,
    root: Id,
}

impl<'a> Pickle<'a> {
    /// Reads the pickle at the beginning of `bytes`, or the one that `torch.save` has put behind others.
    ///
    /// # Errors
    /// The bytes are none, or not all of one.
    pub(crate) fn read(bytes: &'a [u8]) -> Result<Self, Broken> {
        let mut input = Input::new(bytes);
        if bytes.starts_with(TORCH) {
            for _ in 0..BEFORE_TORCH {
                Machine::run(&mut input)?;
            }
        }
        let (values, root) = Machine::run(&mut input)?;
        Ok(Self { values, root })
    }

    /// The value that was pickled.
    pub(crate) fn root(&self) -> View<'_> {
        View::new(&self.values, self.root)
    }
}

/// Whether bytes seem to be a pickle, or an archive with one. Those of protocols 0 and 1 have no mark of their own: most
/// begin with a dictionary or a class.
pub(crate) fn is_pickle(bytes: &[u8]) -> bool {
    const VERSIONS: [u8; 6] = [0, 1, 2, 3, 4, 5];
    match bytes {
        [0x80, version, ..] => VERSIONS.contains(version),
        [b'(', b'd' | b'i' | b'l', ..] | [b'}', b'q' | b'.' | b'(', ..] => true,
        [b'c', ..] => bytes.starts_with(b"ccollections\n") || bytes.starts_with(b"ccopy_reg\n"),
        _ => bytes.starts_with(ZIP),
    }
}

/// The bytes of the pickle in a file: the file itself, or its part that `torch.save` has put into an archive.
///
/// # Errors
/// The file cannot be read, or is an archive without a pickle or with one that is larger unpacked than the archive.
pub(crate) fn bytes(path: &Path) -> Result<Vec<u8>, DataError> {
    let bytes = fs::read(path).map_err(DataError::read(path))?;
    if !bytes.starts_with(ZIP) {
        return Ok(bytes);
    }
    let length = bytes.len() as u64;
    unzipped(&bytes, length).ok_or_else(|| match looks_like(&bytes) {
        Kind::PyTorch => DataError::Value {
            path: path.to_owned(),
            at: Place::Key("archive".to_owned()),
            found: format!("no whole `{ZIPPED}`"),
            expected: "what `torch.save` has written".to_owned(),
        },
        found => another_kind(path, found),
    })
}

fn unzipped(bytes: &[u8], limit: u64) -> Option<Vec<u8>> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).ok()?;
    let names = archive.file_names().filter_map(Result::ok);
    let name = names
        .map(Cow::into_owned)
        .find(|name| name.ends_with(ZIPPED))?;
    let mut pickle = Vec::new();
    let mut entry = archive.by_name(&name).ok()?.take(limit + 1);
    entry.read_to_end(&mut pickle).ok()?;
    (pickle.len() as u64 <= limit).then_some(pickle)
}

#[cfg(test)]
mod tests;
