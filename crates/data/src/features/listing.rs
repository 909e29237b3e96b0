//! The arrays in a folder.

use std::borrow::Cow;
use std::fs;
use std::path::{Path, PathBuf};

use super::array_file::{is_npy, is_npz};
use super::names::Names;
use crate::DataError;
use crate::error::Place;

/// The arrays of a folder, sorted by file name, and their names: those of the files without ending.
///
/// # Errors
///
/// The folder cannot be listed, holds no array, or two of one name.
pub(super) fn list(path: &Path) -> Result<(Vec<PathBuf>, Names), DataError> {
    let read = DataError::read;
    let mut files = Vec::new();
    for entry in fs::read_dir(path).map_err(read(path))? {
        let file = entry.map_err(read(path))?.path();
        if is_npy(&file) || is_npz(&file) {
            files.push(file);
        }
    }
    files.sort_unstable();
    let file_name = |row: usize| {
        let name: Option<&std::ffi::OsStr> = files[row].file_name();
        name.map_or(Cow::Borrowed(""), |name| name.to_string_lossy())
    };
    let stem = |file: &PathBuf| {
        let stem = file.file_stem().map(|stem| stem.to_string_lossy());
        stem.map_or(String::new(), Cow::into_owned)
    };
    let names = Names::new(path, files.iter().map(stem).collect(), |row| {
        Place::Key(file_name(row).into_owned())
    })?;
    Ok((files, names))
}
