//! One image of a folder, encoded.

use std::io;

use super::{extraction::Extraction, progress::Stamp};
use crate::{
    encoder::{Encoder, Features},
    error::PictureError,
    picture::{self, Orientation},
};

/// An image's file as it was just before it was read, and its features.
pub(super) type Encoded = (Stamp, Result<Features, PictureError>);

/// Reads and encodes an image by its name.
///
/// # Errors
/// There is no such file.
pub(super) fn encode(
    extraction: &Extraction,
    encoder: &Encoder,
    name: &str,
) -> io::Result<Encoded> {
    let path = extraction.images.join(name);
    let stamp = Stamp::of(&path)?;
    let size = extraction.architecture.image_size();
    let picture = picture::read(&path, size, Orientation::Exif);
    Ok((stamp, picture.map(|picture| encoder.encode(&picture))))
}
