//! The record of progress beside unfinished files: one line of settings, then one line an image.

use std::{
    fs::{self, File, TryLockError},
    io::{Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::error::EncoderError;

/// Version of the record.
pub(super) const VERSION: u32 = 1;

/// All that decides about the bytes of the files: another run with the same settings may go on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Settings {
    pub(super) version: u32,
    pub(super) architecture: String,
    pub(super) weights_crc32c: u32,
    pub(super) images: String,
    pub(super) element: String,
    pub(super) outputs: Vec<String>,
}

/// An image that is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    name: String,
    is_kept: bool,
}

impl Entry {
    /// An image that has a row.
    pub(super) fn kept(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            is_kept: true,
        }
    }

    /// An image that has none.
    pub(super) fn skipped(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            is_kept: false,
        }
    }

    fn line(&self) -> String {
        let sign = if self.is_kept { '+' } else { '-' };
        format!("{sign}{}\n", self.name)
    }

    fn parse(line: &str) -> Option<Self> {
        let kept = line.strip_prefix('+').map(Self::kept);
        kept.or_else(|| line.strip_prefix('-').map(Self::skipped))
    }
}

/// The record, locked against other processes.
#[derive(Debug)]
pub(super) struct Progress {
    path: PathBuf,
    file: File,
    /// Length of the line of settings.
    settings_bytes: u64,
    entries: Vec<Entry>,
}

impl Progress {
    /// Opens the record beside `output`, or begins one.
    ///
    /// # Errors
    /// Another process works on it, it is of other settings or other images, or it cannot be read or written.
    pub(super) fn open(
        output: &Path,
        settings: &Settings,
        names: &[String],
    ) -> Result<Self, EncoderError> {
        let path = output.with_extension("npy.progress");
        let wrap = |error| EncoderError::write(output)(error);
        let mut file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(wrap)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(EncoderError::Busy { path }),
            Err(TryLockError::Error(error)) => return Err(wrap(error)),
        }
        let mut text = Vec::new();
        file.read_to_end(&mut text).map_err(wrap)?;
        let text = String::from_utf8_lossy(&text);
        // A line without an end was being written when the process was killed.
        let mut lines = text
            .split_inclusive('\n')
            .filter_map(|l| l.strip_suffix('\n'));
        let mut progress = Self {
            path,
            file,
            settings_bytes: 0,
            entries: Vec::new(),
        };
        let first = lines.next().unwrap_or_default();
        let mut lines = lines.peekable();
        if serde_json::from_str::<Settings>(first).ok().as_ref() != Some(settings) {
            // Nothing is lost where nothing was done.
            if lines.peek().is_none() {
                progress.begin(settings).map_err(wrap)?;
                return Ok(progress);
            }
            return Err(EncoderError::OtherProgress {
                path: progress.path,
            });
        }
        progress.settings_bytes = first.len() as u64 + 1;
        let mut expected = names.iter();
        for line in lines {
            match Entry::parse(line) {
                Some(entry) if expected.next() == Some(&entry.name) => {
                    progress.entries.push(entry);
                }
                _ => {
                    return Err(EncoderError::ImagesChanged {
                        path: progress.path,
                    });
                }
            }
        }
        progress.cut().map_err(wrap)?;
        Ok(progress)
    }

    fn begin(&mut self, settings: &Settings) -> std::io::Result<()> {
        let mut line = serde_json::to_string(settings)?;
        line.push('\n');
        self.settings_bytes = line.len() as u64;
        self.file.set_len(0)?;
        self.file.rewind()?;
        self.file.write_all(line.as_bytes())
    }

    /// Ends the file after the last entry, where the next goes.
    fn cut(&mut self) -> std::io::Result<()> {
        let entries = self.entries.iter().map(|entry| entry.name.len() as u64 + 2);
        let end = self.settings_bytes + entries.sum::<u64>();
        self.file.set_len(end)?;
        self.file.seek(SeekFrom::Start(end))?;
        Ok(())
    }

    /// Forgets images from the first on whose row is not among the first `rows`.
    ///
    /// # Errors
    /// The record cannot be written.
    pub(super) fn keep_rows(&mut self, rows: usize) -> Result<(), EncoderError> {
        let kept = self.entries.iter().enumerate();
        let mut kept = kept.filter(|(_, entry)| entry.is_kept);
        if let Some((first_lost, _)) = kept.nth(rows) {
            self.entries.truncate(first_lost);
            self.cut().map_err(EncoderError::write(&self.path))?;
        }
        Ok(())
    }

    /// The images that are done.
    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Names of the images that have a row.
    pub(super) fn kept(&self) -> impl Iterator<Item = &str> {
        let kept = self.entries.iter().filter(|entry| entry.is_kept);
        kept.map(|entry| entry.name.as_str())
    }

    /// Adds images whose rows are on the disk.
    ///
    /// # Errors
    /// The record cannot be written.
    pub(super) fn append(&mut self, entries: Vec<Entry>) -> Result<(), EncoderError> {
        let lines: String = entries.iter().map(Entry::line).collect();
        self.file
            .write_all(lines.as_bytes())
            .map_err(EncoderError::write(&self.path))?;
        self.entries.extend(entries);
        Ok(())
    }

    /// Deletes the record: the work is done.
    ///
    /// # Errors
    /// It cannot be deleted.
    pub(super) fn remove(self) -> Result<(), EncoderError> {
        fs::remove_file(&self.path).map_err(EncoderError::write(&self.path))
    }
}
