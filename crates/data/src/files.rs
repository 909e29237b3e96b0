//! Files that appear complete or not at all.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use tempfile::{Builder, NamedTempFile};

/// Writes a file in place of one of its name: whenever the program or the machine stops, the old file is there or the
/// new one.
///
/// # Errors
///
/// The folder is missing, or cannot be written to.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let mut file: NamedTempFile = builder(path).tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    // The name is safe once its folder is.
    if cfg!(unix) {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

/// Temporary files that may be read by whoever may read the file in their place, or any new file.
fn builder(path: &Path) -> Builder<'static, 'static> {
    let mut builder = Builder::new();
    builder.prefix(".writing-");
    if let Ok(metadata) = fs::metadata(path) {
        builder.permissions(metadata.permissions());
        return builder;
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // What the process does not grant is taken away from it.
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    builder
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::Folder;

    #[test]
    fn file_is_replaced_and_nothing_else_is_left() {
        let folder = Folder::new();
        let path = folder.path("a.json");
        write(&path, b"one").unwrap();
        write(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(folder.root()).unwrap().count(), 1);
    }

    #[test]
    fn old_file_stays_when_the_new_one_cannot_be_put_in_its_place() {
        let folder = Folder::new();
        let path = folder.path("a");
        fs::create_dir(&path).unwrap();
        folder.file("a/kept.txt", "kept");
        assert!(write(&path, b"new").is_err());
        assert_eq!(fs::read(folder.path("a/kept.txt")).unwrap(), b"kept");
        assert_eq!(fs::read_dir(folder.root()).unwrap().count(), 1);
        assert!(write(&folder.path("none/a"), b"new").is_err());
    }

    #[cfg(unix)]
    #[test]
    fn file_can_be_read_by_those_who_could_read_an_ordinary_one() {
        use std::os::unix::fs::PermissionsExt;
        let folder = Folder::new();
        let ordinary = folder.file("ordinary", "");
        let path = folder.path("a");
        write(&path, b"one").unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&path), mode(&ordinary));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        write(&path, b"two").unwrap();
        assert_eq!(mode(&path), 0o600);
    }
}
