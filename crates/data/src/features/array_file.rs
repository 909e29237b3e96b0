//! The array in a `.npy` or `.npz` file.
//!
//! A file has to be as long as its header says before any of it is read, so that what is asked of memory
//! follows from the file's size: that of a `.npy`, and at most what deflate can make of the size of a `.npz`.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Seek};
use std::path::Path;

use zip::result::ZipError;
use zip::{CompressionMethod, ZipArchive};

use super::npy::{self, Header};
use crate::DataError;
use crate::error::Place;
use crate::looks_like::looks_like;

/// The most bytes that deflate makes of one: a match of 258 takes two bits.
const DEFLATE_RATIO: u64 = 1032;

/// The header of the array in a `.npy` or `.npz` file.
///
/// # Errors
///
/// The file cannot be read, is malformed, or not as long as its header says.
pub(super) fn read_header(path: &Path, key: Option<&str>) -> Result<Header, DataError> {
    with_array(path, key, |header, _| Ok(header))
}

/// The header and the values of the array in a `.npy` or `.npz` file; `check` refuses headers before values are read.
///
/// # Errors
///
/// As for [`read_header`], and those of `check`.
pub(super) fn read_array(
    path: &Path,
    key: Option<&str>,
    check: impl FnOnce(&Header) -> Result<(), DataError>,
) -> Result<(Header, Vec<u8>), DataError> {
    with_array(path, key, |header, source| {
        check(&header)?;
        let mut bytes = Vec::new();
        // One more than there should be, to notice that there are more.
        let mut source = source.take(header.data_bytes as u64 + 1);
        source
            .read_to_end(&mut bytes)
            .map_err(|error| damaged(path, error))?;
        let length = header.length.saturating_add(bytes.len());
        check_length(path, &header, length as u64)?;
        Ok((header, bytes))
    })
}

/// Calls `read` with the header of the array in a file and the bytes that follow it.
fn with_array<T>(
    path: &Path,
    key: Option<&str>,
    read: impl FnOnce(Header, &mut dyn Read) -> Result<T, DataError>,
) -> Result<T, DataError> {
    let metadata = fs::metadata(path).map_err(DataError::read(path))?;
    if !metadata.is_file() {
        return Err(DataError::not_a_file(path));
    }
    let file = File::open(path).map_err(DataError::read(path))?;
    let mut file = BufReader::new(file);
    if is_npy(path) {
        let header = npy::read_header(path, "array", &mut file)?;
        check_length(path, &header, metadata.len())?;
        return read(header, &mut file);
    }
    let start = file.fill_buf().map_err(DataError::read(path))?;
    if !start.starts_with(b"PK") {
        let kind = looks_like(start);
        let problem = format!("it looks like {kind}, expected an archive of NumPy arrays");
        return Err(invalid(path, problem));
    }
    let mut archive = ZipArchive::new(file).map_err(|error| damaged_zip(path, error))?;
    let member = member(path, key, &archive)?;
    let mut array = archive
        .by_name(&member)
        .map_err(|error| damaged_zip(path, error))?;
    if !matches!(
        array.compression(),
        CompressionMethod::Stored | CompressionMethod::Deflated
    ) {
        let problem =
            "it is compressed otherwise than by deflate, as `numpy.savez_compressed` does";
        return Err(invalid(path, problem.to_owned()));
    }
    let (length, compressed) = (array.size(), array.compressed_size());
    if compressed > metadata.len() || length / DEFLATE_RATIO > compressed {
        return Err(invalid(
            path,
            format!("array `{member}`: {length} bytes cannot come of {compressed} compressed ones"),
        ));
    }
    let header = npy::read_header(path, &format!("array `{member}`"), &mut array)?;
    check_length(path, &header, length)?;
    read(header, &mut array)
}

/// Holds the length of an array, its header included, against what the header says.
fn check_length(path: &Path, header: &Header, found: u64) -> Result<(), DataError> {
    let expected = (header.length as u64).saturating_add(header.data_bytes as u64);
    if found == expected {
        return Ok(());
    }
    Err(DataError::FeatureLength {
        path: path.to_owned(),
        found,
        expected,
    })
}

/// The name of the member of a `.npz` to read.
fn member<R: Read + Seek>(
    path: &Path,
    key: Option<&str>,
    archive: &ZipArchive<R>,
) -> Result<String, DataError> {
    if archive.has_duplicate_names() {
        return Err(invalid(path, "two arrays have one name".to_owned()));
    }
    let mut members = Vec::with_capacity(archive.len());
    for name in archive.file_names() {
        let name = name.map_err(|error| damaged_zip(path, error))?;
        members.push(name.into_owned());
    }
    if let (None, [only]) = (key, members.as_slice()) {
        return Ok(only.clone());
    }
    let key = key.unwrap_or("feat");
    let wanted = format!("{key}.npy");
    if members.contains(&wanted) {
        return Ok(wanted);
    }
    members.sort_unstable();
    let arrays: Vec<_> = members
        .iter()
        .map(|name| format!("`{}`", name.trim_end_matches(".npy")))
        .collect();
    Err(DataError::Value {
        path: path.to_owned(),
        at: Place::Key("arrays".to_owned()),
        found: if arrays.is_empty() {
            "none".to_owned()
        } else {
            arrays.join(", ")
        },
        expected: format!("`{key}`, or another `key` for `features.folder`"),
    })
}

/// Whether the ending is that of one array.
pub(super) fn is_npy(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "npy")
}

/// Whether the ending is that of an archive of arrays.
pub(super) fn is_npz(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "npz")
}

fn invalid(path: &Path, problem: String) -> DataError {
    DataError::FeatureFormat {
        path: path.to_owned(),
        format: "npz",
        problem,
    }
}

fn damaged_zip(path: &Path, error: ZipError) -> DataError {
    match error {
        ZipError::Io(error) => damaged(path, error),
        ZipError::UnsupportedArchive(ZipError::PASSWORD_REQUIRED) => {
            invalid(path, "it is encrypted".to_owned())
        }
        ZipError::CompressionMethodNotSupported(method) => invalid(
            path,
            format!(
                "it is compressed by method {method}, expected deflate, as `numpy.savez_compressed`"
            ),
        ),
        _ => invalid(path, "it is damaged or cut short".to_owned()),
    }
}

/// Damage within a compressed file shows as an error of reading.
fn damaged(path: &Path, error: std::io::Error) -> DataError {
    use std::io::ErrorKind::{InvalidData, InvalidInput, Other, UnexpectedEof};
    match error.kind() {
        InvalidData | InvalidInput | Other | UnexpectedEof => {
            invalid(path, "it is damaged or cut short".to_owned())
        }
        _ => DataError::read(path)(error),
    }
}

#[cfg(test)]
mod tests;
