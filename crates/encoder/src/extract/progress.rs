//! The record of progress beside unfinished files: one line of settings, then one line an image.

use std::{
    fmt,
    fs::{self, File, TryLockError},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{error::EncoderError, picture::Orientation};

/// Version of the record.
pub(super) const VERSION: u32 = 2;

/// The last line: all images are done, and files are on their way into place.
const FINISHING: &str = "=";

/// All that decides about the bytes of the files: another run with the same settings may go on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Settings {
    pub(super) version: u32,
    pub(super) architecture: String,
    pub(super) weights_crc32c: u32,
    pub(super) images: String,
    pub(super) orientation: Orientation,
    pub(super) element: String,
    pub(super) outputs: Vec<String>,
}

/// By what another content of a file is noticed; of no bytes and no time where there is no file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Stamp {
    bytes: u64,
    /// When it was last written, in nanoseconds since 1970.
    modified: i128,
}

impl Stamp {
    /// It, for another process.
    pub(super) fn to_bytes(self) -> [u8; 24] {
        let mut bytes = [0; 24];
        bytes[..8].copy_from_slice(&self.bytes.to_le_bytes());
        bytes[8..].copy_from_slice(&self.modified.to_le_bytes());
        bytes
    }

    /// What another process has sent.
    pub(super) fn from_bytes(bytes: [u8; 24]) -> Self {
        let (mut size, mut modified) = ([0; 8], [0; 16]);
        size.copy_from_slice(&bytes[..8]);
        modified.copy_from_slice(&bytes[8..]);
        Self {
            bytes: u64::from_le_bytes(size),
            modified: i128::from_le_bytes(modified),
        }
    }

    /// The stamp of a file as it is now.
    ///
    /// # Errors
    /// There is no such file.
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        let metadata = fs::metadata(path)?;
        // Where file systems know no times, sizes have to do.
        let modified = metadata.modified().unwrap_or(UNIX_EPOCH);
        let modified = match modified.duration_since(UNIX_EPOCH) {
            Ok(after) => after.as_nanos() as i128,
            Err(before) => -(before.duration().as_nanos() as i128),
        };
        Ok(Self {
            bytes: metadata.len(),
            modified,
        })
    }
}

/// An image that is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// Its file name.
    pub(super) name: String,
    /// Its file as it was then.
    pub(super) stamp: Stamp,
    /// Whether it has a row.
    pub(super) is_kept: bool,
}

impl Entry {
    fn line(&self) -> String {
        let sign = if self.is_kept { '+' } else { '-' };
        let Stamp { bytes, modified } = self.stamp;
        format!("{sign}{bytes} {modified} {}\n", self.name)
    }

    fn parse(line: &str) -> Option<Self> {
        let (sign, rest) = line.split_at_checked(1)?;
        let (bytes, rest) = rest.split_once(' ')?;
        let (modified, name) = rest.split_once(' ')?;
        Some(Self {
            name: name.to_owned(),
            stamp: Stamp {
                bytes: bytes.parse().ok()?,
                modified: modified.parse().ok()?,
            },
            is_kept: match sign {
                "+" => true,
                "-" => false,
                _ => return None,
            },
        })
    }
}

/// What became of an image since it was encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Its file has another size or time.
    Content,
    /// It was not there.
    Added,
    /// It is not there any more.
    Removed,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Content => "has changed",
            Self::Added => "is new",
            Self::Removed => "is gone",
        })
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
    is_finishing: bool,
    change: Option<(String, Change)>,
}

/// Whether the record beside `output` says that files are being put into place.
pub(super) fn is_finishing(output: &Path) -> bool {
    let text = fs::read(record_of(output)).unwrap_or_default();
    text.ends_with(format!("\n{FINISHING}\n").as_bytes())
}

/// The record beside `output`.
fn record_of(output: &Path) -> PathBuf {
    output.with_extension("npy.progress")
}

impl Progress {
    /// Opens the record beside `output`, or begins one. It holds on to the images up to the first that is not as it was
    /// when it was encoded.
    ///
    /// # Errors
    /// Another process works on it, it is of other settings, or it cannot be read or written.
    pub(super) fn open(
        output: &Path,
        settings: &Settings,
        folder: &Path,
        names: &[String],
    ) -> Result<Self, EncoderError> {
        let path = record_of(output);
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
            is_finishing: false,
            change: None,
        };
        let first = lines.next().unwrap_or_default();
        let mut lines = lines.peekable();
        if serde_json::from_str::<Settings>(first).ok().as_ref() != Some(settings) {
            // Nothing is lost where nothing was done.
            if lines.peek().is_none() {
                progress.begin(settings).map_err(wrap)?;
                return Ok(progress);
            }
            return Err(progress.of_others(first));
        }
        progress.settings_bytes = first.len() as u64 + 1;
        progress.read(lines, folder, names);
        progress.cut().map_err(wrap)?;
        Ok(progress)
    }

    /// The error for a record whose first line is about other work.
    fn of_others(self, settings: &str) -> EncoderError {
        let path = self.path;
        let version = serde_json::from_str::<Value>(settings).ok();
        let version = version.and_then(|settings| settings.get("version")?.as_u64());
        match version {
            Some(1) => EncoderError::OldProgress { path },
            _ => EncoderError::OtherProgress { path },
        }
    }

    /// Reads lines of images up to the first that is not about the next name and the file that is there.
    fn read<'a>(&mut self, lines: impl Iterator<Item = &'a str>, folder: &Path, names: &[String]) {
        for line in lines {
            let next = names.get(self.entries.len());
            if line == FINISHING {
                self.is_finishing = next.is_none();
                return;
            }
            // A line that cannot be read was not wholly written, and neither are those after it.
            let Some(entry) = Entry::parse(line) else {
                return;
            };
            let change = match next {
                Some(name) if *name < entry.name => Some((name.clone(), Change::Added)),
                Some(name) if *name == entry.name => {
                    let now = Stamp::of(&folder.join(name)).ok();
                    (now != Some(entry.stamp)).then(|| (name.clone(), Change::Content))
                }
                _ => Some((entry.name.clone(), Change::Removed)),
            };
            if change.is_some() {
                self.change = change;
                return;
            }
            self.entries.push(entry);
        }
    }

    fn begin(&mut self, settings: &Settings) -> io::Result<()> {
        let mut line = serde_json::to_string(settings)?;
        line.push('\n');
        self.settings_bytes = line.len() as u64;
        self.file.set_len(0)?;
        self.file.rewind()?;
        self.file.write_all(line.as_bytes())?;
        self.file.sync_all()
    }

    /// Ends the file after the last entry, where the next goes.
    fn cut(&mut self) -> io::Result<()> {
        let entries = self.entries.iter().map(|entry| entry.line().len() as u64);
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

    /// The first image that is not as it was when it was encoded.
    pub(super) fn change(&self) -> Option<&(String, Change)> {
        self.change.as_ref()
    }

    /// Whether the work ended while files were put into place: all images are done and as they were.
    pub(super) fn is_finishing(&self) -> bool {
        self.is_finishing
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
        self.write(&lines)?;
        self.entries.extend(entries);
        Ok(())
    }

    /// Notes that files are being put into place from now on.
    ///
    /// # Errors
    /// The record cannot be written.
    pub(super) fn finish(&mut self) -> Result<(), EncoderError> {
        self.write(&format!("{FINISHING}\n"))
    }

    fn write(&mut self, lines: &str) -> Result<(), EncoderError> {
        let written = self.file.write_all(lines.as_bytes());
        written
            .and_then(|()| self.file.sync_data())
            .map_err(EncoderError::write(&self.path))
    }

    /// Deletes the record: the work is done.
    ///
    /// # Errors
    /// It cannot be deleted.
    pub(super) fn remove(self) -> Result<(), EncoderError> {
        fs::remove_file(&self.path).map_err(EncoderError::write(&self.path))
    }
}
