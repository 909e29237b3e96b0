//! Why there is no checkpoint at a path.

use std::{fs, io, path::Path};

use super::{CheckpointError, NearestRuns, manifest::MANIFEST};

/// Why there is no checkpoint at `path`: nothing is there, or something else, or it cannot be looked into.
pub(super) fn missing(path: &Path) -> CheckpointError {
    let manifest = path.join(MANIFEST);
    let (path, near) = (path.to_owned(), NearestRuns::or_checkpoints(path));
    match fs::metadata(&manifest) {
        Err(source) if !is_nothing(&source) => CheckpointError::Read {
            path: manifest,
            source,
        },
        _ if path.is_dir() => CheckpointError::Missing { path, near },
        _ if path.is_symlink() && !path.exists() => CheckpointError::DanglingLink { path, near },
        _ if path.exists() => CheckpointError::NotADirectory { path, near },
        _ => CheckpointError::NotFound { path, near },
    }
}

fn is_nothing(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_checkpoint_is_called_what_it_is() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        let message = |name: &str| {
            let error = missing(&path(name));
            assert!(error.is_mistake());
            error.to_string().replace(&*path("").to_string_lossy(), "")
        };
        assert_eq!(
            message("nothing"),
            "there is no run or checkpoint `nothing`"
        );
        assert_eq!(
            message(""),
            "`` holds no checkpoint: found no `manifest.json`"
        );
        fs::write(path("file"), "").unwrap();
        assert_eq!(
            message("file"),
            "`file` is a file, expected the directory of a run or checkpoint"
        );
        assert_eq!(
            message("file/best"),
            "there is no run or checkpoint `file/best`"
        );
        // Nobody can look there.
        let error = missing(&path(&"x".repeat(1000)));
        assert!(matches!(error, CheckpointError::Read { .. }) && !error.is_mistake());
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink("gone", path("link")).unwrap();
            assert_eq!(
                message("link"),
                "`link` is a link to what is not there, expected the directory of a run or checkpoint"
            );
        }
    }
}
