//! Where the bytes of an output go: through links, and straight into what is no file, such as `/dev/null` or a pipe.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// Links that are followed, one to the next.
const MOST_LINKS: usize = 40;
/// Where names of devices and of the streams of a process are.
const STREAMS: [&str; 2] = ["/dev", "/proc"];

/// Where the bytes of an output go.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// To a file that is or will be here, and is replaced as a whole.
    File(PathBuf),
    /// Into a device, a pipe or a stream of the process, which stays what it is.
    Stream,
}

impl Target {
    /// What a path of the user stands for.
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        let is_stream = |path: &Path| STREAMS.iter().any(|folder| path.starts_with(folder));
        let mut place = path.to_owned();
        for _ in 0..MOST_LINKS {
            if is_stream(&place) {
                return Ok(Self::Stream);
            }
            match fs::symlink_metadata(&place) {
                Ok(found) if found.is_symlink() => {
                    place = parent(&place).join(fs::read_link(&place)?);
                }
                Ok(found) if !found.is_file() && !found.is_dir() => return Ok(Self::Stream),
                _ => return Ok(Self::File(place)),
            }
        }
        Err(io::Error::other("a circle of links"))
    }
}

/// The directory of a path.
pub(super) fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn links_are_followed_to_files_and_devices_are_none() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        fs::create_dir(path("far")).unwrap();
        fs::write(path("far/file"), "old").unwrap();
        symlink("far/file", path("link")).unwrap();
        symlink("link", path("second")).unwrap();
        symlink("far/new", path("dangling")).unwrap();
        symlink("/dev/null", path("nothing")).unwrap();
        symlink("circle", path("circle")).unwrap();
        for (name, target) in [
            ("plain", "plain"),
            ("link", "far/file"),
            ("second", "far/file"),
            ("dangling", "far/new"),
        ] {
            assert_eq!(
                Target::of(&path(name)).unwrap(),
                Target::File(path(target)),
                "{name}"
            );
        }
        for name in ["/dev/null", "/dev/stdout", "/proc/self/fd/1"] {
            assert_eq!(Target::of(Path::new(name)).unwrap(), Target::Stream);
        }
        assert_eq!(Target::of(&path("nothing")).unwrap(), Target::Stream);
        assert!(Target::of(&path("circle")).is_err());
    }
}
