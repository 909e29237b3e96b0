//! From a folder of images to feature files, so that a killed process loses next to nothing.
//!
//! Features are appended to files under names of their own (`FILE.partial`), and every image that is done to a record
//! of progress beside them. The same call goes on where the record ends, or before the first image whose file is not
//! the one that was encoded; since every image is encoded for itself, by one thread, the files end up the same to the
//! byte. They are renamed into place when they are complete.

mod listing;
mod plan;
mod progress;
mod rows;
mod workers;

use std::{
    fs, io, iter,
    num::NonZeroUsize,
    path::{Path, PathBuf},
};

use half::f16;
use image::RgbImage;
use serde::{Deserialize, Serialize};

pub use self::{listing::PassedOver, progress::Change};
use self::{
    plan::{check_unfinished, outputs, records, resume, settings},
    progress::{Entry, Progress, Stamp},
    rows::RowFile,
    workers::Workers,
};
use crate::{
    architecture::Architecture,
    encoder::{Encoder, Features},
    error::{EncoderError, PictureError, WeightsError},
    picture::{self, Orientation},
    record::Part,
};

/// Images that each thread encodes before features are forced to the disk.
const IMAGES_PER_BATCH: usize = 16;

/// Type of the numbers in a feature file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Element {
    /// 16-bit floats.
    F16,
    /// 32-bit floats.
    F32,
}

impl Element {
    /// Rounds numbers as they are rounded on their way to a file.
    pub fn round(self, values: &mut [f32]) {
        if self == Self::F16 {
            for value in values {
                *value = f16::from_f32(*value).to_f32();
            }
        }
    }
}

/// What is done about an image that cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnError {
    /// The work ends with an error.
    Stop,
    /// It gets no features.
    Skip,
}

/// What is to be made of what.
#[derive(Debug, Clone)]
pub struct Extraction {
    /// A folder; its JPEG, PNG, WebP, GIF, BMP and TIFF files are encoded, the right way up.
    pub images: PathBuf,
    /// Whether folders within it are read too; then names are paths from the folder.
    pub is_recursive: bool,
    /// Whether finished files of the same names are replaced.
    pub replaces: bool,
    /// The encoder.
    pub architecture: Architecture,
    /// Its weights, a `.pth` file.
    pub weights: PathBuf,
    /// Where pooled features go, a `.npy` file `[images, dimension]`.
    pub pooled: Option<PathBuf>,
    /// Where grid features go, a `.npy` file `[images, regions, dimension]`.
    pub grid: Option<PathBuf>,
    /// Type of the numbers.
    pub element: Element,
    /// What is done about an image that cannot be read.
    pub on_error: OnError,
    /// Threads; each encodes an image of its own.
    pub threads: NonZeroUsize,
}

/// What happens meanwhile.
#[derive(Debug)]
pub enum ExtractionEvent<'a> {
    /// The work begins, or goes on.
    Started {
        /// Images in the folder.
        images: usize,
        /// Images that are done already.
        done: usize,
        /// What else is in the folder.
        passed_over: &'a PassedOver,
    },
    /// An image is not as it was when it was encoded: it and all that follow it are encoded again.
    Changed {
        /// The image.
        path: &'a Path,
        /// What became of it.
        change: Change,
    },
    /// One more image is done.
    Encoded,
    /// An image is left out.
    Skipped {
        /// The image.
        path: &'a Path,
        /// Why it cannot be read.
        error: &'a PictureError,
    },
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extracted {
    /// Images with features.
    pub images: usize,
    /// Images without, because they cannot be read.
    pub skipped: usize,
    /// Images that were done already when the work began.
    pub done_before: usize,
    /// Other files of the folder.
    pub passed_over: usize,
}

/// Encodes all images of a folder, and writes the files and beside each a `.names.txt` with a file name a row, sorted,
/// and an `.encoder.json` with an [`EncoderRecord`](crate::EncoderRecord).
///
/// # Errors
/// The options do not go together, a file is there already (see [`Extraction::replaces`]), something cannot be read or written, or an image is broken (see [`OnError`]). What
/// is done by then is kept, and the next call goes on from there.
pub fn extract(
    extraction: &Extraction,
    observe: &mut dyn FnMut(&ExtractionEvent<'_>),
) -> Result<Extracted, EncoderError> {
    let outputs = outputs(extraction)?;
    check_unfinished(extraction, &outputs)?;
    let (names, passed_over) = listing::images(&extraction.images, extraction.is_recursive)?;
    let encoder = Encoder::open(extraction.architecture, &extraction.weights)?;
    let settings = settings(extraction, &outputs)?;
    let records = records(extraction, &outputs, settings.weights_crc32c)?;
    let (mut progress, mut files) = resume(settings, &outputs, extraction, &names)?;
    let done_before = progress.entries().len();
    if let Some((name, change)) = progress.change() {
        observe(&ExtractionEvent::Changed {
            path: &extraction.images.join(name),
            change: *change,
        });
    }
    observe(&ExtractionEvent::Started {
        images: names.len(),
        done: done_before,
        passed_over: &passed_over,
    });
    let workers = Workers::start(extraction.threads)?;
    let batch = IMAGES_PER_BATCH * extraction.threads.get();
    for names in names[done_before..].chunks(batch) {
        let results = workers.map(
            names.len(),
            &|number| encode(extraction, &encoder, &names[number]),
            &mut || observe(&ExtractionEvent::Encoded),
        );
        let (entries, failure) = append(extraction, names, results, &mut files, observe)?;
        for (_, file) in &mut files {
            file.sync()?;
        }
        progress.append(entries)?;
        if let Some(failure) = failure {
            return Err(failure);
        }
    }
    let kept = progress.kept().count();
    let extracted = Extracted {
        images: kept,
        skipped: progress.entries().len() - kept,
        done_before,
        passed_over: passed_over.number_of_files(),
    };
    finish(extraction, progress, files, &records)?;
    Ok(extracted)
}

/// An image's file as it was just before it was read, and its features.
type Encoded = (Stamp, Result<Features, PictureError>);

fn encode(extraction: &Extraction, encoder: &Encoder, name: &str) -> io::Result<Encoded> {
    let path = extraction.images.join(name);
    let stamp = Stamp::of(&path)?;
    let size = extraction.architecture.image_size();
    let picture = picture::read(&path, size, Orientation::Exif);
    Ok((stamp, picture.map(|picture| encoder.encode(&picture))))
}

/// Puts complete files into place, if the images are still those that were encoded.
fn finish(
    extraction: &Extraction,
    mut progress: Progress,
    files: Vec<(Part, RowFile)>,
    records: &[Vec<u8>],
) -> Result<(), EncoderError> {
    if progress.kept().next().is_none() {
        for (_, file) in files {
            file.discard();
        }
        progress.remove()?;
        return Err(EncoderError::NothingEncoded {
            path: extraction.images.clone(),
        });
    }
    for entry in progress.entries() {
        let path = extraction.images.join(&entry.name);
        if Stamp::of(&path).unwrap_or_default() != entry.stamp {
            return Err(EncoderError::ChangedMeanwhile { path });
        }
    }
    progress.finish()?;
    let kept: Vec<&str> = progress.kept().collect();
    for ((_, file), record) in files.into_iter().zip(records) {
        file.finish(&kept, record)?;
    }
    progress.remove()
}

/// File names of the images in a folder, sorted by their bytes, and what is passed over. With `is_recursive`, those in
/// folders within it too, as paths from the folder.
///
/// # Errors
/// The folder cannot be listed, holds no image, or one whose name cannot be a line of a names file.
pub fn list_images(
    folder: &Path,
    is_recursive: bool,
) -> Result<(Vec<String>, PassedOver), EncoderError> {
    listing::images(folder, is_recursive)
}

/// Features of pictures of [`Architecture::image_size`], in their order: the same as [`extract`] makes, to the bit.
///
/// # Errors
/// Threads cannot be started.
pub fn encode_all(
    encoder: &Encoder,
    pictures: &[RgbImage],
    threads: NonZeroUsize,
) -> Result<Vec<Features>, EncoderError> {
    let encode = |number: usize| encoder.encode(&pictures[number]);
    Ok(Workers::start(threads)?.map(pictures.len(), &encode, &mut || {}))
}

/// CRC-32C of a file of weights.
///
/// # Errors
/// It cannot be read.
pub fn fingerprint(architecture: Architecture, weights: &Path) -> Result<u32, EncoderError> {
    let bytes = fs::read(weights).map_err(|error| EncoderError::Weights {
        path: weights.to_owned(),
        architecture,
        error: WeightsError::Read(error),
    })?;
    Ok(crc32c::crc32c(&bytes))
}

/// Appends a batch up to the first image that stops the work; returns what was done and that image's error.
fn append(
    extraction: &Extraction,
    names: &[String],
    results: Vec<io::Result<Encoded>>,
    files: &mut [(Part, RowFile)],
    observe: &mut dyn FnMut(&ExtractionEvent<'_>),
) -> Result<(Vec<Entry>, Option<EncoderError>), EncoderError> {
    let mut entries = Vec::with_capacity(names.len());
    for (name, result) in iter::zip(names, results) {
        let (stamp, result) = match result {
            Ok((stamp, result)) => (Some(stamp), result),
            Err(error) => (None, Err(PictureError::Read(error))),
        };
        let is_kept = result.is_ok();
        match result {
            Ok(features) => {
                for (part, file) in &mut *files {
                    file.push(match part {
                        Part::Pooled => &features.pooled,
                        Part::Grid => &features.grid,
                    })?;
                }
            }
            Err(error) => {
                let path = extraction.images.join(name);
                if extraction.on_error == OnError::Stop {
                    return Ok((entries, Some(EncoderError::Picture { path, error })));
                }
                observe(&ExtractionEvent::Skipped {
                    path: &path,
                    error: &error,
                });
            }
        }
        entries.push(Entry {
            name: name.clone(),
            stamp: stamp.unwrap_or_default(),
            is_kept,
        });
    }
    Ok((entries, None))
}
