//! What can go wrong.

use std::{
    io,
    path::{Path, PathBuf},
};

use crate::architecture::Architecture;

/// Why weights could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WeightsError {
    /// The file cannot be read.
    #[error("cannot read it: {0}")]
    Read(io::Error),
    /// The file is not one that PyTorch has written, or not all of it.
    #[error("it is not a whole file of PyTorch weights")]
    Format,
    /// A tensor's values cannot be read.
    #[error("it is damaged: {0}")]
    Tensor(io::Error),
    /// A tensor is missing.
    #[error("it has no tensor `{name}`{}", instead(nearest))]
    Missing {
        /// The tensor.
        name: String,
        /// Names in the file that are most like it.
        nearest: Vec<String>,
    },
    /// Tensors refer to the same values so often that they are far larger than their file.
    #[error(
        "tensor `{name}` repeats values of others so often that all are larger than the file allows"
    )]
    Repeats {
        /// The tensor at which there were too many.
        name: String,
    },
    /// A tensor has another shape.
    #[error("tensor `{name}` has the shape {found:?}, expected {expected:?}")]
    Shape {
        /// The tensor.
        name: String,
        /// Its shape in the file.
        found: Vec<usize>,
        /// Its shape in the network.
        expected: Vec<usize>,
    },
    /// A tensor has elements of another type.
    #[error("tensor `{name}` has elements of type {found}, expected float32 or float16")]
    Type {
        /// The tensor.
        name: String,
        /// Its type in the file.
        found: &'static str,
    },
    /// A tensor holds NaN or an infinity.
    #[error("tensor `{name}` holds a number that is not finite")]
    NotFinite {
        /// The tensor.
        name: String,
    },
    /// There is a tensor that the network does not have.
    #[error("it has a tensor `{name}`, which the network does not have")]
    Unexpected {
        /// The tensor.
        name: String,
    },
}

/// What is there instead of a tensor.
fn instead(nearest: &[String]) -> String {
    if nearest.is_empty() {
        return ", nor any other".to_owned();
    }
    let names: Vec<_> = nearest.iter().map(|name| format!("`{name}`")).collect();
    format!(", the most similar are {}", names.join(", "))
}

/// Why an image could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PictureError {
    /// The file cannot be read.
    #[error("{0}")]
    Read(#[from] io::Error),
    /// The file is not a whole JPEG.
    #[error("not a whole JPEG: {0}")]
    Jpeg(#[from] libjpeg_turbo_rs::JpegError),
    /// The file is not a whole PNG or WebP.
    #[error("{0}")]
    Decode(#[from] image::ImageError),
    /// The image has no pixels, or not as many as it says.
    #[error("its pixels do not fill its width and height")]
    Pixels,
}

/// Why a record of an encoder could not be read.
#[derive(Debug, thiserror::Error)]
#[error("not a record of an encoder as `scst features` writes it: {0}")]
pub struct RecordError(pub(crate) serde_json::Error);

/// Why attention could not be drawn.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AttentionPictureError {
    /// The regions do not lie in a square.
    #[error(
        "cannot draw attention to {regions} regions, expected a square number of them, row after row"
    )]
    Regions {
        /// Their number.
        regions: usize,
    },
    /// A weight is negative, NaN or infinite.
    #[error("cannot draw a weight of attention of {weight}")]
    Weight {
        /// The weight.
        weight: f32,
    },
    /// The photo has no pixels.
    #[error(transparent)]
    Photo(#[from] PictureError),
    /// The picture cannot be put together.
    #[error("cannot encode a picture of attention: {0}")]
    Encode(#[from] image::ImageError),
}

/// Why features could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EncoderError {
    /// Nothing is to be written.
    #[error("found no file to write, expected one for pooled or one for grid features")]
    NoOutput,
    /// A feature file has another ending.
    #[error("cannot write features to `{}`: expected a file ending in .npy", path.display())]
    OutputName {
        /// The file.
        path: PathBuf,
    },
    /// Pooled and grid features would go to the same file.
    #[error("cannot write both pooled and grid features to `{}`", path.display())]
    SameOutput {
        /// The file.
        path: PathBuf,
    },
    /// A folder cannot be listed.
    #[error("cannot list the images of `{}`: {error}", path.display())]
    List {
        /// The folder.
        path: PathBuf,
        /// What the operating system answered.
        error: io::Error,
    },
    /// A folder holds no image.
    #[error("found no image in `{}`, expected files ending in .jpg, .jpeg, .png or .webp", path.display())]
    NoImages {
        /// The folder.
        path: PathBuf,
    },
    /// No image of a folder can be read.
    #[error("none of the images in `{}` can be read", path.display())]
    NothingEncoded {
        /// The folder.
        path: PathBuf,
    },
    /// An image's name cannot be a line of a names file.
    #[error("image `{}`: expected a name in UTF-8 without line breaks or outer spaces", path.display())]
    ImageName {
        /// The image.
        path: PathBuf,
    },
    /// A record of the encoder cannot be put in words.
    #[error("cannot record the encoder of `{}`: {error}", path.display())]
    Record {
        /// The feature file.
        path: PathBuf,
        /// Why.
        error: serde_json::Error,
    },
    /// An image cannot be read.
    #[error("cannot read image `{}`: {error}", path.display())]
    Picture {
        /// The image.
        path: PathBuf,
        /// What is wrong with it.
        error: PictureError,
    },
    /// The weights are not those of the encoder.
    #[error("weights of {architecture} `{}`: {error}", path.display())]
    Weights {
        /// Their file.
        path: PathBuf,
        /// The encoder.
        architecture: Architecture,
        /// What is wrong with it.
        error: WeightsError,
    },
    /// Unfinished files were made with other options.
    #[error("`{}` records unfinished work with other options, weights or images; delete it to begin anew", path.display())]
    OtherProgress {
        /// The record.
        path: PathBuf,
    },
    /// The folder holds other images than when the work began.
    #[error("the images are not those of the unfinished work that `{}` records; delete it to begin anew", path.display())]
    ImagesChanged {
        /// The record.
        path: PathBuf,
    },
    /// Another process writes the same files.
    #[error("another process is at work on the files of `{}`", path.display())]
    Busy {
        /// The record.
        path: PathBuf,
    },
    /// A file cannot be written.
    #[error("cannot write `{}`: {error}", path.display())]
    Write {
        /// The file, never its temporary name.
        path: PathBuf,
        /// What the operating system answered.
        error: io::Error,
    },
    /// Threads cannot be started.
    #[error("cannot start threads: {0}")]
    Threads(rayon::ThreadPoolBuildError),
}

impl EncoderError {
    /// An error for `map_err`.
    pub(crate) fn write(path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |error| Self::Write {
            path: path.to_owned(),
            error,
        }
    }

    /// Whether what was asked for is at fault, rather than the machine.
    pub fn is_mistake(&self) -> bool {
        match self {
            Self::Write { error, .. } => error.kind() == io::ErrorKind::NotFound,
            Self::Threads(_) | Self::Busy { .. } | Self::Record { .. } => false,
            _ => true,
        }
    }
}
