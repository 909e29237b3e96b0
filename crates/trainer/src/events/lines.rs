//! Files of lines that a run appends to, and cuts back where it goes on from.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;

use scst_files::{FileAction, FileError, write_bytes_atomically};
use serde::Serialize;

/// The lines that have an end, without it.
pub(super) fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes
        .split_inclusive(|&byte| byte == b'\n')
        .filter_map(|line| line.strip_suffix(b"\n"))
}

/// Rewrites the file at `path` with the lines that `keep` wants, given their index from 0, byte for byte and without a
/// torn last one, and opens it to append. A file that is missing is begun.
pub(super) fn keep_lines<E: From<FileError>>(
    path: &Path,
    mut keep: impl FnMut(usize, &[u8]) -> Result<bool, E>,
) -> Result<File, E> {
    let bytes = match fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        result => result.map_err(FileError::on(FileAction::Read, path))?,
    };
    let mut kept = Vec::with_capacity(bytes.len());
    for (index, line) in lines(&bytes).enumerate() {
        if keep(index, line)? {
            kept.extend_from_slice(line);
            kept.push(b'\n');
        }
    }
    write_bytes_atomically(path, &kept)?;
    let file = File::options().append(true).open(path);
    Ok(file.map_err(FileError::on(FileAction::Write, path))?)
}

/// Appends one line of JSON.
pub(super) fn append_line(
    file: &mut File,
    path: &Path,
    line: &impl Serialize,
) -> Result<(), FileError> {
    let line = serde_json::to_vec(line).map_err(io::Error::from);
    line.and_then(|mut line| {
        line.push(b'\n');
        file.write_all(&line)
    })
    .map_err(FileError::on(FileAction::Write, path))
}
