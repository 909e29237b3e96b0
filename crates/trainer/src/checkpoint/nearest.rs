//! Runs and checkpoints that were probably meant by a path at which there is none.

use std::{
    fmt, fs,
    path::{Path, PathBuf},
};

use super::manifest::MANIFEST;

/// How alike two names are at least, 0 to 1, for one to be offered for the other.
const ALIKE: f64 = 0.84;
/// Most that a message names.
const MOST: usize = 3;
/// The directory that runs are in unless another one is asked for.
const RUNS: &str = "runs";

/// Runs and checkpoints near a path at which there is none.
///
/// `Display` gives the end of a sentence: `; did you mean ...?`, `; there are ...`, or nothing if there is none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NearestRuns {
    /// The nearest first.
    paths: Vec<PathBuf>,
    /// Whether the first is likely what was meant.
    is_alike: bool,
}

impl NearestRuns {
    /// Runs near `path`: in it, if it is a directory; else beside it and in `runs`.
    pub fn to(path: &Path) -> Self {
        Self::among(path, &is_run)
    }

    /// The same with checkpoints. Of a run, it is the newest one.
    pub(super) fn or_checkpoints(path: &Path) -> Self {
        Self::among(path, &|path| is_checkpoint(path) || is_run(path))
    }

    fn among(path: &Path, is_wanted: &dyn Fn(&Path) -> bool) -> Self {
        if path.is_dir() {
            let newest = entries(&path.join("checkpoints"), is_wanted).pop();
            let paths = newest.into_iter().chain(entries(path, is_wanted));
            return Self {
                paths: paths.collect(),
                is_alike: false,
            };
        }
        let beside = path.parent().unwrap_or(Path::new(""));
        let mut paths = entries(beside, is_wanted);
        if beside != Path::new(RUNS) {
            paths.extend(entries(Path::new(RUNS), is_wanted));
        }
        let name = name(path);
        let mut paths: Vec<(f64, PathBuf)> = paths
            .into_iter()
            .map(|path| (strsim::jaro_winkler(&name, &self::name(&path)), path))
            .collect();
        paths.sort_by(|(a, _), (b, _)| b.total_cmp(a));
        Self {
            is_alike: paths.first().is_some_and(|(alike, _)| *alike >= ALIKE),
            paths: paths.into_iter().map(|(_, path)| path).collect(),
        }
    }
}

impl fmt::Display for NearestRuns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named: Vec<String> = self
            .paths
            .iter()
            .take(MOST)
            .map(|path| format!("`{}`", path.display()))
            .collect();
        let others = self.paths.len() - named.len();
        match (named.as_slice(), others) {
            ([], _) => Ok(()),
            ([first, ..], _) if self.is_alike => write!(f, "; did you mean {first}?"),
            ([only], _) => write!(f, "; there is {only}"),
            ([before @ .., last], 0) => write!(f, "; there are {} and {last}", before.join(", ")),
            (all, 1) => write!(f, "; there are {} and another", all.join(", ")),
            (all, others) => write!(f, "; there are {} and {others} others", all.join(", ")),
        }
    }
}

/// The last part of a path in lower case.
fn name(path: &Path) -> String {
    let name = path.file_name().unwrap_or(path.as_os_str());
    name.to_string_lossy().to_lowercase()
}

fn is_checkpoint(path: &Path) -> bool {
    path.join(MANIFEST).is_file()
}

/// Whether a run was begun in a directory.
fn is_run(path: &Path) -> bool {
    let holds = |name: &str| path.join(name).exists();
    holds("config.toml") && !is_checkpoint(path) && (holds("checkpoints") || holds("run.json"))
}

/// What is wanted in a directory, by name; nothing in one that cannot be read.
fn entries(directory: &Path, is_wanted: &dyn Fn(&Path) -> bool) -> Vec<PathBuf> {
    let read = if directory == Path::new("") {
        Path::new(".")
    } else {
        directory
    };
    let entries = fs::read_dir(read).into_iter().flatten().flatten();
    let paths = entries.map(|entry| directory.join(entry.file_name()));
    let mut paths: Vec<PathBuf> = paths.filter(|path| is_wanted(path)).collect();
    paths.sort();
    paths
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A directory with runs and, in them, checkpoints of these names.
    fn directory(runs: &[(&str, &[&str])]) -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        for (run, checkpoints) in runs {
            let run = directory.path().join(run);
            fs::create_dir_all(run.join("checkpoints")).unwrap();
            fs::write(run.join("config.toml"), "").unwrap();
            for checkpoint in *checkpoints {
                let checkpoint = run.join("checkpoints").join(checkpoint);
                fs::create_dir(&checkpoint).unwrap();
                fs::write(checkpoint.join(MANIFEST), "").unwrap();
            }
        }
        directory
    }

    #[test]
    fn nearest_name_is_offered_and_without_one_what_there_is() {
        let directory = directory(&[
            ("nope2", &[]),
            ("other", &[]),
            ("second", &[]),
            ("third", &[]),
        ]);
        let shown = |near: NearestRuns| {
            let place = format!("{}/", directory.path().display());
            near.to_string().replace(&place, "")
        };
        let to = |name: &str| shown(NearestRuns::to(&directory.path().join(name)));
        assert_eq!(to("NOPE"), "; did you mean `nope2`?");
        let listed = to("zzz");
        assert!(listed.starts_with("; there are `"), "{listed}");
        assert!(listed.ends_with("` and another"), "{listed}");
        assert_eq!(
            shown(NearestRuns::to(directory.path())),
            "; there are `nope2`, `other`, `second` and another"
        );
        assert_eq!(to("nowhere/at/all"), "");
    }

    #[test]
    fn checkpoints_are_near_where_they_can_be_read_and_not_where_runs_are_meant() {
        let directory = directory(&[("tiny", &["step-00000020", "step-00000040"])]);
        let run = directory.path().join("tiny");
        let newest = run.join("checkpoints/step-00000040");
        let near = NearestRuns::or_checkpoints(&run).to_string();
        assert_eq!(near, format!("; there is `{}`", newest.display()));
        assert_eq!(NearestRuns::to(&run), NearestRuns::default());
        let near = NearestRuns::or_checkpoints(&run.join("checkpoints/step-0000004"));
        assert_eq!(
            near.to_string(),
            format!("; did you mean `{}`?", newest.display())
        );
    }
}
