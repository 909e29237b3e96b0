//! The images of a folder.

use std::path::Path;

use crate::error::EncoderError;

/// Endings of the files that are taken for images, in any case.
const ENDINGS: [&str; 4] = ["jpg", "jpeg", "png", "webp"];

/// File names of the images in a folder, sorted by their bytes.
///
/// # Errors
/// The folder cannot be listed, holds no image, or one whose name cannot be a line of a names file.
pub(super) fn images(folder: &Path) -> Result<Vec<String>, EncoderError> {
    let list = |error| EncoderError::List {
        path: folder.to_owned(),
        error,
    };
    let mut names = Vec::new();
    for entry in folder.read_dir().map_err(list)? {
        let path = entry.map_err(list)?.path();
        let ending = path.extension().and_then(|ending| ending.to_str());
        let is_image = ENDINGS
            .iter()
            .any(|known| ending.is_some_and(|ending| ending.eq_ignore_ascii_case(known)));
        if !is_image || path.is_dir() {
            continue;
        }
        let name = path.file_name().and_then(|name| name.to_str());
        match name {
            Some(name) if name.trim() == name && !name.contains(['\n', '\r']) => {
                names.push(name.to_owned());
            }
            _ => return Err(EncoderError::ImageName { path }),
        }
    }
    if names.is_empty() {
        return Err(EncoderError::NoImages {
            path: folder.to_owned(),
        });
    }
    names.sort_unstable();
    Ok(names)
}
