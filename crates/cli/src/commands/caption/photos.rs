//! Photos by their paths, and all of a folder by its.

use scst_encoder::list_images;

use crate::{arguments::CaptionArguments, failure::Failure, output::note};

/// The arguments with the images of folders in the place of the folders, sorted by name.
///
/// # Errors
/// A folder that cannot be listed, or holds no image.
pub(super) fn listed(arguments: &CaptionArguments) -> Result<CaptionArguments, Failure> {
    let mut images = Vec::with_capacity(arguments.images.len());
    for path in &arguments.images {
        if !path.is_dir() {
            images.push(path.clone());
            continue;
        }
        let (names, passed_over) = list_images(path, arguments.recursive)?;
        if !passed_over.is_empty() {
            note!("`{}`: {passed_over}", path.display());
        }
        images.extend(names.iter().map(|name| path.join(name)));
    }
    Ok(CaptionArguments {
        images,
        ..arguments.clone()
    })
}
