//! Pictures of attention: where they go, and what is in them.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
};

use scst_encoder::{Orientation, attention_picture, read_whole};
use scst_model::CaptionerConfig;

use super::shown::broken;
use crate::{arguments::CaptionArguments, commands::out_file::check_out_file, failure::Failure};

/// The picture of every image, if pictures are asked for.
///
/// # Errors
/// A [`Failure::Mistake`] when they cannot be drawn, or not there.
pub(super) fn files(
    arguments: &CaptionArguments,
    model: &CaptionerConfig,
) -> Result<Vec<PathBuf>, Failure> {
    let Some(out) = &arguments.attention else {
        return Ok(Vec::new());
    };
    if !model.reads_regions() {
        return Err(Failure::Mistake(format!(
            "--attention: captioner `{}` has no attention, it reads one vector an image; expected one that reads regions",
            model.name()
        )));
    }
    let is_png = out.extension().is_some_and(|ending| ending == "png");
    let stem = out.file_stem().and_then(|stem| stem.to_str());
    let (true, Some(stem)) = (is_png, stem) else {
        return Err(Failure::Mistake(format!(
            "--attention: found `{}`, expected a file ending in .png",
            out.display()
        )));
    };
    check_out_file("--attention", out)?;
    let file = |image: &PathBuf| match image.file_stem() {
        Some(name) if arguments.images.len() > 1 => {
            out.with_file_name(format!("{stem}-{}.png", name.to_string_lossy()))
        }
        _ => out.clone(),
    };
    let files: Vec<PathBuf> = arguments.images.iter().map(file).collect();
    check_distinct(&arguments.images, &files)?;
    Ok(files)
}

/// No picture may take the place of another, or of an image.
fn check_distinct(images: &[PathBuf], files: &[PathBuf]) -> Result<(), Failure> {
    let mut image_of_file = HashMap::new();
    for (image, file) in images.iter().zip(files) {
        if let Some(other) = image_of_file.insert(file, image) {
            return Err(Failure::Mistake(format!(
                "--attention: the pictures of `{}` and `{}` would both be `{}`",
                other.display(),
                image.display(),
                file.display()
            )));
        }
    }
    let places: Vec<_> = images.iter().map(fs::canonicalize).collect();
    for file in files {
        let Ok(place) = fs::canonicalize(file) else {
            continue;
        };
        if places.iter().flatten().any(|image| *image == place) {
            return Err(Failure::Mistake(format!(
                "--attention: `{}` is one of the images",
                file.display()
            )));
        }
    }
    Ok(())
}

/// The picture of an image as a PNG.
pub(super) fn draw(
    photo: &Path,
    orientation: Orientation,
    words: &[(String, Vec<f32>)],
) -> Result<Vec<u8>, Failure> {
    let picture = read_whole(photo, orientation).map_err(|error| broken(photo, error))?;
    attention_picture(picture, words)
        .map_err(|error| Failure::Failed(format!("image `{}`: {error}", photo.display())))
}
