//! Features of photos, made as those were that a run was trained on.

use std::path::{Path, PathBuf};

use rayon::prelude::*;
use scst_data::FeatureBatch;
use scst_encoder::{
    Architecture, Element, EncoderRecord, Features, Orientation, Part, RgbImage, fingerprint,
    is_turned, read,
};
use scst_trainer::Checkpoint;

use super::{of_run, shown::broken};
use crate::{arguments::CaptionArguments, failure::Failure};

/// What makes the features that a run reads.
pub(super) struct FeatureMaker {
    /// The encoder.
    pub(super) architecture: Architecture,
    /// Its weights.
    pub(super) weights: PathBuf,
    /// What the captioner reads.
    part: Part,
    /// Which way up photos are taken.
    pub(super) orientation: Orientation,
    /// How numbers were rounded, if that is known.
    element: Element,
}

impl FeatureMaker {
    /// From what `scst features` recorded, or from the arguments; both have to agree with each other and with what the
    /// captioner reads.
    pub(super) fn of_run(
        arguments: &CaptionArguments,
        checkpoint: &Checkpoint,
    ) -> Result<Self, Failure> {
        let run = arguments.model.display();
        let part = if checkpoint.config.model.reads_regions() {
            Part::Grid
        } else {
            Part::Pooled
        };
        let maker = match &checkpoint.encoder {
            Some(record) => recorded(arguments, checkpoint, record, part)?,
            None => given(arguments, checkpoint, part)?,
        };
        let (source, expected) = of_run::features(arguments, checkpoint)?;
        let found = maker.architecture.dimension();
        if found == expected {
            return Ok(maker);
        }
        Err(Failure::Mistake(format!(
            "{} gives vectors of {found} dimensions, but the captioner of `{run}` reads vectors of {expected}, as of `{}`",
            maker.architecture,
            source.path().display(),
        )))
    }

    /// What the captioner reads of images.
    pub(super) fn batch(&self, images: &[Features]) -> FeatureBatch {
        let dim = self.architecture.dimension();
        let parts = images.iter().map(|features| match self.part {
            Part::Pooled => features.pooled.as_slice(),
            Part::Grid => features.grid.as_slice(),
        });
        let mut values = parts.clone().collect::<Vec<_>>().concat();
        self.element.round(&mut values);
        FeatureBatch {
            values,
            regions: parts.map(|part| part.len() / dim).collect(),
            dim,
        }
    }
}

/// The encoder that the checkpoint knows; the arguments may say where its weights are now.
fn recorded(
    arguments: &CaptionArguments,
    checkpoint: &Checkpoint,
    record: &[u8],
    part: Part,
) -> Result<FeatureMaker, Failure> {
    let run = arguments.model.display();
    let record = EncoderRecord::parse(record)
        .map_err(|error| Failure::Mistake(format!("`encoder.json` of `{run}` is {error}")))?;
    let architecture = record.encoder;
    if let Some(found) = arguments.encoder.filter(|&found| found != architecture) {
        return Err(Failure::Mistake(format!(
            "--encoder: found {found}, but the features of `{run}` were made with {architecture}"
        )));
    }
    if record.features != part {
        let name = |part| match part {
            Part::Pooled => "pooled features",
            Part::Grid => "grid features",
        };
        return Err(Failure::Mistake(format!(
            "`encoder.json` of `{run}` is about {}, but its captioner reads {}",
            name(record.features),
            name(part)
        )));
    }
    let weights = match &arguments.weights {
        Some(weights) => weights.clone(),
        None => checkpoint.find(&record.weights)?,
    };
    let found = fingerprint(architecture, &weights).map_err(|error| match error.into() {
        Failure::Mistake(message) if arguments.weights.is_none() => Failure::Mistake(format!(
            "{message}; if it has moved, say where it is with --weights"
        )),
        failure => failure,
    })?;
    let expected = record.weights_crc32c;
    if found != expected {
        return Err(Failure::Mistake(format!(
            "weights of {architecture} `{}`: found checksum {found:08x}, expected {expected:08x}, that of the weights that \
             made the features of `{run}`",
            weights.display()
        )));
    }
    Ok(FeatureMaker {
        architecture,
        weights,
        part,
        orientation: record.orientation,
        element: record.element,
    })
}

/// The encoder that the arguments name, for features that come from elsewhere.
fn given(
    arguments: &CaptionArguments,
    checkpoint: &Checkpoint,
    part: Part,
) -> Result<FeatureMaker, Failure> {
    let (Some(architecture), Some(weights)) = (arguments.encoder, &arguments.weights) else {
        let (source, dimension) = of_run::features(arguments, checkpoint)?;
        return Err(Failure::Mistake(format!(
            "`{}` does not know which image encoder made its features, `{}` of {dimension} dimensions: they are not from `scst \
             features`; if there is one, name it with --encoder and --weights",
            arguments.model.display(),
            source.path().display(),
        )));
    };
    Ok(FeatureMaker {
        architecture,
        weights: weights.clone(),
        part,
        orientation: Orientation::Exif,
        element: Element::F32,
    })
}

/// All images in the size of the encoder; of those that cannot be read, the first is the error.
pub(super) fn pictures(paths: &[PathBuf], maker: &FeatureMaker) -> Result<Vec<RgbImage>, Failure> {
    let size = maker.architecture.image_size();
    let read_upright = |path: &PathBuf| read(path, size, maker.orientation);
    let pictures: Vec<_> = paths.par_iter().map(read_upright).collect();
    let pictures = pictures.into_iter().zip(paths);
    let read = |(picture, path): (Result<_, _>, &PathBuf)| {
        picture.map_err(|error| broken(Path::new(path), error))
    };
    pictures.map(read).collect()
}

/// Photos that are taken as they are stored, although their EXIF data say that they are to be turned: the features of
/// the run were made by a version that did not turn photos.
pub(super) fn left_as_stored<'a>(paths: &'a [PathBuf], maker: &FeatureMaker) -> Vec<&'a Path> {
    if maker.orientation == Orientation::Exif {
        return Vec::new();
    }
    let is_lying = |path: &&Path| is_turned(path).unwrap_or(false);
    paths
        .iter()
        .map(PathBuf::as_path)
        .filter(is_lying)
        .collect()
}
