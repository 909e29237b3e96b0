//! A run directory before anything else is read: locked if it holds a run, compared with the configuration.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use scst_files::{FileAction, FileError, recover_all, remove_stale_temporaries};

use super::{
    lock::RunLock,
    options::{RunOptions, Start},
    record::RunRecord,
};
use crate::{
    TrainError, checkpoint,
    config::{Config, ScheduleConfig},
    corpus::Corpus,
    events::METRICS_FILE,
    observer::{Event, Observer},
    ranks::meet,
    run::places::Places,
};

/// What stands in the run directory, and the configuration in the light of it.
#[derive(Debug, Default)]
pub(super) struct Prepared {
    /// The newest checkpoint, if there is one.
    pub(super) newest: Option<PathBuf>,
    /// The lock, if there is a run.
    pub(super) lock: Option<RunLock>,
    /// How the run was begun, as far as it was noted.
    pub(super) record: RunRecord,
    /// Where its files are.
    pub(super) places: Places,
    /// Checkpoints of other runs that have moved: the former path, and that of now.
    pub(super) moved: Vec<(PathBuf, PathBuf)>,
    /// A key of captions that are not read from where they were, and their path now.
    pub(super) other_captions: Option<(String, PathBuf)>,
}

/// Looks at the run directory. Of the configurations that come with it, the first is the one to be recorded, the other has
/// every path where the file is.
///
/// # Errors
/// [`TrainError`] when there is a run and none was expected, or the other way round, or another process trains it, or it
/// had another configuration, or its data are nowhere.
pub(super) fn prepare(
    config: &Config,
    options: &RunOptions<'_>,
    observer: &mut dyn Observer,
) -> Result<(Prepared, [Config; 2]), TrainError> {
    // What the first rank repairs and locks, the others look at afterwards.
    let is_first = options.group.rank() == 0;
    if !is_first {
        meet(options.group, "the state of the run directory")?;
    }
    let found = look(config, options, is_first.then_some(observer));
    if is_first && found.is_ok() {
        meet(options.group, "the state of the run directory")?;
    }
    found
}

/// The same of one rank. `observer`: that of the first, which alone changes something.
fn look(
    config: &Config,
    options: &RunOptions<'_>,
    observer: Option<&mut dyn Observer>,
) -> Result<(Prepared, [Config; 2]), TrainError> {
    let path = options.directory.clone();
    check_place(&path)?;
    if !path.join("config.toml").is_file() {
        return match first_trace(&path)? {
            Some(found) => Err(TrainError::RunWithoutConfig { path, found }),
            None if options.start == Start::Resume => Err(TrainError::NoRun { path }),
            None => Ok((Prepared::default(), [config.clone(), config.clone()])),
        };
    }
    if options.start == Start::New {
        return Err(TrainError::RunExists { path });
    }
    let is_first = observer.is_some();
    let lock = observer.map(|observer| lock(&path, observer)).transpose()?;
    let captioners = &options.registry.captioners;
    let before: Config = Config::load(&path.join("config.toml"), Vec::new(), captioners)?.into();
    let record = RunRecord::read(&path)?.unwrap_or_default();
    check_unchanged(config, &before, &record, &path)?;
    let places = Places::of_run(&path, &record);
    let recorded = settled(config, &before, &places);
    let mut located = recorded.clone();
    places.locate(&mut located, &before.paths())?;
    let prepared = Prepared {
        newest: newest_checkpoint(&path, is_first)?,
        lock,
        moved: moved(config, &before),
        other_captions: other_captions(&located, &before, &record),
        record,
        places,
    };
    Ok((prepared, [recorded, located]))
}

impl Prepared {
    /// The lock of a run that is new, whose directory is there by now.
    ///
    /// # Errors
    /// Those of [`RunLock::acquire`]; [`TrainError::RunExists`] when another process has begun a run meanwhile.
    pub(super) fn lock_of_new(
        &self,
        directory: &Path,
        observer: &mut dyn Observer,
    ) -> Result<Option<RunLock>, TrainError> {
        if self.lock.is_some() {
            return Ok(None);
        }
        let lock = lock(directory, observer)?;
        if directory.join("config.toml").is_file() {
            let path = directory.to_owned();
            return Err(TrainError::RunExists { path });
        }
        Ok(Some(lock))
    }

    /// The fingerprint of the captions; if they are not read from where they were, it has to be what it was.
    ///
    /// # Errors
    /// [`TrainError::OtherCaptions`] when it is not.
    pub(super) fn check_captions(&self, corpus: &Corpus) -> Result<String, TrainError> {
        let found = corpus.captions_fingerprint();
        match (&self.record.captions, &self.other_captions) {
            (Some(expected), Some((key, path))) if *expected != found => {
                let (key, path) = (key.clone(), path.clone());
                Err(TrainError::OtherCaptions { key, path })
            }
            _ => Ok(found),
        }
    }
}

/// Takes the lock of a run directory, and tells the observer of whom it was taken over.
///
/// # Errors
/// Those of [`RunLock::acquire`].
pub(super) fn lock(directory: &Path, observer: &mut dyn Observer) -> Result<RunLock, TrainError> {
    let (lock, left) = RunLock::acquire(directory)?;
    if let Some(holder) = left {
        observer.observe(&Event::LockTakenOver {
            path: directory,
            holder: &holder,
        });
    }
    Ok(lock)
}

/// The newest checkpoint of the run, after repairing what a kill has left, if this rank is to.
fn newest_checkpoint(directory: &Path, repairs: bool) -> Result<Option<PathBuf>, TrainError> {
    if repairs {
        recover_all(directory)?;
    }
    let checkpoints = directory.join("checkpoints");
    if !checkpoints.is_dir() {
        return Ok(None);
    }
    if repairs {
        remove_stale_temporaries(&checkpoints)?;
    }
    Ok(checkpoint::newest(&checkpoints)?)
}

/// Whether a run directory is or can be one: the first of it and those above it that is there has to be a directory.
///
/// # Errors
/// [`TrainError::NotADirectory`], and [`TrainError::File`] when that cannot be seen.
fn check_place(run: &Path) -> Result<(), TrainError> {
    for path in run.ancestors().filter(|path| *path != Path::new("")) {
        let found = match fs::metadata(path) {
            Ok(found) if found.is_dir() => return Ok(()),
            Ok(_) => "a file",
            Err(_) if path.is_symlink() => "a link to what is not there",
            Err(error) if is_nothing(&error) => continue,
            Err(error) => return Err(FileError::on(FileAction::Read, path)(error).into()),
        };
        return Err(TrainError::NotADirectory {
            path: path.to_owned(),
            found,
            run: run.to_owned(),
        });
    }
    Ok(())
}

/// Something that only a run leaves in its directory.
fn first_trace(directory: &Path) -> Result<Option<PathBuf>, FileError> {
    for name in ["best", ".old-best", METRICS_FILE] {
        let path = directory.join(name);
        if path.exists() {
            return Ok(Some(path));
        }
    }
    let checkpoints = directory.join("checkpoints");
    let entries = match fs::read_dir(&checkpoints) {
        Ok(entries) => entries,
        Err(error) if is_nothing(&error) => return Ok(None),
        Err(error) => return Err(FileError::on(FileAction::List, &checkpoints)(error)),
    };
    let entries: Result<Vec<PathBuf>, io::Error> = entries.map(|entry| Ok(entry?.path())).collect();
    let entries = entries.map_err(FileError::on(FileAction::List, &checkpoints))?;
    Ok(entries.into_iter().min())
}

fn is_nothing(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

fn check_unchanged(
    config: &Config,
    before: &Config,
    record: &RunRecord,
    directory: &Path,
) -> Result<(), TrainError> {
    let mut before = before.clone();
    // How fast a run goes and what it writes down is not part of what it is; nor is when it ends, unless its learning
    // rate depends on that.
    before.threads = config.threads;
    before.parts_in_memory = config.parts_in_memory;
    before.checkpoints = config.checkpoints.clone();
    before.validation.samples = config.validation.samples;
    // Files may have moved: whether they are the same is seen by themselves, where it was noted what they held.
    if let (Some(was), Some(now)) = (&mut before.data.features, &config.data.features) {
        was.move_to(now);
    }
    let may_move = |key: &str| {
        key.starts_with("stages.") || (is_of_captions(key) && record.captions.is_some())
    };
    for (key, path) in before.paths_mut() {
        if let Some(now) = config.path(&key).filter(|_| may_move(&key)) {
            *path = now;
        }
    }
    let stages = before.stages.len();
    if let (Some(last), Some(now)) = (before.stages.last_mut(), config.stages.last())
        && stages == config.stages.len()
        && !matches!(now.schedule, ScheduleConfig::Cosine { .. })
    {
        (last.epochs, last.steps) = (now.epochs, now.steps);
    }
    match before.first_difference(config) {
        None => Ok(()),
        Some((key, was, is)) => Err(TrainError::ConfigChanged {
            path: directory.to_owned(),
            key,
            was,
            is,
        }),
    }
}

/// The configuration as it is recorded: relative to where the run was begun, as the configuration `before` is.
fn settled(config: &Config, before: &Config, places: &Places) -> Config {
    let mut config = config.clone();
    if places.is_elsewhere() {
        for (key, path) in config.paths_mut() {
            if before.path(&key).as_ref() != Some(path) {
                *path = places.as_seen_here(path);
            }
        }
    }
    config
}

/// Paths of checkpoints of other runs that have changed.
fn moved(config: &Config, before: &Config) -> Vec<(PathBuf, PathBuf)> {
    let of_runs = before.paths().into_iter();
    let of_runs = of_runs.filter(|(key, _)| key.starts_with("stages."));
    let pairs = of_runs.filter_map(|(key, was)| Some((was, config.path(&key)?)));
    pairs.filter(|(was, now)| was != now).collect()
}

/// Whether a key names a file whose content [`Corpus::captions_fingerprint`] covers.
fn is_of_captions(key: &str) -> bool {
    key.starts_with("data.captions.") || key.starts_with("data.text.")
}

/// The first captions that are read from elsewhere than when the run was begun.
fn other_captions(
    located: &Config,
    before: &Config,
    record: &RunRecord,
) -> Option<(String, PathBuf)> {
    let origin = &record.starts.first()?.working_directory;
    let here = std::env::current_dir().ok()?;
    let mut captions = located.paths().into_iter();
    captions.find(|(key, path)| {
        let was = before.path(key).unwrap_or_default();
        is_of_captions(key) && here.join(path) != origin.join(was)
    })
}
