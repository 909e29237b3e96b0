//! From a folder of images to feature files, so that a killed process loses next to nothing.
//!
//! Features are appended to files under names of their own (`FILE.partial`), and every image that is done to a record
//! of progress beside them. The same call goes on where the record ends, or before the first image whose file is not
//! the one that was encoded; since every image is encoded for itself, by one thread, the files end up the same to the
//! byte. They are renamed into place when they are complete.

mod encoded;
mod extraction;
mod fingerprint;
mod helpers;
mod listing;
pub(crate) mod passed_over;
mod plan;
mod progress;
mod rows;
mod workers;

use std::{io, iter, num::NonZeroUsize, path::Path};

use image::RgbImage;
use scst_group::{Alone, Group};

use self::{
    encoded::Encoded,
    plan::{check_unfinished, outputs, records, resume, settings},
    progress::{Entry, Progress, Stamp},
    rows::RowFile,
    workers::Workers,
};
pub use self::{
    extraction::{Extraction, OnError},
    fingerprint::fingerprint,
    listing::list_images,
    passed_over::PassedOver,
    progress::Change,
};
use crate::{
    encoder::{Encoder, Features},
    error::{EncoderError, PictureError},
    record::Part,
};

/// Images that each thread encodes before features are forced to the disk.
const IMAGES_PER_BATCH: usize = 16;

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
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
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
    extract_in(&Alone, extraction, observe)
}

/// As [`extract`], on several ranks: the first writes and observes, the others encode images for it and return nothing.
///
/// # Errors
/// Those of [`extract`]; [`EncoderError::Group`] when another rank cannot be reached.
pub fn extract_in(
    group: &dyn Group,
    extraction: &Extraction,
    observe: &mut dyn FnMut(&ExtractionEvent<'_>),
) -> Result<Extracted, EncoderError> {
    helpers::check_ranks(group, extraction)?;
    if group.rank() > 0 {
        let encoder = Encoder::open(extraction.architecture, &extraction.weights)?;
        let workers = Workers::start(extraction.threads)?;
        helpers::help(group, extraction, &encoder, &workers)?;
        return Ok(Extracted::default());
    }
    let outputs = outputs(extraction)?;
    check_unfinished(extraction, &outputs)?;
    let (names, passed_over) = list_images(&extraction.images, extraction.is_recursive)?;
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
    let batch = IMAGES_PER_BATCH * extraction.threads.get() * group.size();
    for names in names[done_before..].chunks(batch) {
        let with = (extraction, &encoder, &workers);
        let mut done = || observe(&ExtractionEvent::Encoded);
        let results = helpers::encode_batch(group, with, names, &mut done)?;
        let (entries, failure) = append(extraction, names, results, &mut files, observe)?;
        for (_, file) in &mut files {
            file.sync()?;
        }
        progress.append(entries)?;
        if let Some(failure) = failure {
            return Err(failure);
        }
    }
    helpers::dismiss(group)?;
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

/// Features of pictures of [`Architecture::image_size`](crate::Architecture::image_size), in their order: the same as [`extract`] makes, to the bit.
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
