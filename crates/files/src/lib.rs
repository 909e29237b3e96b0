//! Files and directories that are either old or new, never half written.
//!
//! Everything is built under a temporary name beside the target, forced to the disk, and renamed into place.
//! A process that is killed leaves at most entries that start with `.tmp-` ([`remove_stale_temporaries`]) and,
//! for a directory that was being replaced, its predecessor under `.old-NAME` ([`recover`]).
#![cfg_attr(
    test,
    allow(clippy::unwrap_used, reason = "tests may stop at the first surprise")
)]

mod target;

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};

use target::{Target, parent};

const TEMPORARY_PREFIX: &str = ".tmp-";
const OLD_PREFIX: &str = ".old-";

/// What was being done to a file or directory when it failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileAction {
    /// Making a new file or directory.
    Create,
    /// Reading the content of a file.
    Read,
    /// Listing the entries of a directory.
    List,
    /// Writing content, forcing it to the disk, or renaming it into place.
    Write,
    /// Deleting a file or directory.
    Remove,
    /// Bringing back the complete predecessor of a directory.
    Recover,
}

impl fmt::Display for FileAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Create => "create",
            Self::Read => "read",
            Self::List => "list",
            Self::Write => "write",
            Self::Remove => "remove",
            Self::Recover => "recover",
        })
    }
}

/// A file or directory that could not be handled.
///
/// The message already contains `error`, which is therefore not a further link of the cause chain.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} `{}`: {error}", path.display())]
pub struct FileError {
    /// What was being done.
    pub action: FileAction,
    /// The target, never its temporary name.
    pub path: PathBuf,
    /// What the operating system answered.
    pub error: io::Error,
}

impl FileError {
    /// An error for `map_err`: `.map_err(FileError::on(FileAction::Read, path))`.
    pub fn on(action: FileAction, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |error| Self {
            action,
            path: path.to_owned(),
            error,
        }
    }
}

/// Writes a file through `write` so that `path` holds either its old or its whole new content.
///
/// A file that is replaced keeps its permissions. A link is followed and stays. A device or a pipe, such as `/dev/null`, is written into and stays too.
///
/// # Errors
/// When `write` fails or the disk does; the old file is then intact and the temporary one removed.
pub fn write_atomically(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), FileError> {
    let attempt = || {
        let Target::File(place) = Target::of(path)? else {
            let mut writer = BufWriter::new(File::options().append(true).open(path)?);
            write(&mut writer)?;
            return writer.flush();
        };
        let temporary = Temporary::beside(&place)?;
        let mut writer = BufWriter::new(File::create_new(&temporary.path)?);
        if let Ok(replaced) = fs::metadata(&place) {
            writer.get_ref().set_permissions(replaced.permissions())?;
        }
        write(&mut writer)?;
        writer.into_inner()?.sync_all()?;
        temporary.rename(&place)?;
        sync_directory(parent(&place))
    };
    attempt().map_err(FileError::on(FileAction::Write, path))
}

/// Writes `bytes` as by [`write_atomically`].
///
/// # Errors
/// As [`write_atomically`].
pub fn write_bytes_atomically(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    write_atomically(path, |writer| writer.write_all(bytes))
}

/// Builds a directory of several files through `build`, which gets a temporary directory to fill, and puts it at `dir`.
///
/// Invariant: whatever is called `dir` or `.old-NAME` is complete, and once `dir` has existed, at every moment at
/// least one of the two does. A new `dir` appears by one rename. An existing one is first renamed to `.old-NAME`,
/// then the new one is renamed to `dir`, then the old one is deleted (under a `.tmp-` name); [`recover`] finishes
/// or reverts what a kill interrupted. Only one process may write `dir`.
///
/// # Errors
/// When `build` or the disk fails; the old directory is then in place and the temporary one removed.
pub fn replace_directory_atomically<E: From<FileError>>(
    dir: &Path,
    build: impl FnOnce(&Path) -> Result<(), E>,
) -> Result<(), E> {
    recover(dir)?;
    let temporary = (|| {
        let temporary = Temporary::beside(dir)?;
        fs::create_dir(&temporary.path)?;
        Ok(temporary)
    })()
    .map_err(FileError::on(FileAction::Create, dir))?;
    build(&temporary.path)?;
    publish(temporary, dir).map_err(FileError::on(FileAction::Write, dir))?;
    Ok(())
}

/// Repairs `dir` after a kill in [`replace_directory_atomically`]: call it before reading.
///
/// A missing `dir` gets its predecessor back from `.old-NAME`; with `dir` in place, a left-over predecessor is
/// deleted. Only the process that writes `dir` may call this.
///
/// # Errors
/// When renaming or deleting fails.
pub fn recover(dir: &Path) -> Result<(), FileError> {
    let attempt = || {
        let old = old_name(dir)?;
        if !exists(&old)? {
            return Ok(());
        }
        if exists(dir)? {
            discard(&old)
        } else {
            fs::rename(&old, dir)?;
            sync_directory(parent(dir))
        }
    };
    attempt().map_err(FileError::on(FileAction::Recover, dir))
}

/// Repairs every directory in `parent` as by [`recover`].
///
/// # Errors
/// When `parent` cannot be listed, or as [`recover`].
pub fn recover_all(parent: &Path) -> Result<(), FileError> {
    let entries = fs::read_dir(parent).map_err(FileError::on(FileAction::List, parent))?;
    for entry in entries {
        let entry = entry.map_err(FileError::on(FileAction::List, parent))?;
        let name = entry.file_name();
        if let Some(name) = name.to_str().and_then(|name| name.strip_prefix(OLD_PREFIX)) {
            recover(&parent.join(name))?;
        }
    }
    Ok(())
}

/// Deletes a directory so that no half of it is ever found under its name.
///
/// # Errors
/// When it cannot be renamed or deleted.
pub fn remove_directory(dir: &Path) -> Result<(), FileError> {
    discard(dir).map_err(FileError::on(FileAction::Remove, dir))
}

/// Deletes what a killed process left half written in `parent`: every entry whose name starts with `.tmp-`.
///
/// Call it before anything is written there, since it cannot tell a dead writer from a living one.
///
/// # Errors
/// When `parent` cannot be listed or an entry cannot be deleted.
pub fn remove_stale_temporaries(parent: &Path) -> Result<(), FileError> {
    let entries = fs::read_dir(parent).map_err(FileError::on(FileAction::List, parent))?;
    for entry in entries {
        let entry = entry.map_err(FileError::on(FileAction::List, parent))?;
        if has_prefix(&entry.file_name(), TEMPORARY_PREFIX) {
            let path = entry.path();
            remove(&path).map_err(FileError::on(FileAction::Remove, &path))?;
        }
    }
    Ok(())
}

/// Forces a built directory to the disk and renames it into place.
fn publish(temporary: Temporary, dir: &Path) -> io::Result<()> {
    sync_tree(&temporary.path)?;
    if !exists(dir)? {
        temporary.rename(dir)?;
        return sync_directory(parent(dir));
    }
    if !fs::symlink_metadata(dir)?.is_dir() {
        return Err(io::ErrorKind::NotADirectory.into());
    }
    let old = old_name(dir)?;
    fs::rename(dir, &old)?;
    if let Err(error) = temporary.rename(dir) {
        // Should this fail too, `recover` does it.
        let _ = fs::rename(&old, dir);
        return Err(error);
    }
    sync_directory(parent(dir))?;
    discard(&old)
}

/// A path beside the target that is deleted when dropped unless it was renamed.
struct Temporary {
    path: PathBuf,
    is_renamed: bool,
}

impl Temporary {
    /// Picks an unused name; the caller makes the file or directory.
    fn beside(target: &Path) -> io::Result<Self> {
        static COUNTER: AtomicU64 = AtomicU64::new(0);
        loop {
            let number = COUNTER.fetch_add(1, Ordering::Relaxed);
            let prefix = format!("{TEMPORARY_PREFIX}{}-{number}-", process::id());
            let path = prefixed(&prefix, target)?;
            if !exists(&path)? {
                return Ok(Self {
                    path,
                    is_renamed: false,
                });
            }
        }
    }

    fn rename(mut self, target: &Path) -> io::Result<()> {
        fs::rename(&self.path, target)?;
        self.is_renamed = true;
        Ok(())
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.is_renamed {
            // Nothing to report to; `remove_stale_temporaries` deletes what stays.
            let _ = remove(&self.path);
        }
    }
}

fn prefixed(prefix: &str, target: &Path) -> io::Result<PathBuf> {
    let name = target.file_name().ok_or(io::ErrorKind::InvalidFilename)?;
    let mut prefixed = OsString::from(prefix);
    prefixed.push(name);
    Ok(parent(target).join(prefixed))
}

fn old_name(dir: &Path) -> io::Result<PathBuf> {
    prefixed(OLD_PREFIX, dir)
}

fn has_prefix(name: &OsStr, prefix: &str) -> bool {
    name.as_encoded_bytes().starts_with(prefix.as_bytes())
}

/// Whether `path` exists, be it a dangling link.
fn exists(path: &Path) -> io::Result<bool> {
    match fs::symlink_metadata(path) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

fn remove(path: &Path) -> io::Result<()> {
    if fs::symlink_metadata(path)?.is_dir() {
        fs::remove_dir_all(path)
    } else {
        fs::remove_file(path)
    }
}

/// Deletes a directory under a temporary name, so that no half of it is ever found under its own.
fn discard(dir: &Path) -> io::Result<()> {
    let temporary = Temporary::beside(dir)?;
    fs::rename(dir, &temporary.path)?;
    remove(&temporary.path)
}

/// Forces every file and directory under `dir` and `dir` itself to the disk.
fn sync_tree(dir: &Path) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            sync_tree(&entry.path())?;
        } else if kind.is_file() {
            File::open(entry.path())?.sync_all()?;
        }
    }
    sync_directory(dir)
}

fn sync_directory(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::TempDir;

    fn temporary_directory() -> TempDir {
        tempfile::tempdir().expect("a temporary directory")
    }

    fn names(dir: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(dir)
            .expect("the directory is listed")
            .map(|entry| {
                let entry = entry.expect("the entry is read");
                entry.file_name().to_string_lossy().into_owned()
            })
            .collect();
        names.sort();
        names
    }

    fn make(dir: &Path, content: &str) {
        fs::create_dir_all(dir.join("nested")).expect("the directory is made");
        fs::write(dir.join("weights"), content).expect("the file is written");
        fs::write(dir.join("nested/state"), content).expect("the file is written");
    }

    fn content(dir: &Path) -> String {
        let weights = fs::read_to_string(dir.join("weights")).expect("the file is read");
        let state = fs::read_to_string(dir.join("nested/state")).expect("the file is read");
        assert_eq!(weights, state);
        weights
    }

    fn replace(dir: &Path, content: &str) -> Result<(), FileError> {
        replace_directory_atomically(dir, |temporary| {
            make(temporary, content);
            Ok(())
        })
    }

    #[test]
    fn replaces_the_content_when_the_file_exists() {
        let dir = temporary_directory();
        let path = dir.path().join("summary.json");
        write_bytes_atomically(&path, b"old, and longer").expect("the file is written");
        write_bytes_atomically(&path, b"new").expect("the file is written");
        assert_eq!(fs::read(&path).expect("the file is read"), b"new");
        assert_eq!(names(dir.path()), ["summary.json"]);
    }

    #[test]
    fn keeps_the_old_content_when_the_disk_is_full() {
        let dir = temporary_directory();
        let path = dir.path().join("summary.json");
        write_bytes_atomically(&path, b"old").expect("the file is written");
        let error = write_atomically(&path, |writer| {
            writer.write_all(b"half of the n")?;
            Err(io::ErrorKind::StorageFull.into())
        })
        .expect_err("the disk is full");
        assert_eq!(error.action, FileAction::Write);
        assert_eq!(error.error.kind(), io::ErrorKind::StorageFull);
        assert_eq!(fs::read(&path).expect("the file is read"), b"old");
        assert_eq!(names(dir.path()), ["summary.json"]);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn names_the_target_and_the_cause_when_the_device_is_full() {
        let dir = temporary_directory();
        let path = dir.path().join("summary.json");
        let error = write_atomically(&path, |_| {
            File::options()
                .write(true)
                .open("/dev/full")?
                .write_all(b"{}")
        })
        .expect_err("the device is full");
        let message = error.to_string();
        assert!(message.starts_with("cannot write `"), "{message}");
        assert!(
            message.contains("summary.json`: No space left on device"),
            "{message}"
        );
        assert!(names(dir.path()).is_empty());
    }

    #[test]
    #[cfg(unix)]
    fn link_and_device_stay_what_they_are_when_written() {
        use std::os::unix::fs::{FileTypeExt, symlink};
        let dir = temporary_directory();
        let link = dir.path().join("link");
        fs::create_dir(dir.path().join("far")).expect("a directory");
        symlink("far/file", &link).expect("a link");
        for content in [b"new", b"two"] {
            write_bytes_atomically(&link, content).expect("the file is written");
            assert_eq!(
                fs::read(dir.path().join("far/file")).expect("a file"),
                content
            );
        }
        assert!(link.is_symlink());
        assert_eq!(names(&dir.path().join("far")), ["file"]);
        let null = Path::new("/dev/null");
        write_bytes_atomically(null, b"x").expect("bytes are taken");
        let kind = fs::metadata(null).expect("a device").file_type();
        assert!(kind.is_char_device());
    }

    #[test]
    fn fails_when_the_directory_was_removed() {
        let dir = temporary_directory();
        let path = dir.path().join("run/summary.json");
        let error = write_bytes_atomically(&path, b"{}").expect_err("there is no directory");
        assert_eq!(error.error.kind(), io::ErrorKind::NotFound);
        assert_eq!(error.path, path);
    }

    #[test]
    fn fails_when_the_path_has_no_file_name() {
        let error = write_bytes_atomically(Path::new("/"), b"{}").expect_err("there is no name");
        assert_eq!(error.error.kind(), io::ErrorKind::InvalidFilename);
    }

    #[test]
    fn publishes_the_directory_when_there_was_none() {
        let dir = temporary_directory();
        let checkpoint = dir.path().join("step-100");
        replace(&checkpoint, "new").expect("the directory is made");
        assert_eq!(content(&checkpoint), "new");
        assert_eq!(names(dir.path()), ["step-100"]);
    }

    #[test]
    fn leaves_only_the_new_directory_when_there_was_an_old_one() {
        let dir = temporary_directory();
        let checkpoint = dir.path().join("best");
        replace(&checkpoint, "old").expect("the directory is made");
        replace(&checkpoint, "new").expect("the directory is replaced");
        assert_eq!(content(&checkpoint), "new");
        assert_eq!(names(dir.path()), ["best"]);
    }

    #[test]
    fn keeps_the_old_directory_when_building_fails() {
        let dir = temporary_directory();
        let checkpoint = dir.path().join("best");
        replace(&checkpoint, "old").expect("the directory is made");
        let error = replace_directory_atomically(&checkpoint, |temporary| {
            write_bytes_atomically(&temporary.join("weights"), b"new")?;
            let full = || io::ErrorKind::StorageFull.into();
            Err(FileError::on(FileAction::Write, &checkpoint.join("state"))(
                full(),
            ))
        })
        .expect_err("the disk is full");
        assert_eq!(error.path, checkpoint.join("state"));
        assert_eq!(content(&checkpoint), "old");
        assert_eq!(names(dir.path()), ["best"]);
    }

    #[test]
    fn refuses_when_the_target_is_a_file() {
        let dir = temporary_directory();
        let target = dir.path().join("best");
        fs::write(&target, "a file").expect("the file is written");
        let error = replace(&target, "new").expect_err("a file is no directory");
        assert_eq!(error.error.kind(), io::ErrorKind::NotADirectory);
        assert_eq!(names(dir.path()), ["best"]);
    }

    /// Every state in which a kill can leave the directories: the names present, and what `recover` must find.
    #[test]
    fn finds_a_complete_directory_when_killed_at_any_moment() {
        let states: [(&[&str], &str); 6] = [
            // While building; after building.
            (&["best", ".tmp-1-0-best"], "best"),
            // Between the two renames.
            (&[".old-best", ".tmp-1-0-best"], ".old-best"),
            // After the second rename.
            (&["best", ".old-best"], "best"),
            // While deleting the predecessor.
            (&["best", ".tmp-1-1-.old-best"], "best"),
            // While `recover` itself was deleting.
            (&["best", ".tmp-2-0-.old-best"], "best"),
            (&["best"], "best"),
        ];
        for (present, expected) in states {
            let dir = temporary_directory();
            for name in present {
                make(&dir.path().join(name), name);
            }
            let checkpoint = dir.path().join("best");
            recover(&checkpoint).expect("the directory is recovered");
            assert_eq!(content(&checkpoint), expected, "{present:?}");
            remove_stale_temporaries(dir.path()).expect("temporaries are removed");
            assert_eq!(names(dir.path()), ["best"], "{present:?}");
            replace(&checkpoint, "next").expect("the directory is replaced");
            assert_eq!(content(&checkpoint), "next", "{present:?}");
            assert_eq!(names(dir.path()), ["best"], "{present:?}");
        }
    }

    #[test]
    fn recovers_every_directory_whose_successor_is_missing() {
        let dir = temporary_directory();
        for name in [".old-step-9", ".old-best", "best", "step-5"] {
            make(&dir.path().join(name), name);
        }
        recover_all(dir.path()).expect("the directories are recovered");
        assert_eq!(names(dir.path()), ["best", "step-5", "step-9"]);
        assert_eq!(content(&dir.path().join("step-9")), ".old-step-9");
        assert_eq!(content(&dir.path().join("best")), "best");
    }

    #[test]
    fn directory_is_never_half_there_while_it_is_removed() {
        const FILES: usize = 2_000;
        let dir = temporary_directory();
        let target = dir.path().join("step-5");
        fs::create_dir(&target).expect("the directory is made");
        for file in 0..FILES {
            fs::write(target.join(file.to_string()), "").expect("the file is written");
        }
        let list = || fs::read_dir(&target).map_or(0, |entries| entries.flatten().count());
        std::thread::scope(|scope| {
            scope.spawn(|| remove_directory(&target).expect("the directory is removed"));
            loop {
                let found = list();
                // What is listed in part must be there no longer.
                if !target.exists() {
                    break;
                }
                assert_eq!(found, FILES);
            }
        });
        assert!(names(dir.path()).is_empty());
    }

    #[test]
    fn recovers_nothing_when_nothing_was_there() {
        let dir = temporary_directory();
        recover(&dir.path().join("best")).expect("there is nothing to do");
        assert!(names(dir.path()).is_empty());
    }

    #[test]
    fn removes_only_temporaries_when_other_entries_are_present() {
        let dir = temporary_directory();
        fs::write(dir.path().join(".tmp-1-0-summary.json"), "{").expect("the file is written");
        make(&dir.path().join(".tmp-1-1-step-100"), "half");
        make(&dir.path().join("step-50"), "whole");
        fs::write(dir.path().join("notes.tmp-"), "kept").expect("the file is written");
        remove_stale_temporaries(dir.path()).expect("temporaries are removed");
        assert_eq!(names(dir.path()), ["notes.tmp-", "step-50"]);
    }

    #[test]
    fn names_the_directory_when_it_cannot_be_listed() {
        let error = remove_stale_temporaries(Path::new("no/such/run")).expect_err("it is missing");
        let message = error.to_string();
        assert!(
            message.starts_with("cannot list `no/such/run`: "),
            "{message}"
        );
    }
}
