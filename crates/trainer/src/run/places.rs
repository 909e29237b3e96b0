//! Where the files of a run are, seen from another directory or after a move.
//!
//! A relative path of a run's configuration is looked for
//!
//! 1. where the run was begun, in the directory that was the current one then (`run.json`);
//! 2. where that directory is now, if it was moved or copied with the run in it;
//! 3. in the current directory.
//!
//! The first that exists is taken. That it holds what the run was trained on is for fingerprints to say: those of
//! features, words and captions. Absolute paths, and those of runs without `run.json`, are taken as they are.

use std::{
    env,
    path::{Path, PathBuf},
};

use scst_data::FeatureSource;

use crate::{
    Checkpoint, TrainError,
    config::Config,
    run::record::{RunRecord, StartRecord},
};

/// Where the relative paths of a run are looked for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Places {
    /// In this order; none where nothing is known but the current directory.
    directories: Vec<PathBuf>,
    /// The current directory.
    here: PathBuf,
}

impl Places {
    /// Those of the run in `directory`, which began as its record says.
    pub(crate) fn of_run(directory: &Path, record: &RunRecord) -> Self {
        let here = env::current_dir().unwrap_or_default();
        let first = record.starts.first();
        let origin = first.map(|start| start.working_directory.clone());
        let moved = first.and_then(|start| moved(directory, start));
        let directories = match origin {
            None => Vec::new(),
            Some(origin) => {
                let mut all = vec![origin];
                for next in moved.into_iter().chain([here.clone()]) {
                    if !all.contains(&next) {
                        all.push(next);
                    }
                }
                all
            }
        };
        Self { directories, here }
    }

    /// Those of the run that a checkpoint lies in.
    ///
    /// # Errors
    /// [`TrainError`] when the record of the run is damaged.
    fn of_checkpoint(checkpoint: &Path) -> Result<Self, TrainError> {
        let Ok(path) = checkpoint.canonicalize() else {
            return Ok(Self::default());
        };
        // `best`, and `checkpoints/step-...`.
        for directory in path.ancestors().skip(1).take(2) {
            if let Some(record) = RunRecord::read(directory)? {
                return Ok(Self::of_run(directory, &record));
            }
        }
        Ok(Self::default())
    }

    /// Whether the run began in another directory than the current one.
    pub(crate) fn is_elsewhere(&self) -> bool {
        self.directories
            .first()
            .is_some_and(|first| *first != self.here)
    }

    /// The absolute path of one that is relative to the current directory.
    pub(crate) fn as_seen_here(&self, path: &Path) -> PathBuf {
        self.here.join(path)
    }

    /// Where a file is; as given, if it is found from here; none if it is nowhere.
    pub(crate) fn find(&self, path: &Path) -> Option<PathBuf> {
        if path.is_absolute() || self.directories.is_empty() {
            return path.exists().then(|| path.to_owned());
        }
        let place = self.directories.iter().find(|d| d.join(path).exists())?;
        Some(if *place == self.here {
            path.to_owned()
        } else {
            place.join(path)
        })
    }

    /// Puts into the configuration `config` of this run where every file is.
    ///
    /// Paths that differ from those of `before`, the run's own by key, are the user's, and taken as they are.
    ///
    /// # Errors
    /// [`TrainError::Moved`] for captions and features that are nowhere.
    pub(crate) fn locate(
        &self,
        config: &mut Config,
        before: &[(String, PathBuf)],
    ) -> Result<(), TrainError> {
        if self.directories.is_empty() {
            return Ok(());
        }
        for (key, path) in config.paths_mut() {
            if !before.iter().any(|(k, was)| *k == key && was == path) {
                continue;
            }
            match self.find(path) {
                Some(found) => *path = found,
                // What else there is may not be needed any more.
                None if !is_of_data(&key) => {}
                None => {
                    let tried = if path.is_absolute() {
                        Vec::new()
                    } else {
                        self.directories.clone()
                    };
                    let path = path.clone();
                    return Err(TrainError::Moved { key, path, tried });
                }
            }
        }
        if self.is_elsewhere() {
            config.move_rewards(|path| {
                let is_path = path.is_relative() && !path.as_os_str().is_empty();
                self.find(path).filter(|_| is_path)
            });
        }
        Ok(())
    }
}

/// Whether a key names captions or features, without which nothing can be done.
fn is_of_data(key: &str) -> bool {
    key.starts_with("data.captions.") || key.starts_with("data.features.")
}

/// The directory that a run was begun in, where it is now, by where the run lay in it.
fn moved(directory: &Path, start: &StartRecord) -> Option<PathBuf> {
    let within = start
        .run_directory
        .strip_prefix(&start.working_directory)
        .ok()?;
    let now = directory.canonicalize().ok()?;
    if within.as_os_str().is_empty() || !now.ends_with(within) {
        return None;
    }
    now.ancestors()
        .nth(within.components().count())
        .map(Path::to_owned)
}

impl Checkpoint {
    /// Looks for captions and features that `config` names as the run did, and puts in where they are: where the run
    /// was begun, where that directory is now if it was moved with the run, or in the current directory. Paths that
    /// differ from the run's are taken as they are.
    ///
    /// # Errors
    /// [`TrainError::Moved`] when they are nowhere; [`TrainError::RunRecord`] when the record of the run is damaged.
    pub fn locate(&self, config: &mut Config) -> Result<(), TrainError> {
        Places::of_checkpoint(self.directory())?.locate(config, self.paths())
    }

    /// The features that its run was trained on, each path in the one form that a file has: where it is found, from the
    /// root, without links. Two runs of the same files have the same, however their configurations spell them.
    ///
    /// # Errors
    /// [`TrainError::RunRecord`] when the record of the run is damaged.
    pub fn features_found(&self) -> Result<FeatureSource, TrainError> {
        let places = Places::of_checkpoint(self.directory())?;
        let mut source = self.config.data.features.with_names();
        for (_, path) in source.paths_mut() {
            let found = places.find(path).unwrap_or_else(|| path.clone());
            *path = found.canonicalize().unwrap_or(found);
        }
        Ok(source)
    }

    /// Where a file that the run names is, such as the weights of its encoder; as given if it is nowhere.
    ///
    /// # Errors
    /// [`TrainError::RunRecord`] when the record of the run is damaged.
    pub fn find(&self, path: &Path) -> Result<PathBuf, TrainError> {
        let found = Places::of_checkpoint(self.directory())?.find(path);
        Ok(found.unwrap_or_else(|| path.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn record(working_directory: &Path, run_directory: &Path) -> RunRecord {
        let start = StartRecord {
            working_directory: working_directory.to_owned(),
            run_directory: run_directory.to_owned(),
            ..StartRecord::default()
        };
        RunRecord {
            captions: None,
            starts: vec![start],
        }
    }

    #[test]
    fn file_is_found_where_the_run_began_then_where_that_is_now_then_here() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        let (old, new) = (root.join("old"), root.join("new"));
        for project in [&old, &new] {
            fs::create_dir_all(project.join("runs/a")).unwrap();
            fs::write(project.join("both"), "").unwrap();
        }
        fs::write(new.join("moved"), "").unwrap();
        let run = new.join("runs/a");
        let places = Places::of_run(&run, &record(&old, &old.join("runs/a")));
        assert_eq!(places.find(Path::new("both")), Some(old.join("both")));
        assert_eq!(places.find(Path::new("moved")), Some(new.join("moved")));
        // Tests run in the directory of the package.
        assert_eq!(
            places.find(Path::new("Cargo.toml")),
            Some("Cargo.toml".into())
        );
        assert_eq!(places.find(Path::new("nowhere")), None);
        assert_eq!(places.find(&new.join("moved")), Some(new.join("moved")));
        assert!(places.is_elsewhere());
    }

    #[test]
    fn run_of_an_unknown_beginning_has_its_files_here() {
        let places = Places::of_run(Path::new("."), &RunRecord::default());
        assert_eq!(
            places.find(Path::new("Cargo.toml")),
            Some("Cargo.toml".into())
        );
        assert!(!places.is_elsewhere());
    }

    #[test]
    fn moved_directory_is_known_only_when_the_run_lies_in_it_as_before() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        let run = root.join("b/runs/x");
        fs::create_dir_all(&run).unwrap();
        let of = |working: &str, within: &str| {
            let record = record(Path::new(working), Path::new(within));
            moved(&run, &record.starts[0])
        };
        assert_eq!(of("/a", "/a/runs/x"), Some(root.join("b")));
        assert_eq!(of("/a", "/a/runs/y"), None);
        assert_eq!(of("/a", "/elsewhere/x"), None);
        assert_eq!(of("/a", "/a"), None);
    }
}
