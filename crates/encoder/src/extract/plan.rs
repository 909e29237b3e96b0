//! What is to be made: files, what decides about their bytes, what stands beside them, and what is there already.

use std::{fs, path::PathBuf};

use super::{
    extraction::Extraction,
    fingerprint::fingerprint,
    progress::{self, Progress, Settings},
    rows::RowFile,
};
use crate::{
    error::EncoderError,
    picture::Orientation,
    record::{EncoderRecord, Part},
};

/// A file to be made.
pub(super) struct Output {
    /// What it holds.
    pub(super) part: Part,
    /// Its path.
    pub(super) path: PathBuf,
    /// Shape of a row.
    pub(super) shape: Vec<usize>,
}

/// The files to be made, at least one.
///
/// # Errors
/// There is none, or their names do not go together.
pub(super) fn outputs(extraction: &Extraction) -> Result<Vec<Output>, EncoderError> {
    let architecture = extraction.architecture;
    let dimension = architecture.dimension();
    let pooled = extraction.pooled.iter().map(|path| Output {
        part: Part::Pooled,
        path: path.clone(),
        shape: vec![dimension],
    });
    let grid = extraction.grid.iter().map(|path| Output {
        part: Part::Grid,
        path: path.clone(),
        shape: vec![architecture.regions(), dimension],
    });
    let outputs: Vec<Output> = pooled.chain(grid).collect();
    if outputs.is_empty() {
        return Err(EncoderError::NoOutput);
    }
    for output in &outputs {
        if output.path.extension().is_none_or(|ending| ending != "npy") {
            return Err(EncoderError::OutputName {
                path: output.path.clone(),
            });
        }
    }
    if extraction.pooled == extraction.grid {
        return Err(EncoderError::SameOutput {
            path: outputs[0].path.clone(),
        });
    }
    Ok(outputs)
}

/// Makes sure that no finished file is lost.
///
/// # Errors
/// There is one, nothing tells that it is of work that was interrupted while files were put into place, and it is not
/// to be replaced.
pub(super) fn check_unfinished(
    extraction: &Extraction,
    outputs: &[Output],
) -> Result<(), EncoderError> {
    if extraction.replaces || progress::is_finishing(&outputs[0].path) {
        return Ok(());
    }
    match outputs.iter().find(|output| output.path.exists()) {
        None => Ok(()),
        Some(output) => Err(EncoderError::OutputExists {
            path: output.path.clone(),
        }),
    }
}

/// All that decides about the bytes of the files.
///
/// # Errors
/// Weights or folder cannot be read.
pub(super) fn settings(
    extraction: &Extraction,
    outputs: &[Output],
) -> Result<Settings, EncoderError> {
    let weights_crc32c = fingerprint(extraction.architecture, &extraction.weights)?;
    let images = fs::canonicalize(&extraction.images).map_err(|error| EncoderError::List {
        path: extraction.images.clone(),
        error,
    })?;
    Ok(Settings {
        version: progress::VERSION,
        architecture: extraction.architecture.name().to_owned(),
        weights_crc32c,
        images: images.to_string_lossy().into_owned(),
        orientation: Orientation::Exif,
        element: extraction.element.descr().to_owned(),
        outputs: outputs
            .iter()
            .map(|output| output.path.to_string_lossy().into_owned())
            .collect(),
    })
}

/// What is to stand beside every file.
///
/// # Errors
/// A path cannot be put in words.
pub(super) fn records(
    extraction: &Extraction,
    outputs: &[Output],
    weights_crc32c: u32,
) -> Result<Vec<Vec<u8>>, EncoderError> {
    let weights = fs::canonicalize(&extraction.weights);
    let weights = weights.unwrap_or_else(|_| extraction.weights.clone());
    let record = |output: &Output| {
        let record = EncoderRecord {
            encoder: extraction.architecture,
            weights: PathBuf::from(weights.to_string_lossy().into_owned()),
            weights_crc32c,
            features: output.part,
            orientation: Orientation::Exif,
            element: extraction.element,
        };
        record.to_json().map_err(|error| EncoderError::Record {
            path: output.path.clone(),
            error,
        })
    };
    outputs.iter().map(record).collect()
}

/// Opens the record of progress and the unfinished files, cut to what both agree on.
///
/// # Errors
/// They are of other work, or cannot be read or written.
pub(super) fn resume(
    settings: Settings,
    outputs: &[Output],
    extraction: &Extraction,
    names: &[String],
) -> Result<(Progress, Vec<(Part, RowFile)>), EncoderError> {
    let folder = &extraction.images;
    let mut progress = Progress::open(&outputs[0].path, &settings, folder, names)?;
    let mut files = Vec::new();
    for output in outputs {
        if progress.is_finishing() {
            RowFile::take_back(&output.path)?;
        }
        let file = RowFile::open(&output.path, output.shape.clone(), extraction.element)?;
        files.push((output.part, file));
    }
    let rows = files.iter().map(|(_, file)| file.rows()).min();
    progress.keep_rows(rows.unwrap_or(0))?;
    let rows = progress.kept().count();
    for (_, file) in &mut files {
        file.keep_rows(rows)?;
    }
    Ok((progress, files))
}
