//! `run.lock`: one process at a time trains in a run directory.
//!
//! The process that trains holds a lock of the operating system on the file, which ends with the process, however that
//! ends. Such locks hold between all processes of a machine, its containers included, and on most network file
//! systems. The file also says who holds it, for messages and for file systems whose locks do not reach other machines:
//!
//! | the lock of the system | the process in the file | |
//! |---|---|---|
//! | held by another process | | refused |
//! | free | of this machine, or of another container on it: gone, as it held the lock | taken over |
//! | free | of this machine, running all the same: the file system has no locks | refused |
//! | free | of a machine of this name that has been started anew | taken over |
//! | free | of another machine | refused: it may still run |
//! | free | not told: the file is empty or damaged | taken over |
//! | there are none | not known to have ended, or not told | refused |
//!
//! A machine is known by the number that it draws when it starts (`boot_id`), where there is none by its name; a
//! process by its id, the numbering that the id belongs to, and its start. A refusal names the file to delete where
//! nothing here can know that the process has ended.

use std::{
    fs::{self, File, TryLockError},
    io::{self, Read, Seek, Write},
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant, SystemTime},
};

use scst_files::{FileAction, FileError};
use serde::{Deserialize, Serialize};

use super::{date::rfc3339, machine::ProcessName};
use crate::TrainError;

/// Name of the file in a run directory.
const NAME: &str = "run.lock";

/// How long a process that is just ending is waited for.
const PATIENCE: Duration = Duration::from_secs(1);

/// Time between two attempts.
const POLL: Duration = Duration::from_millis(20);

/// More than the file ever holds, in bytes.
const LARGEST: u64 = 1 << 16;

/// Who holds a lock.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Holder {
    #[serde(flatten)]
    process: ProcessName,
    /// Since when, in UTC.
    date: String,
}

impl Holder {
    fn own() -> Self {
        Self {
            process: ProcessName::own(),
            date: rfc3339(SystemTime::now()),
        }
    }

    /// The holder that a file names, unless it is damaged.
    fn parse(bytes: &[u8]) -> Option<Self> {
        let holder: Self = serde_json::from_slice(bytes).ok()?;
        (!holder.process.host.is_empty()).then_some(holder)
    }

    fn in_words(&self) -> String {
        let process = &self.process;
        let since = match self.date.as_str() {
            "" => String::new(),
            date => format!(" since {date}"),
        };
        format!("process {} on `{}`{since}", process.process, process.host)
    }
}

/// What is to be done with a lock that the system lets this process have.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    /// Its holder is gone.
    Stale,
    /// Its holder runs.
    Running,
    /// Its holder may run.
    Unknown,
}

/// Whether the process that `file` names still holds its lock, as seen from `own`.
///
/// `is_system_lock`: whether the file system has locks, and this process now holds it. `is_running`: whether the
/// process runs, if that can be known; asked only if it would be found.
fn judge(
    file: &ProcessName,
    own: &ProcessName,
    is_system_lock: bool,
    is_running: Option<bool>,
) -> Verdict {
    let is_same_host = file.host == own.host;
    let is_same_boot = match (&file.boot_id, &own.boot_id) {
        (Some(a), Some(b)) => a == b,
        _ => is_same_host,
    };
    match (is_same_boot, is_same_host) {
        // A machine of this name that has been started anew since.
        (false, true) => return Verdict::Stale,
        (false, false) => return Verdict::Unknown,
        (true, _) => {}
    }
    let is_same_numbering = file.pid_namespace == own.pid_namespace;
    match is_running.filter(|_| is_same_numbering) {
        Some(true) => Verdict::Running,
        Some(false) => Verdict::Stale,
        None if is_system_lock => Verdict::Stale,
        None => Verdict::Unknown,
    }
}

/// The lock of a run directory, until it is dropped.
#[derive(Debug)]
pub(crate) struct RunLock {
    path: PathBuf,
    file: File,
}

impl RunLock {
    /// Takes the lock of `directory`, and tells of whom it was taken over, if it was left behind.
    ///
    /// # Errors
    /// [`TrainError::Locked`] when another process has it or may have it, [`TrainError::File`] when the file cannot be
    /// written.
    pub(super) fn acquire(directory: &Path) -> Result<(Self, Option<String>), TrainError> {
        let path = directory.join(NAME);
        let since = Instant::now();
        loop {
            let opened = open(&path).map_err(FileError::on(FileAction::Create, &path))?;
            let Some((mut file, is_new)) = opened else {
                continue;
            };
            let is_system_lock = match file.try_lock() {
                Ok(()) => true,
                Err(TryLockError::Error(_)) => false,
                Err(TryLockError::WouldBlock) if since.elapsed() < PATIENCE => {
                    thread::sleep(POLL);
                    continue;
                }
                Err(TryLockError::WouldBlock) => {
                    let holder = fs::read(&path).ok().and_then(|b| Holder::parse(&b));
                    return Err(locked(path, holder.as_ref(), true));
                }
            };
            let bytes = content(&mut file).map_err(FileError::on(FileAction::Read, &path))?;
            if !is_at(&file, &path) {
                // Its holder has ended, and taken the file with it.
                continue;
            }
            let holder = Holder::parse(&bytes);
            if let Some(holder) = &holder {
                let (left, own) = (&holder.process, ProcessName::own());
                match judge(left, &own, is_system_lock, left.is_running()) {
                    Verdict::Stale => {}
                    Verdict::Running => return Err(locked(path, Some(holder), true)),
                    Verdict::Unknown => return Err(locked(path, Some(holder), false)),
                }
            } else if !is_system_lock && !is_new {
                return Err(locked(path, None, false));
            }
            let lock = Self { path, file };
            lock.sign()
                .map_err(FileError::on(FileAction::Write, &lock.path))?;
            return Ok((lock, holder.map(|holder| holder.in_words())));
        }
    }

    /// Writes into the file who holds it.
    fn sign(&self) -> io::Result<()> {
        let bytes = serde_json::to_vec_pretty(&Holder::own())?;
        let mut file = &self.file;
        file.set_len(0)?;
        file.rewind()?;
        file.write_all(&bytes)?;
        file.sync_all()
    }
}

impl Drop for RunLock {
    fn drop(&mut self) {
        // Still locked, so that nobody takes over what is being deleted. What stays is taken over later.
        if is_at(&self.file, &self.path) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Removes the lock of a run directory if this process holds it: for a process that is about to end at once.
pub fn abandon_lock(directory: &Path) {
    let path = directory.join(NAME);
    let holder = fs::read(&path).ok().and_then(|b| Holder::parse(&b));
    if holder.is_some_and(|holder| holder.process == ProcessName::own()) {
        // What stays is taken over later.
        let _ = fs::remove_file(&path);
    }
}

/// Makes the file, or opens the one that is there, and whether it was made; none if it has just gone.
fn open(path: &Path) -> io::Result<Option<(File, bool)>> {
    let options = || {
        let mut options = File::options();
        options.read(true).write(true);
        options
    };
    match options().create_new(true).open(path) {
        Ok(file) => return Ok(Some((file, true))),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error),
    }
    match options().open(path) {
        Ok(file) => Ok(Some((file, false))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn content(file: &mut File) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(LARGEST).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Whether an open file is the one that its path names.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;

    match (file.metadata(), fs::metadata(path)) {
        (Ok(a), Ok(b)) => (a.dev(), a.ino()) == (b.dev(), b.ino()),
        _ => false,
    }
}

/// Whether an open file is the one that its path names.
#[cfg(not(unix))]
fn is_at(_: &File, path: &Path) -> bool {
    path.exists()
}

fn locked(path: PathBuf, holder: Option<&Holder>, is_running: bool) -> TrainError {
    TrainError::Locked {
        path,
        holder: holder.map_or_else(|| "another process".to_owned(), Holder::in_words),
        is_running,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use super::*;

    fn message(error: &TrainError) -> String {
        assert!(error.is_mistake());
        error.to_string()
    }

    fn names(directory: &Path) -> usize {
        fs::read_dir(directory).unwrap().count()
    }

    #[test]
    fn lock_keeps_others_out_until_it_is_dropped() {
        let directory = tempfile::tempdir().unwrap();
        let (lock, before) = RunLock::acquire(directory.path()).unwrap();
        assert_eq!(before, None);
        let message = message(&RunLock::acquire(directory.path()).unwrap_err());
        let own = ProcessName::own();
        let holder = format!("process {} on `{}` since 20", own.process, own.host);
        assert!(message.contains(&holder), "{message}");
        assert!(!message.contains("delete"), "{message}");
        drop(lock);
        assert_eq!(names(directory.path()), 0);
        RunLock::acquire(directory.path()).unwrap();
        assert_eq!(names(directory.path()), 0);
    }

    #[test]
    fn one_of_several_has_it_when_they_begin_at_once() {
        for _ in 0..10 {
            let directory = tempfile::tempdir().unwrap();
            let barrier = Barrier::new(4);
            let attempts = thread::scope(|scope| {
                let attempt = || {
                    barrier.wait();
                    RunLock::acquire(directory.path())
                };
                let attempts: Vec<_> = (0..4).map(|_| scope.spawn(attempt)).collect();
                let attempts = attempts.into_iter().map(|thread| thread.join().unwrap());
                attempts.collect::<Vec<_>>()
            });
            assert_eq!(attempts.iter().filter(|lock| lock.is_ok()).count(), 1);
        }
    }

    #[test]
    fn lock_that_was_left_behind_is_taken_over_and_told() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(NAME);
        let mut left = Holder::own();
        left.process.process_started = Some(1);
        fs::write(&path, serde_json::to_vec(&left).unwrap()).unwrap();
        let (lock, before) = RunLock::acquire(directory.path()).unwrap();
        assert_eq!(before, Some(left.in_words()));
        drop(lock);
        for damaged in ["", "{", "\0\0\0", "{}", "[1]", "{\"host\": 3}"] {
            fs::write(&path, damaged).unwrap();
            let (_lock, before) = RunLock::acquire(directory.path()).unwrap();
            assert_eq!(before, None, "{damaged}");
        }
        assert_eq!(names(directory.path()), 0);
    }

    #[test]
    fn lock_of_another_machine_is_left_and_the_file_to_delete_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(NAME);
        let mut other = Holder::own();
        other.process.host = "elsewhere".to_owned();
        other.process.boot_id = Some("another".to_owned());
        let bytes = serde_json::to_vec(&other).unwrap();
        fs::write(&path, &bytes).unwrap();
        let message = message(&RunLock::acquire(directory.path()).unwrap_err());
        assert!(message.contains("on `elsewhere` since"), "{message}");
        let delete = format!("delete `{}`", path.display());
        assert!(message.contains(&delete), "{message}");
        assert!(fs::read(&path).unwrap() == bytes);
    }

    #[test]
    fn holder_is_judged_by_machine_numbering_and_start() {
        use Verdict::{Running, Stale, Unknown};

        let name = |host: &str, boot: Option<&str>, numbering: &str| ProcessName {
            host: host.to_owned(),
            boot_id: boot.map(str::to_owned),
            pid_namespace: Some(numbering.to_owned()),
            process: 7,
            process_started: None,
        };
        let own = name("a", Some("1"), "n");
        let gone = Some(false);
        for (file, is_running, with, without) in [
            (own.clone(), Some(true), Running, Running),
            (own.clone(), gone, Stale, Stale),
            (own.clone(), None, Stale, Unknown),
            // Containers of one machine: another host name, another numbering.
            (name("b", Some("1"), "m"), Some(true), Stale, Unknown),
            // The machine was started anew.
            (name("a", Some("2"), "n"), Some(true), Stale, Stale),
            (name("b", Some("2"), "n"), gone, Unknown, Unknown),
            // No number of the machine is known.
            (name("a", None, "n"), gone, Stale, Stale),
            (name("b", None, "n"), gone, Unknown, Unknown),
        ] {
            assert_eq!(judge(&file, &own, true, is_running), with, "{file:?}");
            assert_eq!(judge(&file, &own, false, is_running), without, "{file:?}");
        }
    }

    #[test]
    fn lost_lock_is_not_deleted_when_another_has_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(NAME);
        let (lock, _) = RunLock::acquire(directory.path()).unwrap();
        fs::remove_file(&path).unwrap();
        let (other, _) = RunLock::acquire(directory.path()).unwrap();
        drop(lock);
        assert!(path.is_file());
        abandon_lock(directory.path());
        assert!(!path.is_file());
        drop(other);
    }
}
