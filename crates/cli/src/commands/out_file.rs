//! Files that commands write where the user says.

use std::path::Path;

use crate::failure::Failure;

/// Refuses, before anything is computed, a file that could not be written: its folder is not there, or it is a folder.
pub(crate) fn check_out_file(flag: &str, path: &Path) -> Result<(), Failure> {
    let folder = path.parent().filter(|folder| *folder != Path::new(""));
    if let Some(folder) = folder.filter(|folder| !folder.is_dir()) {
        return Err(Failure::Mistake(format!(
            "{flag}: there is no folder `{}`",
            folder.display()
        )));
    }
    if path.is_dir() {
        return Err(Failure::Mistake(format!(
            "{flag}: found the folder `{}`, expected a file",
            path.display()
        )));
    }
    Ok(())
}
